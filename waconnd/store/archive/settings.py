"""Settings of an account as its phone keeps them: labels, quick replies, names of values."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from waconnd.store.archive.project_state import LABEL, set_setting
from waconnd.store.archive.thread import Worker


class Label(msgspec.Struct, frozen=True):
    """A label that chats and messages can carry."""

    id: str
    name: str
    color: int
    predefined: int | None
    position: int | None
    chats: int


class Settings:
    """`archive.settings`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer, self._reader = writer, reader

    async def all(self, account: str, prefix: str = "") -> dict[str, Any]:
        """Values by name; `prefix`: those whose name begins so."""

        def job(connection: sqlite3.Connection) -> dict[str, Any]:
            rows = connection.execute(
                "select name, value from setting where account = ?1 and name >= ?2 and name < ?2 || char(1114111)"
                " order by name",
                (account, prefix),
            )
            return {name: msgspec.json.decode(value) for name, value in rows}

        return await self._reader.call(job)

    async def labels(self, account: str) -> list[Label]:
        """All labels, in the order that the user gave them."""

        def job(connection: sqlite3.Connection) -> list[Label]:
            rows = connection.execute(
                "select substr(name, ?), value from setting where account = ? and name like 'label/%'",
                (len(LABEL) + 1, account),
            ).fetchall()
            used: dict[str, int] = {}
            for (held,) in connection.execute(
                "select labels from chat where account = ? and labels != '[]'", (account,)
            ):
                for label in msgspec.json.decode(held, type=list[str]):
                    used[label] = used.get(label, 0) + 1
            found = []
            for id, value in rows:
                about = msgspec.json.decode(value, type=dict[str, Any])
                found.append(
                    Label(
                        id,
                        str(about.get("name", "")),
                        int(about.get("color", 0)),
                        about.get("predefined"),
                        about.get("position"),
                        used.get(id, 0),
                    )
                )
            last = 1 << 31
            return sorted(found, key=lambda one: (last if one.position is None else one.position, one.id))

        return await self._reader.call(job)

    async def set(self, account: str, name: str, value: Any, at: int) -> None:
        """Keep a value; None takes it away."""
        await self._writer.call(lambda c: set_setting(c, account, name, value, at))
