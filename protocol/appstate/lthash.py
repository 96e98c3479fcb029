"""The hash of a set of records that can be updated in any order (reference 04, 1.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from protocol.crypto.primitives import hkdf

SIZE: Final = 128
ZERO: Final = bytes(SIZE)
_INFO: Final = b"WhatsApp Patch Integrity"
_LANES: Final = struct.Struct("<64H")


def update(base: bytes, subtract: Iterable[bytes], add: Iterable[bytes]) -> bytes:
    """Take value MACs out of the hash and put others in; 64 lanes of 16 bits, each wrapping."""
    lanes = list(_LANES.unpack(base))
    for mac in subtract:
        lanes = [a - b for a, b in zip(lanes, _expand(mac), strict=True)]
    for mac in add:
        lanes = [a + b for a, b in zip(lanes, _expand(mac), strict=True)]
    return _LANES.pack(*(lane & 0xFFFF for lane in lanes))


def _expand(mac: bytes) -> tuple[int, ...]:
    return _LANES.unpack(hkdf(mac, SIZE, _INFO))
