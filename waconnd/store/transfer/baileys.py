"""A Baileys folder (`useMultiFileAuthState`), both ways: sessions go on, no new QR (reference 02, 12.1 and 12.7)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.creds import CREDS, CREDS_ID
from protocol.errors import RecordDamaged
from protocol.flows.devices import LISTS, DeviceList
from protocol.flows.mapping import PAIRS, REVERSE, Pair, session_jid
from protocol.flows.sender_keys import MEMORIES, Memory
from protocol.flows.tokens import TOKENS, Token
from protocol.jid import LID, SERVERS, USER, parse
from protocol.keystore import Kind, Txn, View
from protocol.signal.foreign import baileys as records
from protocol.signal.foreign.credentials import export_creds, import_creds
from protocol.signal.foreign.values import ForeignError, as_bytes, as_number, as_object, buffer
from protocol.signal.migrate import merge_names
from protocol.signal.records import IDENTITIES, PRE_KEYS, SENDER_KEYS, SESSIONS
from protocol.stanza.devices import Device
from waconnd.store.transfer import baileys_appstate as appstate
from waconnd.store.transfer.moved import MARK, leave, put_aside, refuse_if_moved, refuse_if_used, sync_names
from waconnd.store.transfer.report import Import, Report, Skipped, TransferError, empty_store, finished

CREDS_FILE: Final = "creds.json"
#: Baileys' own folders hold a few thousand files; this stops somebody who points at the wrong one.
MAX_FILES: Final = 500_000
#: No file of a real folder comes near: large ones are app state versions of many chats.
MAX_FILE_SIZE: Final = 64 * 1024 * 1024
#: The list of tokens, which can be made from the tokens.
_TOKEN_INDEX: Final = "__index"

_decode = msgspec.json.decode
_encode = msgspec.json.encode


def read_folder(folder: Path) -> Import:
    """Everything in it as records; broken files are skipped and named. Raises TransferError when it is no account.

    Only reads. The program that owns the folder must be stopped.
    """
    refuse_if_moved(folder / MARK)
    refuse_if_used(folder)
    before = _stamps(folder)
    if CREDS_FILE not in before:
        raise TransferError(
            f"{folder} has no {CREDS_FILE}: give the folder that useMultiFileAuthState was given"
        )
    try:
        creds = import_creds(_load(folder / CREDS_FILE))
    except ForeignError as error:
        raise TransferError(f"{folder / CREDS_FILE} can't be used: {error}") from error
    txn = empty_store().txn()
    skipped: list[Skipped] = []
    highest = 0
    for name in sorted(before):
        kind, id = _parted(name)
        reader = _READERS.get(kind)
        if reader is None:
            if name not in (CREDS_FILE, MARK):
                skipped.append(Skipped(name, "is no file that Baileys makes"))
            continue
        try:
            reader(txn, id, _load(folder / name), creds)
        except (ForeignError, RecordDamaged, ValueError, TransferError) as error:
            skipped.append(Skipped(name, str(error)))
            continue
        if kind == Kind.PRE_KEY:
            highest = max(highest, int(id))
    _fold(txn)
    creds = msgspec.structs.replace(creds, next_pre_key_id=max(creds.next_pre_key_id, highest + 1))
    CREDS.put(txn, CREDS_ID, creds)
    if _stamps(folder) != before:
        raise TransferError(
            f"{folder} changed while it was read: the program that uses it still runs, stop it first"
        )
    return finished("baileys", txn.changes, skipped, [])


def mark_moved(folder: Path, account: str, own: str, now: float) -> None:
    """After the records are safe: the old program finds no credentials any more, and a person finds out why."""
    leave(folder / MARK, account, own, now)
    put_aside(folder / CREDS_FILE)


def write_folder(view: View, folder: Path, entropy: Callable[[int], bytes], now: float) -> Report:
    """A folder with which Baileys goes on. This account must be stopped here before, and stay so.

    Raises TransferError when the folder is not empty or the account not linked.
    """
    creds = CREDS.get(view, CREDS_ID)
    if creds is None:
        raise TransferError("there is no account here to export")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise TransferError(f"{folder} is not empty: give a new folder, so that nothing is mixed or lost")
    skipped: list[Skipped] = []
    try:
        files: dict[str, object] = {CREDS_FILE: export_creds(creds, entropy)}
    except ForeignError as error:
        raise TransferError(str(error)) from error
    for kind, writer in _WRITERS.items():
        for id in list(view.ids(kind)):
            try:
                written = writer(view, id, now)
            except (RecordDamaged, ForeignError, ValueError) as error:
                skipped.append(Skipped(f"{kind} {id}", str(error)))
                continue
            if written is not None:
                files[file_name(kind, id)] = written
    tokens = list(TOKENS.ids(view))
    if tokens:
        files[file_name(Kind.TC_TOKEN, _TOKEN_INDEX)] = {"token": buffer(_encode(tokens))}
    for name, content in files.items():
        path = folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_encode(content))
            file.flush()
            os.fsync(file.fileno())
    sync_names(folder)
    counts: dict[str, int] = {}
    for name in files:
        counts[_parted(name)[0]] = counts.get(_parted(name)[0], 0) + 1
    account = creds.account
    return Report(
        "baileys",
        account.pn if account else "",
        account.lid if account else "",
        dict(sorted(counts.items())),
        tuple(skipped),
    )


def file_name(kind: str, id: str) -> str:
    """As Baileys names it."""
    return f"{kind}-{id.replace('/', '__').replace(':', '-')}.json"


def _parted(name: str) -> tuple[str, str]:
    """Kind and id as far as the name tells; longer prefixes first, since kinds begin with each other's names."""
    if name == CREDS_FILE:
        return Kind.CREDS, CREDS_ID
    stem = name.removesuffix(".json")
    for kind in _PREFIXES:
        if stem.startswith(f"{kind}-") and stem != name:
            return kind, stem[len(kind) + 1 :]
    return "", name


def _load(path: Path) -> Any:
    size = path.stat().st_size
    if size > MAX_FILE_SIZE:
        raise TransferError(f"{path.name} has {size >> 20} MiB: such a file is none of Baileys'")
    try:
        return _decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TransferError(f"{path.name} is no JSON: the program was cut off while writing it") from error
    except OSError as error:
        raise TransferError(f"{path.name} can't be read: {error.strerror}") from error


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    try:
        with os.scandir(folder) as entries:
            stamps = {
                entry.name: (entry.stat().st_mtime_ns, entry.stat().st_size)
                for entry in entries
                if entry.is_file()
            }
    except OSError as error:
        raise TransferError(f"{folder} can't be read: {error.strerror}") from error
    if len(stamps) > MAX_FILES:
        raise TransferError(f"{folder} holds {len(stamps)} files: that is no auth folder")
    return stamps


# ---- one kind of file each: JSON to record ----


def _session(txn: Txn, id: str, value: Any, creds: Any) -> None:
    SESSIONS.put(txn, id, records.import_session(value, creds))


def _sender_key(txn: Txn, id: str, value: Any, creds: Any) -> None:
    group, name, device = id.rsplit("--", 2)
    SENDER_KEYS.put(txn, f"{group}::{name}::{device}", records.import_sender_key(value))


def _memory(txn: Txn, id: str, value: Any, creds: Any) -> None:
    # By address; renamed to hidden ids once all pairs are known.
    has = [str(parse(jid)) for jid, held in as_object(value).items() if held]
    MEMORIES.put(txn, id, Memory(has))


def _fold(txn: Txn) -> None:
    """All pairs are known: what was kept by number moves to the hidden id."""
    pairs = {
        pn: pair.user for pn in PAIRS.ids(txn) if not pn.endswith(REVERSE) and (pair := PAIRS.get(txn, pn))
    }
    merge_names(txn, pairs.items())
    hidden = set(pairs.values())
    for user in list(LISTS.ids(txn)):
        held = LISTS.get(txn, user)
        if held is None:
            continue
        if user in pairs:
            LISTS.delete(txn, user)
            if LISTS.get(txn, pairs[user]) is not None:
                continue  # the list under the hidden id is the newer one
        if user in pairs or user in hidden:
            LISTS.put(txn, pairs.get(user, user), msgspec.structs.replace(held, server=LID))
    for group in list(MEMORIES.ids(txn)):
        memory = MEMORIES.get(txn, group)
        if memory is not None:
            addresses = [session_jid(txn, parse(jid)).signal_address for jid in memory.has]
            MEMORIES.put(txn, group, Memory(list(dict.fromkeys(addresses))))


def _identity(txn: Txn, id: str, value: Any, creds: Any) -> None:
    IDENTITIES.put(txn, id, records.import_identity(value))


def _pre_key(txn: Txn, id: str, value: Any, creds: Any) -> None:
    if not id.isdecimal():
        raise ForeignError("the name of a prekey is no number")
    PRE_KEYS.put(txn, id, records.import_pre_key(value))


def _device_list(txn: Txn, id: str, value: Any, creds: Any) -> None:
    if not isinstance(value, list):
        raise ForeignError("a list of devices is no list")
    devices = tuple(Device(as_number(number)) for number in value)
    # Whether the name is a number or a hidden id is decided when all pairs are known; 0.0: ask before using it.
    LISTS.put(txn, id, DeviceList(USER, devices, 0.0))


def _pair(txn: Txn, id: str, value: Any, creds: Any) -> None:
    if not isinstance(value, str) or not value.isdecimal():
        raise ForeignError("a mapping does not name a user")
    PAIRS.put(txn, id, Pair(value))
    other = value if id.endswith(REVERSE) else value + REVERSE
    PAIRS.put(txn, other, Pair(id.removesuffix(REVERSE)))


def _token(txn: Txn, id: str, value: Any, creds: Any) -> None:
    if id == _TOKEN_INDEX:
        return
    fields = as_object(value)
    TOKENS.put(
        txn,
        str(parse(id)),
        Token(
            as_bytes(fields["token"]) if fields.get("token") else b"",
            as_number(fields.get("timestamp") or 0),
            as_number(fields.get("senderTimestamp") or 0),
        ),
    )


def _left_out(txn: Txn, id: str, value: Any, creds: Any) -> None:
    """Collections are fetched anew, see `baileys_appstate`."""


_READERS: Final[dict[str, Callable[[Txn, str, Any, Any], None]]] = {
    Kind.SESSION: _session,
    Kind.SENDER_KEY: _sender_key,
    Kind.SENDER_KEY_MEMORY: _memory,
    Kind.IDENTITY_KEY: _identity,
    Kind.PRE_KEY: _pre_key,
    Kind.DEVICE_LIST: _device_list,
    Kind.LID_MAPPING: _pair,
    Kind.TC_TOKEN: _token,
    Kind.APP_STATE_KEY: appstate.read_key,
    Kind.APP_STATE_VERSION: _left_out,
}
_PREFIXES: Final = sorted(_READERS, key=len, reverse=True)


# ---- and back ----


def _write_session(view: View, id: str, now: float) -> object:
    held = SESSIONS.get(view, id)
    return records.export_session(held, now) if held else None


def _write_sender_key(view: View, id: str, now: float) -> object:
    held = SENDER_KEYS.get(view, id)
    return records.export_sender_key(held) if held else None


def _write_memory(view: View, id: str, now: float) -> object:
    held = MEMORIES.get(view, id)
    return {_jid_of(address): True for address in held.has} if held else None


def _write_identity(view: View, id: str, now: float) -> object:
    held = IDENTITIES.get(view, id)
    return records.export_identity(held) if held else None


def _write_pre_key(view: View, id: str, now: float) -> object:
    held = PRE_KEYS.get(view, id)
    return records.export_pre_key(held) if held else None


def _write_device_list(view: View, id: str, now: float) -> object:
    held = LISTS.get(view, id)
    return [str(device.id) for device in held.devices] if held else None


def _write_pair(view: View, id: str, now: float) -> object:
    held = PAIRS.get(view, id)
    return held.user if held else None


def _write_token(view: View, id: str, now: float) -> object:
    held = TOKENS.get(view, id)
    if held is None:
        return None
    fields: dict[str, object] = {"token": buffer(held.token)}
    if held.timestamp:
        fields["timestamp"] = str(held.timestamp)
    if held.sender_timestamp:
        fields["senderTimestamp"] = held.sender_timestamp
    return fields


def _jid_of(address: str) -> str:
    """`456_1.12`, a Signal address, to `456:12@lid`, as Baileys writes devices in its memory."""
    name, _, device = address.rpartition(".")
    user, _, domain = name.partition("_")
    return f"{user}:{device}@{SERVERS[int(domain or 0)]}"


_WRITERS: Final[dict[str, Callable[[View, str, float], object]]] = {
    Kind.SESSION: _write_session,
    Kind.SENDER_KEY: _write_sender_key,
    Kind.SENDER_KEY_MEMORY: _write_memory,
    Kind.IDENTITY_KEY: _write_identity,
    Kind.PRE_KEY: _write_pre_key,
    Kind.DEVICE_LIST: _write_device_list,
    Kind.LID_MAPPING: _write_pair,
    Kind.TC_TOKEN: _write_token,
    Kind.APP_STATE_KEY: appstate.write_key,
}
