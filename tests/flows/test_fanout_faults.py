"""Bundles that are refused, forged or missing: each device's failure is its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.flows import send_group, send_person, sender_keys
from protocol.flows.devices import LISTS, cached
from protocol.jid import Jid
from protocol.keystore import Kind
from protocol.node import Node
from protocol.pb.adv_pb2 import ADVSignedDeviceIdentity
from protocol.signal.records import QUARANTINE
from protocol.signal.session import delete_session, has_session
from tests.support.parties import Party, World


def trio() -> tuple[World, Party, Party, Party]:
    world = World()
    (ann,), (bob, tablet) = world.person(1), world.person(2, (0, 5))
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    return world, ann, bob, tablet


def forget(party: Party, *devices: Jid) -> None:
    txn = party.ctx.txn()
    for device in devices:
        delete_session(txn, device.signal_address)
    party.store.stage(txn)


def test_a_question_that_is_refused_whole_is_asked_again_without_those_who_are_gone() -> None:
    world, ann, bob, tablet = trio()
    forget(ann, bob.lid, tablet.lid)
    answer, refusals = world._answer, []

    def refuse(party: Party, node: Node) -> Node:
        wanted = node.child("key")
        if party is ann and wanted and any(u.attrs["jid"] == tablet.lid for u in wanted.children):
            refusals.append(node)
            error = Node("error", {"code": "406", "text": "not-acceptable"})
            return Node("iq", {"id": node.text("id"), "type": "error", "from": node.attrs["to"]}, [error])
        return answer(party, node)

    world._answer = refuse  # type: ignore[method-assign]
    world.unlink(tablet)
    result = world.finish(ann.send(bob.lid.bare, "still there?", "A2"))
    assert len(refusals) == 1
    assert bob.texts()[-1] == "still there?"
    held = cached(ann.store, bob.lid)
    assert held is not None and [d.id for d in held.devices] == [0]
    assert [failure.reason for failure in result.failures] == ["this device is not registered any more"]


def spoil(world: World, who: Party, change: Callable[[Node], Node | None]) -> None:
    """The server hands out other bundles of this device."""
    bundle = world._bundle

    def spoilt(jid: Jid) -> Node:
        node = bundle(jid)
        if jid != who.lid:
            return node
        return Node(node.tag, node.attrs, [new for child in node.children if (new := change(child))])

    world._bundle = spoilt  # type: ignore[method-assign]


def unsigned(child: Node) -> Node:
    if child.tag != "skey":
        return child
    return Node(
        "skey", {}, [Node("signature", {}, bytes(64)) if p.tag == "signature" else p for p in child.children]
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (unsigned, "not signed by its identity"),
        (lambda c: None if c.tag == "skey" else c, "no signed prekey"),
        (lambda c: None if c.tag == "identity" else c, "<identity> has 0 bytes"),
        (lambda c: Node("identity", {}, bytes(32)) if c.tag == "identity" else c, "refused"),
        (lambda c: Node(c.tag, {}, b"\xff") if c.tag == "device-identity" else c, "refused"),
    ],
    ids=["unsigned", "no signed prekey", "no identity", "zero identity", "no voucher"],
)
def test_a_bundle_that_is_no_good_leaves_one_device_out(
    change: Callable[[Node], Node | None], why: str
) -> None:
    world, ann, bob, tablet = trio()
    forget(ann, tablet.lid)
    spoil(world, tablet, change)
    result = world.finish(ann.send(bob.lid.bare, "to all of you", "A2"))
    (failure,) = result.failures
    assert failure.device == str(tablet.lid) and why in failure.reason
    assert bob.texts()[-1] == "to all of you"
    assert not has_session(ann.store, tablet.lid.signal_address)


def test_a_companion_that_another_account_vouches_for_is_not_written_to() -> None:
    world, ann, bob, tablet = trio()
    (eve, laptop) = world.person(3, (0, 5))
    world.finish(ann.send(eve.lid.bare, "hello", "E1"))
    forget(ann, tablet.lid)
    theirs = world._bundle(laptop.lid)
    spoil(world, tablet, lambda child: theirs.child(child.tag))
    (failure,) = world.finish(ann.send(bob.lid.bare, "secret", "A2")).failures
    assert "another account" in failure.reason
    assert laptop.texts() == ["hello"]


def test_a_voucher_that_nobody_can_check_yet_is_no_reason_to_leave_a_device_out() -> None:
    """It names no account, and the phone that could tell has no keys with the server."""
    world = World()
    (ann,), (bob, tablet), (cid, laptop) = world.person(1), world.person(2, (0, 5)), world.person(3, (0, 5))
    world.broken |= {bob.lid, cid.lid}
    spoil(world, tablet, without_key)
    spoil(
        world, laptop, lambda child: without_key(child) if child.tag != "device-identity" else spoilt(child)
    )
    result = world.finish(ann.send(world.group(1, [ann, bob, cid]), "one", "G1"))
    assert tablet.texts() == ["one"]
    assert {failure.device for failure in result.failures} == {str(d) for d in (bob.lid, cid.lid, laptop.lid)}


def without_key(child: Node) -> Node:
    if child.tag != "device-identity":
        return child
    signed = ADVSignedDeviceIdentity.FromString(child.content_bytes())
    signed.ClearField("accountSignatureKey")
    return Node(child.tag, {}, signed.SerializeToString())


def spoilt(child: Node) -> Node:
    """It names an account, whose signature it does not bear."""
    signed = ADVSignedDeviceIdentity.FromString(child.content_bytes())
    signed.accountSignature = bytes(64)
    return Node(child.tag, {}, signed.SerializeToString())


def test_a_damaged_list_is_set_aside_and_asked_for_again() -> None:
    world, ann, bob, tablet = trio()
    txn = ann.ctx.txn()
    txn.put(Kind.DEVICE_LIST, bob.lid.user, b'{"server":7}')
    ann.store.stage(txn)
    assert LISTS.get(ann.store, bob.lid.user) is None, "a view alone changes nothing"
    assert not list(QUARANTINE.ids(ann.store))
    world.finish(ann.send(bob.lid.bare, "all of you", "A2"))
    assert [party.texts()[-1] for party in (bob, tablet)] == ["all of you"] * 2
    (id,) = QUARANTINE.ids(ann.store)
    aside = QUARANTINE.get(ann.store, id)
    assert aside is not None and aside.data == b'{"server":7}'


def test_a_large_fan_out_goes_out_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_person, "SEAL_AT_ONCE", 2)
    world = World()
    (ann,), others = world.person(1), world.person(2, range(7))
    world.finish(ann.send(others[0].lid.bare, "to seven", "A1"))
    assert [party.texts() for party in others] == [["to seven"]] * 7


def test_somebody_leaves_while_a_key_is_being_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sealed before carries a key that is ours no more: the distribution starts anew."""
    monkeypatch.setattr(send_group, "SEAL_AT_ONCE", 1)
    world = World()
    (ann,), people = world.person(1), [world.person(n)[0] for n in range(2, 6)]
    group = world.group(1, [ann, *people])
    seal, left = send_group.seal, [3]

    def leaving(*args: object) -> str:
        left[0] -= 1
        if left[0] == 0:
            sender_keys.rotate(ann.ctx, args[1], group)  # type: ignore[arg-type]
        return seal(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(send_group, "seal", leaving)
    world.finish(ann.send(group, "one", "G1"))
    world.finish(ann.send(group, "two", "G2"))
    assert [party.texts() for party in people] == [["one", "two"]] * 4
    asked = [n for _, n in world.log if n.tag == "receipt" and n.text("type") == "retry"]
    assert not asked


def test_a_group_that_never_stands_still_is_given_up_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_group, "SEAL_AT_ONCE", 1)
    world = World()
    (ann,), people = world.person(1), [world.person(n)[0] for n in range(2, 5)]
    group = world.group(1, [ann, *people])
    seal = send_group.seal

    def leaving(*args: object) -> str:
        sender_keys.rotate(ann.ctx, args[1], group)  # type: ignore[arg-type]
        return seal(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(send_group, "seal", leaving)
    handle = ann.send(group, "one", "G1")
    world.run()
    assert "kept changing" in str(handle.error)
    assert all(party.texts() == [] for party in people)
