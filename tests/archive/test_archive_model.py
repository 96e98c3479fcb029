"""The event log, cursors and retention against a model of a few lines, in any order of steps, restarts included."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.archive.samples import NOW, Clock
from waconnd.store.archive import Archive, CursorExpired, Filter, Retention
from waconnd.store.archive import retention as broom

T = TypeVar("T")
DAY = 86_400
ACCOUNTS = st.sampled_from(["main", "shop"])
TYPES = st.sampled_from(["a.one", "a.two", "b.one"])


class LogMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        #: seq -> (account, type, key, stored)
        self.rows: dict[int, tuple[str, str, str, float]] = {}
        self.newest = 0
        self.cursors: dict[str, int] = {}
        self._open()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def _open(self) -> None:
        limits = Retention(event_seconds=10 * DAY)
        self.archive = Archive(Path(self.folder.name) / "events.db", clock=self.clock, retention=limits)
        self.run(self.archive.open())

    @rule(account=ACCOUNTS, items=st.lists(st.tuples(TYPES, st.integers(0, 40)), max_size=8))
    def append(self, account: str, items: list[tuple[str, int]]) -> None:
        events = [{"type": type, "key": f"k{n}", "at": NOW, "n": n} for type, n in items]
        seqs = self.run(self.archive.events.append(account, events))
        held = {(account, key): seq for seq, (owner, _, key, _) in self.rows.items() if owner == account}
        for event, seq in zip(events, seqs, strict=True):
            known = held.get((account, event["key"]))
            if known is not None:
                assert seq == known
            else:
                assert seq == self.newest + 1
                self.newest = seq
                held[account, event["key"]] = seq
                self.rows[seq] = (account, event["type"], event["key"], self.clock.now)
        assert self.archive.events.newest == self.newest

    @rule(days=st.integers(1, 6))
    def days_pass(self, days: int) -> None:
        self.clock.now += days * DAY

    @rule()
    def sweep(self) -> None:
        old, broom.SLICE_ROWS = broom.SLICE_ROWS, 3  # type: ignore[misc]
        try:
            self.run(self.archive.retention.sweep_all())
        finally:
            broom.SLICE_ROWS = old  # type: ignore[misc]
        before = int(self.clock.now) - 10 * DAY
        self.rows = {seq: row for seq, row in self.rows.items() if int(row[3]) >= before}

    @rule(name=st.sampled_from(["x", "y"]), place=st.floats(0, 1))
    def ack(self, name: str, place: float) -> None:
        seq = round(self.newest * place)
        self.cursors[name] = max(seq, self.cursors.get(name, 0))
        assert self.run(self.archive.cursors.ack(name, seq)) == self.cursors[name]

    @rule()
    def restart(self) -> None:
        self.run(self.archive.close())
        self._open()
        assert self.archive.events.newest == self.newest

    @rule(place=st.floats(0, 1), account=ACCOUNTS, types=st.sampled_from([(), ("a.*",), ("*.one", "a.two")]))
    def read(self, place: float, account: str, types: tuple[str, ...]) -> None:
        start = after = round(self.newest * place)
        oldest = min(self.rows, default=self.newest + 1)
        wanted = Filter(accounts=(account,), types=types)
        got: list[int] = []
        more = True
        while more:
            try:
                page = self.run(self.archive.events.read(after, wanted, limit=3))
            except CursorExpired as expired:
                assert 0 < start < oldest - 1
                assert expired.oldest == oldest
                return
            got += [row.seq for row in page.events]
            after, more = page.next, page.more
        assert start == 0 or start >= oldest - 1
        passes = {"a.*": ("a.one", "a.two"), "*.one": ("a.one", "b.one"), "a.two": ("a.two",)}
        allowed = {name for glob in types for name in passes[glob]} or {"a.one", "a.two", "b.one"}
        assert got == [
            seq
            for seq, (owner, type, _, _) in sorted(self.rows.items())
            if seq > start and owner == account and type in allowed
        ]

    @invariant()
    def cursors_and_bounds_are_true(self) -> None:
        oldest = min(self.rows, default=self.newest + 1)
        bounds = self.run(self.archive.events.bounds())
        assert (bounds.oldest, bounds.newest) == (oldest, self.newest)
        held = self.run(self.archive.cursors.all())
        assert {c.name: (c.seq, c.behind) for c in held} == {
            name: (seq, seq < oldest - 1) for name, seq in self.cursors.items()
        }
        whole = self.run(self.archive.events.read(0))
        size = sum(len(row.body) for row in whole.events)
        assert len(self.rows) > 200 or bounds.bytes == size
        assert all(msgspec.json.decode(row.body)["account"] == row.account for row in whole.events[:3])

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.run(self.archive.close())
            self.loop.close()
            self.folder.cleanup()


LogMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLogModel = LogMachine.TestCase
