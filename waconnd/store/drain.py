"""From an account's journal to the archive: batches in order, forgotten by the journal only when they are rows.

A crash between the two makes the same entries come again; keys make that harmless.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import anyio

from waconnd.store.archive import Archive, ArchiveError
from waconnd.store.authdir import Entry
from waconnd.store.records import INBOX

#: Entries of one transaction: most of the gain of a shared sync, and subscribers need not wait for more.
BATCH: Final = 250
#: Transactions of one account begin no closer than so many seconds: what is lone goes at once, what comes in a stream
#: shares. Each costs some thirty pages of the log and a sync, whether it holds one entry or twenty.
PACE: Final = 0.004
#: Seconds between tries while the archive refuses (disk full); the journal keeps everything meanwhile.
FIRST_PAUSE: Final = 0.5
LAST_PAUSE: Final = 30.0


class Inbox(Protocol):
    """What `AuthDir` offers."""

    def inbox(self, limit: int | None = None) -> Sequence[Entry]: ...
    async def wait_inbox(self) -> None: ...
    def drained(self, upto: int) -> None: ...


class Drain:
    """One account's way into the archive. `trouble` hears of each failed try, and None when it works again;
    `stored` of each batch whose rows are durable.
    """

    def __init__(
        self,
        account: str,
        inbox: Inbox,
        archive: Archive,
        *,
        trouble: Callable[[Exception | None], object] = lambda _: None,
        stored: Callable[[Sequence[Entry]], object] = lambda _: None,
    ) -> None:
        self._account, self._inbox, self._archive, self._trouble = account, inbox, archive, trouble
        self._stored = stored
        self._lock = anyio.Lock()

    async def run(self) -> None:
        """For ever; cancel it to stop, then `settle` takes what is left."""
        pause = 0.0
        free_at = 0.0
        while True:
            await self._inbox.wait_inbox()
            await anyio.sleep_until(free_at)
            free_at = anyio.current_time() + PACE
            try:
                await self.step()
            except ArchiveError as error:
                pause = min(max(pause * 2, FIRST_PAUSE), LAST_PAUSE)
                self._trouble(error)
                await anyio.sleep(pause)
            else:
                if pause:
                    pause = 0.0
                    self._trouble(None)

    async def settle(self) -> None:
        """Until the inbox is empty: after a recovery before the link starts, and at the end. Raises ArchiveError."""
        while await self.step():
            pass

    async def step(self) -> bool:
        """One batch; whether there was one. Raises ArchiveError, and then nothing was taken."""
        async with self._lock:
            batch = self._inbox.inbox(BATCH)
            if not batch:
                return False
            try:
                await self._store(batch)
            except ArchiveError:
                raise
            except Exception:
                # One of them makes no sense. The others must not wait for it, and it must not vanish.
                for entry in batch:
                    await self._store_alone(entry)
            self._inbox.drained(batch[-1].number)
            self._stored(batch)
            return True

    async def _store(self, batch: Sequence[Entry]) -> None:
        events = [entry.event or entry.body for entry in batch if entry.kind == INBOX]
        copies = [(entry.id, entry.body) for entry in batch if entry.kind != INBOX]
        await self._archive.drain(self._account, [event for event in events if event is not None], copies)

    async def _store_alone(self, entry: Entry) -> None:
        try:
            await self._store([entry])
        except ArchiveError:
            raise
        except Exception as error:
            await self._archive.drain(self._account, [damaged(entry, error)])


def damaged(entry: Entry, error: Exception) -> dict[str, object]:
    """A row in place of an event that could not be read, with its bytes for whoever can."""
    return {
        "type": "event.damaged",
        "key": f"inbox/{entry.number}",
        "at": 0.0,
        "why": type(error).__name__,
        "raw": b64encode(entry.body or b"").decode(),
    }
