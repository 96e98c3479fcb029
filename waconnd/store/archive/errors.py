"""What the archive can refuse, each a sentence for the person who meets it."""

from __future__ import annotations


class ArchiveError(Exception):
    """Base of all."""


class ArchiveClosed(ArchiveError):
    """Asked before it was opened or after it was closed."""


class ArchiveFailed(ArchiveError):
    """The disk or SQLite failed; what was not acknowledged is still in the journals."""


class SchemaTooNew(ArchiveError):
    """A newer program wrote this file."""


class QueryTooLong(ArchiveError):
    """A read was stopped because it took too long."""


class CursorExpired(ArchiveError):
    """The events after this cursor were pruned, or it belongs to another log."""

    def __init__(self, why: str, *, oldest: int, newest: int, log_id: str) -> None:
        super().__init__(f"{why}; the oldest event held is {oldest}")
        self.oldest, self.newest, self.log_id = oldest, newest, log_id


class UnknownCursor(ArchiveError):
    """No cursor of this name."""


class IdempotencyConflict(ArchiveError):
    """The same key came with another body."""


class OutboxFull(ArchiveError):
    """Too many unsent messages."""


class NotFound(ArchiveError):
    """No such message, chat, contact or outbox row."""


class BadPosition(ArchiveError):
    """A `before` or `after` that is neither a position nor a known message."""
