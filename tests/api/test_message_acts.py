"""What is done to earlier messages: edits, revokes, reactions, votes, answers, pins, keeps; and reading."""

from typing import Any

import pytest

from protocol.jid import parse
from protocol.pb.e2e_pb2 import EventResponseMessage, Message, PollVoteMessage
from protocol.signal.secrets import Sealed, UseCase, unseal
from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError
from waconnd.sandbox.party import Read


async def read_of(rig: Rig, who: str, id: str) -> Read:
    """The message with this id, once the phone has read it."""
    return await rig.sandbox.until(
        lambda: next((one for one in rig.person(who).inbox if one.id == id), None), f"message {id}"
    )


async def text(rig: Rig, words: str) -> dict[str, Any]:
    return await rig.client.message.send(to=rig.number("ann"), text=words)


async def from_ann(rig: Rig, words: str) -> str:
    """Ann writes; the id, once it is in the archive."""
    id = rig.sandbox.say("ann", "me", words)
    await rig.event("message.received", lambda data: data["id"] == id)
    return id


async def test_an_edit_changes_the_text_for_both(rig: Rig) -> None:
    sent = await text(rig, "tpyo")
    done = await rig.client.message.edit(id=sent["id"], chat=rig.number("ann"), text="typo")
    control = (await read_of(rig, "ann", done["id"])).message.editedMessage.message.protocolMessage
    assert (control.key.id, control.editedMessage.conversation) == (sent["id"], "typo")
    await rig.event("message.edited", lambda data: data["target"]["id"] == sent["id"])
    held = await rig.client.message.get(id=sent["id"])
    assert held["data"]["body"]["text"] == "typo"
    assert held["edited_at"]


async def test_only_own_messages_are_edited(rig: Rig) -> None:
    id = await from_ann(rig, "hers")
    with pytest.raises(WaconndError, match="one's own"):
        await rig.client.message.edit(id=id, text="mine")


async def test_a_revoke_takes_it_back(rig: Rig) -> None:
    sent = await text(rig, "oops")
    done = await rig.client.message.revoke(id=sent["id"])
    control = (await read_of(rig, "ann", done["id"])).message.protocolMessage
    assert control.key.id == sent["id"]
    await rig.event("message.revoked", lambda data: data["target"]["id"] == sent["id"])
    assert (await rig.client.message.get(id=sent["id"]))["kind"] == "revoked"


async def test_a_reaction_and_its_end(rig: Rig) -> None:
    id = await from_ann(rig, "react to me")
    for emoji in ("👍", ""):
        done = await rig.client.message.react(id=id, emoji=emoji)
        reaction = (await read_of(rig, "ann", done["id"])).message.reactionMessage
        assert (reaction.key.id, reaction.text, reaction.key.fromMe) == (id, emoji, False)
    await rig.event("message.reaction", lambda data: data["target"]["id"] == id and not data["emoji"])
    notes = (await rig.client.message.get(id=id))["notes"]
    assert [note["value"]["emoji"] for note in notes if note["kind"] == "reaction"] == [""]


async def test_pins_and_keeps(rig: Rig) -> None:
    id = await from_ann(rig, "pin me")
    pinned = await rig.client.message.pin(id=id, on=True, for_s=86400)
    message = (await read_of(rig, "ann", pinned["id"])).message
    assert message.pinInChatMessage.type == message.pinInChatMessage.PIN_FOR_ALL
    assert message.messageContextInfo.messageAddOnDurationInSecs == 86400
    kept = await rig.client.message.keep(id=id, on=True)
    assert (await read_of(rig, "ann", kept["id"])).message.keepInChatMessage.key.id == id


async def test_a_vote_opens_with_the_secret_of_its_poll(rig: Rig) -> None:
    poll = Message()
    poll.pollCreationMessageV3.name = "Lunch?"
    for name in ("Soup", "Bread"):
        poll.pollCreationMessageV3.options.add().optionName = name
    poll.pollCreationMessageV3.selectableOptionsCount = 1
    ann, me = rig.person("ann"), rig.person("me")
    poll.messageContextInfo.messageSecret = bytes(range(32))
    id = ann._send(me.jid, poll)
    rig.sandbox.pump()
    await rig.event("message.received", lambda data: data["id"] == id)
    with pytest.raises(WaconndError, match="no option"):
        await rig.client.message.vote(id=id, options=["Fish"])
    done = await rig.client.message.vote(id=id, options=["Soup"], key="vote-1")
    vote = (await read_of(rig, "ann", done["id"])).message.pollUpdateMessage.vote
    people = [[str(person.account.pn), str(person.account.lid)] for person in (ann, me)]
    plain = unseal(
        bytes(range(32)), id, people[0], people[1], UseCase.POLL_VOTE, Sealed(vote.encPayload, vote.encIv)
    )
    assert len(PollVoteMessage.FromString(plain).selectedOptions) == 1
    told = await rig.event("message.poll_vote", lambda data: data["target"]["id"] == id)
    assert told["from_me"]
    assert (await rig.client.message.vote(id=id, options=["Soup"], key="vote-1"))["id"] == done["id"]


async def test_an_answer_to_an_event(rig: Rig) -> None:
    invite = Message()
    invite.eventMessage.name, invite.eventMessage.startTime = "Dinner", 1_800_000_000
    invite.messageContextInfo.messageSecret = bytes(32)
    ann, me = rig.person("ann"), rig.person("me")
    id = ann._send(me.jid, invite)
    rig.sandbox.pump()
    await rig.event("message.received", lambda data: data["id"] == id)
    done = await rig.client.message.rsvp(id=id, response="maybe", extra_guests=2)
    answer = (await read_of(rig, "ann", done["id"])).message.encEventResponseMessage
    people = [[str(person.account.pn), str(person.account.lid)] for person in (ann, me)]
    sealed = Sealed(answer.encPayload, answer.encIv)
    said = EventResponseMessage.FromString(unseal(bytes(32), id, *people, UseCase.EVENT_RESPONSE, sealed))
    assert (said.response, said.extraGuestCount) == (EventResponseMessage.MAYBE, 2)


async def test_an_answer_to_buttons(rig: Rig) -> None:
    offer = Message()
    offer.buttonsMessage.contentText = "Coming?"
    for id, words in (("yes", "Yes!"), ("no", "No")):
        button = offer.buttonsMessage.buttons.add()
        button.buttonId, button.buttonText.displayText = id, words
    id = rig.person("ann")._send(rig.person("me").jid, offer)
    rig.sandbox.pump()
    await rig.event("message.received", lambda data: data["id"] == id)
    with pytest.raises(WaconndError, match="offers yes, no"):
        await rig.client.message.answer(id=id, choice="perhaps")
    done = await rig.client.message.answer(id=id, choice="yes")
    reply = (await read_of(rig, "ann", done["id"])).message.buttonsResponseMessage
    assert (reply.selectedButtonId, reply.selectedDisplayText, reply.contextInfo.stanzaId) == (
        "yes",
        "Yes!",
        id,
    )


async def test_forwarding_counts_up(rig: Rig) -> None:
    id = await from_ann(rig, "pass it on")
    done = await rig.client.message.forward(id=id, chat=rig.number("ann"), to=[rig.number("bob")])
    message = (await read_of(rig, "bob", done["sent"][0]["id"])).message
    assert message.extendedTextMessage.text == "pass it on"
    assert message.extendedTextMessage.contextInfo.forwardingScore == 1


async def test_reading_tells_the_sender_and_empties_the_badge(rig: Rig) -> None:
    id = await from_ann(rig, "read me")
    chat = (await rig.client.message.get(id=id))["chat"]
    seen: list[str] = []
    rig.sandbox.watch(lambda what, device, node: seen.append(f"{what} {node.text('type')}"))
    done = await rig.client.message.mark_read(chat=chat)
    assert done["count"] >= 1
    await rig.sandbox.until(lambda: "receipt read" in seen, "read receipt")
    assert (await rig.client.message.mark_read(chat=chat))["count"] == 0


async def test_lists_and_search(rig: Rig) -> None:
    await text(rig, "the quick brown fox")
    await rig.event("message.sent", lambda data: data["body"].get("text") == "the quick brown fox")
    page = await rig.client.message.list(chat=rig.number("ann"), limit=2)
    assert len(page["messages"]) == 2
    assert page["next"]
    found = await rig.client.message.search(query="quick fox")
    assert found["hits"][0]["message"]["data"]["body"]["text"] == "the quick brown fox"
    assert "‹quick›" in found["hits"][0]["snippet"]


async def test_what_was_sent_is_told_with_who_and_what(rig: Rig) -> None:
    sent = await text(rig, "told to all")
    told = await rig.event("message.sent", lambda data: data["id"] == sent["id"])
    assert told["body"] == {"kind": "text", "text": "told to all"}
    assert told["outbox_id"] == sent["outbox_id"]
    assert told["via"]


async def test_a_trace_tells_every_stage(rig: Rig) -> None:
    sent = await rig.client.message.send(to=rig.number("ann"), text="trace me", wait="delivered")
    assert sent["status"] in ("delivered", "read")
    stages = [stage["stage"] for stage in (await rig.client.message.trace(id=sent["id"]))["stages"]]
    assert stages[0] == "queued"
    assert {"queued", "sent", "server_ack", "delivered"} <= set(stages)


async def test_what_nobody_knows(rig: Rig) -> None:
    for method in ("get", "trace"):
        with pytest.raises(WaconndError) as unknown:
            await getattr(rig.client.message, method)(id="3EB0NOBODY")
        assert unknown.value.kind == "not_found"


async def test_in_groups_votes_and_reactions_name_the_author(rig: Rig) -> None:
    group = rig.sandbox.group("ann", "Club", ["me", "bob"])
    sent = await rig.client.message.send(to=str(group.jid), text="hello club")
    await read_of(rig, "bob", sent["id"])
    id = rig.sandbox.say("bob", "Club", "from bob")
    await rig.event("message.received", lambda data: data["id"] == id)
    done = await rig.client.message.react(id=id, emoji="🎉")
    key = (await read_of(rig, "ann", done["id"])).message.reactionMessage.key
    assert parse(key.participant).user in (rig.person("bob").account.user, rig.person("bob").account.lid.user)
