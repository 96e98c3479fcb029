"""Around a chat: stories, channels, receipts, presence, timers, files that the hosts have lost, sessions that were lost."""

import shutil

import pytest

from tests.interop.kinds.shape import buffer
from tests.interop.talker import PAIR
from tests.support.files import b64, ogg, png

SAID = "waconnd → Baileys"
HEARD = "waconnd ← Baileys"
STATUS = "status@broadcast"


@pytest.mark.row("story: text with colours, and a picture, for an audience", SAID)
async def test_story_said(stage):
    ada, bob = stage.ada, stage.bob
    style = {"background": "#1E6E4F", "font": 2}
    sent = await ada.call("story.post", text="open tonight", style=style, audience=[bob.jid])
    got = await bob.by_id(sent["id"])
    assert (got["key"]["remoteJid"], got["key"]["participant"]) == (STATUS, ada.lid)
    said = got["message"]["extendedTextMessage"]
    assert (said["text"], said["backgroundArgb"] & 0xFFFFFFFF, said["font"]) == (
        "open tonight",
        0xFF1E6E4F,
        "FB_SCRIPT",
    )
    sent = await ada.call("story.post", image={"data": b64(png())}, caption="today", audience=[bob.jid])
    got = await bob.by_id(sent["id"])
    assert got["message"]["imageMessage"]["caption"] == "today"
    assert await bob.ask("download", id=sent["id"]) == b64(png())
    stage.fits()


@pytest.mark.row("story, and a like of it", HEARD)
async def test_story_heard(stage):
    ada, bob = stage.ada, stage.bob
    # Without his own name Bob's phone would not get the key.
    options = {"statusJidList": [ada.jid, bob.jid], "backgroundColor": "#1E6E4F", "font": 2}
    sent = await bob.ask("send", to=STATUS, content={"text": "back at nine"}, options=options)
    data = await ada.message(sent["key"]["id"])
    assert (data["chat"]["id"], data["from"]["lid"], data["body"]["text"]) == (
        STATUS,
        bob.lid,
        "back at nine",
    )
    assert data["body"]["style"]["background_argb"] == 0xFF1E6E4F
    await ada.call("message.react", id=data["id"], chat=STATUS, emoji="💚")
    told = await bob.entry("messages.reaction", lambda d: d["reaction"]["text"] == "💚")
    assert told["key"]["id"] == data["id"]


@pytest.mark.row("channel: made, posted to with a picture, reacted to; a post changed and taken back", SAID)
async def test_channel_said(stage):
    ada, bob = stage.ada, stage.bob
    made = (await ada.call("channel.update", op="create", name="News", description="of the day"))["channel"]
    await bob.call("newsletterFollow", made["id"])
    sent = await ada.send(made["id"], text="extra, extra")
    got = await bob.by_id(sent["id"])
    assert (got["key"]["remoteJid"], got["message"]["conversation"]) == (made["id"], "extra, extra")
    picture = await ada.send(made["id"], image={"data": b64(png())}, caption="look")
    got = await bob.by_id(picture["id"])
    image = got["message"]["imageMessage"]
    assert image["caption"] == "look"
    # What is for all is not encrypted.
    assert "mediaKey" not in image
    assert stage.sandbox.world.blobs.get(image["directPath"]) == png()
    mark = bob.mark
    await ada.call("message.edit", id=sent["id"], chat=made["id"], text="extra, corrected")
    got = await bob.text("extra, corrected", since=mark)
    assert (got["key"]["id"], got["key"]["server_id"]) == (sent["id"], sent["server_id"])
    await ada.event("message.edited", lambda d: d["target"]["id"] == sent["id"])
    held = await ada.call("message.get", id=sent["id"], chat=made["id"])
    assert held["data"]["body"]["text"] == "extra, corrected"
    await bob.call("newsletterReactMessage", made["id"], sent["server_id"], "🔥")
    await stage.sandbox.until(
        lambda: "🔥" in str(stage.sandbox.world.channels[made["id"].split("@")[0]].reactions) or None,
        "the reaction",
    )
    await ada.call("message.revoke", id=picture["id"], chat=made["id"])
    await ada.event("message.revoked", lambda d: d["target"]["id"] == picture["id"])
    assert (await ada.call("message.get", id=picture["id"], chat=made["id"]))["kind"] == "revoked"
    stage.fits()


@pytest.mark.row("channel: followed, its posts read", HEARD)
async def test_channel_heard(stage):
    ada, bob = stage.ada, stage.bob
    made = await bob.call("newsletterCreate", "Bob's news", "of the day")
    await ada.call("channel.update", op="follow", id=made["id"])
    sent = await bob.ask("send", to=made["id"], content={"text": "extra"})
    data = await ada.message(sent["key"]["id"], types=["channel.message"])
    assert (data["chat"]["id"], data["body"]["text"]) == (made["id"], "extra")
    page = await ada.call("channel.update", op="messages", id=made["id"])
    assert [post["body"]["text"] for post in page["messages"]] == ["extra"]


@pytest.mark.row("receipts of what the daemon sent: delivered, read, played; in a group by person", SAID)
async def test_receipts_heard(stage):
    ada, bob = stage.ada, stage.bob
    sent = await ada.call(
        "message.send", to=bob.jid, voice={"data": b64(ogg())}, wait="delivered", timeout_s=20
    )
    assert sent["status"] == "delivered"
    got = await bob.by_id(sent["id"])
    await bob.call("readMessages", [got["key"]])
    await bob.call("sendReceipt", got["key"]["remoteJid"], None, [sent["id"]], "played")
    for status in ("server_ack", "delivered", "read", "played"):
        await ada.event(
            "message.status", lambda d, status=status: sent["id"] in d["ids"] and d["status"] == status
        )
    assert (await ada.call("message.get", id=sent["id"]))["status"] == "played"
    group = await ada.send(stage.group, text="all of you")
    got = await bob.by_id(group["id"])
    await bob.call("readMessages", [got["key"]])
    told = await ada.event("message.status", lambda d: group["id"] in d["ids"] and d["status"] == "read")
    assert told["by"]["lid"] == bob.lid
    held = await ada.call("message.get", id=group["id"])
    of_bob = next(one for one in held["receipts"] if one["who"] == bob.lid)
    assert of_bob["read_at"]
    # His phone got it too, and he reads on the other.
    assert [device["device"] for device in of_bob["devices"] if device.get("read_at")] == [1]


@pytest.mark.row("receipts of what Baileys sent: delivered, read, played; in a group by person", HEARD)
async def test_receipts_said(stage):
    ada, bob = stage.ada, stage.bob
    voice = {"audio": buffer(ogg()), "ptt": True, "mimetype": "audio/ogg; codecs=opus", "seconds": 3}
    sent = await bob.ask("send", to=ada.jid, content=voice)
    id = sent["key"]["id"]
    await ada.message(id)
    await bob.reached(id, 3)
    await ada.call("message.mark_read", chat=bob.jid, ids=[id])
    await bob.reached(id, 4)
    await ada.call("message.mark_read", chat=bob.jid, ids=[id], played=True)
    await bob.reached(id, 5)
    sent = await bob.ask("send", to=stage.group, content={"text": "all of you"})
    await ada.message(sent["key"]["id"])
    await ada.call("message.mark_read", chat=stage.group, ids=[sent["key"]["id"]])
    await bob.entry(
        "message-receipt.update",
        lambda d: d["key"]["id"] == sent["key"]["id"] and d["receipt"]["readTimestamp"],
    )


@pytest.mark.row("typing and recording, which stop by themselves; online and offline", SAID)
async def test_presence_said(stage):
    ada, bob = stage.ada, stage.bob
    await ada.call("presence.set", online=True)
    # Only who is online is told of others.
    await bob.call("sendPresenceUpdate", "available")
    await bob.call("presenceSubscribe", ada.jid)
    for kind, shown in (("text", "composing"), ("voice", "recording")):
        mark = bob.mark
        await ada.call("chat.typing", chat=bob.jid, kind=kind, for_s=0.5)
        await bob.event("presence.update", lambda d, shown=shown: shown in str(d["presences"]), since=mark)
        await bob.event("presence.update", lambda d: "available" in str(d["presences"]), since=mark)
    mark = bob.mark
    await ada.call("presence.set", online=False)
    await bob.event("presence.update", lambda d: "unavailable" in str(d["presences"]), since=mark)


@pytest.mark.row("typing and recording; online and offline", HEARD)
async def test_presence_heard(stage):
    ada, bob = stage.ada, stage.bob
    await ada.call("presence.set", online=True)
    await ada.call("presence.watch", ids=[bob.jid])
    async with ada.live("chat.typing", "contact.presence") as told:
        await bob.call("sendPresenceUpdate", "composing", ada.jid)
        typing = await told(lambda d: d.get("kind"))
        assert (typing["who"]["lid"], typing["kind"], typing["on"]) == (bob.lid, "text", True)
        await bob.call("sendPresenceUpdate", "recording", ada.jid)
        assert (await told(lambda d: d.get("kind") == "voice"))["on"] is True
        await bob.call("sendPresenceUpdate", "paused", ada.jid)
        await told(lambda d: d.get("on") is False)
        await bob.call("sendPresenceUpdate", "unavailable")
        gone = await told(lambda d: d.get("online") is False)
        assert gone["contact"]["lid"] == bob.lid
    await bob.call("sendPresenceUpdate", "available")
    await ada.call("presence.set", online=False)


@pytest.mark.row("disappearing timer of a chat, set by each, obeyed by the daemon", PAIR)
async def test_timer(stage):
    ada, bob = stage.ada, stage.bob
    mark = bob.mark
    await ada.call("chat.update", chat=bob.jid, timer_s=86400)
    await bob.entry("chats.update", lambda d: d["ephemeralExpiration"] == 86400, since=mark)
    sent = await ada.send(bob.jid, text="gone tomorrow")
    context = (await bob.by_id(sent["id"]))["message"]["extendedTextMessage"]["contextInfo"]
    assert context["expiration"] == 86400
    await bob.ask("send", to=ada.jid, content={"disappearingMessagesInChat": 604800})
    data = await ada.event("chat.updated", lambda d: d.get("timer_s") == 604800)
    assert data["by"]["lid"] == bob.lid
    sent = await ada.send(bob.jid, text="gone in a week")
    context = (await bob.by_id(sent["id"]))["message"]["extendedTextMessage"]["contextInfo"]
    assert context["expiration"] == 604800
    await bob.ask("send", to=ada.jid, content={"disappearingMessagesInChat": False})
    await ada.event("chat.updated", lambda d: d.get("timer_s") == 0)
    sent = await ada.send(bob.jid, text="here to stay")
    assert (await bob.by_id(sent["id"]))["message"]["conversation"] == "here to stay"


@pytest.mark.row("disappearing timer of a group, set by each", PAIR)
async def test_group_timer(stage):
    ada, bob = stage.ada, stage.bob
    await bob.call("groupToggleEphemeral", stage.group, 86400)
    await ada.event("group.updated", lambda d: d["changed"].get("timer_s") == 86400)
    sent = await ada.send(stage.group, text="gone tomorrow")
    context = (await bob.by_id(sent["id"]))["message"]["extendedTextMessage"]["contextInfo"]
    assert context["expiration"] == 86400
    await ada.call("group.update", id=stage.group, timer_s=0)
    await ada.event("group.updated", lambda d: d["changed"].get("timer_s") == 0)
    sent = await ada.send(stage.group, text="here to stay")
    assert (await bob.by_id(sent["id"]))["message"]["conversation"] == "here to stay"


@pytest.mark.row("a file that the hosts have lost comes again by way of the phone", PAIR)
async def test_lost_file(stage, tmp_path):
    ada, bob, blobs = stage.ada, stage.bob, stage.sandbox.world.blobs
    picture = {"image": buffer(png(9, 9)), "jpegThumbnail": ""}
    sent = await bob.ask("send", to=ada.jid, content=picture)
    id = sent["key"]["id"]
    await ada.message(id)
    blobs.drop(sent["message"]["imageMessage"]["directPath"])
    assert await ada.file(id, bob.jid, tmp_path) == png(9, 9)
    sent = await ada.send(bob.jid, image={"data": b64(png(7, 7))})
    got = await bob.by_id(sent["id"])
    blobs.drop(got["message"]["imageMessage"]["directPath"])
    await bob.ask("upload_again", id=sent["id"])
    assert await bob.ask("download", id=sent["id"]) == b64(png(7, 7))


@pytest.mark.row(
    "the daemon lost its session and its sender keys: an older copy of its keys was put back", PAIR
)
async def test_older_keys(sandbox, client, waconnd, tmp_path):
    async with waconnd() as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        group = (await bob.call("groupCreate", "talk", [ada.jid]))["id"]
        keys, copy = ada.daemon.folder / "state" / "accounts" / "main", tmp_path / "copy"

        async def talk(word):
            for place, back in ((bob.jid, ada.jid), (group, group)):
                await bob.say(back, f"{word} {place}")
                await ada.text(f"{word} {place}", ["message.received", "message.recovered"])
                await ada.say(place, f"{word} too {place}")
                await bob.text(f"{word} too {place}")

        await talk("before")
        await ada.rest()
        shutil.copytree(keys, copy)
        await ada.wake()
        for turn in range(3):
            await talk(f"then {turn}")
        await ada.rest()
        shutil.rmtree(keys)
        shutil.copytree(copy, keys)
        await ada.wake()
        await talk("after")
        await talk("and on")
