"""Copies of sent messages, kept 14 days to answer retry receipts; they come here from the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from itertools import groupby

from waconnd.store.archive.thread import Worker


class RetryCopies:
    """`archive.copies`. The id is the record's id in the keystore; nothing here reads the content."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], float]) -> None:
        self._writer, self._reader, self._clock = writer, reader, clock

    async def get(self, account: str, id: str) -> bytes | None:
        """What was sent, or None when it is older than that or never was."""

        def job(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(
                "select content from retry_copy where account = ? and id = ?", (account, id)
            ).fetchone()
            return None if row is None else bytes(row[0])

        return await self._reader.call(job)

    async def put(self, account: str, copies: Iterable[tuple[str, bytes | None]]) -> None:
        """Store or replace; None deletes."""
        rows, now = list(copies), int(self._clock())
        await self._writer.call(lambda c: put(c, account, rows, now))


def put(
    connection: sqlite3.Connection, account: str, copies: Iterable[tuple[str, bytes | None]], now: int
) -> None:
    """Within the caller's transaction."""
    for gone, some in groupby(copies, lambda copy: copy[1] is None):
        if gone:
            connection.executemany(
                "delete from retry_copy where account = ? and id = ?", [(account, id) for id, _ in some]
            )
        else:
            connection.executemany(
                "insert or replace into retry_copy values(?, ?, ?, ?)",
                [(account, id, now, content) for id, content in some],
            )
