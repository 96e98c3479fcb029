"""events.db: the event log, and what it makes of messages, chats and contacts; the outbox; retry copies."""

from waconnd.store.archive.archive import Archive
from waconnd.store.archive.body import encode, text_of
from waconnd.store.archive.change import Store
from waconnd.store.archive.chats import Chat
from waconnd.store.archive.contacts import Contact
from waconnd.store.archive.cursors import Cursor
from waconnd.store.archive.errors import (
    ArchiveClosed,
    ArchiveError,
    ArchiveFailed,
    BadPosition,
    CursorExpired,
    IdempotencyConflict,
    NotFound,
    OutboxFull,
    QueryTooLong,
    SchemaTooNew,
    UnknownCursor,
)
from waconnd.store.archive.events import Bounds, Filter, Page, Row
from waconnd.store.archive.media import Media
from waconnd.store.archive.messages import Annotation, Hit, Message, Receipt
from waconnd.store.archive.outbox import Draft, Entry, Status
from waconnd.store.archive.retention import Retention
from waconnd.store.archive.traces import Stage

__all__ = [
    "Annotation",
    "Archive",
    "ArchiveClosed",
    "ArchiveError",
    "ArchiveFailed",
    "BadPosition",
    "Bounds",
    "Chat",
    "Contact",
    "Cursor",
    "CursorExpired",
    "Draft",
    "Entry",
    "Filter",
    "Hit",
    "IdempotencyConflict",
    "Media",
    "Message",
    "NotFound",
    "OutboxFull",
    "Page",
    "QueryTooLong",
    "Receipt",
    "Retention",
    "Row",
    "SchemaTooNew",
    "Stage",
    "Status",
    "Store",
    "UnknownCursor",
    "encode",
    "text_of",
]
