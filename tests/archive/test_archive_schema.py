"""The file itself: refuses what it can't know, is whole after failed migrations, says what is wrong with it."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from tests.archive.samples import Clock, message
from waconnd.store.archive import Archive, ArchiveFailed, SchemaTooNew, schema


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with Archive(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version = 999")
    connection.close()
    with pytest.raises(SchemaTooNew, match="schema 999"):
        await Archive(path).open()
    connection = sqlite3.connect(path)
    assert schema.version(connection) == 999
    connection.close()


async def test_a_failed_migration_leaves_the_version_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.db"
    async with Archive(path) as archive:
        await archive.events.append("main", [message("A")])

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("create table half(x)")
        raise sqlite3.OperationalError("the light went out")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(ArchiveFailed, match="light went out"):
        await Archive(path).open()
    monkeypatch.undo()
    async with Archive(path) as archive:
        assert len((await archive.events.read(0)).events) == 1
        assert await archive.verify() == []


async def test_what_is_no_database_is_named_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.write_bytes(b"a shopping list, surely not a database" * 100)
    with pytest.raises(ArchiveFailed, match=r"events\.db can't be opened"):
        await Archive(path).open()
    assert path.read_bytes().startswith(b"a shopping list")


async def test_settings_of_the_file(archive: Archive) -> None:
    assert stat.S_IMODE(archive.path.stat().st_mode) == 0o600
    connection = sqlite3.connect(archive.path)
    assert connection.execute("pragma journal_mode").fetchone()[0] == "wal"
    assert connection.execute("pragma auto_vacuum").fetchone()[0] == 2
    loose = connection.execute(
        "select name from pragma_table_list where schema = 'main' and type = 'table' and not strict"
        " and name not like 'sqlite_%' and name not like 'message_text%'"
    ).fetchall()
    assert loose == []
    connection.close()


async def test_space_comes_back_when_old_rows_go(tmp_path: Path, clock: Clock) -> None:
    async with Archive(tmp_path / "events.db", clock=clock) as archive:
        await archive.events.append(
            "main", [message(f"M{n}", "x" * 2_000, key=f"k{n}") for n in range(1_000)]
        )
        await archive.accounts.forget("main")
        await archive.checkpoint()
        before = archive.path.stat().st_size
        for _ in range(20):
            await archive.retention.sweep()
        await archive.checkpoint()
        assert archive.path.stat().st_size < before / 2


async def test_a_copy_is_a_whole_archive(archive: Archive, tmp_path: Path) -> None:
    await archive.events.append("main", [message("A")])
    await archive.copy_to(tmp_path / "copy.db")
    async with Archive(tmp_path / "copy.db") as copy:
        assert (await copy.messages.get("main", "A")).id == "A"


async def test_a_full_disk_is_told_and_passes(archive: Archive) -> None:
    await archive.events.append("main", [message("A")])

    async def limit(pages: int) -> None:
        await archive._writer.call(
            lambda c: c.execute(f"pragma max_page_count = {pages}").close(), outside=True
        )

    await limit(1)
    with pytest.raises(ArchiveFailed, match="no space left"):
        await archive.events.append("main", [message(f"M{n}", "x" * 3_000) for n in range(200)])
    assert [row.seq for row in (await archive.events.read(0)).events] == [1]
    await limit(1 << 30)
    assert await archive.events.append("main", [message("B")]) == [2]
    assert await archive.verify() == []


async def test_receipts_of_an_older_file_stand_under_the_phone(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    connection = sqlite3.connect(path, isolation_level=None)
    for migration in schema.MIGRATIONS[:2]:
        migration(connection)
    connection.execute("pragma user_version = 2")
    connection.execute("insert into receipt values('main', 'c', 'A', 'ann', 1, 2, 0)")
    connection.close()
    async with Archive(path) as archive:
        [held] = await archive.messages.receipts("main", "c", "A")
        assert (held.who, held.device, held.delivered_at, held.read_at) == ("ann", 0, 1, 2)
