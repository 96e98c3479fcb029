"""Named cursors: how far a consumer that keeps nothing itself has come."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

import msgspec

from waconnd.store.archive.errors import ArchiveError, UnknownCursor
from waconnd.store.archive.events import bounds
from waconnd.store.archive.thread import Worker

#: A cursor is a consumer, and consumers are programs: hundreds mean that somebody makes names up.
MAX_CURSORS: Final = 256


class Cursor(msgspec.Struct, frozen=True):
    """`behind`: events that it has not acknowledged were pruned; it goes on at the oldest held."""

    name: str
    seq: int
    #: Unix seconds of the last ack.
    acked: int
    behind: bool


class Cursors:
    """`archive.cursors`."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], float]) -> None:
        self._writer, self._reader, self._clock = writer, reader, clock

    async def ack(self, name: str, seq: int) -> int:
        """Move a cursor (made at its first ack); it never moves back. Returns where it stands, durably."""
        now = int(self._clock())

        def job(connection: sqlite3.Connection) -> int:
            newest = bounds(connection).newest
            if not 0 <= seq <= newest:
                raise ArchiveError(f"seq {seq} is not in the log: its newest is {newest}")
            held = connection.execute("select seq from cursor where name = ?", (name,)).fetchone()
            if (
                held is None
                and connection.execute("select count(*) from cursor").fetchone()[0] >= MAX_CURSORS
            ):
                raise ArchiveError(f"{MAX_CURSORS} cursors are held already: delete one that nobody uses")
            connection.execute(
                "insert into cursor values(?1, ?2, ?3, ?3)"
                " on conflict(name) do update set seq = max(seq, excluded.seq), acked = excluded.acked",
                (name, seq, now),
            )
            return max(seq, held[0] if held else 0)

        return await self._writer.call(job)

    async def get(self, name: str) -> Cursor:
        """Raises UnknownCursor."""
        for cursor in await self.all():
            if cursor.name == name:
                return cursor
        raise UnknownCursor(f"no cursor is named {name!r}: it is made by its first events.ack")

    async def all(self) -> list[Cursor]:
        """All, by name."""

        def job(connection: sqlite3.Connection) -> list[Cursor]:
            oldest = bounds(connection).oldest
            rows = connection.execute("select name, seq, acked from cursor order by name")
            return [Cursor(name, seq, acked, seq < oldest - 1) for name, seq, acked in rows]

        return await self._reader.call(job)

    async def delete(self, name: str) -> bool:
        """Whether there was one."""
        return await self._writer.call(
            lambda c: c.execute("delete from cursor where name = ?", (name,)).rowcount == 1
        )
