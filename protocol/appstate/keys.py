"""App state keys: what the phone shares, and the five keys that each expands to (reference 04, 1.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from protocol.crypto.primitives import hkdf
from protocol.keystore import Kind, Table

_INFO: Final = b"WhatsApp Mutation Keys"


class SyncKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """One key as the phone shared it. Kept for ever: old records stay encrypted under old keys."""

    key_data: bytes
    v: int = 1
    #: Milliseconds; the newest key is the one for sending.
    timestamp: int = 0
    #: The serialised fingerprint, as received.
    fingerprint: bytes = b""

    def __repr__(self) -> str:
        return f"SyncKey(timestamp={self.timestamp})"


#: Filed under the base64 of the key id.
SYNC_KEYS: Final = Table(Kind.APP_STATE_KEY, SyncKey)


class Expanded(msgspec.Struct, frozen=True):
    """The five keys."""

    index: bytes
    value_encryption: bytes
    value_mac: bytes
    snapshot_mac: bytes
    patch_mac: bytes

    def __repr__(self) -> str:
        return "Expanded(…)"


#: Finds a key by its id, or None.
KeyLookup = Callable[[bytes], Expanded | None]


@lru_cache(maxsize=64)
def expand(key_data: bytes) -> Expanded:
    """Expand a shared key."""
    okm = hkdf(key_data, 160, _INFO)
    return Expanded(okm[:32], okm[32:64], okm[64:96], okm[96:128], okm[128:160])
