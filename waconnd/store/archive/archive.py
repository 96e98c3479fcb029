"""The archive as the daemon sees it: one file, two threads, and a noun for each kind of row.

Nothing in these signatures names a path or SQLite (but for opening): another store can stand here.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from protocol.events.base import Event
from waconnd.store.archive import copies, schema
from waconnd.store.archive.accounts import Accounts
from waconnd.store.archive.body import encode
from waconnd.store.archive.chats import Chats
from waconnd.store.archive.contacts import Contacts
from waconnd.store.archive.copies import RetryCopies
from waconnd.store.archive.cursors import Cursors
from waconnd.store.archive.errors import ArchiveError
from waconnd.store.archive.events import EventLog, bounds, newest_of
from waconnd.store.archive.history import History
from waconnd.store.archive.media import MediaStore
from waconnd.store.archive.messages import Messages
from waconnd.store.archive.outbox import Outbox
from waconnd.store.archive.retention import Broom, Retention
from waconnd.store.archive.settings import Settings
from waconnd.store.archive.stamps import Stamps
from waconnd.store.archive.thread import Worker
from waconnd.store.archive.traces import Traces
from waconnd.store.stamp import Witness

#: Under this name a witness remembers the event log.
LOG: Final = b"the event log"
#: The witness may lag behind by what a power cut took from it; numbers go on far above.
LEAP: Final = 1_000_000


class Archive:
    """`async with Archive(path) as archive: …`; all methods belong to the event loop that opened it."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        retention: Retention | None = None,
        witness: Witness | None = None,
    ) -> None:
        """`witness` remembers elsewhere how far the log came: an older copy of the file is noticed by it."""
        self.path, self._clock, self._witness = path, clock, witness
        #: The newest event that somebody saw, when the file held less: an older copy was put back.
        self.rolled_back_from: int | None = None
        self._writer = Worker("archive", lambda: schema.connect(path), write=True, committed=self._committed)
        self._reader = Worker("archive-read", lambda: schema.connect_reader(path), write=False)
        writer, reader = self._writer, self._reader
        self.chats = Chats(writer, reader)
        self.events = EventLog(writer, reader, clock, self.chats.changed)
        self.cursors = Cursors(writer, reader, clock)
        self.outbox = Outbox(writer, reader, self.events, clock)
        self.messages = Messages(writer, reader, clock)
        self.contacts = Contacts(writer, reader, clock)
        self.settings = Settings(writer, reader)
        self.media = MediaStore(writer, reader, clock)
        self.copies = RetryCopies(writer, reader, clock)
        self.traces = Traces(writer, reader, clock)
        self.accounts = Accounts(writer, reader, self.events)
        self.stamps = Stamps()
        self.history = History(path, writer)
        self.retention = Broom(writer, clock, retention or Retention())

    async def open(self) -> None:
        """Open or make the file. Raises ArchiveFailed, SchemaTooNew."""
        await self._writer.start()
        await self._reader.start()
        newest = (await self._reader.call(bounds)).newest
        self.events.opened(newest)
        seen = self._witness.highest(LOG) if self._witness else 0
        if seen > newest:
            self.rolled_back_from = seen
            await self.events.go_on_above(seen + LEAP)
        self.stamps.loaded(await self._reader.call(self.stamps.load))

    def _committed(self, connection: sqlite3.Connection) -> None:
        """On the writer's thread."""
        if self._witness is not None:
            self._witness.saw(LOG, newest_of(connection))

    async def close(self) -> None:
        """Finish what is queued."""
        with suppress(ArchiveError):
            await self._writer.call(self.stamps.write)
        # The writer last: who closes a database last merges its log into it, and a reader may not.
        await self._reader.stop()
        await self._writer.stop()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def drain(
        self,
        account: str,
        events: Iterable[Event | Mapping[str, Any] | bytes],
        retry_copies: Iterable[tuple[str, bytes | None]] = (),
    ) -> list[int]:
        """Take over what rode in the journal, in one transaction: again after a crash does no harm."""
        rows = [encode(account, event) for event in events]
        kept, now = list(retry_copies), int(self._clock())

        def also(connection: sqlite3.Connection) -> None:
            copies.put(connection, account, kept, now)
            self.stamps.write(connection)

        return await self.events.append_encoded(rows, also)

    def stuck_for(self) -> float:
        """Seconds that the disk has kept the longest running job waiting; the watchdog asks."""
        return max(self._writer.stuck_for(), self._reader.stuck_for())

    def waiting(self) -> int:
        """Jobs that wait for the writer: back-pressure for whoever produces them."""
        return self._writer.waiting()

    async def checkpoint(self) -> None:
        """Copy the write-ahead log into the file and cut it: before a backup, and at rest."""
        await self._writer.call(
            lambda connection: connection.execute("pragma wal_checkpoint(truncate)").close(), outside=True
        )

    async def copy_to(self, path: Path) -> None:
        """A consistent copy of the whole file while running."""
        await self._reader.call(lambda connection: _copy(connection, path))

    async def verify(self) -> list[str]:
        """What SQLite finds wrong with the file; nothing when all is well."""
        return await self._reader.call(
            lambda c: [row[0] for row in c.execute("pragma quick_check") if row[0] != "ok"], outside=True
        )


def _copy(connection: sqlite3.Connection, path: Path) -> None:
    target = sqlite3.connect(path)
    try:
        connection.backup(target)
    finally:
        target.close()
