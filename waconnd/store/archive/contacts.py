"""Contacts: one row a person, found by number or hidden id alike."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import msgspec

from waconnd.store.archive.body import Fields
from waconnd.store.archive.chats import decoded, note
from waconnd.store.archive.errors import ArchiveError, NotFound
from waconnd.store.archive.people import learn, update
from waconnd.store.archive.thread import Worker

PAGE_ROWS: Final = 200


class Contact(msgspec.Struct, frozen=True):
    """`id` is the hidden id when it is known; `name` is the user's own word for them, `push_name` theirs."""

    id: str
    pn: str
    lid: str
    name: str
    push_name: str
    business_name: str
    blocked: bool
    info: Fields
    local: Fields

    @property
    def shown(self) -> str:
        """The name to show."""
        return self.name or self.business_name or self.push_name


_SELECT: Final = "select id, pn, lid, name, push_name, business_name, blocked, info, local from contact"


class Contacts:
    """`archive.contacts`."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], float]) -> None:
        self._writer, self._reader, self._clock = writer, reader, clock

    async def get(self, account: str, id: str) -> Contact:
        """By either identity. Raises NotFound."""
        found = await self.find(account, [id])
        if id not in found:
            raise NotFound(f"no contact {id} is in the archive of {account}")
        return found[id]

    async def find(self, account: str, ids: list[str]) -> dict[str, Contact]:
        """Those that are known, by the identity they were asked for."""

        def job(connection: sqlite3.Connection) -> dict[str, Contact]:
            held: dict[str, Contact] = {}
            for id in ids:
                row = connection.execute(
                    f"{_SELECT} where account = ?1 and id = ?2"
                    f" union all {_SELECT} where account = ?1 and pn = ?2 and pn != ''"
                    f" union all {_SELECT} where account = ?1 and lid = ?2 and lid != '' limit 1",
                    (account, id),
                ).fetchone()
                if row is not None:
                    held[id] = _contact(row)
            return held

        return await self._reader.call(job)

    async def by_alias(self, account: str, alias: str) -> str | None:
        """The id of the one contact that is called so (its `local.alias`, else the name that the user gave it)."""
        wanted = alias.casefold()

        def job(connection: sqlite3.Connection) -> str | None:
            for column in ("coalesce(json_extract(local, '$.alias'), '')", "name"):
                rows = connection.execute(
                    f"select id from contact where account = ? and {column} != '' and casefold({column}) = ? limit 2",  # noqa: S608
                    (account, wanted),
                ).fetchall()
                if len(rows) > 1:
                    raise ArchiveError(
                        f"several contacts are called {alias!r}: give one of them another alias"
                    )
                if rows:
                    return str(rows[0][0])
            return None

        return await self._reader.call(job)

    async def page(self, account: str, *, after: str = "", limit: int = 100, name: str = "") -> list[Contact]:
        """By id; go on with `after=contacts[-1].id`. `name`: a part of any of the names."""
        where, values = "account = ? and id > ?", [account, after]
        if name:
            where += " and instr(casefold(name || ' ' || push_name || ' ' || business_name), ?) > 0"
            values.append(name.casefold())
        rows = max(1, min(limit, PAGE_ROWS))
        return await self._reader.call(
            lambda c: [
                _contact(row)
                for row in c.execute(f"{_SELECT} where {where} order by id limit ?", (*values, rows))
            ]
        )

    async def learn(self, account: str, person: Fields, **members: Any) -> str:
        """Take in `{id?, pn?, lid?, push_name?}` and further members. Returns the contact's id."""
        now = int(self._clock())

        def job(connection: sqlite3.Connection) -> str:
            id = learn(connection, account, person, now)
            if id and members:
                update(connection, account, id, members)
            return id

        return await self._writer.call(job)

    async def note(self, account: str, id: str, local: Fields) -> Fields:
        """Merge into the integrator's own members (None removes one). Raises NotFound. Returns all of them."""
        known = await self.get(account, id)
        return await self._writer.call(lambda c: note(c, "contact", account, known.id, local))


def _contact(row: tuple[Any, ...]) -> Contact:
    id, pn, lid, name, push_name, business_name, blocked, info, local = row
    return Contact(id, pn, lid, name, push_name, business_name, bool(blocked), decoded(info), decoded(local))
