"""Messages that can't be read at first: asked for, sent again, told once; across restarts and without loops."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from protocol.flows import retry_copy
from protocol.flows.mapping import PAIRS, REVERSE
from protocol.flows.retry_copy import COPIES
from protocol.flows.retry_state import ASKED
from protocol.keystore import Kind
from protocol.node import Node
from protocol.pb.e2e_pb2 import Message, ProtocolMessage
from protocol.signal.session import delete_session
from tests.support.parties import Party, World


def pair() -> tuple[World, Party, Party]:
    world = World()
    (ann,), (bob,) = world.person(1), world.person(2)
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    world.finish(bob.send(ann.lid.bare, "hi", "B1"))
    return world, ann, bob


def lose_session(party: Party, with_: Party) -> None:
    txn = party.ctx.txn()
    delete_session(txn, with_.lid.signal_address)
    party.store.stage(txn)


def retries(world: World) -> list[Node]:
    return [n for _, n in world.log if n.tag == "receipt" and n.text("type") == "retry"]


def test_a_lost_session_heals() -> None:
    world, ann, bob = pair()
    lose_session(bob, ann)
    world.finish(ann.send(bob.lid.bare, "can you read this?", "A2"))
    world.run()
    assert len(bob.told("message.undecryptable")) == 1
    assert bob.texts("message.recovered") == ["can you read this?"]
    assert list(ASKED.ids(bob.store)) == []
    world.finish(ann.send(bob.lid.bare, "and this?", "A3"))
    assert bob.texts() == ["hello", "and this?"]


def test_retry_after_both_restarted_and_the_copy_moved_to_the_archive() -> None:
    world, ann, bob = pair()
    lose_session(bob, ann)
    bob.settle()
    bob.online = False
    world.finish(ann.send(bob.lid.bare, "late", "A2"))
    ann.archive_copies = {
        id: ann.disk.records.pop((kind, id)) or b""
        for kind, id in list(ann.disk.records)
        if kind == Kind.RETRY_COPY
    }
    ann.restart()
    bob.restart()
    bob.online = True
    world.run()
    assert bob.texts("message.recovered") == ["late"]


def test_nothing_is_invented_for_what_is_not_kept() -> None:
    world, ann, bob = pair()
    lose_session(bob, ann)
    bob.settle()
    bob.online = False
    world.finish(ann.send(bob.lid.bare, "gone", "A2"))
    txn = ann.ctx.txn()
    COPIES.delete(txn, retry_copy.copy_id(bob.lid.bare, "A2"))
    ann.store.stage(txn)
    bob.online = True
    before = len([n for p, n in world.log if n.tag == "message"])
    world.run()
    assert (
        len([n for p, n in world.log if n.tag == "message" and p is ann])
        + len([n for p, n in world.log if n.tag == "message" and p is bob])
        == before
    )
    assert bob.told("message.recovered") == []


def test_asking_ends() -> None:
    world, ann, bob = pair()

    def spoil(party: Party, node: Node) -> Iterator[Node]:
        if node.tag == "message" and node.text("id") == "A2":
            encs = [Node("enc", e.attrs, e.content_bytes()[:-1] + b"\0") for e in node.all("enc")]
            yield Node(node.tag, node.attrs, [*encs, *(c for c in node.children if c.tag != "enc")])
        else:
            yield node

    world.filters.append(spoil)
    world.finish(ann.send(bob.lid.bare, "never", "A2"))
    world.run()
    assert [int(n.need("retry").text("count")) for n in retries(world)] == [1, 2, 3, 4]
    assert [n.child("keys") is not None for n in retries(world)] == [False, True, True, True]
    assert len(bob.told("message.undecryptable")) == 1
    world.filters.clear()
    world.finish(ann.send(bob.lid.bare, "but this", "A3"))
    world.run()
    assert "but this" in bob.texts() + bob.texts("message.recovered")


def test_counts_survive_a_restart() -> None:
    world, ann, bob = pair()
    lose_session(bob, ann)
    ann.online = False
    ann.settle()
    handle = ann.send(bob.lid.bare, "x", "A2")
    world.run()
    message = next(n for p, n in world.log if n.text("id") == "A2")
    bob.restart()
    world.queues[bob.person.pn.user, 0].append(stanza_for(bob, ann, message))
    world.run()
    counts = [int(n.need("retry").text("count")) for n in retries(world)]
    assert counts == [1, 2]
    assert not handle.done or handle.error is None


def stanza_for(bob: Party, ann: Party, message: Node) -> Node:
    sealed = next(t for t in message.need("participants").all("to"))
    attrs = {
        "id": message.text("id"),
        "type": "text",
        "t": "1760000000",
        "from": ann.lid,
        "sender_pn": ann.pn.bare,
    }
    return Node("message", dict(attrs), sealed.children)


def test_group_members_recover_the_sender_key() -> None:
    world = World()
    (ann,), (bob,), (eve,) = world.person(1), world.person(2), world.person(3)
    group = world.group(1, [ann, bob, eve])
    world.finish(ann.send(group, "one", "G1"))
    for kind, id in list(bob.disk.records):
        if kind == Kind.SENDER_KEY:
            del bob.disk.records[kind, id]
    world.finish(ann.send(group, "two", "G2"))
    world.run()
    assert bob.texts("message.recovered") == ["two"]
    world.finish(ann.send(group, "three", "G3"))
    assert bob.texts() == ["one", "three"]
    assert eve.texts() == ["one", "two", "three"]


def test_duplicates_are_told_once_and_acknowledged_twice() -> None:
    world = World()
    (ann,), (bob,) = world.person(1), world.person(2)
    world.filters.append(lambda party, node: [node, node])
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    assert [e.id for e in bob.events if e.__struct_config__.tag == "message.received"] == ["A1"]  # type: ignore[attr-defined]
    receipts = [n for p, n in world.log if p is bob and n.tag == "receipt"]
    assert len(receipts) == 2
    assert retries(world) == []


def test_any_order() -> None:
    world, ann, bob = pair()
    bob.online = False
    for index in range(20):
        world.finish(ann.send(bob.lid.bare, str(index), f"N{index}"))
    queue = world.queues[bob.person.pn.user, 0]
    shuffled = list(queue)
    world.rng.shuffle(shuffled)
    queue.clear()
    queue.extend(shuffled)
    bob.online = True
    world.run()
    assert sorted(bob.texts()[1:], key=int) == [str(index) for index in range(20)]


def test_the_other_name_is_tried_before_asking_again() -> None:
    world, ann, bob = pair()
    # As an old store has it: the session under the number, though the pair is known.
    records = bob.disk.records
    records[Kind.SESSION, ann.pn.signal_address] = records.pop((Kind.SESSION, ann.lid.signal_address))
    world.finish(ann.send(bob.lid.bare, "still you", "A2"))
    assert bob.texts() == ["hello", "still you"]
    assert retries(world) == []
    assert (Kind.SESSION, ann.pn.signal_address) not in records


def test_a_session_moves_when_the_hidden_id_becomes_known() -> None:
    world, ann, bob = pair()
    records = bob.disk.records
    records[Kind.SESSION, ann.pn.signal_address] = records.pop((Kind.SESSION, ann.lid.signal_address))
    for id in (ann.pn.user, ann.lid.user + REVERSE):
        del records[PAIRS.kind, id]
    world.finish(ann.send(bob.lid.bare, "still you", "A2"))
    assert bob.texts() == ["hello", "still you"]
    assert (Kind.SESSION, ann.pn.signal_address) not in records


def test_a_companion_s_session_follows_when_it_is_next_written_to() -> None:
    world = World()
    (ann,), (bob, tablet) = world.person(1), world.person(2, (0, 5))
    world.finish(ann.send(bob.lid.bare, "one", "A1"))
    records = ann.disk.records
    records[Kind.SESSION, tablet.pn.signal_address] = records.pop((Kind.SESSION, tablet.lid.signal_address))
    for id in (bob.pn.user, bob.lid.user + REVERSE):
        records.pop((PAIRS.kind, id), None)
    world.finish(bob.send(ann.lid.bare, "my number comes with this", "B1"))
    world.finish(ann.send(bob.lid.bare, "two", "A2"))
    assert tablet.texts() == ["one", "two"]
    assert (Kind.SESSION, tablet.pn.signal_address) not in records
    assert len([n for p, n in world.log if p is ann and n.tag == "iq" and n.child("key")]) == 1


def test_strangers_may_not_speak_for_our_phone() -> None:
    world, ann, bob = pair()
    forged = Message()
    forged.protocolMessage.type = ProtocolMessage.APP_STATE_SYNC_KEY_SHARE
    forged.protocolMessage.appStateSyncKeyShare.keys.add().keyId.keyId = b"forged"
    before = dict(bob.disk.records)
    world.finish(ann.send_message(bob.lid.bare, forged, "A2"))
    assert bob.ctx.counts["spoofed.protocol_message"] == 1
    new = {key for key, value in bob.disk.records.items() if before.get(key) != value}
    assert {kind for kind, _ in new} <= {Kind.SESSION}
    wrapped = Message()
    wrapped.deviceSentMessage.destinationJid = "15550009999@s.whatsapp.net"
    wrapped.deviceSentMessage.message.conversation = "as if you had written it"
    world.finish(ann.send_message(bob.lid.bare, wrapped, "A3"))
    assert bob.told("message.sent_elsewhere") == []
    assert bob.told("message.received")[-1].chat.id == str(ann.lid.bare)


def test_records_are_json_that_a_person_can_read() -> None:
    _, ann, _ = pair()
    for (kind, id), value in ann.disk.records.items():
        assert msgspec.json.decode(value or b"null"), (kind, id)
