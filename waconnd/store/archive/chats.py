"""Chats: name, unread count, last message, and what the user or an integrator noted on them."""

from __future__ import annotations

import sqlite3
from time import monotonic
from typing import Any, Final

import msgspec

from waconnd.store.archive.body import Fields
from waconnd.store.archive.errors import BadPosition, NotFound
from waconnd.store.archive.people import merged
from waconnd.store.archive.project_changes import mark_read
from waconnd.store.archive.project_chat import ensure, set_members
from waconnd.store.archive.thread import Worker

PAGE_ROWS: Final = 200
#: A chat that is written to again within so many seconds is not looked up again, unless it changed.
TIMER_SECONDS: Final = 2.0
MAX_TIMERS: Final = 1_000
#: An integrator's own notes on a chat: notes, not a database.
MAX_LOCAL_BYTES: Final = 16 * 1024


class Chat(msgspec.Struct, frozen=True):
    """Times are ms, 0: never (`muted_until` past all calendars: for ever). `last` is the last message's JSON."""

    id: str
    kind: str
    name: str
    unread: int
    marked_unread: bool
    last_at: int
    archived: bool
    pinned_at: int
    muted_until: int
    timer_s: int
    labels: list[str]
    info: Fields
    local: Fields
    last_id: str
    last_kind: str
    last: bytes

    @property
    def position(self) -> str:
        """Where the next page of the list goes on."""
        return f"{self.last_at}-{self.id}"


#: A chat without a name of its own has that of its person, found by either identity, each by an index.
_PERSON: Final = (
    "select case when p.name != '' then p.name when p.push_name != '' then p.push_name else p.business_name end"
    " from contact p where p.account = c.account"
)
_NAME: Final = (
    f"case when c.name != '' then c.name else coalesce(({_PERSON} and p.id = c.id),"
    f" ({_PERSON} and p.pn = c.id and p.pn != '' limit 1), '') end"
)
_SELECT: Final = (
    f"select c.id, c.kind, {_NAME}, c.unread, c.marked_unread, c.last_at, c.archived, c.pinned_at,"  # noqa: S608
    " c.muted_until, c.timer_s, c.labels, c.info, c.local, coalesce(m.id, ''), coalesce(m.kind, ''),"
    " coalesce(m.data, x'') from chat c left join message m on m.n = c.last_n and m.account = c.account"
)


class Chats:
    """`archive.chats`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
        self._writer, self._reader = writer, reader
        #: (account, chat) → until when this is taken for true, and the timer.
        self._timers: dict[tuple[str, str], tuple[float, int]] = {}
        self._changes = 0

    async def get(self, account: str, id: str) -> Chat:
        """Raises NotFound."""

        def job(connection: sqlite3.Connection) -> Chat:
            row = connection.execute(f"{_SELECT} where c.account = ? and c.id = ?", (account, id)).fetchone()
            if row is None:
                raise NotFound(f"no chat {id} is in the archive of {account}")
            return _chat(row)

        return await self._reader.call(job)

    async def timer(self, account: str, id: str) -> int:
        """Seconds after which messages vanish in a chat; 0: never, or no such chat. Every send asks, and few hear news."""
        held = self._timers.get((account, id))
        if held is not None and held[0] > monotonic():
            return held[1]

        def job(connection: sqlite3.Connection) -> int:
            row = connection.execute(
                "select timer_s from chat where account = ? and id = ?", (account, id)
            ).fetchone()
            return 0 if row is None else int(row[0])

        seen = self._changes
        seconds = await self._reader.call(job)
        if seen == self._changes:
            if len(self._timers) >= MAX_TIMERS:
                self._timers.clear()
            self._timers[account, id] = monotonic() + TIMER_SECONDS, seconds
        return seconds

    def changed(self) -> None:
        """Chats may have other timers now."""
        self._changes += 1
        self._timers.clear()

    async def page(
        self,
        account: str,
        *,
        after: str = "",
        limit: int = 50,
        kinds: tuple[str, ...] = (),
        unread: bool | None = None,
        archived: bool | None = None,
        name: str = "",
        label: str = "",
    ) -> list[Chat]:
        """The latest first; go on with `after=chats[-1].position`. `name`: a part of the name."""
        where, values = ["c.account = ?"], [account]
        bounds: list[object] = list(values)
        if after:
            at, dash, id = after.partition("-")
            if not dash or not at.isdecimal():
                raise BadPosition(f"{after!r} is no position from an earlier page")
            where.append("(c.last_at < ? or (c.last_at = ? and c.id > ?))")
            bounds += [int(at), int(at), id]
        if kinds:
            where.append(f"c.kind in ({', '.join('?' * len(kinds))})")
            bounds += kinds
        if unread is not None:
            where.append(("" if unread else "not ") + "(c.unread > 0 or c.marked_unread)")
        if archived is not None:
            where.append("c.archived" if archived else "not c.archived")
        if label:
            where.append("exists (select 1 from json_each(c.labels) where json_each.value = ?)")
            bounds.append(label)
        if name:
            where.append(f"instr(casefold({_NAME}), ?) > 0")
            bounds.append(name.casefold())
        bounds.append(max(1, min(limit, PAGE_ROWS)))
        query = f"{_SELECT} where {' and '.join(where)} order by c.last_at desc, c.id limit ?"
        return await self._reader.call(lambda c: [_chat(row) for row in c.execute(query, bounds)])

    async def mark_read(self, account: str, id: str, upto: int) -> None:
        """All that was sent up to this time (ms) is read."""
        await self._writer.call(lambda c: mark_read(c, account, id, upto))

    async def update(self, account: str, id: str, members: Fields) -> None:
        """Set members as a `chat.updated` event would; the chat is made when it is new."""

        def job(connection: sqlite3.Connection) -> None:
            ensure(connection, account, id, {})
            set_members(connection, account, id, members)

        await self._writer.call(job, lambda _: self.changed())

    async def note(self, account: str, id: str, local: Fields) -> Fields:
        """Merge into the integrator's own members (None removes one). Raises NotFound. Returns all of them."""
        return await self._writer.call(lambda c: note(c, "chat", account, id, local))


def note(connection: sqlite3.Connection, table: str, account: str, id: str, local: Fields) -> Fields:
    """Notes of an integrator on a chat or contact."""
    one = f"select local from {table} where account = ? and id = ?"  # noqa: S608 (chat or contact)
    held = connection.execute(one, (account, id)).fetchone()
    if held is None:
        raise NotFound(f"no {table} {id} is in the archive of {account}")
    fresh = merged(held[0], local)
    if len(fresh.encode()) > MAX_LOCAL_BYTES:
        raise ValueError(
            f"local members take {len(fresh.encode())} bytes, at most {MAX_LOCAL_BYTES} are kept"
        )
    connection.execute(f"update {table} set local = ? where account = ? and id = ?", (fresh, account, id))  # noqa: S608
    return decoded(fresh)


def decoded(text: str) -> Fields:
    """A JSON object column."""
    fields: Fields = msgspec.json.decode(text, type=dict[str, Any])
    return fields


def _chat(row: tuple[Any, ...]) -> Chat:
    id, kind, name, unread, marked, last_at, archived, pinned, muted, timer, labels, info, local, *last = row
    return Chat(
        id, kind, name, unread, bool(marked), last_at, bool(archived), pinned, muted, timer,
        msgspec.json.decode(labels, type=list[str]), decoded(info), decoded(local), *last,
    )  # fmt: skip
