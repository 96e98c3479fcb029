"""What the archive knows of an account itself: how much it stores, and its end."""

from __future__ import annotations

import sqlite3
from typing import Final

from waconnd.store.archive import project
from waconnd.store.archive.change import Store
from waconnd.store.archive.events import EventLog
from waconnd.store.archive.thread import Worker

#: Rows removed between two turns of the other jobs.
SLICE_ROWS: Final = 2_000
#: Tables with rows of an account: those that are its history, and those that belong to its pairing.
_HISTORY: Final = (
    "message",
    "annotation",
    "receipt",
    "early",
    "media",
    "chat",
    "contact",
    "setting",
    "trace",
)
_PAIRING: Final = ("outbox", "retry_copy")


class Accounts:
    """`archive.accounts`."""

    def __init__(self, writer: Worker, reader: Worker, events: EventLog) -> None:
        self._writer, self._reader, self._log = writer, reader, events

    async def set_store(self, account: str, store: Store) -> None:
        """`full`, `meta` (no content) or `none` (the log alone). What is stored already stays."""
        await self._writer.call(lambda c: project.set_store(c, account, store))

    async def store(self, account: str) -> Store:
        """`full` unless it was set."""

        def job(connection: sqlite3.Connection) -> Store:
            row = connection.execute("select store from account where name = ?", (account,)).fetchone()
            return "full" if row is None else row[0]

        return await self._reader.call(job)

    async def forget(self, account: str, *, keep_history: bool = False, keep_events: bool = False) -> None:
        """Remove an account's rows, in slices. Its events go too unless they are to be read to their end."""
        for table in _PAIRING if keep_history else (*_PAIRING, *_HISTORY):
            while await self._slice(account, table):
                pass
        if keep_history:
            return
        while not keep_events and await self._events(account):
            pass
        self._log.removed()
        await self._writer.call(lambda c: c.execute("delete from account where name = ?", (account,)).close())

    async def _slice(self, account: str, table: str) -> bool:
        def job(connection: sqlite3.Connection) -> bool:
            if table == "message":
                connection.execute(
                    "insert into message_text(message_text, rowid, text, account) select 'delete', n, text, account from"
                    " (select n, text, account from message where account = ? order by n limit ?) where text != ''",
                    (account, SLICE_ROWS),
                )
                gone = connection.execute(
                    "delete from message where n in (select n from message where account = ? order by n limit ?)",
                    (account, SLICE_ROWS),
                )
                return gone.rowcount == SLICE_ROWS
            connection.execute(f"delete from {table} where account = ?", (account,))  # noqa: S608 (names from above)
            return False

        return await self._writer.call(job)

    async def _events(self, account: str) -> bool:
        def job(connection: sqlite3.Connection) -> bool:
            rows = connection.execute(
                "select seq, length(body) from event where account = ? limit ?", (account, SLICE_ROWS)
            ).fetchall()
            connection.executemany("delete from event where seq = ?", [(seq,) for seq, _ in rows])
            size = sum(size for _, size in rows)
            connection.execute("update meta set value = value - ? where name = 'event_bytes'", (size,))
            return len(rows) == SLICE_ROWS

        return await self._writer.call(job)
