"""whatsmeow's SQLite store: one device out of it as records (reference 02, 12.6). Only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.appstate.keys import SYNC_KEYS, SyncKey
from protocol.creds import CREDS, CREDS_ID
from protocol.errors import RecordDamaged
from protocol.flows.mapping import PAIRS, REVERSE, Pair
from protocol.flows.tokens import TOKENS, Token
from protocol.jid import parse
from protocol.keystore import Txn
from protocol.signal.foreign import whatsmeow as records
from protocol.signal.foreign.credentials import import_device
from protocol.signal.foreign.values import ForeignError, as_bytes, as_number, text
from protocol.signal.migrate import merge_names
from protocol.signal.records import IDENTITIES, PRE_KEYS, SENDER_KEYS, SESSIONS, sender_key_id
from waconnd.store.transfer.moved import leave, put_aside, refuse_if_moved, refuse_if_used
from waconnd.store.transfer.report import Import, Skipped, TransferError, empty_store, finished

#: The map of hidden ids came with this version; later columns are optional.
MIN_VERSION: Final = 8
_SQLITE_MAGIC: Final = b"SQLite format 3\0"

Row = Mapping[str, Any]


def mark_of(database: Path) -> Path:
    """Where it is noted which devices moved."""
    return database.with_name(f"{database.name}.MOVED-TO-WACONND.json")


def devices(database: Path) -> list[str]:
    """Own addresses of all devices in this store."""
    with _opened(database) as connection:
        return [row["jid"] for row in _rows(connection, "whatsmeow_device", "")]


def read_database(database: Path, own: str = "") -> Import:
    """One device (`own`, by its address; the only one when omitted) as records. Raises TransferError."""
    refuse_if_used(database)
    with _opened(database) as connection:
        device = _device(connection, own)
        jid = str(device["jid"])
        refuse_if_moved(mark_of(database), jid)
        txn = empty_store().txn()
        skipped: list[Skipped] = []
        ids = [
            (row["key_id"], bool(row["uploaded"]))
            for row in _rows(connection, "whatsmeow_pre_keys", jid, "jid")
        ]
        highest = max((id for id, _ in ids), default=0)
        unsent = min((id for id, uploaded in ids if not uploaded), default=highest + 1)
        try:
            creds = import_device(device, next_pre_key_id=highest + 1, first_unuploaded=unsent)
        except ForeignError as error:
            raise TransferError(f"device {jid} in {database} can't be used: {error}") from error
        for table, owner, reader in _TABLES:
            for row in _rows(connection, table, jid, owner):
                try:
                    reader(txn, row)
                except (ForeignError, RecordDamaged, ValueError) as error:
                    skipped.append(Skipped(table, str(error)))
        salt = next(_rows(connection, "whatsmeow_nct_salt", jid, "our_jid"), None)
    if salt is not None and salt.get("salt"):
        creds = msgspec.structs.replace(creds, nct_salt=as_bytes(salt["salt"]))
    CREDS.put(txn, CREDS_ID, creds)
    pairs = [(pn, p.user) for pn in PAIRS.ids(txn) if not pn.endswith(REVERSE) and (p := PAIRS.get(txn, pn))]
    merge_names(txn, pairs)
    return finished("whatsmeow", txn.changes, skipped, [])


def mark_moved(database: Path, account: str, own: str, now: float) -> None:
    """After the records are safe. A store with one device is put aside; one with several keeps the others' home."""
    many = len(devices(database)) > 1
    leave(mark_of(database), account, own, now)
    if many:
        return
    connection = sqlite3.connect(database)
    try:
        connection.execute("pragma wal_checkpoint(truncate)")
    finally:
        connection.close()
    put_aside(database)


def _device(connection: sqlite3.Connection, own: str) -> Row:
    held = list(_rows(connection, "whatsmeow_device", ""))
    if own:
        held = [row for row in held if own in (row["jid"], row.get("lid"))]
    if not held:
        raise TransferError(
            f"no device {own} is in this store" if own else "this store holds no linked device"
        )
    if len(held) > 1:
        names = ", ".join(row["jid"] for row in held)
        raise TransferError(f"this store holds several devices, say which one: {names}")
    return held[0]


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    try:
        with database.open("rb") as file:
            if file.read(16) != _SQLITE_MAGIC:
                raise TransferError(f"{database} is no SQLite database")
    except OSError as error:
        raise TransferError(f"{database} can't be read: {error.strerror}") from error
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        row = connection.execute("select version from whatsmeow_version").fetchone()
        if row is None or row[0] < MIN_VERSION:
            raise TransferError(
                f"{database} has schema {row[0] if row else 'none'}, at least {MIN_VERSION} is needed: start its"
                " program once with a current whatsmeow, which brings it up to date"
            )
        yield connection
    except sqlite3.Error as error:
        raise TransferError(f"{database} can't be read as a store of whatsmeow: {error}") from error
    finally:
        connection.close()


def _rows(connection: sqlite3.Connection, table: str, jid: str, owner: str = "") -> Iterator[dict[str, Any]]:
    """All of a device's rows; a table that this version lacks has none."""
    known = connection.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone()
    if known is None:
        return
    where, values = (f" where {owner} = ?", (jid,)) if owner else ("", ())
    for row in connection.execute(f"select * from {table}{where}", values):  # noqa: S608 (names from below)
        yield dict(row)


# ---- one table each: row to record ----


def _session(txn: Txn, row: Row) -> None:
    SESSIONS.put(
        txn, records.import_address(row["their_id"]), records.import_session(as_bytes(row["session"]))
    )


def _identity(txn: Txn, row: Row) -> None:
    IDENTITIES.put(
        txn, records.import_address(row["their_id"]), records.import_identity(as_bytes(row["identity"]))
    )


def _sender_key(txn: Txn, row: Row) -> None:
    id = sender_key_id(row["chat_id"], records.import_address(row["sender_id"]))
    SENDER_KEYS.put(txn, id, records.import_sender_key(as_bytes(row["sender_key"])))


def _pre_key(txn: Txn, row: Row) -> None:
    PRE_KEYS.put(txn, str(as_number(row["key_id"])), records.import_pre_key(as_bytes(row["key"])))


def _sync_key(txn: Txn, row: Row) -> None:
    key = SyncKey(
        as_bytes(row["key_data"]),
        timestamp=int(row["timestamp"] or 0),
        fingerprint=as_bytes(row["fingerprint"] or b""),
    )
    SYNC_KEYS.put(txn, text(as_bytes(row["key_id"])), key)


def _token(txn: Txn, row: Row) -> None:
    token = Token(
        as_bytes(row["token"] or b""),
        as_number(row["timestamp"] or 0),
        as_number(row.get("sender_timestamp") or 0),
    )
    TOKENS.put(txn, str(parse(row["their_jid"])), token)


def _pair(txn: Txn, row: Row) -> None:
    lid, pn = str(row["lid"]), str(row["pn"])
    if not lid.isdecimal() or not pn.isdecimal():
        raise ForeignError("a mapping does not name users")
    PAIRS.put(txn, pn, Pair(lid))
    PAIRS.put(txn, lid + REVERSE, Pair(pn))


#: Table, the column that names the device (none: shared by all), and what reads a row.
_TABLES: Final[tuple[tuple[str, str, Callable[[Txn, Row], None]], ...]] = (
    ("whatsmeow_lid_map", "", _pair),
    ("whatsmeow_sessions", "our_jid", _session),
    ("whatsmeow_identity_keys", "our_jid", _identity),
    ("whatsmeow_sender_keys", "our_jid", _sender_key),
    ("whatsmeow_pre_keys", "jid", _pre_key),
    ("whatsmeow_app_state_sync_keys", "jid", _sync_key),
    ("whatsmeow_privacy_tokens", "our_jid", _token),
)
