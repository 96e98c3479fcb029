"""XEdDSA in Signal's form: the sign bit of the Edwards key travels in the top bit of the signature.

Signing uses libsodium's constant time scalar operations; `cryptography` has no raw scalar Ed25519. Verifying maps
the key to Edwards form (public data, so Python integers are fine) and is then ordinary Ed25519.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha512
from typing import Final

from nacl import bindings as sodium
from nacl.exceptions import BadSignatureError

from protocol.crypto.curve import KEY, Entropy, clamp
from protocol.crypto.primitives import CryptoError

SIGNATURE: Final = 64
P: Final = 2**255 - 19
#: 2^256 - 2, little endian: never a valid point, so the nonce hash can't collide with the challenge hash.
_NONCE_PREFIX: Final = b"\xfe" + b"\xff" * 31


def sign(private: bytes, message: bytes, entropy: Entropy) -> bytes:
    """Sign with an X25519 private key. Draws 64 bytes of entropy."""
    if len(private) != KEY:
        raise CryptoError("private key length")
    scalar = clamp(private)
    public, reduced = _edwards(scalar)
    nonce = sodium.crypto_core_ed25519_scalar_reduce(
        sha512(_NONCE_PREFIX + scalar + message + entropy(64)).digest()
    )
    r_point = sodium.crypto_scalarmult_ed25519_base_noclamp(nonce)
    challenge = sodium.crypto_core_ed25519_scalar_reduce(sha512(r_point + public + message).digest())
    s = bytearray(
        sodium.crypto_core_ed25519_scalar_add(
            sodium.crypto_core_ed25519_scalar_mul(challenge, reduced), nonce
        )
    )
    s[31] |= public[31] & 0x80
    return r_point + bytes(s)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Check a signature under an X25519 public key (without type byte)."""
    if len(signature) != SIGNATURE or len(public) != KEY or signature[63] & 0x60:
        return False
    edwards = bytearray(_to_edwards(public))
    edwards[31] |= signature[63] & 0x80
    plain = signature[:63] + bytes((signature[63] & 0x7F,))
    try:
        sodium.crypto_sign_open(plain + message, bytes(edwards))
    except (BadSignatureError, ValueError):
        return False
    return True


@lru_cache(maxsize=64)
def _edwards(scalar: bytes) -> tuple[bytes, bytes]:
    return (
        sodium.crypto_scalarmult_ed25519_base_noclamp(scalar),
        sodium.crypto_core_ed25519_scalar_reduce(scalar + bytes(32)),
    )


@lru_cache(maxsize=1024)
def _to_edwards(public: bytes) -> bytes:
    u = int.from_bytes(public, "little") & (2**255 - 1)
    if u % P == P - 1:
        return bytes(32)
    return ((u - 1) * pow(u + 1, -1, P) % P).to_bytes(32, "little")
