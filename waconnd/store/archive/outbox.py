"""What was promised to be sent: one row a message, under the caller's idempotency key, until its fate is known.

The row holds the stanza id, the secret and the content before encryption, so that after a lost link the same
message goes out again under the same id. Rows of one chat are handed out in the order in which they came.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import anyio
import msgspec

from waconnd.store.archive import bulk
from waconnd.store.archive.body import Encoded, Fields
from waconnd.store.archive.errors import ArchiveError, IdempotencyConflict, NotFound, OutboxFull
from waconnd.store.archive.events import EventLog, insert
from waconnd.store.archive.thread import Worker

Status = Literal[
    "queued", "sent", "server_ack", "delivered", "read", "played", "failed", "cancelled", "expired"
]

#: Open rows of one account: a day of one message every ten seconds. Past it, more would only hide that nothing leaves.
MAX_OPEN: Final = 10_000
PAGE_ROWS: Final = 200
#: Rows for one round of the pump.
DUE_ROWS: Final = 64

_INTO: Final = (
    "insert into outbox(outbox_id, account, key, hash, chat, id, content, secret, meta, status, made, changed,"
    " not_before, not_after, pairing)"
)
_COLUMNS: Final = (
    "n, outbox_id, account, key, hash, chat, id, content, secret, meta, status, error, result, attempts, made, changed,"
    " not_before, not_after, pairing"
)


class Draft(msgspec.Struct, frozen=True):
    """What is to be sent. `hash` is over the caller's parameters: it decides whether a key means the same message.

    Times are ms, 0: none. `pairing` names the link (own address and identity): a row never leaves under another.
    """

    chat: str
    id: str
    content: bytes
    hash: bytes
    key: str = ""
    secret: bytes = b""
    meta: Fields = {}
    not_before: int = 0
    not_after: int = 0
    pairing: str = ""
    #: Chosen by the caller when something else names the row already.
    outbox_id: str = ""

    def __repr__(self) -> str:
        return f"Draft({self.id} to {self.chat})"


class Entry(msgspec.Struct, frozen=True):
    """A row. `error` is a sentence or a kind; `result` is what the caller was told, as JSON."""

    n: int
    outbox_id: str
    account: str
    key: str
    hash: bytes
    chat: str
    id: str
    content: bytes
    secret: bytes
    meta: Fields
    status: Status
    error: str
    result: str
    attempts: int
    made: int
    changed: int
    not_before: int
    not_after: int
    pairing: str

    def __repr__(self) -> str:
        return f"Entry({self.outbox_id}, {self.status}, {self.attempts} attempts)"


class _Wish(msgspec.Struct, frozen=True):
    """A draft that wants to be a row, and the events that tell of it."""

    account: str
    draft: Draft
    outbox_id: str
    events: Sequence[Encoded]
    status: Status
    at: int


#: The row, whether it is new, and the numbers of its events.
_Added = tuple[Entry, bool, list[int]]


class Look(msgspec.Struct, frozen=True):
    """What waits: rows that are due, when to look again by oneself (ms), whether some have expired."""

    due: list[Entry]
    next_at: int | None
    over: bool


class Outbox:
    """`archive.outbox`."""

    def __init__(self, writer: Worker, reader: Worker, log: EventLog, clock: Callable[[], float]) -> None:
        self._writer, self._reader, self._log, self._clock = writer, reader, log, clock
        self._version = 0
        #: Account → rows that may be added before those that wait are counted again.
        self._room: dict[str, int] = {}
        self._moved = anyio.Event()

    async def add(
        self,
        account: str,
        draft: Draft,
        events: Sequence[Encoded] = (),
        *,
        leaving: Callable[[Entry], object] | None = None,
    ) -> tuple[Entry, bool]:
        """Store a draft and the events that tell of it; True when it is new.

        The same key with the same hash gives the row of the first time. Raises IdempotencyConflict, OutboxFull.
        `leaving`: whoever sends it stands ready. A new row is taken at once, and handed over when it is durable, in
        the order of the rows, also when the caller has gone.
        """
        wish = _Wish(
            account,
            draft,
            draft.outbox_id or new_id(),
            events,
            "queued" if leaving is None else "sent",
            self._now(),
        )

        def stored(outcome: _Added) -> None:
            entry, fresh, seqs = outcome
            self._log.wake(seqs)
            if fresh and leaving is not None:
                leaving(entry)
            else:
                self._wake()

        entry, fresh, _ = await self._writer.join(self._add, wish, stored, bare=not events)
        return entry, fresh

    def _add(self, connection: sqlite3.Connection, wishes: list[_Wish]) -> list[_Added | Exception]:
        """On the writer's thread: what came together is stored by one statement, in the order in which it came."""
        held = _keyed(connection, wishes)
        fresh: list[_Wish] = []
        #: A row of before, a place among the fresh, or why there is none.
        found: list[Entry | int | ArchiveError] = []
        for wish in wishes:
            name = wish.account, wish.draft.key
            before = held.get(name) if wish.draft.key else None
            try:
                if before is None:
                    self._take_room(connection, wish.account, fresh)
                    before = len(fresh)
                    fresh.append(wish)
                    held[name] = before
                else:
                    _same(fresh[before] if isinstance(before, int) else before, wish)
                found.append(before)
            except ArchiveError as error:
                found.append(error)
        entries = _insert(connection, fresh)
        seqs = {
            wish.outbox_id: insert(connection, list(wish.events), wish.at // 1000)
            for wish in fresh
            if wish.events
        }
        outcomes: list[_Added | Exception] = []
        for wish, what in zip(wishes, found, strict=True):
            if isinstance(what, ArchiveError):
                outcomes.append(what)
            elif isinstance(what, Entry):
                outcomes.append((what, False, []))
            else:
                is_new = fresh[what] is wish
                outcomes.append((entries[what], is_new, seqs.get(wish.outbox_id, []) if is_new else []))
        return outcomes

    async def get(self, account: str, outbox_id: str) -> Entry:
        """Raises NotFound."""
        return await self._reader.call(lambda c: _need(c, account, outbox_id))

    async def by_key(self, account: str, key: str) -> Entry | None:
        """What a key stands for."""
        return await self._reader.call(lambda c: _one(c, "account = ? and key = ?", account, key))

    async def by_message(self, account: str, id: str) -> Entry | None:
        """The row of a stanza id."""
        return await self._reader.call(lambda c: _one(c, "account = ? and id = ?", account, id))

    async def page(
        self, account: str, statuses: tuple[Status, ...] = (), *, after: int = 0, limit: int = 50
    ) -> list[Entry]:
        """In the order in which they came; go on with `after=entries[-1].n`."""
        where = f" and status in ({', '.join('?' * len(statuses))})" if statuses else ""
        rows = max(1, min(limit, PAGE_ROWS))
        return await self._reader.call(
            lambda c: _many(
                c, f"account = ? and n > ?{where} order by n limit ?", account, after, *statuses, rows
            )
        )

    async def look(self, account: str, limit: int = DUE_ROWS) -> Look:
        """All that the pump wants to know, in one question."""
        at = self._now()

        def job(connection: sqlite3.Connection) -> Look:
            over = connection.execute(
                "select 1 from outbox where account = ? and status = 'queued' and not_after > 0 and not_after <= ?"
                " limit 1",
                (account, at),
            ).fetchone()
            due = _due(connection, account, at, limit) if limit > 0 else []
            return Look(due, _next_at(connection, account, at), over is not None)

        return await self._reader.call(job)

    async def due(self, account: str, limit: int = DUE_ROWS, *, known_only: bool = False) -> list[Entry]:
        """Queued rows whose time has come, oldest first. None overtakes one of its chat that has to be tried again.

        `known_only` leaves out first messages, which may wait for long.
        """
        at = self._now()
        return await self._reader.call(lambda c: _due(c, account, at, limit, known_only=known_only))

    async def take(self, account: str, limit: int = DUE_ROWS) -> list[Entry]:
        """The same, and they are marked as sent: nobody takes them twice until `requeue` or `defer`."""
        at = self._now()

        def job(connection: sqlite3.Connection) -> list[Entry]:
            entries = _due(connection, account, at, limit)
            connection.executemany(
                "update outbox set status = 'sent', changed = ? where outbox_id = ?",
                [(at, entry.outbox_id) for entry in entries],
            )
            return entries

        # A look without a write where there is nothing to take: most looks find nothing.
        return await self._writer.call(job) if await self.due(account, 1) else []

    async def claim(self, account: str, outbox_ids: Sequence[str]) -> list[Entry]:
        """Mark these as sent, as far as they are still queued; gives them in their order."""
        at = self._now()

        def job(connection: sqlite3.Connection) -> list[Entry]:
            taken = [
                id
                for id in outbox_ids
                if connection.execute(
                    "update outbox set status = 'sent', changed = ? where outbox_id = ? and account = ?"
                    " and status = 'queued'",
                    (at, id, account),
                ).rowcount
            ]
            return [_need(connection, account, id) for id in taken]

        return await self._writer.call(job)

    async def rewrite(self, account: str, outbox_id: str, content: bytes, meta: Fields) -> None:
        """The row's content is another one now: its file was uploaded, its recipient's number corrected."""
        encoded = msgspec.json.encode(meta).decode()
        await self._writer.call(
            lambda c: c.execute(
                "update outbox set content = ?, meta = ? where account = ? and outbox_id = ?",
                (content, encoded, account, outbox_id),
            ).close()
        )

    async def defer(self, account: str, outbox_id: str, *, until: int = 0, counted: bool = True) -> None:
        """What was taken goes back: at once, or not before a moment (ms). A try that is nobody's fault is not counted."""
        at = self._now()
        await self._writer.call(
            lambda c: c.execute(
                "update outbox set status = 'queued', changed = ?, attempts = attempts + ?,"
                " not_before = max(not_before, ?) where account = ? and outbox_id = ? and status = 'sent'",
                (at, int(counted), until, account, outbox_id),
            ).close(),
            self._wake,
        )

    async def next_at(self, account: str) -> int | None:
        """When the pump has to look again by itself (ms): a row becomes due, or one expires."""
        at = self._now()
        return await self._reader.call(lambda c: _next_at(c, account, at))

    async def expire(self, account: str) -> list[Entry]:
        """Rows that waited past their `not_after` are over; gives them."""
        at = self._now()
        where = "account = ? and status = 'queued' and not_after > 0 and not_after <= ?"

        def job(connection: sqlite3.Connection) -> list[Entry]:
            over = _many(connection, where, account, at)
            for entry in over:
                _set(connection, entry.outbox_id, "expired", at, error="not_after has passed")
            return [msgspec.structs.replace(entry, status="expired") for entry in over]

        return await self._writer.call(job, self._wake)

    async def mark(
        self,
        account: str,
        outbox_id: str,
        status: Status,
        *,
        error: str = "",
        result: str = "",
        attempt: bool = False,
    ) -> Entry:
        """The sender's word on a row; a status never falls back behind what is known. Raises NotFound."""
        at = self._now()

        def job(connection: sqlite3.Connection) -> Entry:
            held = _need(connection, account, outbox_id)
            kept = held.status if _rank(held.status) > _rank(status) else status
            _set(connection, outbox_id, kept, at, error=error, result=result, attempts=int(attempt))
            return _need(connection, account, outbox_id)

        # Nobody is woken: what has become of a row gives the pump nothing to do.
        return await self._writer.call(job)

    async def cancel(self, account: str, outbox_id: str) -> Entry:
        """Only what has not left. Raises NotFound; the status tells whether it worked."""
        return await self._move(account, outbox_id, ("queued", "failed"), "cancelled")

    async def retry(self, account: str, outbox_id: str) -> Entry:
        """Once more, under the same stanza id. Raises NotFound; the status tells whether it worked."""
        return await self._move(account, outbox_id, ("failed", "expired", "cancelled"), "queued")

    async def requeue(self, account: str) -> int:
        """After a lost link: what left without the server's word goes again, same id, fresh ciphertext."""
        at = self._now()
        return await self._writer.call(
            lambda c: (
                c.execute(
                    "update outbox set status = 'queued', changed = ? where account = ? and status = 'sent'",
                    (at, account),
                ).rowcount
            ),
            self._wake,
        )

    async def fail_open(self, account: str, error: str) -> list[Entry]:
        """At logout: nothing of this pairing leaves any more; gives the rows."""
        at = self._now()

        def job(connection: sqlite3.Connection) -> list[Entry]:
            entries = _many(connection, "account = ? and status in ('queued', 'sent') order by n", account)
            for entry in entries:
                _set(connection, entry.outbox_id, "failed", at, error=error)
            return [msgspec.structs.replace(entry, status="failed", error=error) for entry in entries]

        return await self._writer.call(job, self._wake)

    async def depth(self, account: str) -> int:
        """Rows that wait or are on their way."""
        return await self._reader.call(lambda c: _open(c, account))

    async def depths(self, accounts: Sequence[str]) -> dict[str, int]:
        """The same for many: from the index for each, not from all rows."""
        query = (
            "select value, (select count(*) from outbox where account = value and status in ('queued', 'sent'))"
            " from json_each(?)"
        )
        names = msgspec.json.encode(accounts).decode()
        return await self._reader.call(lambda c: dict(c.execute(query, (names,))))

    @property
    def version(self) -> int:
        """Rises with each change; pass it to `wait`."""
        return self._version

    def nudge(self) -> None:
        """Whoever waits shall look again, though no row has changed."""
        self._wake()

    async def wait(self, seen: int) -> int:
        """Return once the outbox has changed since `seen`; no change is lost."""
        while self._version == seen:
            await self._moved.wait()
        return self._version

    async def _move(self, account: str, outbox_id: str, allowed: tuple[Status, ...], to: Status) -> Entry:
        at = self._now()

        def job(connection: sqlite3.Connection) -> Entry:
            # A row that waits again takes room which was counted without it.
            self._room.pop(account, None)
            if _need(connection, account, outbox_id).status in allowed:
                _set(connection, outbox_id, to, at)
            return _need(connection, account, outbox_id)

        return await self._writer.call(job, self._wake)

    def _take_room(self, connection: sqlite3.Connection, account: str, coming: Sequence[_Wish]) -> None:
        """Rows that leave only make room, so they are counted when it seems used up; `coming` are not stored yet."""
        room = self._room.get(account, 0)
        if room <= 0:
            waiting = _open(connection, account) + sum(wish.account == account for wish in coming)
            room = MAX_OPEN - waiting
        if room <= 0:
            raise OutboxFull(
                f"{waiting} messages of {account} wait already: wait until some have left, or cancel them"
            )
        self._room[account] = room - 1

    def _wake(self, _: object = None) -> None:
        self._version += 1
        moved, self._moved = self._moved, anyio.Event()
        moved.set()

    def _now(self) -> int:
        return round(self._clock() * 1000)


_RANKS: Final[dict[Status, int]] = {"server_ack": 1, "delivered": 2, "read": 3, "played": 4}


def new_id(draw: Callable[[int], bytes] = os.urandom) -> str:
    """A name for a row. It begins with the time, so that indices grow at their end: a random place costs a page each."""
    return f"o{time.time_ns() // 1_000_000:011x}{draw(4).hex()}"


def _rank(status: Status) -> int:
    return _RANKS.get(status, 0)


def _keyed(connection: sqlite3.Connection, wishes: Sequence[_Wish]) -> dict[tuple[str, str], Entry | int]:
    """The rows that have the keys of these."""
    keys: dict[str, list[str]] = {}
    for wish in wishes:
        if wish.draft.key:
            keys.setdefault(wish.account, []).append(wish.draft.key)
    return {
        (account, entry.key): entry
        for account, wanted in keys.items()
        for entry in _many(
            connection,
            "account = ? and key in (select value from json_each(?))",
            account,
            msgspec.json.encode(wanted).decode(),
        )
    }


def _same(before: Entry | _Wish, wish: _Wish) -> None:
    """A key means one message."""
    hash = before.draft.hash if isinstance(before, _Wish) else before.hash
    if hash != wish.draft.hash:
        raise IdempotencyConflict(
            f"key {wish.draft.key!r} was used for another message ({before.outbox_id}): take a new key for a new message"
        )


def _insert(connection: sqlite3.Connection, wishes: Sequence[_Wish]) -> list[Entry]:
    if not wishes:
        return []
    rows = [
        (
            wish.outbox_id, wish.account, draft.key or wish.outbox_id, draft.hash, draft.chat, draft.id, draft.content,
            draft.secret, msgspec.json.encode(draft.meta).decode(), wish.status, wish.at, wish.at, draft.not_before,
            draft.not_after, draft.pairing,
        )
        for wish in wishes
        for draft in (wish.draft,)
    ]  # fmt: skip
    first = bulk.insert(connection, _INTO, rows) - len(rows) + 1
    return [
        Entry(
            first + place, wish.outbox_id, wish.account, draft.key or wish.outbox_id, draft.hash, draft.chat, draft.id,
            draft.content, draft.secret, draft.meta, wish.status, "", "", 0, wish.at, wish.at, draft.not_before,
            draft.not_after, draft.pairing,
        )
        for place, wish in enumerate(wishes)
        for draft in (wish.draft,)
    ]  # fmt: skip


def _set(
    connection: sqlite3.Connection,
    outbox_id: str,
    status: Status,
    at: int,
    *,
    error: str = "",
    result: str = "",
    attempts: int = 0,
) -> None:
    connection.execute(
        "update outbox set status = ?1, changed = ?2, error = ?3, attempts = attempts + ?4,"
        " result = case when ?5 != '' then ?5 else result end where outbox_id = ?6",
        (status, at, error, attempts, result, outbox_id),
    )


def _due(
    connection: sqlite3.Connection, account: str, at: int, limit: int, *, known_only: bool = False
) -> list[Entry]:
    known = " and not coalesce(json_extract(meta, '$.new'), 0)" if known_only else ""
    return _many(
        connection,
        "account = ?1 and status = 'queued' and not_before <= ?2 and (not_after = 0 or not_after > ?2)"  # noqa: S608
        " and not exists (select 1 from outbox held where held.account = ?1 and held.chat = outbox.chat"
        " and held.status = 'queued' and held.n < outbox.n and held.attempts > 0 and held.not_before > ?2)"
        f"{known} order by n limit ?3",
        account,
        at,
        limit,
    )


def _next_at(connection: sqlite3.Connection, account: str, at: int) -> int | None:
    row = connection.execute(
        "select min(case when not_before > ?2 then not_before when not_after > 0 then not_after end)"
        " from outbox where account = ?1 and status = 'queued'",
        (account, at),
    ).fetchone()
    held: int | None = row[0]
    return held


def _open(connection: sqlite3.Connection, account: str) -> int:
    row: tuple[int] = connection.execute(
        "select count(*) from outbox where account = ? and status in ('queued', 'sent')", (account,)
    ).fetchone()
    return row[0]


def _need(connection: sqlite3.Connection, account: str, outbox_id: str) -> Entry:
    entry = _one(connection, "account = ? and outbox_id = ?", account, outbox_id)
    if entry is None:
        raise NotFound(f"no outbox row {outbox_id}: finished ones are kept for 7 days")
    return entry


def _one(connection: sqlite3.Connection, where: str, *values: object) -> Entry | None:
    return next(iter(_many(connection, f"{where} limit 1", *values)), None)


def _many(connection: sqlite3.Connection, where: str, *values: object) -> list[Entry]:
    return [_entry(row) for row in connection.execute(f"select {_COLUMNS} from outbox where {where}", values)]  # noqa: S608


def _entry(row: tuple[Any, ...]) -> Entry:
    fields = list(row)
    fields[9] = msgspec.json.decode(row[9], type=dict[str, Any])
    return Entry(*fields)
