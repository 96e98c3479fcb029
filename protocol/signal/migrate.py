"""One person, two names: when a number's hidden id becomes known, what was kept by number moves (reference 02, 7.2)."""

from __future__ import annotations

from collections.abc import Iterable

from protocol.errors import RecordDamaged
from protocol.jid import DOMAINS, HOSTED, HOSTED_LID, Jid
from protocol.keystore import Txn
from protocol.signal.quarantine import set_aside
from protocol.signal.records import (
    IDENTITIES,
    MAX_SENDER_STATES,
    SENDER_KEYS,
    SESSIONS,
    SenderKeyRecord,
)
from protocol.signal.session import merge_sessions


def merge_names(txn: Txn, pairs: Iterable[tuple[Jid, Jid]]) -> int:
    """Sessions, identities and sender keys of all devices, from number to hidden id; how many records moved.

    One pass over the ids, however many pairs: a history sync brings thousands.
    """
    names: dict[str, str] = {}
    for pn, lid in pairs:
        names[pn.user] = f"{lid.user}_{DOMAINS[lid.server]}"
        names[f"{pn.user}_{DOMAINS[HOSTED]}"] = f"{lid.user}_{DOMAINS[HOSTED_LID]}"
    moved = 0
    for address in list(SESSIONS.ids(txn)):
        new = _renamed(address, ".", names)
        if new:
            merge_sessions(txn, address, new)
            moved += 1
    for address in list(IDENTITIES.ids(txn)):
        new = _renamed(address, ".", names)
        if new:
            _move_identity(txn, address, new)
            moved += 1
    for id in list(SENDER_KEYS.ids(txn)):
        group, _, sender = id.partition("::")
        new = _renamed(sender, "::", names)
        if new:
            _merge_sender_keys(txn, id, f"{group}::{new}")
            moved += 1
    return moved


def _renamed(address: str, separator: str, names: dict[str, str]) -> str:
    name, _, device = address.rpartition(separator)
    new = names.get(name)
    return f"{new}{separator}{device}" if new else ""


def _move_identity(txn: Txn, old: str, new: str) -> None:
    # What is known under the hidden id is the newer knowledge.
    raw = txn.get(IDENTITIES.kind, old)
    if raw is not None and txn.get(IDENTITIES.kind, new) is None:
        txn.put(IDENTITIES.kind, new, raw)
    IDENTITIES.delete(txn, old)


def _merge_sender_keys(txn: Txn, old: str, new: str) -> None:
    seen: set[int] = set()
    record = SenderKeyRecord()
    for id in (new, old):
        try:
            part = SENDER_KEYS.get(txn, id)
        except RecordDamaged as damage:
            set_aside(txn, damage)
            continue
        for state in part.states if part else ():
            if state.id not in seen:
                seen.add(state.id)
                record.states.append(state)
    SENDER_KEYS.delete(txn, old)
    if record.states:
        del record.states[MAX_SENDER_STATES:]
        SENDER_KEYS.put(txn, new, record)
