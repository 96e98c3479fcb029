"""What is done to earlier messages, from the daemon to Baileys and back, in a direct chat and in a group."""

import pytest

from tests.support.files import b64, png

SAID = "waconnd → Baileys"
HEARD = "waconnd ← Baileys"


@pytest.fixture(params=["direct", "group"])
def place(stage, request):
    """Where: the chat as Ada and as Bob write it, and whether it is a group."""
    if request.param == "group":
        return Place(stage, stage.group, stage.group)
    return Place(stage, stage.bob.jid, stage.ada.jid)


class Place:
    """One of the two chats of a stage."""

    def __init__(self, stage, theirs, ours):
        self.ada, self.bob, self.fits = stage.ada, stage.bob, stage.fits
        #: As Ada writes it, and as Bob does.
        self.to_bob, self.to_ada = theirs, ours
        self.is_group = theirs == ours

    async def from_ada(self, **said):
        """Ada says it: its id, and the message as Bob sees it."""
        id = (await self.ada.send(self.to_bob, **said))["id"]
        return id, await self.bob.by_id(id)

    async def from_bob(self, content, **options):
        """Bob says it: its id, and his own copy."""
        sent = await self.bob.ask("send", to=self.to_ada, content=content, options=options)
        await self.ada.message(sent["key"]["id"])
        return sent["key"]["id"], sent

    async def act(self, method, id, **params):
        """Ada does it: the id of the act."""
        return (await self.ada.call(f"message.{method}", id=id, chat=self.to_bob, **params))["id"]

    async def seen(self, id):
        """What Bob sees of an act."""
        return (await self.bob.by_id(id))["message"]

    async def told(self, type, id, match=lambda data: True):
        """What Ada is told of Bob's act on the message `id`."""
        data = await self.ada.event(type, lambda data: data["target"]["id"] == id and match(data))
        assert (data["by"]["lid"], data["from_me"]) == (self.bob.lid, False)
        assert data["chat"] == data["target"]["chat"]
        assert data["chat"]["id"] == (self.to_bob if self.is_group else self.bob.lid)
        return data


@pytest.mark.row("quote", SAID)
async def test_quote_said(place):
    id, _ = await place.from_bob({"text": "the question"})
    _, got = await place.from_ada(text="the answer", reply_to=id)
    author = place.bob.lid
    assert got["message"]["extendedTextMessage"] == {
        "text": "the answer",
        "contextInfo": {
            "stanzaId": id,
            "participant": author,
            "quotedMessage": {"conversation": "the question"},
        },
    }
    mine, _ = await place.from_ada(image={"data": b64(png())}, caption="mine")
    _, got = await place.from_ada(text="more of it", reply_to=mine)
    context = got["message"]["extendedTextMessage"]["contextInfo"]
    assert (context["stanzaId"], context["participant"]) == (mine, place.ada.lid)
    assert context["quotedMessage"]["imageMessage"]["caption"] == "mine"
    place.fits()


@pytest.mark.row("quote", HEARD)
async def test_quote_heard(place):
    id, got = await place.from_ada(text="the question")
    answer, _ = await place.from_bob({"text": "the answer"}, quoted=got)
    data = await place.ada.message(answer)
    assert data["body"] == {"kind": "text", "text": "the answer"}
    quoted = data["reply_to"]
    assert (quoted["id"], quoted["body"]) == (id, {"kind": "text", "text": "the question"})
    assert quoted["from"]["id"] == place.ada.lid


@pytest.mark.row("mentions", SAID)
async def test_mentions_said(place):
    number = place.bob.jid.partition("@")[0]
    _, got = await place.from_ada(text=f"hey @{number}", mentions=[f"+{number}"])
    assert got["message"]["extendedTextMessage"] == {
        "text": f"hey @{number}",
        "contextInfo": {"mentionedJid": [place.bob.jid]},
    }


@pytest.mark.row("mentions", HEARD)
async def test_mentions_heard(place):
    user = place.ada.lid.partition("@")[0]
    id, _ = await place.from_bob({"text": f"hey @{user}", "mentions": [place.ada.lid]})
    data = await place.ada.message(id)
    assert [one["id"] for one in data["mentions"]] == [place.ada.lid]


@pytest.mark.row("reaction, changed and taken back", SAID)
async def test_reaction_said(place):
    id, _ = await place.from_bob({"text": "nice?"})
    for emoji in ("👍", "❤️", ""):
        mark = place.bob.mark
        act = await place.act("react", id, emoji=emoji)
        told = await place.bob.entry(
            "messages.reaction", lambda d, act=act: d["reaction"]["key"]["id"] == act, since=mark
        )
        assert (told["reaction"].get("text", ""), told["key"]["id"]) == (emoji, id)
        assert told["key"]["fromMe"] is True
    place.fits()


@pytest.mark.row("reaction, changed and taken back", HEARD)
async def test_reaction_heard(place):
    id, got = await place.from_ada(text="nice?")
    for emoji in ("👍", "❤️", ""):
        await place.bob.ask("send", to=place.to_ada, content={"react": {"text": emoji, "key": got["key"]}})
        data = await place.told("message.reaction", id, lambda d, emoji=emoji: d["emoji"] == emoji)
        assert data["target"]["from"]["id"] == place.ada.lid


@pytest.mark.row("edit of a text and of a caption", SAID)
async def test_edit_said(place):
    id, _ = await place.from_ada(text="at 8")
    await place.act("edit", id, text="at 9")
    new = await place.bob.entry("messages.update", lambda d: d["key"]["id"] == id and d["update"]["message"])
    assert new["update"]["message"]["editedMessage"]["message"] == {"conversation": "at 9"}
    id, _ = await place.from_ada(image={"data": b64(png())}, caption="at 8")
    await place.act("edit", id, caption="at 9")
    new = await place.bob.entry("messages.update", lambda d: d["key"]["id"] == id and d["update"]["message"])
    image = new["update"]["message"]["editedMessage"]["message"]["imageMessage"]
    assert (image["caption"], image["mimetype"], image["width"]) == ("at 9", "image/png", 3)
    place.fits()


@pytest.mark.row("edit", HEARD)
async def test_edit_heard(place):
    id, sent = await place.from_bob({"text": "at 8"})
    await place.bob.ask("send", to=place.to_ada, content={"text": "at 9", "edit": sent["key"]})
    data = await place.told("message.edited", id)
    assert data["body"] == {"kind": "text", "text": "at 9"}
    held = await place.ada.call("message.get", id=id, chat=place.to_bob)
    assert held["data"]["body"]["text"] == "at 9"
    assert held["edited_at"]


@pytest.mark.row("revoke of one's own", SAID)
async def test_revoke_said(place):
    id, _ = await place.from_ada(text="oops")
    await place.act("revoke", id)
    await place.bob.entry(
        "messages.update", lambda d: d["key"]["id"] == id and d["update"]["messageStubType"] == 1
    )
    place.fits()


@pytest.mark.row("revoke of one's own", HEARD)
async def test_revoke_heard(place):
    id, sent = await place.from_bob({"text": "oops"})
    await place.bob.ask("send", to=place.to_ada, content={"delete": sent["key"]})
    await place.told("message.revoked", id)
    held = await place.ada.call("message.get", id=id, chat=place.to_bob)
    assert (held["kind"], held["data"]["body"]) == ("revoked", {"kind": "revoked"})


@pytest.mark.row("revoke as an admin", "waconnd ↔ Baileys")
async def test_revoke_as_admin(stage):
    place = Place(stage, stage.group, stage.group)
    id, _ = await place.from_bob({"text": "rude"})
    await place.act("revoke", id)
    await place.bob.entry(
        "messages.update", lambda d: d["key"]["id"] == id and d["update"]["messageStubType"] == 1
    )
    id, got = await place.from_ada(text="rude too")
    await place.bob.ask("send", to=place.to_ada, content={"delete": got["key"]})
    await place.told("message.revoked", id)
    place.fits()


@pytest.mark.row("pin, for a day, and taken off", SAID)
async def test_pin_said(place):
    id, _ = await place.from_bob({"text": "rules"})
    seen = await place.seen(await place.act("pin", id, for_s=86400))
    assert (seen["pinInChatMessage"]["type"], seen["pinInChatMessage"]["key"]["id"]) == ("PIN_FOR_ALL", id)
    assert seen["messageContextInfo"]["messageAddOnDurationInSecs"] == 86400
    seen = await place.seen(await place.act("pin", id, on=False))
    assert seen["pinInChatMessage"]["type"] == "UNPIN_FOR_ALL"
    place.fits()


@pytest.mark.row("pin, for a day, and taken off", HEARD)
async def test_pin_heard(place):
    id, got = await place.from_ada(text="rules")
    for type, on, for_s in ((1, True, 86400), (2, False, 0)):
        await place.bob.ask("send", to=place.to_ada, content={"pin": got["key"], "type": type, "time": 86400})
        data = await place.told("message.pinned", id, lambda d, on=on: d["on"] is on)
        assert data.get("for_s", 0) == for_s


@pytest.mark.row("keep in a disappearing chat", SAID)
async def test_keep_said(place):
    id, _ = await place.from_bob({"text": "evidence"})
    for on, type in ((True, "KEEP_FOR_ALL"), (False, "UNDO_KEEP_FOR_ALL")):
        seen = await place.seen(await place.act("keep", id, on=on))
        assert (seen["keepInChatMessage"]["keepType"], seen["keepInChatMessage"]["key"]["id"]) == (type, id)
    place.fits()


@pytest.mark.row("keep in a disappearing chat", HEARD)
async def test_keep_heard(place):
    id, got = await place.from_ada(text="evidence")
    for type, on in ((1, True), (2, False)):
        keep = {"key": got["key"], "keepType": type, "timestampMs": 1}
        await place.bob.call("relayMessage", place.to_ada, {"keepInChatMessage": keep}, {})
        await place.told("message.kept", id, lambda d, on=on: d["on"] is on)


@pytest.mark.row("poll vote, opened and counted", SAID)
async def test_vote_said(place):
    id, _ = await place.from_bob({"poll": {"name": "When?", "values": ["Mon", "Tue"], "selectableCount": 1}})
    for options, counts in ((["Tue"], [0, 1]), (["Mon"], [1, 0]), ([], [0, 0])):
        act = await place.act("vote", id, options=options)
        await place.bob.by_id(act)
        tally = await place.bob.ask("tally", poll=id, vote=act, author=place.bob.lid, who=place.ada.lid)
        assert [len(option["voters"]) for option in tally] == counts
    place.fits()


@pytest.mark.row("poll vote, opened and counted", HEARD)
@pytest.mark.parametrize("names", ["numbers", "hidden ids"])
async def test_vote_heard(place, names):
    id, _ = await place.from_ada(poll={"name": "When?", "options": ["Mon", "Tue"], "multiple_answers": True})
    hidden = names == "hidden ids"
    people = (
        {"author": place.ada.lid, "who": place.bob.lid}
        if hidden
        else {"author": place.ada.jid, "who": place.bob.jid}
    )
    for options, counts in ((["Tue", "Mon"], [1, 1]), (["Tue"], [0, 1]), ([], [0, 0])):
        await place.bob.ask("vote", to=place.to_ada, id=id, options=options, **people)
        data = await place.told("message.poll_vote", id, lambda d, wanted=options: d["options"] == wanted)
        assert data["results"] == [
            {"option": name, "votes": count} for name, count in zip(("Mon", "Tue"), counts, strict=True)
        ]
    held = await place.ada.call("message.get", id=id, chat=place.to_bob)
    assert [result["votes"] for result in held["results"]] == [0, 0]


@pytest.mark.row("answer to an event", SAID)
async def test_rsvp_said(place):
    event = {"name": "Dinner", "startDate": {"type": "Date", "data": "2027-01-01T19:00:00Z"}}
    id, _ = await place.from_bob({"event": event})
    act = await place.act("rsvp", id, response="going", extra_guests=2)
    await place.bob.by_id(act)
    answer = await place.bob.ask("answer", event=id, id=act, author=place.bob.lid, who=place.ada.lid)
    assert (answer["response"], answer["extraGuestCount"]) == ("GOING", 2)
    place.fits()


@pytest.mark.row("answer to an event", HEARD)
async def test_rsvp_heard(place):
    id, _ = await place.from_ada(event={"name": "Dinner", "start_at": "2027-01-01T19:00:00Z"})
    people = {"author": place.ada.jid, "who": place.bob.jid}
    for number, word in ((2, "not_going"), (1, "going")):
        await place.bob.ask("respond", to=place.to_ada, id=id, response=number, guests=1, **people)
        data = await place.told("message.event_response", id, lambda d, word=word: d["response"] == word)
        assert data["extra_guests"] == 1


@pytest.mark.row("forward", SAID)
async def test_forward_said(place):
    id, _ = await place.from_bob(
        {"image": {"type": "Buffer", "data": b64(png())}, "caption": "look", "jpegThumbnail": ""}
    )
    sent = (await place.ada.call("message.forward", id=id, chat=place.to_bob, to=[place.to_bob]))["sent"][0]
    image = (await place.seen(sent["id"]))["imageMessage"]
    assert (image["caption"], image["contextInfo"]) == ("look", {"isForwarded": True, "forwardingScore": 1})
    assert await place.bob.ask("download", id=sent["id"]) == b64(png())
    place.fits()


@pytest.mark.row("forward", HEARD)
async def test_forward_heard(place):
    _, got = await place.from_ada(text="pass it on", forwarded=4)
    id, _ = await place.from_bob({"forward": got})
    data = await place.ada.message(id)
    assert data["body"] == {
        "kind": "text",
        "text": "pass it on",
        "forwarded": {"score": 5, "frequently": True},
    }


@pytest.mark.row("album", SAID)
async def test_album_said(place):
    items = [{"image": {"data": b64(png())}, "caption": "one"}, {"image": {"data": b64(png(4, 4))}}]
    sent = await place.ada.send(place.to_bob, album=items)
    header = await place.seen(sent["ids"][0])
    assert header["albumMessage"] == {"expectedImageCount": 2, "expectedVideoCount": 0}
    for id, item in zip(sent["ids"][1:], items, strict=True):
        seen = await place.seen(id)
        association = seen["messageContextInfo"]["messageAssociation"]
        assert (association["associationType"], association["parentMessageKey"]["id"]) == (
            "MEDIA_ALBUM",
            sent["ids"][0],
        )
        assert seen["imageMessage"].get("caption", "") == item.get("caption", "")
        assert await place.bob.ask("download", id=id) == item["image"]["data"]
    place.fits()


@pytest.mark.row("album", HEARD)
async def test_album_heard(place):
    header, sent = await place.from_bob({"album": {"expectedImageCount": 1, "expectedVideoCount": 0}})
    assert (await place.ada.message(header))["body"]["album"] == {"images": 1, "videos": 0}
    picture = {
        "image": {"type": "Buffer", "data": b64(png())},
        "jpegThumbnail": "",
        "albumParentKey": sent["key"],
    }
    id, _ = await place.from_bob(picture)
    association = (await place.ada.message(id))["association"]
    assert (association["type"], association["parent"]["id"]) == ("MEDIA_ALBUM", header)


@pytest.mark.row("comment", SAID)
async def test_comment_said(place):
    id, _ = await place.from_bob({"text": "a post"})
    _, got = await place.from_ada(comment={"target": id, "text": "first!"})
    comment = got["message"]["commentMessage"]
    assert (comment["message"], comment["targetMessageKey"]["id"]) == ({"conversation": "first!"}, id)


@pytest.mark.row("comment", HEARD)
async def test_comment_heard(place):
    id, got = await place.from_ada(text="a post")
    comment = {"message": {"conversation": "first!"}, "targetMessageKey": got["key"]}
    told = await place.bob.call("relayMessage", place.to_ada, {"commentMessage": comment}, {})
    data = await place.ada.message(told)
    assert data["body"]["content"]["body"]["text"] == "first!"
    assert data["target"]["id"] == id


@pytest.mark.row("choice of buttons", "waconnd ↔ Baileys")
async def test_choice(place):
    buttons = [{"buttonId": "y", "buttonText": {"displayText": "Yes"}, "type": 1}]
    message = {"buttonsMessage": {"contentText": "Sure?", "headerType": 1, "buttons": buttons}}
    id = await place.bob.call("relayMessage", place.to_ada, message, {})
    await place.ada.message(id)
    seen = (await place.seen(await place.act("answer", id, choice="y")))["buttonsResponseMessage"]
    assert (seen["selectedButtonId"], seen["selectedDisplayText"], seen["type"]) == (
        "y",
        "Yes",
        "DISPLAY_TEXT",
    )
    assert seen["contextInfo"]["stanzaId"] == id
    reply, _ = await place.from_bob({"buttonReply": {"id": "y", "displayText": "Yes"}, "type": "plain"})
    assert (await place.ada.message(reply))["body"] == {
        "kind": "buttons_reply",
        "reply": {"id": "y", "text": "Yes"},
    }
