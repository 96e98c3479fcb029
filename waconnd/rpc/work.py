"""One queue, many workers: each event goes to one of them under a lease, and those of one chat go one after the other.

A queue is a named cursor with a memory. Everything up to the cursor is done, durably. What was done beyond it, and who holds
what, is known until the process ends; after that a worker may meet such an event once more: at least once, never not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import anyio

from waconnd.rpc.errors import RpcError
from waconnd.rpc.events import Feed, Filter, Row
from waconnd.rpc.subscriptions import BATCH_BYTES, check_held, start_of

#: Events that are read ahead and not done: workers that hold back a chat hold back this much at most.
WINDOW: Final = 1000
#: Queues of one daemon; each may hold a window of events in memory.
MAX_QUEUES: Final = 100


class WorkQueue:
    """One queue. `fill` before `take`."""

    def __init__(self, want: Filter, seq: int) -> None:
        self.want = want
        #: Everything up to here was read into the window, or was none of ours.
        self._upto = seq
        self._window: dict[int, Row] = {}
        #: Until when an event is somebody's.
        self._leases: dict[int, float] = {}
        self._filling = anyio.Lock()

    async def fill(self, feed: Feed) -> None:
        """Read ahead as far as the window goes. Raises RpcError `cursor_expired`."""
        async with self._filling:
            while len(self._window) < WINDOW and self._upto < feed.newest:
                await check_held(feed, self._upto)
                room = WINDOW - len(self._window)
                rows, upto, _ = await feed.read(self._upto, self.want, limit=room, max_bytes=BATCH_BYTES)
                self._window.update((row.seq, row) for row in rows)
                self._upto = upto

    def take(self, now: float, limit: int, lease_s: float) -> list[Row]:
        """The next events that nobody holds, but none of a chat of which somebody else holds an earlier one."""
        for seq in [seq for seq, until in self._leases.items() if until <= now]:
            del self._leases[seq]
        busy = {_chat(self._window[seq]) for seq in self._leases} - {None}
        taken: list[Row] = []
        for seq, row in self._window.items():
            if seq not in self._leases and _chat(row) not in busy:
                taken.append(row)
                if len(taken) == limit:
                    break
        self._leases.update((row.seq, now + lease_s) for row in taken)
        return taken

    def done(self, seqs: Iterable[int]) -> int:
        """These are handled, whoever held them; gives where the cursor stands then."""
        for seq in seqs:
            self._window.pop(seq, None)
            self._leases.pop(seq, None)
        return next(iter(self._window), self._upto + 1) - 1

    @property
    def held(self) -> int:
        """How many events are in somebody's hands."""
        return len(self._leases)

    @property
    def undone(self) -> int:
        """How many events were read and are not done."""
        return len(self._window)

    def next_return(self) -> float | None:
        """When the next lease ends."""
        return min(self._leases.values(), default=None)


class WorkQueues:
    """All queues of a daemon, by name."""

    def __init__(self) -> None:
        self._queues: dict[str, WorkQueue] = {}

    async def open(self, feed: Feed, name: str, want: Filter) -> WorkQueue:
        """The queue of this name. While events are held nobody may read it with another filter. Raises RpcError."""
        queue = self._queues.get(name)
        if queue is not None and _same(queue.want, want):
            return queue
        if queue is not None and queue.held:
            raise RpcError(
                "invalid_params",
                f"workers of the queue `{name}` want other events; all of a queue ask for the same",
                path="$.queue",
            )
        if queue is None and len(self._queues) >= MAX_QUEUES:
            raise RpcError("rate_limited", f"there are {MAX_QUEUES} queues already")
        seq, _ = await start_of(feed, f"cursor:{name}")
        if self._queues.get(name) is queue:  # else somebody was quicker
            self._queues[name] = WorkQueue(want, seq)
        return await self.open(feed, name, want)

    def forget(self, name: str) -> None:
        """Its cursor was deleted."""
        self._queues.pop(name, None)

    def find(self, name: str) -> WorkQueue | None:
        """The queue of this name, when somebody took from it since the daemon started."""
        return self._queues.get(name)


def _chat(row: Row) -> tuple[str, str] | None:
    return (row.account, row.chat) if row.chat else None


def _same(one: Filter, other: Filter) -> bool:
    return (one.accounts, one.types, one.chats) == (other.accounts, other.types, other.chats)
