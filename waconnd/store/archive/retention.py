"""What is forgotten, and when: always in slices, so that live commits never wait for the broom."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

import msgspec

from waconnd.store.archive.events import bounds
from waconnd.store.archive.index import drop_text
from waconnd.store.archive.thread import Worker

DAY: Final = 86_400
#: Rows of one slice: a few milliseconds.
SLICE_ROWS: Final = 500
#: Peers ask again for a message at most this long (WhatsApp keeps undelivered ones for about as many days).
RETRY_COPY_SECONDS: Final = 14 * DAY
TRACE_SECONDS: Final = 14 * DAY
#: How long an idempotency key answers for the same message.
OUTBOX_KEY_SECONDS: Final = 7 * DAY
#: A change whose message has not come after this long belongs to one that never will.
EARLY_SECONDS: Final = 30 * DAY
#: Accounts that store no content keep their events just long enough for a subscriber to come back.
SPARSE_SECONDS: Final = DAY
#: Free pages given back to the file system in one go (4 KiB each).
VACUUM_PAGES: Final = 512
#: Outbox rows that are over; the others stay whatever their age.
_DONE: Final = frozenset(
    ("sent", "server_ack", "delivered", "read", "played", "failed", "cancelled", "expired")
)


class Retention(msgspec.Struct, frozen=True):
    """Limits of the event log, and optionally of messages (None: kept until their account is removed)."""

    event_seconds: int = 30 * DAY
    event_bytes: int = 1 << 30
    message_seconds: int | None = None


class Broom:
    """`archive.retention`: call `sweep` from time to time until it says that nothing is left."""

    def __init__(self, writer: Worker, clock: Callable[[], float], limits: Retention) -> None:
        self._writer, self._clock = writer, clock
        self.limits = limits

    async def sweep(self) -> bool:
        """One slice of each kind. True: there is more, come again soon."""
        now = int(self._clock())
        return await self._writer.call(lambda connection: sweep(connection, now, self.limits))

    async def sweep_all(self) -> None:
        """Until nothing is left; others' jobs run in between."""
        while await self.sweep():
            pass


def sweep(connection: sqlite3.Connection, now: int, limits: Retention) -> bool:
    """One slice of each kind within the caller's transaction."""
    counts = [
        _old_events(connection, now - limits.event_seconds),
        _sparse_events(connection, now - SPARSE_SECONDS),
        _big_log(connection, limits.event_bytes),
        _expired_messages(connection, now),
        _slice(connection, "retry_copy", "account, id", "at < ?", now - RETRY_COPY_SECONDS),
        _slice(connection, "trace", "n", "at < ?", (now - TRACE_SECONDS) * 1000),
        _slice(connection, "early", "account, chat, id, type, at", "stored < ?", now - EARLY_SECONDS),
        _old_outbox(connection, (now - OUTBOX_KEY_SECONDS) * 1000),
    ]
    if limits.message_seconds is not None:
        before = (now - limits.message_seconds) * 1000
        counts += [
            _messages(connection, "account = ? and sent_at < ?", account, before)
            for (account,) in connection.execute("select name from account").fetchall()
        ]
    _give_back(connection)
    return any(count == SLICE_ROWS for count in counts)


def _give_back(connection: sqlite3.Connection) -> None:
    """Page by page: a larger number would be one step for SQLite and end after the first page here."""
    free = connection.execute("pragma freelist_count").fetchone()[0]
    for _ in range(min(free, VACUUM_PAGES)):
        connection.execute("pragma incremental_vacuum(1)")


def _old_events(connection: sqlite3.Connection, before: int) -> int:
    """The oldest rows, while they are too old: always a prefix, so that a horizon is one number."""
    rows = connection.execute("select seq, stored from event order by seq limit ?", (SLICE_ROWS,)).fetchall()
    old = 0
    for _, stored in rows:
        if stored >= before:
            break
        old += 1
    return _cut(connection, rows[old - 1][0]) if old else 0


def _big_log(connection: sqlite3.Connection, most: int) -> int:
    over = bounds(connection).bytes - most
    if over <= 0:
        return 0
    upto = 0
    rows = connection.execute("select seq, length(body) from event order by seq limit ?", (SLICE_ROWS,))
    for seq, size in rows.fetchall():
        upto, over = seq, over - size
        if over <= 0:
            break
    return _cut(connection, upto)


def _cut(connection: sqlite3.Connection, upto: int) -> int:
    size = connection.execute("select sum(length(body)) from event where seq <= ?", (upto,)).fetchone()[0]
    gone = connection.execute("delete from event where seq <= ?", (upto,)).rowcount
    connection.execute("update meta set value = value - ? where name = 'event_bytes'", (size or 0,))
    return gone


def _sparse_events(connection: sqlite3.Connection, before: int) -> int:
    """Bodies of accounts that store no content are emptied early; the rows stay, so the sequence has no holes."""
    accounts = [row[0] for row in connection.execute("select name from account where store != 'full'")]
    gone = 0
    for account in accounts:
        done = connection.execute("select value from meta where name = ?", (f"emptied/{account}",)).fetchone()
        rows = connection.execute(
            "select seq, stored, length(body), account from event where seq > ? order by seq limit ?",
            (done[0] if done else 0, SLICE_ROWS),
        ).fetchall()
        rows = [row for row in rows if row[1] < before]
        if not rows:
            continue
        own = [(row[0],) for row in rows if row[3] == account]
        connection.executemany("update event set body = x'' where seq = ?", own)
        size = sum(row[2] for row in rows if row[3] == account)
        connection.execute("update meta set value = value - ? where name = 'event_bytes'", (size,))
        connection.execute("insert or replace into meta values(?, ?)", (f"emptied/{account}", rows[-1][0]))
        gone = max(gone, len(rows))
    return gone


def _expired_messages(connection: sqlite3.Connection, now: int) -> int:
    """Disappearing messages disappear here too."""
    return _messages(connection, "expires_at > 0 and expires_at < ?", now * 1000)


def _messages(connection: sqlite3.Connection, where: str, *values: object) -> int:
    rows = connection.execute(
        f"select n, account, chat, id, sender, text from message where {where} limit {SLICE_ROWS}",  # noqa: S608
        values,
    ).fetchall()
    for n, account, chat, id, sender, text in rows:
        drop_text(connection, n, account, text)
        connection.execute("delete from message where n = ?", (n,))
        for table in ("annotation", "receipt"):
            connection.execute(
                f"delete from {table} where account = ? and chat = ? and id = ?",  # noqa: S608
                (account, chat, id),
            )
        connection.execute(
            "delete from media where account = ? and chat = ? and id = ? and sender = ?",
            (account, chat, id, sender),
        )
    return len(rows)


def _old_outbox(connection: sqlite3.Connection, before: int) -> int:
    """What has not changed since. Rows lie in the order in which they were made, so a look ends with the first young one."""
    gone: list[tuple[int]] = []
    after, old = 0, SLICE_ROWS
    while old == SLICE_ROWS and len(gone) < SLICE_ROWS:
        rows = connection.execute(
            "select n, made, changed, status from outbox where n > ? order by n limit ?", (after, SLICE_ROWS)
        ).fetchall()
        old = sum(row[1] < before for row in rows)
        gone += [(n,) for n, _, changed, status in rows if changed < before and status in _DONE]
        after = rows[-1][0] if rows else 0
    del gone[SLICE_ROWS:]
    connection.executemany("delete from outbox where n = ?", gone)
    return len(gone)


def _slice(connection: sqlite3.Connection, table: str, primary: str, where: str, value: int) -> int:
    return connection.execute(
        f"delete from {table} where ({primary}) in (select {primary} from {table} where {where} limit {SLICE_ROWS})",  # noqa: S608
        (value,),
    ).rowcount
