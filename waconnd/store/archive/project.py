"""From events to tables: which event changes what, within the transaction that stores the event.

A table of handlers by event type. Each is idempotent and none goes backwards in time, so that a late or repeated
event can't undo a newer one. An event without a handler is told to followers and changes nothing here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import msgspec

from waconnd.store.archive import progress, project_changes, project_chat, project_message, project_state
from waconnd.store.archive.body import Encoded, Fields, millis, presented
from waconnd.store.archive.change import Batch, Change, Handler, Store

HANDLERS: Final[dict[str, Handler]] = {
    **project_message.HANDLERS,
    **project_changes.HANDLERS,
    **project_chat.HANDLERS,
    **project_state.HANDLERS,
}


def collection_synced(connection: sqlite3.Connection, change: Change) -> None:
    """A whole collection of app state: many changes that are told as one event."""
    held: Any = change.private.get("changes")
    for member in held if isinstance(held, list) else []:
        fields: Fields = presented(member)
        kind, at = str(fields.pop("type")), millis(fields.pop("at"))
        fields.pop("key", None)
        handler = HANDLERS.get(kind)
        if handler is not None:
            one = msgspec.structs.replace(change, type=kind, at=at, data=fields, private={}, live=False)
            handler(connection, one)


HANDLERS["sync.app_state"] = collection_synced


def store_of(connection: sqlite3.Connection, account: str) -> Store:
    """What an account keeps: `full` unless it was set. The account is known from here on."""
    held = connection.execute("select store from account where name = ?", (account,)).fetchone()
    if held is None:
        connection.execute("insert into account(name) values(?)", (account,))
        return "full"
    store: Store = held[0]
    return store


def set_store(connection: sqlite3.Connection, account: str, store: Store) -> None:
    """From now on; what is stored already stays until it is deleted."""
    connection.execute(
        "insert into account(name, store) values(?, ?) on conflict(name) do update set store = excluded.store",
        (account, store),
    )


def apply(
    connection: sqlite3.Connection,
    row: Encoded,
    seq: int,
    now: int,
    batch: Batch,
    *,
    live: bool = True,
) -> None:
    """Carry one new event into the tables; `finish` ends the batch."""
    handler = HANDLERS.get(row.type)
    if handler is None or not row.account:
        return
    store = batch.stores.get(row.account)
    if store is None:
        store = batch.stores[row.account] = store_of(connection, row.account)
    change = Change(row.account, row.type, row.at, seq, now, store, row.data, row.private, batch, live)
    if store == "none":
        if handler is project_changes.status:
            # A message on its way has its row all the same, which must hear what became of it.
            project_changes.outbox_status(change)
        return
    if handler is project_message.received or (handler in _WORDS and _WORDS[handler](change)):
        handler(connection, change)
        return
    finish(connection, batch)
    handler(connection, change)
    batch.forget()


def finish(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write what was put off: the messages first, since the rest is about them."""
    project_message.settle(connection, batch)
    progress.settle(connection, batch)


#: Handlers whose changes can be put off with the messages, and which of their changes: those that only add to what
#: `finish` writes. All others find written what came before them.
_WORDS: Final[dict[Handler, Callable[[Change], bool]]] = {
    project_changes.status: project_changes.only_rises,
    project_changes.receipt: project_changes.only_notes,
}
