"""X25519 keys. The type byte 05 is written where the wire wants it and nowhere else (reference 02, 1.1).

libsodium, not OpenSSL: an agreement costs the same, but from raw bytes, where OpenSSL first needs key objects that
cost as much again; a new pair costs half (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import CryptoError as SodiumError

from protocol.crypto.primitives import CryptoError

DJB: Final = b"\x05"
KEY: Final = 32

Entropy = Callable[[int], bytes]


class KeyPair(msgspec.Struct, frozen=True):
    """An X25519 pair as raw bytes; the public half without type byte."""

    private: bytes
    public: bytes

    def __repr__(self) -> str:
        return f"KeyPair(<{len(self.private)} bytes>)"

    @property
    def tagged(self) -> bytes:
        """The public half with its type byte."""
        return DJB + self.public


def generate(entropy: Entropy) -> KeyPair:
    """A fresh pair from 32 bytes of the given entropy. The private half is stored clamped."""
    return from_private(clamp(entropy(KEY)))


def from_private(private: bytes) -> KeyPair:
    """The pair of a private key, whose bytes stay as they are."""
    if len(private) != KEY:
        raise CryptoError("private key length")
    return KeyPair(private, crypto_scalarmult_base(private))


def dh(private: bytes, public: bytes) -> bytes:
    """X25519. Refuses low order points (an all-zero result)."""
    # libsodium reads 32 bytes whatever it is given.
    if len(private) != KEY or len(public) != KEY:
        raise CryptoError("key length")
    try:
        return crypto_scalarmult(private, public)
    except SodiumError as error:
        raise CryptoError("low order point") from error


def clamp(scalar: bytes) -> bytes:
    """RFC 7748's clamping."""
    raw = bytearray(scalar)
    raw[0] &= 248
    raw[31] = raw[31] & 127 | 64
    return bytes(raw)


def untag(public: bytes) -> bytes:
    """A public key with or without type byte, to its 32 bytes."""
    if len(public) == KEY + 1 and public[:1] == DJB:
        return public[1:]
    if len(public) == KEY:
        return public
    raise CryptoError("public key length")
