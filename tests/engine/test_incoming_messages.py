"""What arrives: which event it becomes, what is answered, and what a stranger can't make us believe."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.flows import placeholder
from protocol.flows.fanout import local
from protocol.flows.mapping import lid_of
from protocol.flows.retry_state import ASKED
from protocol.jid import Jid
from protocol.node import Node
from protocol.pb import history_pb2, web_pb2
from protocol.pb.e2e_pb2 import Message, PeerDataOperationRequestType, ProtocolMessage
from protocol.signal.session import encrypt
from protocol.stanza.message import Facts
from tests.support.parties import START, Party, World


def pair() -> tuple[World, Party, Party]:
    world = World()
    (ann,), (bob,) = world.person(1), world.person(2)
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    world.finish(bob.send(ann.lid.bare, "hi", "B1"))
    return world, ann, bob


def receive(party: Party, node: Node) -> list[Node]:
    party.receive(node)
    return party.settle()


def answers(world: World, party: Party, id: str) -> list[Node]:
    return [n for p, n in world.log if p is party and n.text("id") == id and n.tag in ("ack", "receipt")]


def test_a_read_message_is_receipted_and_not_acked() -> None:
    world, ann, bob = pair()
    (receipt,) = answers(world, bob, "A1")
    assert (receipt.tag, receipt.text("type"), receipt.attrs["to"]) == ("receipt", "inactive", ann.lid)
    bob.ctx.available = True
    world.finish(ann.send(bob.lid.bare, "more", "A2"))
    (receipt,) = answers(world, bob, "A2")
    assert "type" not in receipt.attrs


def test_a_copy_of_our_own_is_cleared_by_a_sender_receipt() -> None:
    world = World()
    (phone, laptop), (bob,) = world.person(1, (0, 3)), world.person(2)
    world.finish(phone.send(bob.lid.bare, "from the phone", "A1"))
    (receipt,) = answers(world, laptop, "A1")
    assert receipt.text("type") == "sender"
    assert receipt.attrs["to"] == phone.lid
    assert receipt.attrs["recipient"] == bob.lid.bare


def test_receipts_of_groups_name_author_and_group() -> None:
    world, ann, bob = pair()
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "one", "G1"))
    (receipt,) = answers(world, bob, "G1")
    assert (receipt.attrs["to"], receipt.attrs["participant"]) == (group, ann.lid)


def test_malformed_stanzas_are_refused_for_good() -> None:
    _world, ann, bob = pair()
    base = {"id": "X1", "from": ann.lid, "t": "1", "type": "text"}
    cases: list[tuple[Node, str]] = [
        (Node("message", {**base, "recipient": bob.lid.bare}, [Node("enc", {"type": "msg"}, b"x")]), "487"),
        (Node("message", base, [Node("body")]), "488"),
        (
            Node("message", {**base, "from": Jid("1203", "g.us")}, [Node("enc", {"type": "skmsg"}, b"x")]),
            "487",
        ),
    ]
    for node, code in cases:
        (ack,) = receive(bob, node)
        assert (ack.tag, ack.text("class"), ack.text("error")) == ("ack", "message", code)
    (ack,) = receive(bob, Node("message", base, [Node("enc", {"type": "frskmsg", "v": "2"}, b"x")]))
    assert (ack.tag, ack.text("error")) == ("ack", "")


def test_events_of_changes() -> None:
    world, ann, bob = pair()
    chat = bob.lid.bare

    def control(type: int, id: str = "A1") -> Message:
        message = Message()
        message.protocolMessage.type = type
        message.protocolMessage.key.id = id
        message.protocolMessage.key.fromMe = True
        return message

    edit = control(ProtocolMessage.MESSAGE_EDIT)
    edit.protocolMessage.editedMessage.conversation = "hello, corrected"
    world.finish(ann.send_message(chat, edit, "E1", facts=Facts(edit="1", hide=True)))
    (edited,) = bob.told("message.edited")
    assert edited.body == {"kind": "text", "text": "hello, corrected"}
    assert (edited.target.id, edited.target.from_.id, edited.by.id) == (
        "A1",
        str(ann.lid.bare),
        str(ann.lid.bare),
    )

    reaction = Message()
    reaction.reactionMessage.text = "🎉"
    reaction.reactionMessage.key.id = "B1"
    reaction.reactionMessage.key.fromMe = False
    world.finish(ann.send_message(chat, reaction, "R1", facts=Facts(type="reaction", hide=True)))
    (reacted,) = bob.told("message.reaction")
    assert (reacted.emoji, reacted.target.id) == ("🎉", "B1")
    assert reacted.target.from_.pn == str(bob.pn.bare), "the other one's message is ours"

    world.finish(ann.send_message(chat, control(ProtocolMessage.REVOKE), "D1", facts=Facts(edit="7")))
    (revoked,) = bob.told("message.revoked")
    assert (revoked.target.id, revoked.target.from_.id) == ("A1", str(ann.lid.bare))


def test_nobody_edits_or_revokes_what_another_wrote() -> None:
    world, ann, bob = pair()
    forged = Message()
    forged.protocolMessage.type = ProtocolMessage.MESSAGE_EDIT
    forged.protocolMessage.key.id = "B1"
    forged.protocolMessage.key.fromMe = False
    forged.protocolMessage.editedMessage.conversation = "bob never said that"
    world.finish(ann.send_message(bob.lid.bare, forged, "E1"))
    (edited,) = bob.told("message.edited")
    assert edited.target.from_.id == str(ann.lid.bare), "it can only touch a message of ann's"


def test_a_message_without_ciphertext_is_asked_of_the_phone() -> None:
    world = World()
    (phone, laptop), (bob,) = world.person(1, (0, 3)), world.person(2)
    world.finish(laptop.send(bob.lid.bare, "x", "A1"))
    node = Node(
        "message",
        {"id": "U1", "from": bob.lid, "sender_pn": bob.pn.bare, "t": str(int(START)), "type": "text"},
        [Node("unavailable")],
    )
    laptop.receive(node)
    world.run(1)
    (event,) = laptop.told("message.undecryptable")
    assert (event.reason, event.chat.id) == ("unavailable", str(bob.lid.bare))
    asked = next(n for p, n in world.log if p is laptop and n.text("category") == "peer")
    assert asked.text("push_priority") == "high_force"
    assert asked.need("meta").text("appdata") == "default"
    info = web_pb2.WebMessageInfo()
    info.key.remoteJid, info.key.fromMe, info.key.id = str(bob.pn.bare), False, "U1"
    info.message.conversation = "now you can read it"
    world.finish(answer_from(phone, info))
    (recovered,) = laptop.told("message.recovered")
    assert recovered.body == {"kind": "text", "text": "now you can read it"}
    assert (recovered.id, recovered.from_.id) == ("U1", str(bob.lid.bare))
    assert list(ASKED.ids(laptop.store)) == []


def test_the_phone_is_asked_until_the_server_has_the_question() -> None:
    """A link that breaks between the question and its ack must not leave the message missing for ever."""
    world = World()
    (phone, laptop), (bob,) = world.person(1, (0, 3)), world.person(2)
    world.finish(laptop.send(bob.lid.bare, "x", "A1"))
    laptop.receive(
        Node("message", {"id": "U1", "from": bob.lid, "t": str(int(START))}, [Node("unavailable")])
    )
    assert [n.text("category") for n in laptop.settle()] == ["", "peer"], "asked, and nothing of it arrives"
    for _ in range(2):
        laptop.restart()
        world.finish(laptop.start(placeholder.resume(laptop.ctx)))
        assert len([n for p, n in world.log if p is laptop and n.text("category") == "peer"]) == 1
    info = web_pb2.WebMessageInfo()
    info.key.remoteJid, info.key.id = str(bob.lid.bare), "U1"
    info.message.conversation = "at last"
    world.finish(answer_from(phone, info))
    assert laptop.texts("message.recovered") == ["at last"]


def test_the_user_may_ask_the_phone_for_any_message() -> None:
    world = World()
    (phone, laptop), (bob,) = world.person(1, (0, 3)), world.person(2)
    world.finish(laptop.send(bob.lid.bare, "x", "A1"))
    for _ in range(2):
        asked = placeholder.ask_again(laptop.ctx, bob.lid.bare, bob.lid.bare, "OLD", from_me=False)
        world.finish(laptop.start(asked))
    assert len([n for p, n in world.log if p is laptop and n.text("category") == "peer"]) == 2
    info = web_pb2.WebMessageInfo(messageTimestamp=1_700_000_000)
    info.key.remoteJid, info.key.id = str(bob.pn.bare), "OLD"
    info.message.conversation = "from last year"
    world.finish(answer_from(phone, info))
    (found,) = laptop.told("message.received")
    assert (found.body["text"], found.sent_at) == ("from last year", 1_700_000_000.0)


def answer(info: Any) -> Message:
    message = Message()
    message.protocolMessage.type = ProtocolMessage.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE
    response = message.protocolMessage.peerDataOperationRequestResponseMessage
    response.peerDataOperationRequestType = PeerDataOperationRequestType.PLACEHOLDER_MESSAGE_RESEND
    result = response.peerDataOperationResult.add()
    result.placeholderMessageResendResponse.webMessageInfoBytes = info.SerializeToString()
    return message


def answer_from(sender: Party, info: Any) -> Any:
    """An answer to the own account: every other device gets it."""
    return sender.send_message(sender.lid.bare, answer(info), f"ANS-{sender.device}")


def test_only_the_phone_answers_for_the_phone() -> None:
    world = World()
    (phone, laptop, tablet), (bob,) = world.person(1, (0, 3, 4)), world.person(2)
    world.finish(laptop.send(bob.lid.bare, "x", "A1"))
    node = Node("message", {"id": "U1", "from": bob.lid, "t": str(int(START))}, [Node("unavailable")])
    laptop.receive(node)
    world.run(1)
    info = web_pb2.WebMessageInfo()
    info.key.remoteJid, info.key.id = str(bob.lid.bare), "U1"
    info.message.conversation = "forged"
    world.finish(answer_from(tablet, info))
    world.finish(bob.send_message(laptop.lid.bare, answer(info), "F1"))
    assert laptop.told("message.recovered") == []
    assert laptop.ctx.counts["spoofed.data_operation"] == 1
    assert laptop.ctx.counts["spoofed.protocol_message"] == 1
    info.key.id = "never asked"
    world.finish(answer_from(phone, info))
    assert laptop.ctx.counts["unasked.resent_message"] == 1
    assert placeholder.request(bob.lid, bob.lid, "U1", from_me=False).protocolMessage.type == 16


def test_view_once_is_announced_and_never_asked_for() -> None:
    world, ann, bob = pair()
    node = Node(
        "message",
        {"id": "V1", "from": ann.lid, "t": str(int(START))},
        [Node("unavailable", {"type": "view_once"})],
    )
    bob.receive(node)
    world.run(20)
    assert bob.told("message.undecryptable")[0].reason == "view_once"
    assert not [n for p, n in world.log if p is bob and n.text("category") == "peer"]


def test_the_phone_teaches_mappings_and_migration() -> None:
    world = World()
    (phone, laptop), _ = world.person(1, (0, 3), migrated=False), world.person(2)
    payload = history_pb2.LIDMigrationMappingSyncPayload(chatDbMigrationTimestamp=5)
    for n in range(50):
        payload.pnToLidMappings.add(pn=15559990000 + n, assignedLid=300000000000000 + n)
    message = Message()
    message.protocolMessage.type = ProtocolMessage.LID_MIGRATION_MAPPING_SYNC
    message.protocolMessage.lidMigrationMappingSyncMessage.encodedMappingPayload = payload.SerializeToString()
    world.finish(phone.send_message(phone.pn.bare, message, "M1"))
    found = lid_of(laptop.store, Jid("15559990007", "s.whatsapp.net"))
    assert found == Jid("300000000000007", "lid")
    assert laptop.ctx.creds().lid_migrated


def test_receipts_become_statuses_and_are_acked() -> None:
    _world, ann, bob = pair()
    node = Node(
        "receipt",
        {"id": "A1", "from": bob.lid, "type": "read", "t": "1760000009"},
        [Node("list", {}, [Node("item", {"id": "A2"}), Node("item", {"id": "A3"})])],
    )
    (ack,) = receive(ann, node)
    assert (ack.text("class"), ack.text("type"), ack.attrs["to"]) == ("receipt", "read", bob.lid)
    status = ann.told("message.status")[-1]
    assert (status.ids, status.status, status.at) == (["A1", "A2", "A3"], "read", 1760000009.0)
    grouped = Node(
        "receipt",
        {"id": "R", "from": Jid("1203", "g.us"), "type": "read"},
        [
            Node(
                "participants",
                {"key": "G1"},
                [
                    Node("user", {"jid": bob.lid.bare, "t": "7"}),
                    Node("user", {"jid": Jid("9", "lid"), "t": "8"}),
                ],
            )
        ],
    )
    receive(ann, grouped)
    assert [e.by.id for e in ann.told("message.status")[-2:]] == [str(bob.lid.bare), "9@lid"]
    own = Node("receipt", {"id": "B1", "from": ann.lid.on(4), "recipient": bob.lid.bare, "type": "read-self"})
    before = len(ann.told("message.status"))
    receive(ann, own)
    assert len(ann.told("message.status")) == before
    assert ann.told("receipt.received")[-1].chat.id == str(bob.lid.bare)


def test_every_event_is_json() -> None:
    _world, ann, bob = pair()
    for party in (ann, bob):
        for event in party.events:
            fields = msgspec.json.decode(msgspec.json.encode(event))
            assert fields["type"]
            assert fields["key"]
    received = msgspec.json.decode(msgspec.json.encode(bob.told("message.received")[0]))
    assert received["from"]["name"] == f"name of {ann.pn.user}"
    assert received["body"] == {"kind": "text", "text": "hello"}


def test_channels_post_edit_and_revoke_under_one_id() -> None:
    _, ann, _ = pair()
    channel = Jid("120363000000000077", "newsletter")
    base = {"id": "C1", "from": channel, "t": str(int(START)), "type": "text", "server_id": "7"}

    def post(text: str, **attrs: str) -> None:
        plain = Node("plaintext", {}, Message(conversation=text).SerializeToString() if text else b"")
        meta = [Node("meta", {"msg_edit_t": "5"})] if attrs else []
        (ack,) = receive(ann, Node("message", {**base, **attrs}, [plain, *meta]))
        assert (ack.tag, ack.text("error")) == ("ack", "")

    post("first")
    post("first")
    post("better", edit="3")
    post("", edit="8")
    (told,) = ann.told("channel.message")
    assert (told.body["text"], told.server_id, told.chat.kind) == ("first", "7", "channel")
    assert [e.body["text"] for e in ann.told("message.edited")] == ["better"]
    assert [e.target.id for e in ann.told("message.revoked")] == ["C1"]
    (ack,) = receive(ann, Node("message", base, [Node("reaction", {"code": "x"})]))
    assert ack.text("error") == ""


def test_answers_of_bots_are_refused_for_want_of_a_secret() -> None:
    _, ann, bob = pair()
    node = Node(
        "message", {"id": "Z", "from": bob.lid, "t": "1"}, [Node("enc", {"type": "msmsg", "v": "2"}, b"x")]
    )
    (ack,) = receive(ann, node)
    assert ack.text("error") == "495"


def test_what_decrypts_to_nonsense_is_told_and_refused() -> None:
    world, ann, bob = pair()
    for number, plain in enumerate((b"\xff\xff\xff\x01\x01", b"no padding", b"")):
        txn = ann.ctx.txn()
        envelope = encrypt(txn, bob.lid.signal_address, plain, me=local(ann.ctx))
        ann.store.stage(txn)
        enc = Node("enc", {"v": "2", "type": envelope.type}, envelope.data)
        node = Node("message", {"id": f"N{number}", "from": ann.lid, "t": "1760000000"}, [enc])
        (ack,) = receive(bob, node)
        assert (ack.tag, ack.text("error")) == ("ack", "491")
    assert [event.reason for event in bob.told("message.undecryptable")] == ["malformed"] * 3
    world.finish(ann.send(bob.lid.bare, "we still talk", "A9"))
    assert bob.texts()[-1] == "we still talk"


def test_no_repr_shows_what_was_said() -> None:
    world, ann, bob = pair()
    canary = "the canary sings"
    world.finish(ann.send(bob.lid.bare, canary, "C1"))
    assert canary in bob.texts()
    assert canary not in repr([*ann.events, *bob.events])
