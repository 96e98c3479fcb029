"""Lost, doubled, reordered, delayed stanzas and processes that die: everything arrives, once."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.errors import LinkLost, TimedOut
from protocol.jid import Jid
from protocol.node import Node
from tests.support.parties import Party, World


class Chaos:
    """Doubles, delays and reorders deliveries of messages. The server never forgets one: it repeats."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng, self.held = rng, list[tuple[Party, Node]]()
        self.world = world
        world.filters.append(self)

    def __call__(self, party: Party, node: Node) -> Iterator[Node]:
        dice = self.rng.random() if node.tag == "message" else 1.0
        if dice < 0.2:
            self.held.append((party, node))
            return
        yield node
        if dice < 0.4:
            yield node

    def release(self) -> None:
        self.world.filters.clear()
        self.rng.shuffle(self.held)
        for party, node in self.held:
            self.world.deliver(party, node)
        self.held.clear()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_every_message_arrives_once(seed: int) -> None:
    rng = random.Random(seed)
    world = World(seed)
    people = [world.person(1, (0, 2)), world.person(2), world.person(3)]
    devices = [device for person in people for device in person]
    group = world.group(1, devices)
    chaos = Chaos(world, rng)
    expected: dict[str, tuple[Party, Jid | None, str]] = {}
    for number in range(25):
        sender = rng.choice(devices)
        id, text = f"M{number}", f"text {number}"
        other = rng.choice([d for d in devices if d.person is not sender.person])
        to = group if rng.random() < 0.5 else other.lid.bare
        handle = sender.send(to, text, id)
        world.run()
        if rng.random() < 0.2:
            rng.choice(devices).restart()
        if not handle.done or handle.error is not None:
            assert isinstance(handle.error, LinkLost | TimedOut | None)
            world.run(80)
            world.finish(sender.send(to, text, id))
        expected[id] = (sender, None if to == group else to, text)
        if rng.random() < 0.3:
            chaos.release()
            world.filters.append(chaos)
    chaos.release()
    world.run(30)
    world.run(30)
    for id, (sender, to, text) in expected.items():
        for device in devices:
            if device is sender:
                continue
            mine = device.person is sender.person
            if to is not None and not mine and device.person.lid != to:
                continue
            # The log drops a second event of one key.
            told = {
                event.key: event
                for kind in ("message.received", "message.sent_elsewhere", "message.recovered")
                for event in device.told(kind)
                if event.id == id
            }
            assert [event.body["text"] for event in told.values()] == [text], (id, str(device.lid))


@pytest.mark.parametrize("cut", range(6))
def test_a_process_that_dies_at_any_step_of_a_send_sends_once_more_and_is_read_once(cut: int) -> None:
    world = World()
    (ann,), (bob, tablet) = world.person(1), world.person(2, (0, 5))
    handle = ann.send(bob.lid.bare, "one", "A1")
    for _ in range(cut):
        for node in ann.settle():
            world.log.append((ann, node))
            world._from(ann, node)
    ann.restart()
    world.run()
    if handle.error is not None:
        world.finish(ann.send(bob.lid.bare, "one", "A1"))
    for device in (bob, tablet):
        assert device.texts() + device.texts("message.recovered") == ["one"]
