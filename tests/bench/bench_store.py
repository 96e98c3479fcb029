"""The auth store beside SQLite with synchronous=FULL: the same changes, as rows, by the same group commit."""

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio
import msgspec

from protocol.keystore import Changes, Save
from tests.bench.harness import Row
from waconnd.store.authdir import AuthDir
from waconnd.store.crew import Crew

#: Producers and the transactions of one turn. Each touches three records of 2 KiB; those of one frame that touch the
#: same record share its newest image, so more are needed where many share a frame.
TRANSACTIONS = {1: 6400, 8: 16_000, 64: 51_200}
#: A turn has at least so many, else it is no measurement. The fourth writes everything to files.
CHECKPOINTS = 4
RECORD = 2048
#: Peers and groups of a busy account.
PEERS, GROUPS = 150, 40
#: What a first link uploads.
PRE_KEYS = 812
RECORDS = 20_000
ROUNDS = 3

Commit = Callable[[Changes], Awaitable[object]]


class Sqlite:
    name = "SQLite, WAL, synchronous=FULL"
    missing = ""


def rows(stack: ExitStack) -> list[Row]:
    Path("build").mkdir(exist_ok=True)
    # Not the system's folder for temporary files: that may be memory.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="build")))
    peer = Sqlite()
    found: list[Row] = []
    for producers in TRANSACTIONS:
        name = f"{producers} producer{'s' * (producers > 1)}"
        found += [
            Row(f"store/transactions/{name}", "txn/s", partial(transactions, folder, producers), peer,
                partial(sqlite_transactions, folder, producers), rounds=ROUNDS),
            Row(f"store/syncs of the journal/{name}", "a txn", partial(syncs, folder, producers, "journal"),
                better="lower", rounds=1),
            Row(f"store/syncs with checkpoints/{name}", "a txn", partial(syncs, folder, producers, "all"),
                better="lower", rounds=1),
        ]  # fmt: skip
    return [
        *found,
        Row(f"store/{PRE_KEYS} files at once", "ms", partial(at_once, folder), peer, partial(sqlite_at_once, folder),
            better="lower"),
        Row(f"store/start with {RECORDS} records", "ms", partial(start, folder, "ms"), peer,
            partial(sqlite_start, folder), better="lower"),
        Row(f"store/memory of {RECORDS} records", "MiB", partial(start, folder, "MiB"), better="lower", rounds=1),
    ]  # fmt: skip


def fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def transaction(chance: random.Random, blob: bytes) -> Changes:
    return {
        ("creds", ""): blob,
        ("session", f"{15550000000 + chance.randrange(PEERS)}.0"): blob,
        ("sender-key", f"1203630000000{chance.randrange(GROUPS):05}@g.us"): blob,
    }


async def drive(commit: Commit, producers: int) -> float:
    """Transactions per second; each producer waits for its own to be durable."""
    chance, blob = random.Random(7), os.urandom(RECORD)

    async def produce() -> None:
        for _ in range(TRANSACTIONS[producers] // producers):
            await commit(transaction(chance, blob))

    started = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(producers):
            group.start_soon(produce)
    return TRANSACTIONS[producers] / (time.perf_counter() - started)


async def drive_ours(folder: Path, producers: int) -> tuple[float, AuthDir]:
    store = await AuthDir.open(fresh(folder), create=True)
    value = await drive(lambda changes: store.commit(Save(0, changes)), producers)
    if store.checkpoints < CHECKPOINTS:
        raise RuntimeError(f"only {store.checkpoints} checkpoints: the figure would flatter us")
    await store.close()
    return value, store


def transactions(folder: Path, producers: int) -> float:
    return anyio.run(drive_ours, folder, producers)[0]


def syncs(folder: Path, producers: int, which: str) -> float:
    calls = 0
    real = os.fdatasync, os.fsync

    def counted(sync: Callable[[int], None], fd: int) -> None:
        nonlocal calls
        calls += 1
        sync(fd)

    os.fdatasync, os.fsync = (partial(counted, sync) for sync in real)
    try:
        _, store = anyio.run(drive_ours, folder, producers)
    finally:
        os.fdatasync, os.fsync = real
    return (store.frames if which == "journal" else calls) / store.commits


def at_once(folder: Path) -> float:
    async def run() -> float:
        store = await AuthDir.open(fresh(folder), create=True)
        keys: Changes = {("pre-key", str(n)): os.urandom(150) for n in range(PRE_KEYS)}
        started = time.perf_counter()
        await store.commit(Save(0, keys))
        took = time.perf_counter() - started
        await store.close()
        return took * 1000

    return anyio.run(run)


class SqliteStore:
    """The same group commit over a table: whatever waits while a transaction runs shares the next one."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = full")
        self.connection.execute(
            "create table if not exists record(kind text, id text, value blob not null, primary key(kind, id))"
            " strict, without rowid"
        )
        self._crew = Crew(1, "sqlite")
        self._waiting: deque[tuple[Changes, asyncio.Future[None]]] = deque()
        self._busy = False

    async def commit(self, changes: Changes) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((changes, future))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._next)
        await future

    def write(self, group: list[Changes]) -> None:
        self.connection.execute("begin immediate")
        for changes in group:
            self.connection.executemany(
                "insert or replace into record values(?, ?, ?)",
                [(*key, value) for key, value in changes.items()],
            )
        self.connection.execute("commit")

    def _next(self) -> None:
        group = list(self._waiting)
        self._waiting.clear()
        self._crew.start(
            lambda: self.write([changes for changes, _ in group]), lambda e: self._done(e, group)
        )

    def _done(self, error: object, group: list[tuple[Changes, asyncio.Future[None]]]) -> None:
        if isinstance(error, BaseException):
            raise error
        for _, future in group:
            future.set_result(None)
        self._busy = False
        asyncio.get_running_loop().call_soon(self._again)

    def _again(self) -> None:
        if self._waiting and not self._busy:
            self._busy = True
            self._next()


def sqlite_transactions(folder: Path, producers: int) -> float:
    store = SqliteStore(fresh(folder) / "peer.db")
    try:
        return anyio.run(drive, store.commit, producers)
    finally:
        store.connection.close()


def sqlite_at_once(folder: Path) -> float:
    store = SqliteStore(fresh(folder) / "peer.db")
    keys: Changes = {("pre-key", str(n)): os.urandom(150) for n in range(PRE_KEYS)}
    started = time.perf_counter()
    store.write([keys])
    took = time.perf_counter() - started
    store.connection.close()
    return took * 1000


def filled(folder: Path) -> Path:
    path = folder / "twenty-thousand"
    if not path.exists():

        async def fill() -> None:
            store = await AuthDir.open(path, create=True)
            for base in range(0, RECORDS, 500):
                await store.commit(Save(0, {("session", f"{base + n}.0"): bytes(1500) for n in range(500)}))
            await store.close()

        anyio.run(fill)
    return path


START = """
import sys, time, anyio, msgspec, resource
from waconnd.store.authdir import AuthDir
def memory():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20
async def main():
    before, started = memory(), time.perf_counter()
    store = await AuthDir.open(sys.argv[1])
    took = time.perf_counter() - started
    assert len(list(store.ids("session"))) == int(sys.argv[2])
    print(msgspec.json.encode({"ms": took * 1000, "MiB": memory() - before}).decode())
    await store.close()
anyio.run(main)
"""


def start(folder: Path, unit: str) -> float:
    """In a process of its own: what is already imported and cached would flatter us."""
    command = [sys.executable, "-c", START, str(filled(folder)), str(RECORDS)]
    answer: dict[str, float] = msgspec.json.decode(
        subprocess.run(command, capture_output=True, check=True).stdout
    )
    return answer[unit]


def sqlite_start(folder: Path) -> float:
    """It opens at once; to know which records there are, it reads the keys."""
    path = folder / "twenty-thousand.db"
    if not path.exists():
        store = SqliteStore(path)
        store.write([{("session", f"{n}.0"): bytes(1500) for n in range(RECORDS)}])
        store.connection.close()
    started = time.perf_counter()
    store = SqliteStore(path)
    found = {(kind, id) for kind, id in store.connection.execute("select kind, id from record")}
    took = time.perf_counter() - started
    assert len(found) == RECORDS
    store.connection.close()
    return took * 1000
