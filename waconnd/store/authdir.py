"""An account's directory as the event loop sees it: reads at once, commits that return when they are durable.

The loop owns all state in memory; threads do what waits for the disk. Frames are written one after the other, and
whatever was asked to be saved meanwhile becomes the next one and shares its sync. Files are rewritten beside them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import Final, TypeVar

import anyio
import msgspec

from protocol.events.base import Durable, Event
from protocol.keystore import Changes, Save
from waconnd.store.crew import JOBS, SYNCS, Crew
from waconnd.store.errors import (
    DiskFull,
    StoreClosed,
    StoreError,
)
from waconnd.store.hold import Held, explain, full, hold
from waconnd.store.journal import Record
from waconnd.store.records import INBOX, RECORD_OVERHEAD, Restore
from waconnd.store.restore import drop_ratchets
from waconnd.store.seal import Seal
from waconnd.store.shelf import Filing
from waconnd.store.space import Level, Space
from waconnd.store.stamp import Witness

T = TypeVar("T")

#: A journal of this size is turned into files: replaying it stays far below a second.
CHECKPOINT_SIZE: Final = 8 * 1024 * 1024
#: A busy account changes the same records again and again: so much of the newest goes into the next journal, not into
#: files, except each fourth time, on idle and at the end. It saves most of the syncs that checkpoints cost.
CARRY_SIZE: Final = 1024 * 1024
CARRIES: Final = 4
#: Commits wait for the files when the journal has grown to this meanwhile: a slow disk under a fast account.
JOURNAL_SIZE: Final = 4 * CHECKPOINT_SIZE
#: A quiet account with more than so many changed records is turned into files, too: people look at them.
IDLE_SECONDS: Final = 30.0
IDLE_DIRTY: Final = 64
#: Within this a frame tells the journal what was drained; usually one comes by itself.
NOTE_SECONDS: Final = 5.0
#: One frame takes no more than this of what waits; a single larger commit still goes, as a frame of its own.
FRAME_SIZE: Final = 4 * 1024 * 1024
#: A commit beyond this is a mistake of ours, and is refused before anything is written.
COMMIT_SIZE: Final = 48 * 1024 * 1024


class Entry(msgspec.Struct, frozen=True):
    """Something durable on its way to the archive. Numbers rise for the life of the account, with gaps."""

    number: int
    #: "inbox": an event, `body` is its JSON. "retry-copy": what was sent, under its id; body None: delete it.
    kind: str
    id: str
    body: bytes | None
    #: The event itself, unless it comes out of a recovery.
    event: Event | None = None


class _Waiting(msgspec.Struct):
    changes: Changes
    events: list[tuple[bytes, Event]]
    size: int
    future: asyncio.Future[None]


class _Alone(msgspec.Struct):
    """Something that waits until no files are being rewritten."""

    start: Callable[[], None]
    future: asyncio.Future[None] | None = None


class AuthDir:
    """Made by `AuthDir.open`. It is the `Source` of the account's `Keystore`."""

    def __init__(self, held: Held, witnesses: Sequence[Witness], jobs: Crew) -> None:
        self._held, self._records = held, held.records
        self._witnesses, self._jobs = witnesses, jobs
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque()
        self._alone: deque[_Alone] = deque()
        self._scheduled = self._closing = False
        #: A frame is being written, or the journal replaced, or somebody wants the directory for himself.
        self._busy = False
        #: Files are being rewritten; at its end the journal must be replaced, which tells `_replaced` whom to tell.
        self._filing = False
        self._filed: list[asyncio.Future[None] | None] = []
        self._under_way = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._live: dict[int, Event] = {}
        self._news = asyncio.Event()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._note_timer: asyncio.TimerHandle | None = None
        self._last_frame = 0.0
        #: What opening found: look at `rolled_back_from`.
        self.opened = held.opened
        #: Why nothing can be saved any more.
        self.failure: StoreError | None = None
        self.frames = 0
        self.commits = 0
        self.checkpoints = 0
        if held.records.passing:
            self._news.set()

    @classmethod
    async def open(
        cls,
        path: str | Path,
        *,
        create: bool = False,
        seal: Seal | None = None,
        witnesses: Sequence[Witness] = (),
        restore: Restore = drop_ratchets,
        allow_network_filesystem: bool = False,
        jobs: Crew = JOBS,
        syncs: Crew = SYNCS,
    ) -> AuthDir:
        """Lock, recover, checkpoint. Raises StoreError with a sentence for people.

        `create` must be said: a directory that is gone is otherwise never taken for a new account. When a witness
        remembers more than the directory holds, `restore` gives the changes that make the old copy usable.
        """
        held = await jobs.call(
            lambda: hold(
                Path(path),
                create=create,
                seal=seal,
                witnesses=witnesses,
                restore=restore,
                network_ok=allow_network_filesystem,
                syncs=syncs,
            )
        )
        return cls(held, witnesses, jobs)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._held.path

    # --- the Source of a Keystore -------------------------------------------------------------------------------

    def get(self, kind: str, id: str) -> bytes | None:
        """The durable value of a record; AuthDamaged when it can't be read."""
        return self._records.get(kind, id)

    def ids(self, kind: str) -> Iterator[str]:
        """All ids of a kind."""
        return self._records.ids(kind)

    @property
    def seq(self) -> int:
        """Number of the newest durable frame: what witnesses remember."""
        return self._records.seq

    @property
    def store(self) -> bytes:
        """Sixteen bytes that name this store for ever."""
        return self._records.store

    # --- saving -------------------------------------------------------------------------------------------------

    async def commit(self, *saves: Save) -> None:
        """Durable, as a whole, on return. Commits of others share the sync. Cancelling gives up only the wait."""
        await self.submit(*saves)

    def submit(self, *saves: Save) -> asyncio.Future[None]:
        """The same as a future, queued at once: order is the order of these calls."""
        future = self._loop.create_future()
        if self.failure is not None or self._closing:
            future.set_exception(self.failure or StoreClosed("the account's directory is closed"))
            return future
        changes = (
            saves[0].changes if len(saves) == 1 else {k: v for save in saves for k, v in save.changes.items()}
        )
        events: list[tuple[bytes, Event]] = [
            (msgspec.json.encode(event), event)
            for save in saves
            for event in save.events
            if isinstance(event, Durable)
        ]
        size = RECORD_OVERHEAD * (len(changes) + len(events))
        for value in changes.values():
            if value is not None:
                size += len(value)
        for body, _ in events:
            size += len(body)
        if size > COMMIT_SIZE:
            future.set_exception(
                StoreError(f"a commit of {size >> 20} MiB was refused; {COMMIT_SIZE >> 20} MiB is the limit")
            )
            return future
        self._waiting.append(_Waiting(changes, events, size, future))
        self._schedule()
        return future

    # --- what passes through to the archive ---------------------------------------------------------------------

    def inbox(self, limit: int | None = None) -> list[Entry]:
        """Durable entries that were not drained yet, oldest first."""
        return [
            Entry(r.number, r.kind, r.id, r.value, self._live.get(r.number))
            for r in islice(self._records.passing.values(), limit)
        ]

    @property
    def undrained(self) -> int:
        """How many entries wait; a host that reads no more while they are many passes the pressure on."""
        return len(self._records.passing)

    async def wait_inbox(self) -> None:
        """Until there may be something in the inbox."""
        await self._news.wait()

    def drained(self, upto: int) -> None:
        """The archive holds everything up to this number durably. The journal learns it with the next frame, or
        with one of its own when none comes: what the archive has deleted meanwhile must not come again.
        """
        for number in list(takewhile(upto.__ge__, self._live)):
            del self._live[number]
        self._records.drained(upto)
        if not self._records.passing:
            self._news.clear()
        if self._note_timer is None and self.failure is None and not self._closing:
            self._note_timer = self._loop.call_later(NOTE_SECONDS, self._note)

    def _note(self) -> None:
        self._note_timer = None
        if self._records.unnoted:
            self.submit().add_done_callback(lambda future: future.exception())

    # --- jobs -----------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        # By way of the loop: everybody who was woken by the last frame gets to queue before the next one is cut.
        if not self._scheduled and not self._busy:
            self._scheduled = True
            self._loop.call_soon(self._next)

    def _run(self, work: Callable[[], T], then: Callable[[T | BaseException], None]) -> None:
        """A job on a thread. `close` waits for all of them: nobody may write after the lock is gone."""
        self._under_way += 1
        self._quiet.clear()

        def settle(outcome: T | BaseException) -> None:
            self._under_way -= 1
            then(outcome)
            if not self._under_way:
                self._quiet.set()

        self._jobs.start(work, settle)

    def _next(self) -> None:
        self._scheduled = False
        if self._busy or self.failure is not None:
            return
        size = self._records.journal.size
        if size > CHECKPOINT_SIZE and not self._filing:
            self._file(carry=0 if (self.checkpoints + 1) % CARRIES == 0 else CARRY_SIZE)
        if self._filed:
            self._replace_journal(self._filed.pop())
        elif self._alone and not self._filing:
            self._alone.popleft().start()
        elif self._waiting and (size < JOURNAL_SIZE or not self._filing):
            self._start_frame()

    def _start_frame(self) -> None:
        group: list[_Waiting] = []
        changes: Changes = {}
        events: list[tuple[bytes, Event]] = []
        size = 0
        while self._waiting and (not group or size + self._waiting[0].size <= FRAME_SIZE):
            waiting = self._waiting.popleft()
            group.append(waiting)
            changes.update(waiting.changes)
            events += waiting.events
            size += waiting.size
        records = self._records.frame(changes, [body for body, _ in events])
        if not records:
            for waiting in group:
                _settle(waiting.future, None)
            self._schedule()
            return
        seq = self._records.seq + 1
        self._busy = True
        self._run(
            lambda: self._append(seq, records),
            lambda outcome: self._appended(outcome, group, records, [event for _, event in events]),
        )

    def _append(self, seq: int, records: Sequence[Record]) -> None:
        """On a thread."""
        free = self._held.directory.space()
        if free.level() is Level.FULL:
            raise DiskFull(full(free))
        self._records.journal.append(seq, records)
        for witness in self._witnesses:
            witness.saw(self._records.store, seq)

    def _appended(
        self, outcome: object, group: list[_Waiting], records: Sequence[Record], events: Sequence[Event]
    ) -> None:
        self._busy = False
        if isinstance(outcome, BaseException):
            self._fail(outcome, group)
            return
        self._records.seq += 1
        self._records.apply(records)
        numbers = [record.number for record in records if record.kind == INBOX]
        self._live.update(zip(numbers, events, strict=True))
        self.frames += 1
        self.commits += len(group)
        if self._records.passing:
            self._news.set()
        for waiting in group:
            _settle(waiting.future, None)
        self._last_frame = self._loop.time()
        if self._idle_timer is None and len(self._records.dirty) > IDLE_DIRTY:
            self._idle_timer = self._loop.call_later(IDLE_SECONDS, self._idle)
        self._schedule()

    def _idle(self) -> None:
        self._idle_timer = None
        if self.failure is not None or self._closing or len(self._records.dirty) <= IDLE_DIRTY:
            return
        left = self._last_frame + IDLE_SECONDS - self._loop.time()
        if left > 0.001:
            self._idle_timer = self._loop.call_later(left, self._idle)
        else:
            self._alone.append(_Alone(self._file))
            self._schedule()

    def _file(self, done: asyncio.Future[None] | None = None, *, carry: int = 0) -> None:
        """First half of a checkpoint. Commits go on."""
        self._filing = True
        plan = self._records.plan(carry=carry)

        def filed(outcome: Filing | BaseException) -> None:
            if isinstance(outcome, BaseException):
                self._fail(outcome, ())
            if self.failure is not None or isinstance(outcome, BaseException):
                _settle(done, self.failure)
                return
            self._records.adopt(plan, outcome)
            self._filed.append(done)
            self._schedule()

        self._run(lambda: self._records.file(plan), filed)

    def _replace_journal(self, done: asyncio.Future[None] | None) -> None:
        """Second half: two small syncs."""
        self._busy = True
        base, opening = self._records.seq, self._records.opening()

        def replaced(outcome: BaseException | None) -> None:
            self._busy = self._filing = False
            if isinstance(outcome, BaseException):
                self._fail(outcome, ())
            else:
                self._records.switched(base, opening)
                self.checkpoints += 1
                self._schedule()
            _settle(done, self.failure)

        self._run(lambda: self._records.journal.replace(base, opening), replaced)

    async def checkpoint(self) -> None:
        """Turn the journal into files now."""
        done: asyncio.Future[None] = self._loop.create_future()

        def start() -> None:
            self._file(done)
            self._schedule()

        await self._by_itself(start, done)

    async def snapshot(self) -> Changes:
        """All records at one moment; commits wait meanwhile. What passes to the archive is not part of it."""
        done: asyncio.Future[None] = self._loop.create_future()
        found: list[Changes] = []

        def settle(outcome: Changes | BaseException) -> None:
            self._busy = False
            if isinstance(outcome, BaseException):
                _settle(done, outcome)
            else:
                found.append(outcome)
                _settle(done, None)
            self._schedule()

        def start() -> None:
            self._busy = True
            self._run(self._records.snapshot, settle)

        await self._by_itself(start, done)
        return found[0]

    async def _by_itself(self, start: Callable[[], None], done: asyncio.Future[None]) -> None:
        if self.failure is not None or self._closing:
            raise self.failure or StoreClosed("the account's directory is closed")
        self._alone.append(_Alone(start, done))
        self._schedule()
        await done

    def _fail(self, error: BaseException, group: Sequence[_Waiting]) -> None:
        """Nothing is tried again on these descriptors: Linux may have dropped the pages that a sync refused."""
        self.failure = explain(error, "writing the journal or a checkpoint")
        futures = [waiting.future for waiting in (*group, *self._waiting)]
        for future in (*futures, *(job.future for job in self._alone)):
            _settle(future, self.failure)
        self._waiting.clear()
        self._alone.clear()

    def space(self) -> Space:
        """What is free where this directory lies."""
        return self._held.directory.space()

    async def close(self, *, tidy: bool = True) -> None:
        """Save what waits, checkpoint, let go of the lock. After a failure only the lock is let go.

        Not `tidy`: without the checkpoint. The journal holds everything, and the next start files it.
        """
        if self._closing:
            return
        for timer in (self._idle_timer, self._note_timer):
            if timer is not None:
                timer.cancel()
        with anyio.CancelScope(shield=True):
            try:
                while self.failure is None and (
                    self._waiting or self._under_way or (tidy and self._records.unsettled)
                ):
                    await asyncio.gather(*(w.future for w in self._waiting), return_exceptions=True)
                    await (self.checkpoint() if tidy else self._quiet.wait())
            finally:
                self._closing = True
                await self._quiet.wait()
                await self._jobs.call(self._held.let_go)


def _settle(future: asyncio.Future[None] | None, error: BaseException | None) -> None:
    if future is None or future.done():
        return  # nobody waits any more
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
