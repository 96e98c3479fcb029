"""The directory under an event loop: durable when it returns, one sync for all that wait, failures final."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from protocol.events.base import Event
from protocol.keystore import Keystore, Kind, Save
from tests.store.support import SOME, happened, opened, save
from waconnd.store import authdir as module
from waconnd.store import hold, space
from waconnd.store.authdir import AuthDir
from waconnd.store.errors import (
    AuthDamaged,
    DiskFull,
    NoPermission,
    StoreClosed,
    StoreError,
    StoreMissing,
    WriteFailed,
)
from waconnd.store.files import OsDirectory
from waconnd.store.journal import FileJournal
from waconnd.store.shelf import Shelf


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[AuthDir]:
    opened = await AuthDir.open(tmp_path / "accounts" / "main", create=True)
    yield opened
    await opened.close()


async def crash(store: AuthDir) -> None:
    """What kill -9 leaves: no checkpoint, no lock."""
    store._held.let_go()
    store._closing = True


async def test_a_new_directory_is_private_and_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "accounts" / "main"
    with pytest.raises(StoreMissing, match="link the account"):
        await AuthDir.open(path)
    store = await AuthDir.open(path, create=True)
    assert store.opened.created
    assert store.seq == 0
    await store.commit(save(SOME))
    await store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(place.stat().st_mode) for place in path.iterdir()} == {0o600}
    assert (path / "creds.json").read_bytes() == SOME["creds", ""]


async def test_durable_when_it_returns(store: AuthDir) -> None:
    await store.commit(save(SOME))
    await crash(store)
    again = await AuthDir.open(store.path)
    assert again.opened.frames == 1
    assert await again.snapshot() == SOME
    await again.close()


async def test_a_lone_commit_is_one_frame_and_many_share(store: AuthDir) -> None:
    for n in range(10):
        await store.commit(save({("x", str(n)): b"v"}))
    assert store.frames == 10

    async def produce(task: int) -> None:
        for n in range(20):
            await store.commit(save({("y", f"{task}.{n}"): b"v"}))

    async with anyio.create_task_group() as group:
        for task in range(64):
            group.start_soon(produce, task)
    assert (store.frames - 10) * 8 <= 64 * 20
    assert len(list(store.ids("y"))) == 64 * 20


async def test_order_of_calls_is_order_of_values(store: AuthDir) -> None:
    futures = [store.submit(save({("x", "1"): b"%d" % n})) for n in range(50)]
    await asyncio.gather(*futures)
    assert store.get("x", "1") == b"49"
    assert store.frames < 5


async def test_several_saves_are_one(store: AuthDir) -> None:
    await store.commit(save({("x", "1"): b"a", ("x", "2"): b"b"}, 1), save({("x", "1"): None}, 2))
    assert store.frames == 1
    assert (store.get("x", "1"), store.get("x", "2")) == (None, b"b")
    assert [entry.event for entry in store.inbox()] == [happened(1), happened(2)]


async def test_a_hurried_close_leaves_the_files_to_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "main"
    store = await AuthDir.open(path, create=True)
    futures = [store.submit(save({("pre-key", f"{n}"): b"%d" % n}, n)) for n in range(900)]
    await store.close(tidy=False)
    assert all(future.done() for future in futures)
    assert not list(path.glob("pre-key-*"))
    again = await AuthDir.open(path)
    assert {id: again.get("pre-key", id) for id in again.ids("pre-key")} == {
        f"{n}": b"%d" % n for n in range(900)
    }
    assert len(again.inbox()) == 900
    await again.close()
    assert len(list(path.glob("pre-key-*"))) == 900


async def test_it_is_the_source_of_a_keystore(store: AuthDir) -> None:
    keys = Keystore(store)
    txn = keys.txn()
    txn.put("session", "1.0", b"s")
    txn.put("session", "2.0", b"t")
    number = keys.stage(txn)
    await store.commit(*keys.take_saves())
    keys.committed(number)
    txn = keys.txn()
    txn.delete("session", "1.0")
    number = keys.stage(txn)
    await store.commit(*keys.take_saves())
    keys.committed(number)
    await store.checkpoint()
    assert (keys.get("session", "1.0"), keys.get("session", "2.0")) == (None, b"t")
    assert list(keys.ids("session")) == ["2.0"]
    assert sorted(name for name in os.listdir(store.path) if name.startswith("session")) == [
        "session-2.0.json"
    ]


async def test_events_ride_with_the_ratchet_step(store: AuthDir) -> None:
    await store.commit(save({("session", "1.0"): b"s", (Kind.RETRY_COPY, "M1"): b"copy"}, 7))
    await crash(store)
    again = await AuthDir.open(store.path)
    await again.wait_inbox()
    copy, event = again.inbox()
    assert (copy.kind, copy.id, copy.body) == (Kind.RETRY_COPY, "M1", b"copy")
    assert event.event is None
    assert msgspec.json.decode(event.body or b"", type=type(happened(0))) == happened(7)
    assert copy.number < event.number
    assert again.get(Kind.RETRY_COPY, "M1") == b"copy"
    assert list(again.ids(Kind.RETRY_COPY)) == ["M1"]
    assert again.inbox(1) == [copy]
    again.drained(event.number)
    assert again.undrained == 0
    assert again.get(Kind.RETRY_COPY, "M1") is None
    await again.close()
    last = await AuthDir.open(store.path)
    assert last.inbox() == []
    await last.commit(save({}, 8))
    assert last.inbox()[0].number > event.number
    await last.close()
    assert not [name for name in os.listdir(store.path) if "retry" in name or "inbox" in name]


async def test_what_was_not_drained_outlives_a_clean_stop(store: AuthDir) -> None:
    await store.commit(save({("x", "1"): b"v"}, 1, 2))
    first, second = store.inbox()
    store.drained(first.number)
    await store.close()
    again = await AuthDir.open(store.path)
    assert [(entry.number, entry.body) for entry in again.inbox()] == [(second.number, second.body)]
    await again.close()


async def test_the_journal_learns_what_was_drained(store: AuthDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a deleted row would come again after a crash much later."""
    monkeypatch.setattr(module, "NOTE_SECONDS", 0.01)
    await store.commit(save({("x", "1"): b"v"}, 1))
    store.drained(store.inbox()[-1].number)
    with anyio.fail_after(5):
        while store.frames < 2:
            await anyio.sleep(0.01)
    await crash(store)
    again = await AuthDir.open(store.path)
    assert again.inbox() == []
    await again.close()


async def test_events_without_a_row_do_not_ride(store: AuthDir) -> None:
    class Typing(Event, frozen=True, tag="test.typing"):
        pass

    await store.commit(Save(1, {("x", "1"): b"v"}, (Typing(at=1.0),)))
    assert store.inbox() == []


async def test_a_full_journal_becomes_files(store: AuthDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_SIZE", 20_000)
    monkeypatch.setattr(module, "JOURNAL_SIZE", 40_000)

    async def produce(task: int) -> None:
        for n in range(100):
            await store.commit(save({("x", f"{task}.{n % 7}"): os.urandom(400)}))
            assert store.get("x", f"{task}.{n % 7}") is not None

    async with anyio.create_task_group() as group:
        for task in range(8):
            group.start_soon(produce, task)
    assert store.checkpoints >= 3
    before = await store.snapshot()
    await store.close()
    assert opened(store.path)[0].snapshot() == before


async def test_hot_records_are_carried_on_and_filed_in_the_end(
    store: AuthDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_SIZE", 20_000)
    monkeypatch.setattr(module, "CARRY_SIZE", 5_000)
    filed: list[int] = []
    real = Shelf.write

    def counted(self: Shelf, store: bytes, seq: int, changes: Any, strays: Any) -> Any:
        filed.append(len(changes))
        return real(self, store, seq, changes, strays)

    monkeypatch.setattr(Shelf, "write", counted)
    for n in range(400):
        await store.commit(save({("creds", ""): b"%d" % n, ("x", str(n % 30)): os.urandom(300)}))
    assert len(filed) >= module.CARRIES
    assert max(filed) == 31
    assert min(filed) < 31
    await store.commit(save({("x", "0"): None, ("x", "1"): b""}))
    want = await store.snapshot()
    await store.close()
    assert (store.path / "creds.json").read_bytes() == b"399"
    assert opened(store.path)[1].frames == 0
    assert opened(store.path)[0].snapshot() == want


async def test_commits_go_on_while_files_are_written(store: AuthDir, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.commit(save({("x", "1"): b"old", ("x", "2"): b"old", ("x", "3"): b"old"}, 1))
    real, may = Shelf.write, threading.Event()

    def slow(*args: Any) -> Any:
        assert may.wait(10)
        return real(*args)

    monkeypatch.setattr(Shelf, "write", slow)
    async with anyio.create_task_group() as group:
        group.start_soon(store.checkpoint)
        await anyio.sleep(0.01)
        with anyio.fail_after(5):
            await store.commit(save({("x", "1"): b"new", ("x", "2"): None, ("x", "4"): b"new"}, 2))
        assert store.get("x", "1") == b"new"
        may.set()
    assert store.checkpoints == 1
    want = {("x", "1"): b"new", ("x", "3"): b"old", ("x", "4"): b"new"}
    assert await store.snapshot() == want
    assert len(store.inbox()) == 2
    await crash(store)
    again = await AuthDir.open(store.path)
    assert again.opened.frames == 1
    assert await again.snapshot() == want
    assert len(again.inbox()) == 2
    await again.close()


async def test_nobody_writes_once_the_lock_is_gone(store: AuthDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame fails while files are being written: `close` waits for that thread, too."""
    await store.commit(save(SOME))
    real, ended = Shelf.write, threading.Event()

    def slow(*args: Any) -> Any:
        time.sleep(0.2)
        ended.set()
        return real(*args)

    monkeypatch.setattr(Shelf, "write", slow)
    checkpoint = asyncio.ensure_future(store.checkpoint())
    await anyio.sleep(0.01)
    with monkeypatch.context() as patch:
        patch.setattr(FileJournal, "append", fail(errno.EIO))
        with pytest.raises(WriteFailed):
            await store.commit(save({("x", "1"): b"v"}))
    await store.close()
    assert ended.is_set()
    with pytest.raises(WriteFailed):
        await checkpoint
    again = await AuthDir.open(store.path)
    assert await again.snapshot() == SOME
    await again.close()


async def test_a_quiet_account_becomes_files(store: AuthDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.02)
    await store.commit(save({("x", str(n)): b"v" for n in range(module.IDLE_DIRTY)}))
    await anyio.sleep(0.1)
    assert store.checkpoints == 0
    await store.commit(save({("x", "one more"): b"v"}))
    with anyio.fail_after(5):
        while not store.checkpoints:
            await anyio.sleep(0.01)
    assert (store.path / "x-one more.json").read_bytes() == b"v"


async def test_cancelled_is_written_all_the_same(store: AuthDir) -> None:
    with anyio.move_on_after(0):
        await store.commit(save({("x", "1"): b"v"}))
    await store.commit(save({("x", "2"): b"v"}))
    assert store.get("x", "1") == b"v"


async def test_closed_is_closed(store: AuthDir) -> None:
    waiting = store.submit(save({("x", "1"): b"v"}))
    await store.close()
    assert waiting.result() is None
    await store.close()
    with pytest.raises(StoreClosed):
        await store.commit(save({("x", "2"): b"v"}))
    with pytest.raises(StoreClosed):
        await store.checkpoint()
    assert (store.path / "x-1.json").read_bytes() == b"v"


async def test_an_empty_commit_writes_nothing(store: AuthDir) -> None:
    await store.commit()
    await store.commit(save({}))
    assert store.frames == 0


async def test_too_much_at_once_is_refused_before_a_byte(store: AuthDir) -> None:
    with pytest.raises(StoreError, match="48 MiB is the limit"):
        await store.commit(save({("x", "1"): bytes(module.COMMIT_SIZE)}))
    await store.commit(save({("x", "1"): b"v"}))
    assert store.failure is None


async def test_a_large_commit_goes_alone(store: AuthDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRAME_SIZE", 1000)
    await asyncio.gather(*(store.submit(save({("x", str(n)): bytes(n * 300)})) for n in range(8)))
    assert {id: len(store.get("x", id) or b"") for id in store.ids("x")} == {
        str(n): n * 300 for n in range(8)
    }
    assert store.frames > 3


def fail(code: int) -> Any:
    def failing(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    return failing


@pytest.mark.parametrize(
    ("code", "error", "exit"),
    [
        (errno.EIO, WriteFailed, 74),
        (errno.ENOSPC, DiskFull, 74),
        (errno.EDQUOT, DiskFull, 74),
        (errno.EROFS, NoPermission, 77),
    ],
    ids=["EIO", "ENOSPC", "EDQUOT", "EROFS"],
)
async def test_a_failed_sync_is_final(
    store: AuthDir, monkeypatch: pytest.MonkeyPatch, code: int, error: type[StoreError], exit: int
) -> None:
    await store.commit(save(SOME))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail(code))
        first, second = store.submit(save({("x", "1"): b"v"})), store.submit(save({("x", "2"): b"v"}))
        with pytest.raises(error) as caught:
            await first
        assert caught.value.exit == exit
        with pytest.raises(error):
            await second
    # The disk works again; this store does not: what Linux dropped, no second sync brings back.
    with pytest.raises(error):
        await store.commit(save({("x", "3"): b"v"}))
    with pytest.raises(error):
        await store.checkpoint()
    await store.close()
    again = await AuthDir.open(store.path)
    found = await again.snapshot()
    assert {key: found[key] for key in SOME} == SOME
    await again.commit(save({("x", "3"): b"v"}))
    await again.close()


async def test_a_failed_checkpoint_is_final_and_loses_nothing(
    store: AuthDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit(save(SOME, 1))
    with monkeypatch.context() as patch:
        patch.setattr(OsDirectory, "sync_names", fail(errno.EIO))
        with pytest.raises(WriteFailed):
            await store.checkpoint()
    await store.close()
    again = await AuthDir.open(store.path)
    assert await again.snapshot() == SOME
    assert len(again.inbox()) == 1
    await again.close()


async def test_a_nearly_full_disk_is_refused_before_a_byte(
    store: AuthDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit(save(SOME))
    before = (store.path / "journal").read_bytes()
    monkeypatch.setattr(OsDirectory, "space", lambda _: space.Space(space.RESERVE_BYTES - 1, None))
    with pytest.raises(DiskFull, match="nothing is lost"):
        await store.commit(save({("x", "1"): b"v"}))
    assert (store.path / "journal").read_bytes() == before


async def test_a_failed_snapshot_harms_nobody(store: AuthDir, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.commit(save({("x", str(n)): bytes(2_000_000) for n in range(2)}))
    await store.checkpoint()
    (store.path / "x-1.json").write_bytes(b"changed")
    with pytest.raises(AuthDamaged):
        await store.snapshot()
    await store.commit(save({("x", "3"): b"v"}))
    assert store.failure is None


async def test_a_snapshot_is_one_moment(store: AuthDir) -> None:
    async def produce() -> None:
        for n in range(200):
            await store.commit(save({("x", "a"): b"%d" % n, ("x", "b"): b"%d" % n}))

    async with anyio.create_task_group() as group:
        group.start_soon(produce)
        await anyio.sleep(0.005)
        for _ in range(10):
            snapshot = await store.snapshot()
            assert snapshot.get(("x", "a")) == snapshot.get(("x", "b"))


async def test_a_failed_opening_lets_go_of_the_lock(store: AuthDir) -> None:
    await store.commit(save(SOME))
    await store.close()
    (store.path / "creds.json").unlink()
    for _ in range(2):
        with pytest.raises(AuthDamaged):
            await AuthDir.open(store.path)


async def test_an_error_of_the_system_at_opening_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold.OsDirectory, "sync_names", fail(errno.EIO))
    with pytest.raises(WriteFailed, match="look at the disk"):
        await AuthDir.open(tmp_path / "new", create=True)


async def test_accounts_share_threads_not_fate(tmp_path: Path) -> None:
    stores = [await AuthDir.open(tmp_path / str(n), create=True) for n in range(20)]

    async def produce(store: AuthDir) -> None:
        for n in range(10):
            await store.commit(save({("x", str(n)): b"v"}))
        await store.checkpoint()

    async with anyio.create_task_group() as group:
        for store in stores:
            group.start_soon(produce, store)
    for store in stores:
        assert len(list(store.ids("x"))) == 10
        await store.close()
