"""Threads for work on disks. Work goes in by a queue and comes back by `call_soon_threadsafe`.

Two crews serve all accounts: one runs their jobs (an account has at most one under way, so its order is by
construction), the other only syncs files for them. A job may wait for syncs, a sync waits for nobody.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Final, TypeVar

T = TypeVar("T")

#: Eight concurrent fdatasyncs are where a disk's queue stops giving more (79 ms against 200 ms for 812 files).
SYNC_THREADS: Final = 8
#: Accounts that may be writing at one time; the others wait their turn.
JOB_THREADS: Final = 8


class Crew:
    """At most `size` daemon threads, started when there is work for them."""

    def __init__(self, size: int, name: str) -> None:
        self._size, self._name = size, name
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._under_way = 0

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work` on some thread; it must not raise."""
        with self._lock:
            self._under_way += 1
            start = self._under_way > self._threads and self._threads < self._size
            self._threads += start
            number = self._threads
        self._queue.put(work)
        if start:
            threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._queue.get()()
            with self._lock:
                self._under_way -= 1

    def each(self, work: Callable[[T], None], items: Sequence[T]) -> None:
        """Do all items and wait for all; the first error is raised after the last has ended."""
        done = threading.Semaphore(0)
        errors: list[BaseException] = []

        def do(item: T) -> None:
            try:
                work(item)
            except BaseException as error:
                errors.append(error)
            done.release()

        for item in items:
            self.submit(lambda item=item: do(item))  # type: ignore[misc]
        for _ in items:
            done.acquire()
        if errors:
            raise errors[0]

    def start(self, work: Callable[[], T], then: Callable[[T | BaseException], None]) -> None:
        """Run `work` on a thread and `then` with what came of it in the calling event loop."""
        loop = asyncio.get_running_loop()

        def run() -> None:
            outcome: T | BaseException
            try:
                outcome = work()
            except BaseException as error:
                outcome = error
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody is left to tell
                loop.call_soon_threadsafe(then, outcome)

        self.submit(run)

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` on a thread. Cancelling gives up the wait, not the work."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def settle(outcome: T | BaseException) -> None:
            if future.done():
                return
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        self.start(work, settle)
        return await future


JOBS: Final = Crew(JOB_THREADS, "store")
SYNCS: Final = Crew(SYNC_THREADS, "sync")
