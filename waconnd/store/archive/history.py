"""One account's history out of the archive into a file of its own, and back: for exports and restores.

The event log stays: its numbers mean something on this machine alone.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Final

from waconnd.store.archive import schema
from waconnd.store.archive.errors import ArchiveFailed
from waconnd.store.archive.thread import Worker

#: What belongs to an account. Open outbox rows come back as failed: nobody knows whether they left since.
TABLES: Final = (
    "message",
    "annotation",
    "receipt",
    "media",
    "chat",
    "contact",
    "setting",
    "outbox",
    "retry_copy",
)
#: Rows between two turns of live jobs.
SLICE_ROWS: Final = 2_000
#: Below every number of a row; messages of the time before have negative ones.
FIRST: Final = -(2**63)

_LAST: Final = (
    "update chat set last_n = coalesce((select n from message m where m.account = chat.account and m.chat = chat.id"
    " order by sent_at desc, n desc limit 1), 0) where account = ?"
)
_RESTORED: Final = (
    "update outbox set status = 'failed', error = 'restored from a backup: nobody knows whether it left since'"
    " where account = ? and status in ('queued', 'sent')"
)


class History:
    """`archive.history`."""

    def __init__(self, path: Path, writer: Worker) -> None:
        self._path, self._writer = path, writer

    async def export(self, account: str, target: Path) -> None:
        """A new SQLite file with this account's rows at one moment, while everything runs."""
        await asyncio.to_thread(_export, self._path, target, account)

    async def restore(self, source: Path, account: str) -> int:
        """Take such a file in under a name of choice; rows that are here already stay. Returns the messages taken."""
        await self._writer.call(lambda c: c.execute("attach ? as old", (str(source),)).close(), outside=True)
        try:
            held = await self._writer.call(_one_account)
            taken = 0
            for table in TABLES:
                after: int | None = FIRST
                while after is not None:
                    after, count = await self._slice(table, held, account, after)
                    taken += count if table == "message" else 0
            await self._writer.call(lambda c: _finish(c, account))
        finally:
            await self._writer.call(lambda c: c.execute("detach old").close(), outside=True)
        return taken

    async def _slice(self, table: str, held: str, account: str, after: int) -> tuple[int | None, int]:
        return await self._writer.call(lambda c: _copy(c, "old", "main", table, held, account, after))


def _export(source: Path, target: Path, account: str) -> None:
    if target.exists():
        raise ArchiveFailed(f"{target} exists already")
    connection = schema.connect(target)
    try:
        connection.execute("attach ? as live", (str(source),))
        connection.execute("begin")
        connection.execute("insert into account select * from live.account where name = ?", (account,))
        for table in TABLES:
            after: int | None = FIRST
            while after is not None:
                after, _ = _copy(connection, "live", "main", table, account, account, after)
        _finish(connection, account, restored=False)
        connection.execute("commit")
        connection.execute("detach live")
        connection.execute("pragma journal_mode = delete")
    finally:
        connection.close()


def _one_account(connection: sqlite3.Connection) -> str:
    version = connection.execute("pragma old.user_version").fetchone()[0]
    if version != len(schema.MIGRATIONS):
        raise ArchiveFailed(f"this history has schema {version}, the archive has {len(schema.MIGRATIONS)}")
    names = [row[0] for row in connection.execute("select name from old.account")]
    if len(names) != 1:
        raise ArchiveFailed(f"this history holds {len(names)} accounts instead of one")
    return str(names[0])


def _copy(
    connection: sqlite3.Connection, source: str, target: str, table: str, held: str, account: str, after: int
) -> tuple[int | None, int]:
    """One slice; where the next begins (None: done), and how many rows were new."""
    columns = [
        row[1]
        for row in connection.execute(f"pragma {target}.table_info({table})")
        if row[1] not in ("n", "account")
    ]
    names = ", ".join(columns)
    picked = ", ".join("0" if name == "seq" else name for name in columns)
    numbered = table in ("message", "outbox")
    limit = f" and n > {after} order by n limit {SLICE_ROWS}" if numbered else ""
    last = None
    if numbered:
        numbers = f"select n from {source}.{table} where account = ?{limit}"  # noqa: S608 (names from above)
        rows = connection.execute(numbers, (held,)).fetchall()
        last = rows[-1][0] if len(rows) == SLICE_ROWS else None
    # Messages go on above those that are here, in the order that they had.
    before = connection.execute("select max(coalesce(max(n), 0), 0) from main.message").fetchone()[0]
    if table == "message":
        names, picked = f"{names}, n", f"{picked}, {before} + row_number() over (order by n)"
    count = connection.execute(
        f"insert or ignore into {target}.{table}(account, {names})"  # noqa: S608
        f" select ?, {picked} from {source}.{table} where account = ?{limit}",
        (account, held),
    ).rowcount
    if table == "message":
        connection.execute(
            "insert into message_text(rowid, text, account) select n, text, account from main.message where n > ? and text != ''",
            (before,),
        )
    return last, count


def _finish(connection: sqlite3.Connection, account: str, *, restored: bool = True) -> None:
    connection.execute(_LAST, (account,))
    if restored:
        connection.execute(_RESTORED, (account,))
        connection.execute("insert or ignore into account(name) values(?)", (account,))
