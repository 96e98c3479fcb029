"""Padding of every pairwise and group plaintext: N bytes of value N (reference 02, 5.1)."""

from __future__ import annotations

from typing import Final

from protocol.crypto.curve import Entropy
from protocol.signal.errors import BadPadding

#: We write 1 to 16 bytes, and read any count that a byte can say.
MAX_WRITTEN: Final = 16


def pad(message: bytes, entropy: Entropy) -> bytes:
    """Append 1 to 16 bytes. Draws one byte of entropy."""
    count = 1 + entropy(1)[0] % MAX_WRITTEN
    return message + bytes((count,)) * count


def unpad(padded: bytes) -> bytes:
    """Take the padding off. Raises BadPadding."""
    count = padded[-1] if padded else 0
    if not 1 <= count <= len(padded) or padded[-count:] != bytes((count,)) * count:
        raise BadPadding("what was decrypted is not padded as a message should be")
    return padded[:-count]
