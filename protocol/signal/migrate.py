"""One person, two names: when a number's hidden id becomes known, what was kept by number moves (reference 02, 7.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.errors import RecordDamaged
from protocol.jid import HOSTED, HOSTED_LID, LID, MAX_DEVICE, USER, Jid
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

#: The only number that a device in Meta's cloud has.
HOSTED_DEVICE: Final = 99


#: Every device that a person can have.
ALL_DEVICES: Final = range(MAX_DEVICE + 1)


def merge_person(txn: Txn, pn: str, lid: str, devices: Iterable[int] = ALL_DEVICES) -> None:
    """Sessions and identities of one person's devices, given by the users of number and hidden id.

    Sender keys are found under either name (`merge_names` moves them too).
    """
    for device in devices:
        _merge_device(txn, Jid(pn, USER, device), Jid(lid, LID, device))
        if device == HOSTED_DEVICE:
            _merge_device(txn, Jid(pn, HOSTED, device), Jid(lid, HOSTED_LID, device))


def merge_names(txn: Txn, pairs: Iterable[tuple[str, str]]) -> int:
    """For an import: all that is kept by number, sender keys included, of many pairs of users; how many moved.

    One pass over the ids, however many pairs: a history brings thousands.
    """
    names: dict[str, str] = {}
    for pn, lid in pairs:
        names[Jid(pn, USER).signal_name] = Jid(lid, LID).signal_name
        names[Jid(pn, HOSTED).signal_name] = Jid(lid, HOSTED_LID).signal_name
    moved = 0
    for address in {*SESSIONS.ids(txn), *IDENTITIES.ids(txn)}:
        new = _renamed(address, ".", names)
        if new:
            _merge_address(txn, address, new)
            moved += 1
    for id in list(SENDER_KEYS.ids(txn)):
        group, _, sender = id.partition("::")
        new = _renamed(sender, "::", names)
        if new:
            _merge_sender_keys(txn, id, f"{group}::{new}")
            moved += 1
    return moved


def _merge_device(txn: Txn, pn: Jid, lid: Jid) -> None:
    old = pn.signal_address
    if txn.get(SESSIONS.kind, old) is not None or txn.get(IDENTITIES.kind, old) is not None:
        _merge_address(txn, old, lid.signal_address)


def _merge_address(txn: Txn, old: str, new: str) -> None:
    merge_sessions(txn, old, new)
    raw = txn.get(IDENTITIES.kind, old)
    if raw is None:
        return
    # What is known under the hidden id is the newer knowledge.
    if txn.get(IDENTITIES.kind, new) is None:
        txn.put(IDENTITIES.kind, new, raw)
    IDENTITIES.delete(txn, old)


def _renamed(address: str, separator: str, names: dict[str, str]) -> str:
    name, _, device = address.rpartition(separator)
    new = names.get(name)
    return f"{new}{separator}{device}" if new else ""


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
