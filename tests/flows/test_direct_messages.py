"""Messages between persons with several devices each, both ways, through every layer but the socket."""

from __future__ import annotations

from tests.support.parties import World


def test_both_ways() -> None:
    world = World()
    (ann,), (bob,) = world.person(1), world.person(2)
    result = world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    assert (result.devices, result.failures) == (1, ())
    assert bob.texts() == ["hello"]
    event = bob.told("message.received")[0]
    assert event.chat.id == str(ann.lid.bare)
    assert event.from_.pn == str(ann.pn.bare)
    assert event.from_me is False
    world.finish(bob.send(ann.lid.bare, "hello back", "B1"))
    world.finish(ann.send(bob.lid.bare, "again", "A2"))
    assert ann.texts() == ["hello back"]
    assert bob.texts() == ["hello", "again"]
    assert {e.status for e in ann.told("message.status")} == {"delivered"}


def test_every_device_of_both_sides() -> None:
    world = World()
    ann = world.person(1, (0, 3))
    bob = world.person(2, (0, 5, 7))
    world.finish(ann[1].send(bob[0].pn.bare, "hello", "A1"))
    assert [b.texts() for b in bob] == [["hello"]] * 3
    assert ann[0].texts("message.sent_elsewhere") == ["hello"]
    copy = ann[0].told("message.sent_elsewhere")[0]
    assert (copy.chat.id, copy.from_me) == (str(bob[0].lid.bare), True)
    world.finish(bob[2].send(ann[0].lid.bare, "hi both", "B1"))
    assert [a.texts() for a in ann] == [["hi both"]] * 2
    assert [b.texts("message.sent_elsewhere") for b in bob] == [["hi both"], ["hi both"], []]
