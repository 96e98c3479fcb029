"""Who a device says it is. First use is trusted and changes are followed, as in every client (reference 02, 3.9)."""

from __future__ import annotations

from protocol.errors import RecordDamaged
from protocol.keystore import Txn, View
from protocol.signal.quarantine import set_aside
from protocol.signal.records import IDENTITIES, Identity


def identity_of(view: View, address: str) -> bytes | None:
    """The identity key that we know of a device. None also when the record makes no sense."""
    try:
        known = IDENTITIES.get(view, address)
    except RecordDamaged:
        return None
    return known.key if known else None


def note_identity(txn: Txn, address: str, key: bytes) -> bool:
    """Keep the identity key of a device, which has just proved that it owns it. True when we knew another one."""
    try:
        known = IDENTITIES.get(txn, address)
    except RecordDamaged as damage:
        set_aside(txn, damage)
        known = None
    if known is not None and known.key == key:
        return False
    IDENTITIES.put(txn, address, Identity(key))
    return known is not None


def forget_identity(txn: Txn, address: str) -> None:
    """The device is gone."""
    IDENTITIES.delete(txn, address)
