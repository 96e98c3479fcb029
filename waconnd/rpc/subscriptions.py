"""Followers of the event log: a cursor and a filter each. They read when their reader reads; no queue, no loss, no double."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import anyio
import anyio.abc
import msgspec

from waconnd.rpc.errors import RpcError
from waconnd.rpc.events import Feed, Filter, Passing, Pruned, Row

#: One write: enough to be quick, little enough that a slow reader costs us nothing.
BATCH_ROWS: Final = 200
BATCH_BYTES: Final = 256 * 1024

#: More than any program needs; each is a task.
MAX_SUBSCRIPTIONS: Final = 16

#: Names of cursors live in the database for ever.
MAX_CURSOR_NAME: Final = 100


async def start_of(feed: Feed, after: int | str | None) -> tuple[int, str | None]:
    """The seq after which to begin, and the named cursor it came from. Raises RpcError."""
    if after is None or after == "now":
        return feed.newest, None
    if isinstance(after, str) and after.startswith("cursor:"):
        name = cursor_name(after.removeprefix("cursor:"))
        seq = await feed.log.cursor(name)
        if seq is None:
            # A program's first start: from now on, durably, so that its second start misses nothing.
            seq = await feed.log.set_cursor(name, feed.newest)
        return await check_held(feed, seq), name
    if isinstance(after, str) and after.isascii() and after.isdigit():
        after = int(after)
    if isinstance(after, int):
        return await check_held(feed, after), None
    raise RpcError("invalid_params", '`after` is a seq, "now" or "cursor:NAME"', path="$.after")


def cursor_name(name: str) -> str:
    """Refuse what can't be a cursor's name."""
    if not name or len(name) > MAX_CURSOR_NAME or not name.isprintable():
        raise RpcError(
            "invalid_params",
            f"a cursor's name has 1 to {MAX_CURSOR_NAME} printable characters",
            path="$.cursor",
        )
    return name


async def check_held(feed: Feed, seq: int) -> int:
    """Refuse a place in the log that retention has passed. 0 is the oldest that is held."""
    oldest, newest = await feed.log.oldest(), feed.log.newest
    if seq == 0:
        return max(0, oldest - 1)
    if seq > newest:
        sentence = f"seq {seq} is not given out yet: the newest is {newest}"
        raise RpcError("cursor_expired", sentence, oldest_seq=oldest, newest_seq=newest)
    if seq < oldest - 1:
        sentence = f"events up to {oldest - 1} are gone by retention; {seq} was asked for"
        raise RpcError("cursor_expired", sentence, oldest_seq=oldest, newest_seq=newest)
    return seq


class Subscription:
    """One follower. `write` returns when its reader has taken what it was given."""

    def __init__(
        self,
        feed: Feed,
        want: Filter,
        after: int,
        *,
        sub: str,
        write: Callable[[bytes], Awaitable[None]],
        render: Callable[[str, int | None, bool, str, bytes], bytes],
        cursor: str | None = None,
        max_unacked: int | None = None,
        passing: bool = True,
    ) -> None:
        self.feed, self.want, self.after, self.sub = feed, want, after, sub
        self.cursor = cursor
        self._write = write
        self._render = render
        self._max_unacked = max_unacked
        self._unacked: deque[int] = deque()
        self._passing = passing
        self._place = feed.place
        #: What was there before: told as `backlog`, so that a bot can choose not to answer old messages.
        self._backlog = feed.newest

    async def run(self) -> None:
        """Send for ever. Raises Stalled, or what `write` raises."""
        while True:
            # Taken before looking: what comes while we look rings this very bell.
            bell = self.feed.bell
            sent = await self._rows()
            if self._passing:
                sent = await self._pass() or sent
            if not sent:
                await bell.wait()

    async def _rows(self) -> bool:
        limit = BATCH_ROWS
        if self._max_unacked is not None:
            limit = min(limit, self._max_unacked - len(self._unacked))
            if limit <= 0:
                return False
        before = self.after
        try:
            rows, self.after, gap = await self.feed.read(
                before, self.want, limit=limit, max_bytes=BATCH_BYTES
            )
        except Pruned as pruned:
            # A reader so slow that retention overtook it. It is told what it missed, and goes on.
            self.after = pruned.oldest - 1
            await self._gap(before + 1, self.after)
            return True
        if gap is not None:
            await self._gap(*gap)
        if rows:
            await self._write(b"".join(self._line(row) for row in rows))
            if self._max_unacked is not None:
                self._unacked.extend(row.seq for row in rows)
        return self.after > before

    def _line(self, row: Row) -> bytes:
        return self._render(self.sub, row.seq, row.seq <= self._backlog, row.type, row.body)

    async def _pass(self) -> bool:
        events, lost = self.feed.passing(self._place)
        if not events:
            return False
        self._place = events[-1].index + 1
        lines = [self._own("events.dropped", {"sub": self.sub, "count": lost})] if lost else []
        lines += [
            self._render(self.sub, None, False, event.type, event.body)
            for event in events
            if self._wants(event)
        ]
        if lines:
            await self._write(b"".join(lines))
        return True

    def _wants(self, event: Passing) -> bool:
        return self.want.wants(event)

    async def _gap(self, first: int, last: int) -> None:
        data = {"sub": self.sub, "from_seq": first, "to_seq": last, "why": "retention"}
        await self._write(self._own("events.gap", data))

    def _own(self, type: str, data: object) -> bytes:
        body = msgspec.json.encode({"type": type, "v": 1, "data": data})
        return self._render(self.sub, None, False, type, body)

    def acked(self, seq: int) -> None:
        """The reader is done with everything up to here."""
        while self._unacked and self._unacked[0] <= seq:
            self._unacked.popleft()
        self.feed.ring()


def as_line(sub: str, seq: int | None, backlog: bool, type: str, body: bytes) -> bytes:
    """An `event` notification for a lines connection."""
    return b'{"jsonrpc":"2.0","method":"event","params":%b}\n' % _params(sub, seq, backlog, body)


def as_ndjson(sub: str, seq: int | None, backlog: bool, type: str, body: bytes) -> bytes:
    """The same event as a bare line of JSON."""
    return _params(sub, seq, backlog, body) + b"\n"


def as_sse(sub: str, seq: int | None, backlog: bool, type: str, body: bytes) -> bytes:
    """The same event for an EventSource; its id is the cursor that comes back as Last-Event-ID."""
    id = b"" if seq is None else b"id: %d\n" % seq
    return b"%bevent: %b\ndata: %b\n\n" % (id, type.encode(), _params(sub, seq, backlog, body))


def _params(sub: str, seq: int | None, backlog: bool, body: bytes) -> bytes:
    # The body is an object of ours, already encoded: what differs for each reader goes in front of it.
    number = b"null" if seq is None else b"%d" % seq
    return b'{"sub":"%b","seq":%b,"backlog":%b,%b' % (
        sub.encode(),
        number,
        b"true" if backlog else b"false",
        body[1:],
    )


class Subscriptions:
    """Those of one connection."""

    def __init__(self, tasks: anyio.abc.TaskGroup, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._tasks = tasks
        self._write = write
        self._running: dict[str, tuple[Subscription, anyio.CancelScope]] = {}
        self._count = 0

    def open(
        self,
        feed: Feed,
        want: Filter,
        after: int,
        *,
        cursor: str | None,
        max_unacked: int | None,
        passing: bool,
    ) -> tuple[Subscription, Callable[[], object]]:
        """Make one, and what sets it going: to be called when its name has been told to the client."""
        if len(self._running) >= MAX_SUBSCRIPTIONS:
            raise RpcError(
                "rate_limited", f"one connection may hold {MAX_SUBSCRIPTIONS} subscriptions", retryable=False
            )
        self._count += 1
        sub = f"s{self._count}"
        subscription = Subscription(
            feed,
            want,
            after,
            sub=sub,
            write=self._write,
            render=as_line,
            cursor=cursor,
            max_unacked=max_unacked,
            passing=passing,
        )
        scope = anyio.CancelScope()
        self._running[sub] = subscription, scope
        return subscription, partial(self._tasks.start_soon, self._follow, subscription, scope)

    async def _follow(self, subscription: Subscription, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await subscription.run()
        finally:
            self._running.pop(subscription.sub, None)

    def stop(self, sub: str) -> Subscription | None:
        """End one."""
        found = self._running.pop(sub, None)
        if found is None:
            return None
        found[1].cancel()
        return found[0]

    def acked(self, cursor: str, seq: int) -> None:
        """A named cursor moved: those who follow by it may be sent more."""
        for subscription, _ in self._running.values():
            if subscription.cursor == cursor:
                subscription.acked(seq)

    @property
    def live(self) -> int:
        """How many are running."""
        return len(self._running)
