"""The event log: one sequence for the daemon, appended with its projection, read by cursor, never by position.

A subscription is a place in this log. Nobody has a queue here: a follower reads the rows past its cursor, and
`wait` tells it when there are more.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import anyio
import msgspec

from protocol.events.base import Event
from waconnd.store.archive import bulk, moves, polls, project
from waconnd.store.archive.body import Encoded, encode, spliced
from waconnd.store.archive.change import Batch
from waconnd.store.archive.errors import CursorExpired
from waconnd.store.archive.thread import Worker

#: A page: what one write to a follower carries.
PAGE_ROWS: Final = 200
PAGE_BYTES: Final = 256 * 1024
#: Rows looked at for one page: with a filter that matches nothing, a reader still gives way every few milliseconds.
SCAN_ROWS: Final = 2_000
#: What happens to a message happens soon after it; looking at so many rows takes a tenth of a second.
TRACE_ROWS: Final = 50_000
#: Newest rows kept in memory.
FRESH_ROWS: Final = 500
FRESH_SECONDS: Final = 2.0
_OF_MESSAGES: Final = ("message.", "receipt.")
_INTO: Final = "insert into event(account, type, chat, key, at, stored, body)"


class Filter(msgspec.Struct, frozen=True):
    """Which events a follower wants; an empty part lets all pass. Types are globs: `message.*`."""

    accounts: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()

    def passes(self, row: Row) -> bool:
        """What `_where` says in SQL."""
        return (
            (not self.accounts or row.account in self.accounts)
            and (not self.chats or row.chat in self.chats)
            and (not self.types or _typed(self.types, row.type))
        )


@lru_cache(maxsize=1024)
def _typed(globs: tuple[str, ...], type: str) -> bool:
    return any(fnmatchcase(type, glob) for glob in globs)


class Row(msgspec.Struct, frozen=True):
    """One event. `body` is `{"type":…,"v":…,"account":…,"at":…,"data":{…}}`, ready to be sent."""

    seq: int
    account: str
    type: str
    body: bytes
    chat: str = ""

    def json(self, **head: Any) -> bytes:
        """The object for the socket: `head` (sub, backlog) and `seq` in front of the body, which is copied."""
        return spliced({**head, "seq": self.seq}, self.body)


class Page(msgspec.Struct, frozen=True):
    """Events in order. Go on with `after=next`; `more`: there is more to look at right now.

    `gap`: first and last seq of events in this stretch whose content was removed already (accounts with
    `store=meta` or `none` keep it for a day); a follower is told, never skipped over in silence.
    """

    events: list[Row]
    next: int
    more: bool
    gap: tuple[int, int] | None = None


class Bounds(msgspec.Struct, frozen=True):
    """Where the log begins and ends: `oldest` is the first held (newest + 1 when empty)."""

    oldest: int
    newest: int
    log_id: str
    bytes: int


class EventLog:
    """`archive.events`."""

    def __init__(
        self,
        writer: Worker,
        reader: Worker,
        clock: Callable[[], float],
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        """`changed` hears that rows which tell of something else than messages became durable, before any follower."""
        self._writer, self._reader, self._clock, self._changed = writer, reader, clock, changed
        #: The newest durable seq, kept on the loop's side.
        self.newest = 0
        #: The newest rows and when each came, without a hole between them: who follows the log wants just these.
        self._fresh: deque[tuple[float, Row]] = deque(maxlen=FRESH_ROWS)
        self._moved = anyio.Event()

    async def append(self, account: str, events: Iterable[Event | Mapping[str, Any] | bytes]) -> list[int]:
        """Make events rows, with all that follows from them, in one transaction. A key seen before is dropped:

        its place in the answer holds the seq that it got the first time.
        """
        rows = [encode(account, event) for event in events]
        return await self.append_encoded(rows) if rows else []

    async def append_encoded(
        self, rows: list[Encoded], also: Callable[[sqlite3.Connection], None] | None = None
    ) -> list[int]:
        """`append` for what is encoded already; `also` joins the transaction."""
        now = int(self._clock())
        last = 0

        def job(connection: sqlite3.Connection) -> list[int]:
            nonlocal last
            seqs = insert(connection, rows, now)
            # Events may have followed from these.
            last = newest_of(connection)
            if also is not None:
                also(connection)
            return seqs

        def stored(seqs: list[int]) -> None:
            for seq, row in zip(seqs, rows, strict=True):
                if seq == (self._fresh[-1][1].seq if self._fresh else self.newest) + 1:
                    self._fresh.append((now, Row(seq, row.account, row.type, row.body, row.chat)))
            if not all(row.type.startswith(_OF_MESSAGES) for row in rows):
                self._changed()
            self.wake([*seqs, last])

        return await self._writer.call(job, stored)

    async def read(self, after: int, wanted: Filter | None = None, *, limit: int = PAGE_ROWS) -> Page:
        """The next events after a seq. Raises CursorExpired when some of those were pruned already (0 never)."""
        chosen = wanted or Filter()
        if (page := self._newest_rows(after, chosen, limit)) is not None:
            return page
        rows = max(1, min(limit, PAGE_ROWS))
        page = await self._reader.call(lambda connection: read(connection, after, chosen, rows))
        # The reader may see rows before their writer is back on the loop; who was shown a place may come back to it.
        self.wake([page.next])
        return page

    def _newest_rows(self, after: int, wanted: Filter, limit: int) -> Page | None:
        """A page without a look at the disk: its rows were written a moment ago, and nobody can have removed them."""
        start = after + 1 - self._fresh[0][1].seq if self._fresh else -1
        if not 0 <= start < len(self._fresh) or self._clock() - self._fresh[start][0] > FRESH_SECONDS:
            return None
        rows: list[Row] = []
        size, upto, most = 0, after, max(1, min(limit, PAGE_ROWS))
        for _, row in islice(self._fresh, start, None):
            if wanted.passes(row):
                size += len(row.body)
                if rows and size > PAGE_BYTES:
                    break
                rows.append(row)
            upto = row.seq
            if len(rows) == most:
                break
        return Page(rows, upto, upto < self.newest)

    async def wait(self, after: int) -> int:
        """Return once there is an event past `after`; gives the newest seq.

        No wake-up is lost: looking and starting to wait happen between two awaits of the same loop.
        """
        while self.newest <= after:
            await self._moved.wait()
        return self.newest

    async def count(self, account: str, type: str) -> int:
        """How many events of a type are held."""

        def job(connection: sqlite3.Connection) -> int:
            row: tuple[int] = connection.execute(
                "select count(*) from event where account = ? and type = ?", (account, type)
            ).fetchone()
            return row[0]

        return await self._reader.call(job)

    async def about(self, account: str, id: str, around: int = 0) -> list[Row]:
        """Events that name a message, looked for from the one that told of it (`around`) on, else among the latest."""
        start = around - 1 if around else self.newest - TRACE_ROWS
        return await self._reader.call(
            lambda connection: [
                Row(seq, account, type, body, chat)
                for seq, type, body, chat in connection.execute(
                    "select seq, type, body, chat from event where seq > ?1 and seq <= ?1 + ?2 and account = ?3"
                    " and instr(body, ?4) > 0 order by seq limit ?5",
                    (start, TRACE_ROWS, account, f'"{id}"'.encode(), PAGE_ROWS),
                )
            ]
        )

    async def bounds(self) -> Bounds:
        """Where the log begins and ends."""
        return await self._reader.call(bounds)

    async def go_on_above(self, seq: int) -> None:
        """After an older copy of the file was put back: no number may mean two events, so the next ones lie above this one,
        and the log is another one.
        """

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("delete from sqlite_sequence where name = 'event'")
            connection.execute("insert into sqlite_sequence(name, seq) values('event', ?)", (seq,))
            connection.execute("update meta set value = ? where name = 'log_id'", (os.urandom(8).hex(),))

        await self._writer.call(job)
        self.newest = seq

    def opened(self, newest: int) -> None:
        """The archive is open: the log ends here."""
        self.newest = newest

    def removed(self) -> None:
        """Rows went away, perhaps new ones: what is kept in memory may be gone from the disk."""
        self._fresh.clear()

    def wake(self, seqs: list[int]) -> None:
        """Rows with these numbers became durable; runs on the loop."""
        newest = max(seqs, default=0)
        if newest > self.newest:
            self.newest = newest
            if self._fresh and self._fresh[-1][1].seq != newest:
                # Rows came in by another way.
                self._fresh.clear()
            moved, self._moved = self._moved, anyio.Event()
            moved.set()


def insert(connection: sqlite3.Connection, rows: list[Encoded], now: int) -> list[int]:
    """Rows and their projection, within the caller's transaction. What is put in words here changes in the list too."""
    # Looked up first: a conflict would use up a number all the same, and numbers have no holes here.
    known = _known(connection, rows)
    batch = Batch()
    fresh: list[Encoded] = []
    size = 0

    def store() -> None:
        nonlocal size
        for seq, row in enumerate(fresh, _store(connection, fresh, now)):
            known[row.account, row.key] = seq
            size += len(row.body)
            project.apply(connection, row, seq, now, batch)
        fresh.clear()

    for place, row in enumerate(rows):
        if (row.account, row.key) in known:
            continue
        if row.type == polls.VOTE:
            # The poll may be among those before it.
            store()
            project.finish(connection, batch)
            rows[place] = row = polls.worded(connection, row)  # noqa: PLW2901
        known[row.account, row.key] = 0
        fresh.append(row)
    store()
    project.finish(connection, batch)
    size += tell_moves(connection, now)
    if size:
        connection.execute("update meta set value = value + ? where name = 'event_bytes'", (size,))
    return [known[row.account, row.key] for row in rows]


def _store(connection: sqlite3.Connection, rows: Sequence[Encoded], now: int) -> int:
    """Gives the first one's number."""
    values = [(row.account, row.type, row.chat, row.key, row.at, now, row.body) for row in rows]
    return bulk.insert(connection, _INTO, values) - len(rows) + 1


def _known(connection: sqlite3.Connection, rows: Sequence[Encoded]) -> dict[tuple[str, str], int]:
    """Which of these events are rows already. One question for all: each costs a hand-over between threads."""
    keys: dict[str, list[str]] = {}
    for row in rows:
        keys.setdefault(row.account, []).append(row.key)
    return {
        (account, key): seq
        for account, wanted in keys.items()
        for key, seq in connection.execute(
            "select key, seq from event where account = ? and key in (select value from json_each(?))",
            (account, msgspec.json.encode(wanted).decode()),
        )
    }


def tell_moves(connection: sqlite3.Connection, now: int) -> int:
    """Events of persons that were found to be one; their bytes."""
    rows = moves.settle(connection, now)
    if rows:
        _store(connection, rows, now)
    return sum(len(row.body) for row in rows)


def read(connection: sqlite3.Connection, after: int, wanted: Filter, limit: int) -> Page:
    """One page. Looks at `SCAN_ROWS` rows at most, and says where it stopped."""
    held = bounds(connection)
    if after > held.newest:
        raise _expired("this cursor lies past the end of the log: it belongs to another log", held)
    if 0 < after < held.oldest - 1:
        raise _expired("events after this cursor were pruned by the retention", held)
    start = max(after, held.oldest - 1)
    if held.newest - start > SCAN_ROWS:
        # An older copy that was put back left a hole of a million numbers.
        (first,) = connection.execute("select min(seq) from event where seq > ?", (start,)).fetchone()
        start = held.newest if first is None else first - 1
    end = min(start + SCAN_ROWS, held.newest)
    where, values = _where(wanted)
    rows: list[Row] = []
    emptied: list[int] = []
    size = 0
    cursor = connection.execute(
        f"select seq, account, type, body, chat from event where seq > ? and seq <= ?{where} order by seq limit ?",  # noqa: S608
        (start, end, *values, limit),
    )
    for seq, account, type, body, chat in cursor:
        if rows and size + len(body) > PAGE_BYTES:
            end = rows[-1].seq
            break
        if body:
            rows.append(Row(seq, account, type, body, chat))
            size += len(body)
        else:
            emptied.append(seq)
        if len(rows) + len(emptied) == limit:
            end = seq
            break
    return Page(rows, end, end < held.newest, (emptied[0], emptied[-1]) if emptied else None)


def bounds(connection: sqlite3.Connection) -> Bounds:
    """The ends of the log; the newest is known even when all rows are pruned."""
    newest = newest_of(connection)
    oldest = connection.execute("select min(seq) from event").fetchone()[0]
    meta = dict(connection.execute("select name, value from meta where name in ('log_id', 'event_bytes')"))
    return Bounds(newest + 1 if oldest is None else oldest, newest, meta["log_id"], meta["event_bytes"])


def newest_of(connection: sqlite3.Connection) -> int:
    """The newest seq that was ever given, also when its row is pruned."""
    row = connection.execute("select seq from sqlite_sequence where name = 'event'").fetchone()
    return int(row[0]) if row is not None else 0


def _where(wanted: Filter) -> tuple[str, list[str]]:
    parts: list[str] = []
    values: list[str] = []
    for column, choices in (("account", wanted.accounts), ("chat", wanted.chats)):
        if choices:
            parts.append(f" and {column} in ({', '.join('?' * len(choices))})")
            values.extend(choices)
    if wanted.types:
        parts.append(f" and ({' or '.join(['type glob ?'] * len(wanted.types))})")
        values.extend(wanted.types)
    return "".join(parts), values


def _expired(why: str, held: Bounds) -> CursorExpired:
    return CursorExpired(why, oldest=held.oldest, newest=held.newest, log_id=held.log_id)
