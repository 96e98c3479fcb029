"""X25519 keys. The type byte 05 is written where the wire wants it and nowhere else (reference 02, 1.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

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
    return KeyPair(private, _private(private).public_key().public_bytes_raw())


def dh(private: bytes, public: bytes) -> bytes:
    """X25519. Refuses low order points (an all-zero result)."""
    try:
        return _private(private).exchange(_public(public))
    except ValueError as error:
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


# Key objects cost half of an agreement (docs/performance.md), and the same few keys come again and again.


@lru_cache(maxsize=256)
def _private(private: bytes) -> X25519PrivateKey:
    try:
        return X25519PrivateKey.from_private_bytes(private)
    except ValueError as error:
        raise CryptoError("private key length") from error


@lru_cache(maxsize=1024)
def _public(public: bytes) -> X25519PublicKey:
    try:
        return X25519PublicKey.from_public_bytes(public)
    except ValueError as error:
        raise CryptoError("public key length") from error
