"""Messages end to end: real processes on loopback, durable settings on, beside Baileys on the same sandbox.

Each side has its own person with one linked device. What it is sent is encrypted before the clock starts, by the same
senders for each; receipts and acks go out, and a message counts when a program that listens has it. The sandbox' own
share of a core is printed: near 100% it was the limit.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, partial

from tests.bench.harness import Row
from tests.bench.talkers import Baileys, Stage, Waconnd, cpu, rss

RECEIVED = 4000
SENDERS = 200
#: From each of the senders, none of whom was answered: every one of them opens its session again.
FIRST = 1000
SENT = 3000
#: An answer is on its way, and read, within this.
ANSWER_SECONDS = 0.5
MEMBERS = 1024
#: A busy account, for the time that one message takes.
PACE = 200
PACED = 400

Side = Waconnd | Baileys


class Scene:
    """Everybody on one sandbox, and what was measured of each."""

    def __init__(self, stack: ExitStack) -> None:
        self.stage = Stage(stack)
        self.ours = Waconnd(self.stage)
        self.files = Baileys(self.stage, files=True)
        self.memory = Baileys(self.stage, files=False)
        #: (side, what) → processor seconds for 1,000 messages, of the newest measurement.
        self.cpu: dict[tuple[str, str], float] = {}

    @cached_property
    def friend(self) -> str:
        return str(self.stage.box.ask("person", who="friend"))

    def _timed(self, side: Side, what: str, count: int, run: Callable[[], float]) -> float:
        """Messages a second."""
        used, box = cpu(side.pid), float(self.stage.box.ask("cpu"))
        seconds = run()
        self.cpu[side.person, what] = (cpu(side.pid) - used) / count * 1000
        share = (float(self.stage.box.ask("cpu")) - box) / seconds
        print(f"    {side.name}: the sandbox took {share:.0%} of a core", file=sys.stderr)
        return count / seconds

    def receive(self, side: Side) -> float:
        side.start()
        # One who was answered: an established session, as in a chat that goes on.
        friend = self.stage.box.ask("person", who="one 0")
        side.send(friend, 1)
        self.stage.box.ask("prepare", who=side.person, count=RECEIVED, senders=1, crowd="one")
        return self._timed(side, "receive", RECEIVED, lambda: side.receive(RECEIVED))

    def first(self, side: Side) -> float:
        side.start()
        self.stage.box.ask("prepare", who=side.person, count=FIRST, senders=SENDERS, crowd="new")
        return self._timed(side, "first", FIRST, lambda: side.receive(FIRST))

    def send(self, side: Side) -> float:
        side.start()
        side.send(self.friend, 200)
        # Sessions are established, as in a chat that goes on.
        self.stage.box.ask("answer", who="friend", to=side.person)
        time.sleep(ANSWER_SECONDS)
        return self._timed(side, "send", SENT, lambda: side.send(self.friend, SENT))

    def spent(self, side: Side, what: str) -> float:
        if (side.person, what) not in self.cpu:
            {"receive": self.receive, "send": self.send}[what](side)
        return self.cpu[side.person, what]

    def large_group(self, side: Side) -> float:
        """Seconds of the first message into a group of 1,024, devices and keys fetched."""
        side.start()
        group = self.stage.box.ask("group", who=side.person, size=MEMBERS)
        return side.send(group, 1)

    def resident(self, side: Side) -> float:
        side.start()
        return rss(side.pid)

    @cached_property
    def delays(self) -> list[float]:
        """Milliseconds from a message's leaving the server to its coming to a follower."""
        self.ours.start()
        self.stage.box.ask("prepare", who=self.ours.person, count=PACED, senders=1, crowd="paced")
        follower = self.ours.follower(PACED, "times")
        sent = self.stage.box.ask("pace", per_second=PACE)
        came = follower.line()["came"]
        return [(came[id] - at) * 1000 for id, at in sent.items()]

    def delay(self, part: float) -> float:
        return statistics.quantiles(self.delays, n=100)[int(part * 100) - 1]


def rows(stack: ExitStack) -> list[Row]:
    scene = Scene(stack)
    ours, files = scene.ours, scene.files

    def row(name, unit, run, *more, peer=files, rounds=1, better="lower"):
        return Row(name, unit, partial(run, ours, *more), peer, partial(run, peer, *more), better, rounds)

    rates = [
        row(name + mark, "DMs/s", run, peer=peer, rounds=rounds, better="higher")
        for peer, mark, rounds in ((files, "", 2), (scene.memory, "/memory", 1))
        for name, run in (
            ("messages/receive/one-sender", scene.receive),
            ("messages/receive/200-senders-first", scene.first),
            ("messages/send", scene.send),
        )
    ]
    return [
        *rates,
        row("messages/receive/cpu", "s/1,000", scene.spent, "receive"),
        row("messages/send/cpu", "s/1,000", scene.spent, "send"),
        row("messages/send/first-into-1024", "s", scene.large_group),
        row("messages/resident-memory", "MiB", scene.resident),
        Row("messages/receive/delay/p50", "ms", partial(scene.delay, 0.5), better="lower", rounds=1),
        Row("messages/receive/delay/p99", "ms", partial(scene.delay, 0.99), better="lower", rounds=1),
    ]
