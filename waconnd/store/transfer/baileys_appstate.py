"""Baileys' app state: the keys that the phone shared. Versions are not taken over: collections are fetched anew,

with every MAC checked, which costs one snapshot each and can't carry an old mistake along.
"""

from __future__ import annotations

from typing import Any

from protocol.appstate.keys import SYNC_KEYS, SyncKey
from protocol.keystore import Txn, View
from protocol.pb.e2e_pb2 import AppStateSyncKeyFingerprint
from protocol.signal.foreign.values import as_bytes, as_number, as_object, text


def read_key(txn: Txn, id: str, value: Any, creds: Any) -> None:
    """`app-state-sync-key-…`: protobuf JSON. In its name, base64, a `/` was written as `__`."""
    fields = as_object(value)
    fingerprint = as_object(fields.get("fingerprint") or {})
    print_ = AppStateSyncKeyFingerprint(
        rawId=as_number(fingerprint.get("rawId") or 0),
        currentIndex=as_number(fingerprint.get("currentIndex") or 0),
        deviceIndexes=[as_number(index) for index in fingerprint.get("deviceIndexes") or ()],
    )
    # Milliseconds do not fit 32 bits.
    stamp = int(str(fields.get("timestamp") or 0))
    key = SyncKey(as_bytes(fields.get("keyData")), timestamp=stamp, fingerprint=print_.SerializeToString())
    SYNC_KEYS.put(txn, id.replace("__", "/"), key)


def write_key(view: View, id: str, now: float) -> object:
    """The same back."""
    held = SYNC_KEYS.get(view, id)
    if held is None:
        return None
    print_ = AppStateSyncKeyFingerprint.FromString(held.fingerprint)
    return {
        "keyData": text(held.key_data),
        "fingerprint": {
            "rawId": print_.rawId,
            "currentIndex": print_.currentIndex,
            "deviceIndexes": list(print_.deviceIndexes),
        },
        "timestamp": str(held.timestamp),
    }
