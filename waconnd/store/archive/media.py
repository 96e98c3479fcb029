"""Where the attachment of a message lies: the wire's reference (never shown), and the file once it is here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from waconnd.store.archive.body import Fields
from waconnd.store.archive.errors import NotFound
from waconnd.store.archive.thread import Worker

State = Literal["remote", "ready", "expired"]


class Media(msgspec.Struct, frozen=True):
    """`reference` holds keys and paths of the wire: for the downloader alone."""

    chat: str
    id: str
    sender: str
    reference: Fields
    state: State
    path: str

    def __repr__(self) -> str:
        return f"Media({self.id}, {self.state})"


class MediaStore:
    """`archive.media`."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], float]) -> None:
        self._writer, self._reader, self._clock = writer, reader, clock

    async def get(self, account: str, chat: str, id: str) -> Media:
        """Raises NotFound."""

        def job(connection: sqlite3.Connection) -> Media:
            row = connection.execute(
                "select chat, id, sender, reference, state, path from media"
                " where account = ? and chat = ? and id = ? limit 1",
                (account, chat, id),
            ).fetchone()
            if row is None:
                raise NotFound(f"message {id} has no media in the archive of {account}")
            reference: Fields = msgspec.json.decode(row[3], type=dict[str, Any])
            return Media(row[0], row[1], row[2], reference, row[4], row[5])

        return await self._reader.call(job)

    async def set_state(
        self,
        account: str,
        chat: str,
        id: str,
        state: State,
        *,
        path: str = "",
        reference: Fields | None = None,
    ) -> bool:
        """Downloaded, expired, or refreshed with a new reference. Whether there is such a message."""
        raw = None if reference is None else msgspec.json.encode(reference)
        return await self._writer.call(
            lambda c: (
                c.execute(
                    "update media set state = ?, path = ?, reference = coalesce(?, reference)"
                    " where account = ? and chat = ? and id = ?",
                    (state, path, raw, account, chat, id),
                ).rowcount
                > 0
            )
        )
