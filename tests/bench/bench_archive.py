"""The archive: inserts with all that follows from them, replay, and what is asked all day at a million events."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import cached_property
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.archive.large import CHATS, fill, said
from tests.bench.harness import SECONDS, Row
from waconnd.store.archive import Archive, Filter, encode

EVENTS, MESSAGES = 1_000_000, 100_000
ASKED = 200


class Sqlite:
    """The same event rows, and nothing that follows from them, straight into SQLite with synchronous=FULL."""

    name = "SQLite FULL"
    missing = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._folder / "peer.db", isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute(
            "create table event(seq integer primary key autoincrement, account text, type text, key text, at integer,"
            " body blob, unique(account, key))"
        )
        return connection

    def rate(self, per_commit: int) -> Callable[[], float]:
        numbers = count()

        def measure() -> float:
            stored, start = 0, time.perf_counter()
            while time.perf_counter() - start < SECONDS:
                self.connection.execute("begin immediate")
                for _ in range(per_commit):
                    row = encode("main", said(next(numbers)))
                    key = f"{per_commit}/{row.key}"
                    self.connection.execute(
                        "insert into event(account, type, key, at, body) values(?, ?, ?, ?, ?)",
                        (row.account, row.type, key, row.at, row.body),
                    )
                self.connection.execute("commit")
                stored += per_commit
            return stored / (time.perf_counter() - start)

        return measure


class Bench:
    """Opens what a measurement needs when it is first needed: filling the large one takes half a minute."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.folder = Path(stack.enter_context(TemporaryDirectory()))
        self._runner = stack.enter_context(asyncio.Runner())
        self._numbers = count(10_000_000)

    def run(self, work: Awaitable[Any]) -> Any:
        async def whole() -> Any:
            return await work

        return self._runner.run(whole())

    def _open(self, name: str) -> Archive:
        archive = Archive(self.folder / name)
        self.run(archive.open())
        self._stack.callback(lambda: self.run(archive.close()))
        return archive

    @cached_property
    def fresh(self) -> Archive:
        return self._open("fresh.db")

    @cached_property
    def large(self) -> Archive:
        archive = self._open("large.db")
        self.run(fill(archive, EVENTS, MESSAGES))
        return archive

    def inserts(self, producers: int, together: int = 1) -> Callable[[], float]:
        async def produce(archive: Archive, until: float) -> int:
            stored = 0
            while time.perf_counter() < until:
                await archive.events.append("main", [said(next(self._numbers)) for _ in range(together)])
                stored += together
            return stored

        async def all_of_them(archive: Archive) -> float:
            start = time.perf_counter()
            stored = await asyncio.gather(*(produce(archive, start + SECONDS) for _ in range(producers)))
            return sum(stored) / (time.perf_counter() - start)

        return lambda: float(self.run(all_of_them(self.fresh)))

    def replay(self) -> float:
        async def whole(archive: Archive) -> float:
            start, after, rows = time.perf_counter(), 0, 0
            while time.perf_counter() - start < SECONDS:
                page = await archive.events.read(after)
                rows += len(page.events)
                after = page.next if page.more else 0
            return rows / (time.perf_counter() - start)

        return float(self.run(whole(self.large)))

    def slowest(self, ask: Callable[[Archive, int], Awaitable[Any]]) -> Callable[[], float]:
        """The 99th percentile in ms, each question another one."""

        async def whole(archive: Archive) -> float:
            times: list[float] = []
            for n in range(ASKED):
                start = time.perf_counter()
                await ask(archive, n)
                times.append(time.perf_counter() - start)
            return sorted(times)[int(ASKED * 0.99)] * 1000

        return lambda: float(self.run(whole(self.large)))


def rows(stack: ExitStack) -> list[Row]:
    bench = Bench(stack)
    peer = Sqlite(bench.folder)
    middle = f"{1_790_000_000_000 + MESSAGES * 500}-1"
    return [
        Row("archive/insert-1-producer", "messages/s", bench.inserts(1), peer, peer.rate(1)),
        Row("archive/insert-64-producers", "messages/s", bench.inserts(64), peer, peer.rate(64)),
        Row("archive/insert-drain-250", "messages/s", bench.inserts(1, 250), peer, peer.rate(250)),
        Row("archive/replay-by-cursor", "events/s", bench.replay),
        Row(
            "archive/page-of-a-chat-p99",
            "ms",
            bench.slowest(
                lambda archive, n: archive.messages.page("main", f"{n % CHATS}@lid", before=middle)
            ),
            better="lower",
        ),
        Row(
            "archive/search-p99",
            "ms",
            bench.slowest(lambda archive, n: archive.messages.search("main", f"common rare{n}", limit=50)),
            better="lower",
        ),
        Row(
            "archive/search-common-word-p99",
            "ms",
            bench.slowest(lambda archive, n: archive.messages.search("main", "common", limit=50)),
            better="lower",
        ),
        Row(
            "archive/resume-by-cursor-p99",
            "ms",
            bench.slowest(
                lambda archive, n: archive.events.read(n * EVENTS // ASKED, Filter(types=("group.*",)))
            ),
            better="lower",
        ),
    ]
