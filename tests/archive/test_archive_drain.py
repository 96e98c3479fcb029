"""From a real account directory to the archive: in order, once, through failures and restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import msgspec
import pytest

from protocol.events.base import Durable
from protocol.keystore import Kind, Save
from waconnd.store import drain as drain_module
from waconnd.store.archive import Archive, ArchiveFailed
from waconnd.store.authdir import AuthDir
from waconnd.store.drain import Drain


class Said(Durable, frozen=True, tag="test.said"):
    words: str


def save(number: int, *, copy: bool = False) -> Save:
    changes = {(Kind.RETRY_COPY, f"1@lid/M{number}"): b"copy"} if copy else {}
    return Save(number, changes, (Said(at=1.0, key=f"k{number}", words=f"number {number}"),))


@pytest.fixture
async def auth(tmp_path: Path) -> AsyncIterator[AuthDir]:
    opened = await AuthDir.open(tmp_path / "main", create=True)
    yield opened
    await opened.close()


async def words(archive: Archive) -> list[str]:
    rows = (await archive.events.read(0)).events
    return [msgspec.json.decode(row.body)["data"]["words"] for row in rows]


async def test_entries_become_rows_in_order(
    auth: AuthDir, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "BATCH", 7)
    drain = Drain("main", auth, archive)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drain.run)
            for n in range(50):
                await auth.commit(save(n, copy=n % 2 == 0))
            await archive.events.wait(49)
            tasks.cancel_scope.cancel()
    await drain.settle()
    assert await words(archive) == [f"number {n}" for n in range(50)]
    assert auth.undrained == 0
    assert await archive.copies.get("main", "1@lid/M4") == b"copy"
    assert await archive.copies.get("main", "1@lid/M5") is None


async def test_a_deleted_copy_is_deleted_in_the_archive_too(auth: AuthDir, archive: Archive) -> None:
    drain = Drain("main", auth, archive)
    await auth.commit(save(1, copy=True))
    await drain.settle()
    await auth.commit(Save(2, {(Kind.RETRY_COPY, "1@lid/M1"): None}))
    await drain.settle()
    assert await archive.copies.get("main", "1@lid/M1") is None


async def test_what_was_archived_but_not_noted_comes_again_and_changes_nothing(
    tmp_path: Path, archive: Archive
) -> None:
    auth = await AuthDir.open(tmp_path / "main", create=True)
    await auth.commit(*(save(n) for n in range(10)))
    entries = auth.inbox()
    await archive.drain("main", [entry.event or entry.body or b"" for entry in entries])
    await auth.close()
    auth = await AuthDir.open(tmp_path / "main")
    assert [entry.event for entry in auth.inbox()] == [None] * 10, "after a recovery there is JSON only"
    await Drain("main", auth, archive).settle()
    assert await words(archive) == [f"number {n}" for n in range(10)]
    await auth.close()


async def test_while_the_archive_fails_the_journal_keeps_everything(
    auth: AuthDir, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "FIRST_PAUSE", 0.01)
    heard: list[Exception | None] = []
    healthy = archive.drain
    failures = 3

    async def failing(*args: object) -> list[int]:
        nonlocal failures
        if failures:
            failures -= 1
            raise ArchiveFailed("no space")
        return await healthy(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(archive, "drain", failing)
    drain = Drain("main", auth, archive, trouble=heard.append)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drain.run)
            await auth.commit(save(1))
            await archive.events.wait(0)
            await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()
    assert await words(archive) == ["number 1"]
    assert [str(error) if error else None for error in heard] == ["no space"] * 3 + [None]


async def test_an_event_that_makes_no_sense_neither_blocks_nor_vanishes(
    auth: AuthDir, archive: Archive
) -> None:
    class Odd(Durable, frozen=True, tag="test.odd"):
        thing: float

    await auth.commit(save(1), Save(2, {}, (Odd(at=float("inf"), key="odd", thing=1.0),)), save(3))
    await Drain("main", auth, archive).settle()
    rows = (await archive.events.read(0)).events
    assert [row.type for row in rows] == ["test.said", "event.damaged", "test.said"]
    assert auth.undrained == 0


async def test_the_archive_remembers_how_far_a_journal_was(tmp_path: Path) -> None:
    async with Archive(tmp_path / "events.db") as archive:
        auth = await AuthDir.open(tmp_path / "main", create=True, witnesses=[archive.stamps])
        await auth.commit(save(1))
        await auth.commit(save(2))
        await Drain("main", auth, archive).settle()
        store, seq = auth.store, auth.seq
        await auth.close()
    async with Archive(tmp_path / "events.db") as archive:
        assert archive.stamps.highest(store) == seq
        assert archive.stamps.highest(b"\0" * 16) == 0
