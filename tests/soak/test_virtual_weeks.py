"""Weeks under a virtual clock: a core that meets every kind of end, again and again, always comes back and never grows."""

from __future__ import annotations

import gc
import random
import tracemalloc

import pytest

from protocol.engine.closes import of_socket, of_stage
from protocol.engine.states import Link
from protocol.node import Node
from protocol.stanza import session
from tests.support.pump import Host
from tests.support.scenes import connected, logged_in
from tests.support.toy_server import Toy
from waconnd.policy import CAP_SECONDS, Backoff

DAY = 86400.0
RUMOUR = Node("notification", {"from": "s.whatsapp.net", "type": "rumour", "id": "1", "t": "1767225600"})
#: A fault comes on average this often.
CALM = 1800.0
#: A dead line is found out by then (docs/states.md: 18 s of silence, 20 s for an answer; a request may be a little later).
NOTICED = 90.0


def gone(pump, rng) -> None:
    """The network says so."""
    pump.drop()


def half_open(pump, rng) -> None:
    """Nothing comes any more, and nobody is told."""
    pump.dead = True


def mute(pump, rng) -> None:
    """The server takes everything and says nothing."""
    pump.serve = lambda pump, node: None


def unavailable(pump, rng) -> None:
    pump.server.end_stream(session.stream_error(503))


def restart(pump, rng) -> None:
    pump.server.end_stream(session.stream_error(515))


def closed(pump, rng) -> None:
    pump.server.close(1006, "bye")


def garbled(pump, rng) -> None:
    """One bit on the way: the cipher finds it."""

    def once(data):
        pump.to_client = lambda data: iter((data,))
        damaged = bytearray(data)
        damaged[rng.randrange(3, len(damaged))] ^= 1
        yield bytes(damaged)

    pump.to_client = once
    pump.server.send(RUMOUR)


FAULTS = (gone, half_open, mute, unavailable, restart, closed, garbled)


def weeks(days: float, seed: int) -> tuple[int, list[tuple[int, int]]]:
    """Faults met, and (objects, bytes) at the end of each day."""
    rng = random.Random(seed)
    host, toy, backoff = Host(), Toy(), Backoff(rng.random)
    pump = logged_in(host, toy)
    pump.advance(10)
    begin, count, sizes = host.now, 0, []
    records = 0
    while host.now < begin + days * DAY:
        ready_at = host.now
        calm = rng.expovariate(1 / CALM)
        while calm > 0:
            # Somebody writes now and then; without that the line would be called deaf, and renewed.
            pump.server.send(RUMOUR)
            pump.advance(min(calm, 300.0))
            calm -= 300.0
        assert pump.client.state is Link.READY, pump.client.verdict
        fault = rng.choice(FAULTS)
        count += 1
        fault(pump, rng)
        pump.run()
        fault_at = host.now
        while pump.client.verdict is None:
            pump.advance(1)
            assert host.now - fault_at < NOTICED, f"{fault.__name__} was not noticed"
        verdict = pump.client.verdict
        ready_for = host.now - ready_at
        # The server may stay away for a while.
        for _ in range(rng.choice((0, 0, 0, 3, 20))):
            delay = backoff.delay(verdict, ready_seconds=ready_for, now=host.now)
            assert delay is not None, verdict
            assert delay <= CAP_SECONDS + verdict.least
            host.now += delay
            verdict, ready_for = rng.choice((of_stage("tcp", timed_out=True), of_socket(1006))), 0.0
        delay = backoff.delay(verdict, ready_seconds=ready_for, now=host.now)
        assert delay is not None, verdict
        host.now += delay
        host.events.clear()
        host.disk.events.clear()
        host.questions.clear()
        pump = connected(host, toy)
        pump.advance(20)
        assert pump.client.state is Link.READY, (fault.__name__, pump.client.verdict)
        if host.now > begin + (len(sizes) + 1) * DAY:
            gc.collect()
            sizes.append((len(gc.get_objects()), tracemalloc.get_traced_memory()[0]))
            records = records or len(host.disk.records)
            assert len(host.disk.records) <= records * 1.05
    return count, sizes


@pytest.mark.timeout(300)
@pytest.mark.parametrize("days", [2, pytest.param(28, marks=pytest.mark.slow)])
def test_every_end_is_survived_and_nothing_grows(days):
    tracemalloc.start()
    try:
        count, sizes = weeks(days, seed=days)
    finally:
        tracemalloc.stop()
    print(f"\n{days} days, {count} faults; objects and bytes by day: {sizes[0]} … {sizes[-1]}")
    assert count > days * 20
    first, last = sizes[0], sizes[-1]
    assert last[0] <= first[0] * 1.05, sizes
    assert last[1] <= first[1] * 1.05 + 100_000, sizes
