"""X3DH: the first secret of a session, from both ends (reference 02, 3.2)."""

from __future__ import annotations

from typing import Final

from protocol.crypto.curve import KeyPair, dh
from protocol.crypto.primitives import CryptoError, hkdf
from protocol.signal.errors import InvalidKey

_DISCONTINUITY: Final = b"\xff" * 32


def initiate(
    identity: KeyPair, base: KeyPair, their_identity: bytes, signed_pre_key: bytes, pre_key: bytes | None
) -> tuple[bytes, bytes]:
    """The initiator's root key and (never used) chain key. Raises InvalidKey."""
    pairs = [
        (identity.private, signed_pre_key),
        (base.private, their_identity),
        (base.private, signed_pre_key),
    ]
    if pre_key is not None:
        pairs.append((base.private, pre_key))
    return _derive(pairs)


def respond(
    identity: KeyPair, signed_pre_key: KeyPair, pre_key: bytes | None, their_identity: bytes, base: bytes
) -> tuple[bytes, bytes]:
    """The other side's root key and chain key; `pre_key` is the private half. Raises InvalidKey."""
    pairs = [
        (signed_pre_key.private, their_identity),
        (identity.private, base),
        (signed_pre_key.private, base),
    ]
    if pre_key is not None:
        pairs.append((pre_key, base))
    return _derive(pairs)


def _derive(pairs: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    try:
        secret = _DISCONTINUITY + b"".join(dh(private, public) for private, public in pairs)
    except CryptoError as error:
        raise InvalidKey("a key of the other side is no usable point") from error
    both = hkdf(secret, 64, b"WhisperText")
    return both[:32], both[32:]
