"""One thread with one SQLite connection: jobs in by a queue, results out to the event loop, in order.

A dedicated thread instead of a worker pool: order holds by construction, the connection is never shared, and a
stuck disk can't exhaust a pool that others need. Whatever waits in the queue shares one transaction and one fsync.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from waconnd.store.archive.errors import ArchiveClosed, ArchiveFailed, QueryTooLong

T = TypeVar("T")
S = TypeVar("S")
Job = Callable[[sqlite3.Connection], T]
#: One job for several callers' wishes: an outcome for each, where an exception is that caller's alone.
Joint = Callable[[sqlite3.Connection, list[S]], Sequence[T | Exception]]

#: Jobs that share a transaction: past this the fsync is amortised, and the first waiter has waited enough.
MAX_BATCH: Final = 256
#: A query that runs longer is stopped: it would keep every other reader waiting.
QUERY_SECONDS: Final = 10.0
#: SQLite instructions between two looks at the clock (about a millisecond).
CLOCK_STEPS: Final = 50_000
#: Seconds for the thread to finish what is queued when it is told to stop.
STOP_SECONDS: Final = 30.0

#: Failures of the disk after which the connection's idea of the file can't be trusted.
_DISK_ERRORS: Final = ("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CANTOPEN")


class _Order(Generic[T]):
    """A job, where its result goes, and what else has to happen on the loop once it is durable."""

    __slots__ = ("bare", "future", "job", "joint", "outcome", "outside", "then", "wish")

    def __init__(
        self,
        job: Job[T],
        future: asyncio.Future[T],
        then: Callable[[T], object] | None,
        *,
        outside: bool = False,
        bare: bool = False,
        joint: Joint[Any, T] | None = None,
        wish: object = None,
    ) -> None:
        self.job, self.future, self.then, self.outside, self.bare = job, future, then, outside, bare
        #: Orders of the same joint job that stand next to each other are one job.
        self.joint, self.wish = joint, wish
        self.outcome: T | BaseException | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        self.outcome = self.job(connection)

    def deliver(self) -> None:
        outcome: Any = self.outcome
        if isinstance(outcome, BaseException):
            if not self.future.done():
                self.future.set_exception(outcome)
            return
        # Also when the caller was cancelled meanwhile: the rows are there, and followers must hear of them.
        if self.then is not None:
            self.then(outcome)
        if not self.future.done():
            self.future.set_result(outcome)


class Worker:
    """The thread. `write`: jobs share `begin immediate`; else each runs in a read transaction of its own."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], sqlite3.Connection],
        *,
        write: bool,
        committed: Callable[[sqlite3.Connection], object] = lambda _: None,
    ) -> None:
        #: `committed` is told of each batch that is durable, before those who wait for it; on the thread. Not of one of
        #: `bare` jobs alone, which store no events.
        self._connect, self._write, self._committed = connect, write, committed
        self._queue: SimpleQueue[list[_Order[Any]] | None] = SimpleQueue()
        #: Orders of this turn of the loop: they are handed over together, since waking a thread costs as much as a job.
        self._collected: list[_Order[Any]] = []
        #: On the thread: orders that were handed over and have not been taken.
        self._ready: deque[_Order[Any]] = deque()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened: asyncio.Future[None] | None = None
        self._busy_since: float | None = None
        self._closed = False

    async def start(self) -> None:
        """Open the connection on the thread. Raises what opening raised."""
        self._loop = asyncio.get_running_loop()
        self._opened = self._loop.create_future()
        self._thread.start()
        await self._opened

    async def call(
        self,
        job: Job[T],
        then: Callable[[T], object] | None = None,
        *,
        outside: bool = False,
        bare: bool = False,
    ) -> T:
        """Run a job; what it wrote is durable when this returns. `then` runs on the loop just before.

        `outside`: not within a transaction (checkpoints and copies of the database want that). `bare`: writes by one
        statement at most, and last, so that there is nothing to take back when it fails.
        """
        return await self._order(_Order(job, self._future(), then, outside=outside, bare=bare))

    async def join(
        self, joint: Joint[S, T], wish: S, then: Callable[[T], object] | None = None, *, bare: bool = False
    ) -> T:
        """The same for a job that many ask for: those that wait are carried out by one call. `bare`: for one of them."""

        def job(connection: sqlite3.Connection) -> T:
            outcome = joint(connection, [wish])[0]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return await self._order(_Order(job, self._future(), then, bare=bare, joint=joint, wish=wish))

    def _future(self) -> asyncio.Future[Any]:
        if self._loop is None or self._closed:
            raise ArchiveClosed("the archive is closed: the daemon is starting or stopping, try again")
        return self._loop.create_future()

    async def _order(self, order: _Order[T]) -> T:
        if not self._collected:
            assert self._loop is not None
            self._loop.call_soon(self._hand_over)
        self._collected.append(order)
        return await order.future

    def _hand_over(self) -> None:
        orders, self._collected = self._collected, []
        if orders:
            self._queue.put(orders)

    def stuck_for(self) -> float:
        """Seconds that the running batch has taken so far; the watchdog asks."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def waiting(self) -> int:
        """Jobs that wait, those that came together counted once."""
        return len(self._ready) + self._queue.qsize()

    async def stop(self) -> None:
        """Finish what is queued and close the connection."""
        if self._closed or self._loop is None:
            return
        self._closed = True
        self._hand_over()
        self._queue.put(None)
        until = time.monotonic() + STOP_SECONDS
        while self._thread.is_alive() and time.monotonic() < until:
            await asyncio.sleep(0.002)

    # ---- on the thread ----

    def _run(self) -> None:
        try:
            connection = self._connect()
        except BaseException as error:
            self._tell(self._refuse, error)
            return
        self._tell(self._accept)
        stopping = False
        while not stopping:
            batch, stopping = self._take()
            if not batch:
                continue
            self._busy_since = time.monotonic()
            try:
                self._carry_out(connection, batch)
                if not all(order.bare for order in batch):
                    self._committed(connection)
            except sqlite3.Error as error:
                failure = _failure(error)
                for order in batch:
                    order.outcome = failure
                connection = self._recover(connection, error)
            except BaseException as error:
                for order in batch:
                    order.outcome = error
                connection = self._recover(connection, error)
            self._busy_since = None
            self._tell(_deliver, batch)
        connection.close()

    def _take(self) -> tuple[list[_Order[Any]], bool]:
        """What waits, up to a batch, which an `outside` job ends; a reader takes one job at a time."""
        if not self._ready and not self._refill(self._queue.get()):
            return [], True
        batch: list[_Order[Any]] = []
        most = MAX_BATCH if self._write else 1
        while len(batch) < most and not (batch and batch[-1].outside):
            if not self._ready:
                try:
                    if not self._refill(self._queue.get_nowait()):
                        return batch, True
                except Empty:
                    break
            batch.append(self._ready.popleft())
        return batch, False

    def _refill(self, orders: list[_Order[Any]] | None) -> bool:
        """False: that was the end."""
        self._ready.extend(orders or ())
        return orders is not None

    def _carry_out(self, connection: sqlite3.Connection, batch: list[_Order[Any]]) -> None:
        outside = batch.pop() if batch[-1].outside else None
        try:
            if batch:
                self._transact(connection, batch)
        finally:
            if outside is not None:
                batch.append(outside)
        if outside is not None:
            try:
                outside.run(connection)
            except Exception as error:
                outside.outcome = error

    def _transact(self, connection: sqlite3.Connection, batch: list[_Order[Any]]) -> None:
        until = time.monotonic() + QUERY_SECONDS
        if not self._write:
            connection.set_progress_handler(lambda: time.monotonic() > until, CLOCK_STEPS)
        connection.execute("begin immediate" if self._write else "begin")
        groups = list(_joined(batch))
        for orders in groups:
            if len(orders) == 1:
                self._run_one(connection, orders[0], alone=len(groups) == 1)
            else:
                self._run_joint(connection, orders)
        connection.execute("commit")

    def _run_one(self, connection: sqlite3.Connection, order: _Order[Any], *, alone: bool) -> None:
        guarded = self._write and not order.bare and not alone
        if guarded:
            connection.execute("savepoint job")
        try:
            order.run(connection)
        except Exception as error:
            # Alone, it takes the transaction with it; or SQLite gave the whole of it up: disk full, I/O error.
            if (alone and self._write) or not connection.in_transaction:
                raise
            if guarded:
                connection.execute("rollback to job")
            order.outcome = _failure(error) if isinstance(error, sqlite3.Error) else error
        if guarded:
            connection.execute("release job")

    def _run_joint(self, connection: sqlite3.Connection, orders: Sequence[_Order[Any]]) -> None:
        joint = orders[0].joint
        assert joint is not None
        connection.execute("savepoint job")
        try:
            outcomes = joint(connection, [order.wish for order in orders])
        except Exception:
            if not connection.in_transaction:
                raise
            # One of them makes no sense, and the others must not fail for it.
            connection.execute("rollback to job")
            for order in orders:
                self._run_one(connection, order, alone=False)
        else:
            for order, outcome in zip(orders, outcomes, strict=True):
                order.outcome = outcome
        connection.execute("release job")

    def _recover(self, connection: sqlite3.Connection, error: BaseException) -> sqlite3.Connection:
        """Roll back; after an I/O error open anew, since the pages that it holds may be lost."""
        try:
            if connection.in_transaction:
                connection.execute("rollback")
            if not getattr(error, "sqlite_errorname", "").startswith(_DISK_ERRORS):
                return connection
            fresh = self._connect()
            connection.close()
        except (sqlite3.Error, OSError):
            return connection  # the next batch will say so again
        return fresh

    def _tell(self, call: Callable[..., object], *args: object) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            return  # the loop is gone, and with it everybody who waited

    # ---- back on the loop ----

    def _accept(self) -> None:
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)

    def _refuse(self, error: BaseException) -> None:
        self._closed = True
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(error)


def _joined(batch: list[_Order[Any]]) -> Iterator[list[_Order[Any]]]:
    """Orders as they are carried out: neighbours with one joint job together."""
    group: list[_Order[Any]] = []
    for order in batch:
        if group and (order.joint is None or order.joint != group[0].joint):
            yield group
            group = []
        group.append(order)
    if group:
        yield group


def _deliver(batch: list[_Order[Any]]) -> None:
    for order in batch:
        order.deliver()


def _failure(error: sqlite3.Error) -> Exception:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_INTERRUPT":
        return QueryTooLong(f"the query ran longer than {QUERY_SECONDS:.0f} s and was stopped: narrow it")
    if name == "SQLITE_FULL":
        return ArchiveFailed("no space left for events.db: free some; nothing that was acknowledged is lost")
    return ArchiveFailed(f"events.db could not be used ({name or type(error).__name__}: {error})")
