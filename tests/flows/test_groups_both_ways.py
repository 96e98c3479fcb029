"""Groups: one sender key for all, distributed once, rotated when somebody leaves."""

from __future__ import annotations

import pytest

from protocol.flows import roster, sender_keys
from protocol.flows.sender_keys import MEMORIES
from protocol.jid import Jid
from protocol.node import Node
from tests.support.parties import Party, World


def five() -> tuple[World, list[list[Party]]]:
    world = World()
    return world, [world.person(n, (0, n) if n < 3 else (0,)) for n in range(1, 6)]


def sealed_for(world: World, id: str) -> int:
    """Devices that the sender key went to with this message."""
    for _, node in world.log:
        if node.tag == "message" and node.text("id") == id:
            shared = node.child("participants")
            return len(shared.children) if shared else 0
    raise AssertionError(f"{id} was never sent")


def test_everybody_reads_and_the_key_travels_once() -> None:
    world, people = five()
    everybody = [device for person in people for device in person]
    group = world.group(1, everybody)
    ann = people[0][1]
    result = world.finish(ann.send(group, "one", "G1"))
    world.finish(ann.send(group, "two", "G2"))
    assert result.failures == ()
    for device in everybody:
        kind = "message.sent_elsewhere" if device is people[0][0] else "message.received"
        assert device.texts(kind) == ([] if device is ann else ["one", "two"])
    assert (sealed_for(world, "G1"), sealed_for(world, "G2")) == (len(everybody) - 1, 0)
    for index, device in enumerate(everybody[2:]):
        world.finish(device.send(group, f"from {index}", f"R{index}"))
    assert sorted(ann.texts()) == [f"from {index}" for index in range(len(everybody) - 2)]


def test_groups_addressed_by_number() -> None:
    world, people = five()
    everybody = [device for person in people for device in person]
    group = world.group(1, everybody, "pn")
    world.finish(people[0][0].send(group, "one", "G1"))
    world.finish(people[4][0].send(group, "two", "G2"))
    assert people[1][1].texts() == ["one", "two"]


def change(world: World, party: Party, group: Jid, tag: str, *who: Party) -> None:
    members = [Node("participant", {"jid": one.lid.bare, "phone_number": one.pn.bare}) for one in who]
    head = {"type": "w:gp2", "id": "N", "from": group, "addressing_mode": "lid"}
    party.receive(Node("notification", dict(head), [Node(tag, {}, list(members))]))
    world.run()


def test_who_leaves_reads_no_more() -> None:
    world, people = five()
    group = world.group(1, [device for person in people for device in person])
    ann, eve = people[0][0], people[4][0]
    world.finish(ann.send(group, "one", "G1"))
    world.groups[group][1].remove(eve.person)
    change(world, ann, group, "remove", eve)
    world.finish(ann.send(group, "two", "G2"))
    assert sealed_for(world, "G2") == 6 - 1
    assert eve.texts() == ["one"]
    assert people[3][0].texts() == ["one", "two"]


def test_who_comes_is_written_to_at_once() -> None:
    world, people = five()
    group = world.group(1, [device for person in people[:4] for device in person])
    ann, eve = people[0][0], people[4][0]
    world.finish(ann.send(group, "one", "G1"))
    world.groups[group][1].append(eve.person)
    change(world, ann, group, "add", eve)
    world.finish(ann.send(group, "two", "G2"))
    assert (eve.texts(), sealed_for(world, "G2")) == (["two"], 1)
    queries = [n for p, n in world.log if p is ann and n.text("xmlns") == "w:g2"]
    assert len(queries) == 1


def test_a_group_that_removed_us_is_forgotten() -> None:
    world, people = five()
    group = world.group(1, [device for person in people for device in person])
    ann = people[0][0]
    world.finish(ann.send(group, "one", "G1"))
    change(world, ann, group, "remove", ann)
    assert roster.GROUPS.get(ann.store, str(group)) is None
    assert MEMORIES.get(ann.store, str(group)) is None


def test_a_new_member_gets_the_key_alone() -> None:
    world, people = five()
    group = world.group(1, [device for person in people[:4] for device in person])
    ann = people[0][0]
    world.finish(ann.send(group, "one", "G1"))
    world.groups[group][1].append(people[4][0].person)
    # The server says that it counts others than we do; those that were missed get it at once, and once.
    world.finish(ann.send(group, "two", "G2"))
    assert people[4][0].texts() == ["two"]
    world.finish(ann.send(group, "three", "G3"))
    assert (people[4][0].texts(), sealed_for(world, "G3")) == (["two", "three"], 0)


def test_one_bad_device_does_not_fail_the_group() -> None:
    world, people = five()
    group = world.group(1, [device for person in people for device in person])
    bad = people[1][1]
    world.broken.add(bad.lid)
    result = world.finish(people[0][0].send(group, "one", "G1"))
    assert [failure.device for failure in result.failures] == [str(bad.lid)]
    assert people[4][0].texts() == ["one"]
    memory = MEMORIES.get(people[0][0].store, str(group))
    assert memory is not None
    assert bad.lid.signal_address not in memory.has
    world.finish(people[0][0].send(group, "two", "G2"))
    asked = [n for p, n in world.log if n.tag == "iq" and n.child("key") and p is people[0][0]]
    assert len(asked) == 1, "a device without keys is not asked about at every message"


def test_a_lost_ack_does_not_count_as_delivered() -> None:
    world, people = five()
    group = world.group(1, [device for person in people for device in person])
    ann = people[0][0]
    handle = ann.send(group, "one", "G1")
    world.refuse = lambda party, node: 503
    world.run()
    assert handle.error is not None
    assert getattr(handle.error, "transient") is True
    assert MEMORIES.get(ann.store, str(group)) is None
    world.refuse = lambda party, node: 0
    world.finish(ann.send(group, "one", "G1"))
    assert sealed_for(world, "G1") == 6
    assert people[3][0].texts() == ["one"]


@pytest.mark.parametrize("late", [False, True], ids=["all at once", "a device was missed"])
def test_a_key_that_was_replaced_before_the_ack_was_given_to_nobody(late: bool) -> None:
    """Somebody leaves while the message that carries the key is under way: the next one brings the new key to all."""
    world = World()
    (ann,), (bob,), (cid,) = world.person(1), world.person(2), world.person(3)
    group = world.group(1, [ann, bob, cid])
    if late:
        world.finish(ann.send(group, "zero", "G0"))
        tablet = world.link(bob.person, 4)

    def leave(party: Party, node: Node) -> int:
        if party is ann and node.text("id") == "G1" and (not late or node.jid("participant")):
            txn = ann.ctx.txn()
            sender_keys.rotate(ann.ctx, txn, group)
            ann.store.stage(txn)
        return 0

    world.refuse = leave
    world.finish(ann.send(group, "one", "G1"))
    world.finish(ann.send(group, "two", "G2"))
    readers = [bob, cid, tablet] if late else [bob, cid]
    assert [party.texts()[-1] for party in readers] == ["two"] * len(readers)
    asked = [n.text("id") for _, n in world.log if n.tag == "receipt" and n.text("type") == "retry"]
    assert "G2" not in asked, "nobody had to ask again"
