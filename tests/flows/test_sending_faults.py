"""What can go wrong with a send: refusals, devices that come and go, lost connections, and what is never done twice."""

from __future__ import annotations

import msgspec
import pytest

from protocol.creds import CREDS, CREDS_ID, new_creds
from protocol.errors import LinkLost, ProtocolError, TimedOut
from protocol.flows.mapping import PAIRS
from protocol.flows.prekeys import check
from protocol.flows.send import NoCiphertext, SendRefused
from protocol.flows.tokens import TOKENS, WEEK, Token
from protocol.jid import STATUS, Jid
from protocol.node import Node
from protocol.stanza.message import Facts
from tests.support.parties import START, Party, World, vouch


def messages(world: World, sender: Party) -> list[Node]:
    return [node for party, node in world.log if node.tag == "message" and party is sender]


def pair(*, migrated: bool = True) -> tuple[World, Party, Party]:
    world = World()
    (ann,), (bob,) = world.person(1, migrated=migrated), world.person(2)
    return world, ann, bob


def test_a_first_message_names_its_sender_and_a_later_one_does_not() -> None:
    world, ann, bob = pair()
    world.finish(ann.send(bob.pn.bare, "one", "A1"))
    world.finish(bob.send(ann.lid.bare, "two", "B1"))
    world.finish(ann.send(bob.lid.bare, "three", "A3"))
    first, later = messages(world, ann)
    assert [len(list(n.all("device-identity"))) for n in (first, later)] == [1, 0]
    assert first.text("peer_recipient_pn") == str(bob.pn.bare)
    assert len(first.need("reporting").need("reporting_token").content_bytes()) == 16


def test_a_device_linked_later_gets_the_first_message_after() -> None:
    world, ann, bob = pair()
    world.finish(ann.send(bob.lid.bare, "one", "A1"))
    tablet = world.link(bob.person, 4)
    result = world.finish(ann.send(bob.lid.bare, "two", "A2"))
    assert (result.devices, tablet.texts(), bob.texts()) == (2, ["two"], ["one", "two"])
    world.finish(ann.send(bob.lid.bare, "three", "A3"))
    assert tablet.texts() == ["two", "three"]
    assert len(messages(world, ann)) == 4, "one re-send, for the one message that missed a device"


def test_a_device_linked_anew_under_an_old_number_gets_the_first_message() -> None:
    world = World()
    (ann,), (bob, old) = world.person(1), world.person(2, (0, 4))
    world.finish(ann.send(bob.lid.bare, "one", "A1"))
    del world.parties[bob.person.pn.user, 4]
    world.pools.clear()
    fresh = Party(world, bob.person, 4)
    world.parties[bob.person.pn.user, 4] = fresh
    fresh.rng.seed(99)
    creds = new_creds(fresh.rng.randbytes, START)
    account = msgspec.structs.replace(
        vouch(bob.person, 4, creds.identity, fresh.rng), pn=str(fresh.pn), lid=str(fresh.lid)
    )
    fresh.disk.records[CREDS.kind, CREDS_ID] = CREDS.encode(msgspec.structs.replace(creds, account=account))
    fresh.connect()
    world.finish(fresh.start(check(fresh.ctx)))
    world.finish(ann.send(bob.lid.bare, "two", "A2"))
    world.run(10)
    assert fresh.texts() + fresh.texts("message.recovered") == ["two"]
    assert old.texts() == ["one"]


def test_nothing_is_sent_when_the_phone_has_no_keys() -> None:
    world = World()
    (ann, laptop), (bob, _) = world.person(1, (0, 2)), world.person(2, (0, 5))
    world.broken.add(bob.lid)
    handle = laptop.send(bob.lid.bare, "one", "A1")
    world.run()
    assert isinstance(handle.error, NoCiphertext)
    assert messages(world, laptop) == []
    assert ann.told("message.sent_elsewhere") == []


def test_a_companion_without_keys_is_reported() -> None:
    world = World()
    (ann,), (bob, tablet) = world.person(1), world.person(2, (0, 5))
    world.broken.add(tablet.lid)
    result = world.finish(ann.send(bob.lid.bare, "one", "A1"))
    assert [failure.device for failure in result.failures] == [str(tablet.lid)]
    assert bob.texts() == ["one"]


@pytest.mark.parametrize(
    ("code", "transient"), [(463, False), (475, False), (479, False), (429, True), (999, False)]
)
def test_refusals_are_sentences(code: int, transient: bool) -> None:
    world, ann, bob = pair()
    world.refuse = lambda party, node: code
    handle = ann.send(bob.lid.bare, "one", "A1")
    world.run()
    assert isinstance(handle.error, SendRefused)
    assert (handle.error.code, handle.error.transient) == (code, transient)
    assert str(code) in str(handle.error)
    assert len(messages(world, ann)) == 1, "nothing is sent again unasked"


def test_hidden_ids_are_refused_to_an_account_that_is_not_migrated() -> None:
    world, ann, bob = pair()
    world.refuse = lambda party, node: 400 if node.need_jid("to").is_lid else 0
    world.finish(ann.send(bob.pn.bare, "one", "A1"))
    assert [node.attrs["to"] for node in messages(world, ann)] == [bob.lid.bare, bob.pn.bare]
    assert bob.texts() == ["one"]


def test_an_account_that_is_not_migrated_writes_numbers_and_files_hidden_ids() -> None:
    world, ann, bob = pair(migrated=False)
    world.finish(ann.send(bob.pn.bare, "one", "A1"))
    (sent,) = messages(world, ann)
    assert sent.attrs["to"] == bob.pn.bare
    assert {t.need_jid("jid").server for t in sent.need("participants").all("to")} == {"s.whatsapp.net"}
    assert ("session", bob.lid.signal_address) in ann.disk.records
    assert PAIRS.get(ann.store, bob.pn.user) is not None


def test_stale_addressing_is_asked_again_once() -> None:
    world, ann, bob = pair()
    group = world.group(1, [ann, bob], "pn")
    world.finish(ann.send(group, "one", "G1"))
    world.groups[group] = ("lid", world.groups[group][1])
    world.refuse = lambda party, node: 421 if node.text("addressing_mode") == "pn" else 0
    world.finish(ann.send(group, "two", "G2"))
    assert bob.texts() == ["one", "two"]
    assert [n.text("addressing_mode") for n in messages(world, ann)] == ["pn", "pn", "lid"]


def test_no_key_is_used_twice_when_the_process_dies_between_commit_and_send() -> None:
    world, ann, bob = pair()
    world.finish(ann.send(bob.lid.bare, "one", "A1"))
    world.finish(bob.send(ann.lid.bare, "hi", "B1"))
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "g", "G0"))
    seen: set[bytes] = set()
    for attempt in range(6):
        to: Jid = group if attempt % 2 else bob.lid.bare
        handle = ann.send(to, f"text {attempt}", "X1")
        for node in ann.settle():
            for enc in [
                *node.all("enc"),
                *(e for t in (node.child("participants") or Node("")).all("to") for e in t.all("enc")),
            ]:
                assert enc.content_bytes() not in seen
                seen.add(enc.content_bytes())
                world.deliver(bob, stanza(ann, node, enc, to))
        ann.restart()
        assert isinstance(handle.error, LinkLost)
    world.run()
    assert bob.ctx.counts["spoofed.protocol_message"] == 0
    got = bob.texts()
    assert "text 0" in got
    assert len(bob.told("message.undecryptable")) == 0


def stanza(sender: Party, node: Node, enc: Node, to: Jid) -> Node:
    base = {"id": node.text("id"), "type": "text", "t": str(int(START))}
    if to.is_group:
        return Node(
            "message", {**base, "from": to, "participant": sender.lid, "addressing_mode": "lid"}, [enc]
        )
    return Node("message", {**base, "from": sender.lid, "sender_pn": sender.pn.bare}, [enc])


def test_an_unanswered_send_has_an_unknown_fate() -> None:
    world, ann, bob = pair()
    world.finish(ann.send(bob.lid.bare, "zero", "A0"))
    world._message = lambda sender, node: None  # type: ignore[method-assign]
    handle = ann.send(bob.lid.bare, "one", "A1")
    world.run(100)
    assert isinstance(handle.error, TimedOut)


def test_order_within_a_chat_is_kept_though_nobody_waits_for_acks() -> None:
    world, ann, bob = pair()
    handles = [ann.send(bob.lid.bare, str(n), f"N{n}") for n in range(30)]
    world.run()
    assert all(handle.done and handle.error is None for handle in handles)
    assert bob.texts() == [str(n) for n in range(30)]


def test_tokens_go_to_persons_only() -> None:
    world, ann, bob = pair()
    txn = ann.ctx.txn()
    TOKENS.put(txn, str(bob.lid.bare), Token(b"proof", int(START)))
    ann.store.stage(txn)
    group = world.group(1, [ann, bob])
    world.finish(ann.send(bob.lid.bare, "one", "A1"))
    world.finish(ann.send(group, "two", "G1"))
    world.finish(ann.send(ann.lid.bare, "to me", "S1"))
    person, to_group, to_self = messages(world, ann)
    assert person.need("tctoken").content_bytes() == b"proof"
    assert to_group.child("tctoken") is None
    assert to_self.child("tctoken") is None
    issued = [n for p, n in world.log if p is ann and n.text("xmlns") == "privacy"]
    assert len(issued) == 1
    world.now += 5 * WEEK
    world.finish(ann.send(bob.lid.bare, "three", "A3"))
    assert messages(world, ann)[-1].child("tctoken") is None, "it is too old"
    assert len([n for p, n in world.log if p is ann and n.text("xmlns") == "privacy"]) == 2


def test_what_was_sent_is_told_once_under_the_name_that_receipts_use() -> None:
    world, ann, bob = pair()
    result = world.finish(ann.send(bob.pn.bare, "one", "A1"))
    ann.restart()
    world.finish(ann.send(bob.pn.bare, "one", "A1"))
    (sent,) = ann.told("message.sent")
    assert (sent.id, sent.body, sent.from_me) == ("A1", {"kind": "text", "text": "one"}, True)
    statuses = ann.told("message.status")
    assert statuses
    assert {sent.chat.id, result.chat, *(status.chat.id for status in statuses)} == {str(bob.lid.bare)}


def test_a_status_names_its_audience() -> None:
    world = World()
    (ann, laptop), (bob,), (eve,) = world.person(1, (0, 2)), world.person(2), world.person(3)

    def acked(sender: Party, node: Node) -> None:
        sender.receive(Node("ack", {"class": "message", "id": node.text("id"), "from": STATUS, "t": "5"}))

    world._message = acked  # type: ignore[method-assign]
    audience = (bob.pn.bare, eve.lid.bare)
    for id in ("S1", "S2"):
        facts = Facts(meta={"status_setting": "contacts"})
        world.finish(ann.send(STATUS, "hello world", id, audience=audience, facts=facts))
    first, second = messages(world, ann)
    for node in (first, second):
        assert not {"phash", "addressing_mode"} & set(node.attrs)
        assert node.need("meta").text("status_setting") == "contacts"
        assert node.child("reporting") is None
    sealed = [to.need_jid("jid") for to in first.need("participants").all("to") if to.child("enc")]
    assert sealed == [bob.pn.on(0), eve.lid, laptop.lid] or sealed == [bob.lid, eve.lid, laptop.lid]
    named = {to.need_jid("jid") for to in second.need("participants").all("to")}
    assert all(to.child("enc") is None for to in second.need("participants").all("to"))
    assert {ann.lid.bare, eve.lid.bare} <= named
    assert len(named) == 3
    handle = ann.send(STATUS, "to whom?", "S3")
    world.run()
    assert "audience" in str(handle.error)


def test_channels_are_not_encrypted() -> None:
    _world, ann, _ = pair()
    channel = Jid("120363000000000099", "newsletter")
    handle = ann.send(channel, "post", "N1", facts=Facts(type="text"))
    nodes = ann.settle()
    assert nodes[0].need("plaintext").content_bytes()[:6] == b"\n\x04post"
    ann.receive(Node("ack", {"class": "message", "id": "N1", "from": channel, "t": "5", "server_id": "101"}))
    assert handle.result is not None
    assert handle.result.server_id == "101"


def test_what_can_not_be_sent_is_said() -> None:
    world, ann, _ = pair()
    handle = ann.send(Jid("x", "call"), "?", "Z1")
    world.run()
    assert isinstance(handle.error, ProtocolError)
    assert "can't be sent" in str(handle.error)
