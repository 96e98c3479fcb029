"""What subscriptions read from: the event log (rows, handed in), a tail of it in memory, and a ring for events without a row.

A hundred live followers read the same new rows. They are read from the log once, into the tail; who is further behind reads the
log itself. Nobody has a queue, so nobody can fill one.
"""

from __future__ import annotations

import fnmatch
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple, Protocol

import anyio
import msgspec

from waconnd.rpc.times import rfc3339

#: Rows kept in memory for live followers. A follower further behind reads the disk, which is no harm.
TAIL_ROWS: Final = 2000
TAIL_BYTES: Final = 4 * 1024 * 1024

#: Events without a row (QR codes, presence, typing) that a slow follower may be behind before it loses some, and is told so.
RING: Final = 1024

#: One read of the log into the tail; the log itself may give fewer.
READ_ROWS: Final = 1000


class Row(Protocol):
    """One event with a sequence number."""

    @property
    def seq(self) -> int: ...
    @property
    def account(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def chat(self) -> str:
        """The chat's address, or empty."""

    @property
    def body(self) -> bytes:
        """A JSON object with `type`, `v`, `account`, `at`, `data`."""


class Page(Protocol):
    """The rows that match, and how far the log was read for them (so that a rare match is not searched for twice)."""

    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def upto(self) -> int: ...
    @property
    def gap(self) -> tuple[int, int] | None:
        """The first and last event in this stretch whose content was removed already."""


class Pruned(Exception):
    """The events after a cursor are gone by retention."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"the oldest event held is {oldest}")
        self.oldest = oldest


class CursorRow(Protocol):
    """A named place in the log."""

    @property
    def name(self) -> str: ...
    @property
    def seq(self) -> int: ...


class EventLog(Protocol):
    """The durable log. Sequence numbers grow and are never used twice."""

    @property
    def newest(self) -> int:
        """The last seq given out; 0 when none ever was."""

    async def oldest(self) -> int:
        """The first seq still held; newest + 1 when empty."""

    async def wait(self, after: int) -> object:
        """Return when `newest` is greater."""

    async def read(
        self,
        after: int,
        *,
        accounts: Collection[str] | None = None,
        types: Collection[str] | None = None,
        chats: Collection[str] | None = None,
        limit: int,
    ) -> Page:
        """Rows with a greater seq, in order, as many as is good for one write. `types` are globs. Raises Pruned."""

    async def cursor(self, name: str) -> int | None:
        """Where a named cursor stands."""

    async def set_cursor(self, name: str, seq: int) -> int:
        """Durably move it forward (never back); gives where it stands."""

    async def cursors(self) -> Sequence[CursorRow]: ...

    async def delete_cursor(self, name: str) -> bool: ...


class Filter:
    """Which events somebody wants, and may see."""

    def __init__(
        self,
        accounts: Collection[str] | None = None,
        types: Collection[str] | None = None,
        chats: Collection[str] | None = None,
    ) -> None:
        self.accounts = None if accounts is None else frozenset(accounts)
        self.types = None if types is None else tuple(types)
        self.chats = None if chats is None else frozenset(chats)
        self._pattern = re.compile("|".join(fnmatch.translate(glob) for glob in self.types or ()))
        self._known: dict[str, bool] = {}

    def wants(self, row: Row) -> bool:
        # Events of the daemon itself carry no account; whoever may read anything may see them.
        if self.accounts is not None and row.account and row.account not in self.accounts:
            return False
        if self.chats is not None and row.chat not in self.chats:
            return False
        return self.types is None or self._typed(row.type)

    def _typed(self, type: str) -> bool:
        known = self._known.get(type)
        if known is None:
            # Names of events are ours, so the table stays as small as our list of them.
            known = self._known[type] = self._pattern.fullmatch(type) is not None
        return known


class Passing(msgspec.Struct, frozen=True):
    """An event without a row."""

    account: str
    type: str
    chat: str
    body: bytes
    #: Its place in the ring.
    index: int
    seq: int = 0


class Batch(NamedTuple):
    """What a follower reads at once."""

    rows: list[Row]
    upto: int
    gap: tuple[int, int] | None = None


class Feed:
    """The log's tail and the ring. One for a daemon; `run()` must be running for anything to be live."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.bell = anyio.Event()
        self._seqs: list[int] = []
        self._rows: list[Row] = []
        self._bytes = 0
        #: Everything after this is in the tail, up to `_end`.
        self._start = self._end = log.newest
        self._ring: deque[Passing] = deque(maxlen=RING)
        self._next = 0

    @property
    def newest(self) -> int:
        """The last seq that followers can see."""
        return self._end

    async def run(self) -> None:
        """Follow the log for ever."""
        while True:
            await self.log.wait(self._end)
            page = await self.log.read(self._end, limit=READ_ROWS)
            for row in page.rows:
                self._rows.append(row)
                self._seqs.append(row.seq)
                self._bytes += len(row.body)
            self._end = max(self._end, page.upto)
            self._trim()
            self.ring()

    def ring(self) -> None:
        """Wake all followers."""
        bell, self.bell = self.bell, anyio.Event()
        bell.set()

    def _trim(self) -> None:
        # A quarter more than allowed before a cut: one memmove for many rows.
        if len(self._rows) < TAIL_ROWS * 5 // 4 and self._bytes < TAIL_BYTES * 5 // 4:
            return
        cut = max(0, len(self._rows) - TAIL_ROWS)
        self._bytes -= sum(len(row.body) for row in self._rows[:cut])
        while self._bytes > TAIL_BYTES and cut < len(self._rows):
            self._bytes -= len(self._rows[cut].body)
            cut += 1
        if cut:
            self._start = self._seqs[cut - 1]
            del self._rows[:cut], self._seqs[:cut]

    async def read(self, after: int, want: Filter, *, limit: int, max_bytes: int) -> Batch:
        """Matching rows after a seq, and how far was read. Raises Pruned."""
        if after < self._start:
            page = await self.log.read(
                after, accounts=want.accounts, types=want.types, chats=want.chats, limit=limit
            )
            # The log may filter more coarsely than we do (events without an account, for one).
            return Batch([row for row in page.rows if want.wants(row)], page.upto, page.gap)
        rows: list[Row] = []
        size = 0
        for place in range(bisect_right(self._seqs, after), len(self._rows)):
            row = self._rows[place]
            if want.wants(row):
                size += len(row.body)
                if rows and size > max_bytes:
                    return Batch(rows, rows[-1].seq)
                rows.append(row)
                if len(rows) >= limit:
                    return Batch(rows, row.seq)
        return Batch(rows, max(after, self._end))

    def publish(
        self, type: str, data: Any, *, at: float, account: str = "", chat: str = "", v: int = 1
    ) -> None:
        """Show an event that has no row. Who follows late has missed it, which is its nature."""
        body = msgspec.json.encode(
            {"type": type, "v": v, "account": account, "at": rfc3339(at), "data": data}
            if account
            else {"type": type, "v": v, "at": rfc3339(at), "data": data}
        )
        self._ring.append(Passing(account, type, chat, body, self._next))
        self._next += 1
        self.ring()

    @property
    def place(self) -> int:
        """Where the ring's next event will be: where a new follower begins."""
        return self._next

    def passing(self, place: int) -> tuple[list[Passing], int]:
        """Events since a place in the ring, and how many were lost before them."""
        first = self._next - len(self._ring)
        lost = max(0, first - place)
        skip = max(0, place - first)
        return [self._ring[i] for i in range(skip, len(self._ring))], lost
