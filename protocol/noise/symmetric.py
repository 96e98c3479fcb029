"""The symmetric state of a handshake: a hash, a chaining key, a key and its counter (reference 01, 2.1)."""

from __future__ import annotations

from typing import Final

from protocol.crypto.curve import KEY, dh
from protocol.crypto.primitives import CryptoError, gcm_open, gcm_seal, hkdf, sha256
from protocol.noise.errors import NoiseError

XX: Final = b"Noise_XX_25519_AESGCM_SHA256".ljust(32, b"\x00")
IK: Final = b"Noise_IK_25519_AESGCM_SHA256".ljust(32, b"\x00")
FALLBACK: Final = b"Noise_XXfallback_25519_AESGCM_SHA256"


class Symmetric:
    """Differs from the Noise specification in one place: an empty payload is not hashed at all."""

    __slots__ = ("ck", "h", "k", "n")

    def __init__(self, pattern: bytes, prologue: bytes) -> None:
        self.h = pattern if len(pattern) == 32 else sha256(pattern)
        self.ck = self.k = self.h
        self.n = 0
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        self.h = sha256(self.h + data)

    def mix_key(self, secret: bytes) -> None:
        self.ck, self.k = self._derive(secret)
        self.n = 0

    def mix_dh(self, private: bytes, public: bytes) -> None:
        """Mix an agreement; a public key that forces a known secret is refused."""
        try:
            self.mix_key(dh(private, public))
        except CryptoError as error:
            raise NoiseError(f"a key of the other end is unusable: {error}") from error

    def encrypt(self, plaintext: bytes) -> bytes:
        ciphertext = gcm_seal(self.k, self._iv(), plaintext, self.h)
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt(self, ciphertext: bytes, what: str) -> bytes:
        """Open and hash; when it does not open, the state stays as it was. `what` names it in the error."""
        try:
            plaintext = gcm_open(self.k, self.n.to_bytes(12, "big"), ciphertext, self.h)
        except CryptoError as error:
            raise NoiseError(f"{what} does not decrypt") from error
        self.n += 1
        self.mix_hash(ciphertext)
        return plaintext

    def decrypt_key(self, ciphertext: bytes, what: str) -> bytes:
        """Open a public key."""
        key = self.decrypt(ciphertext, what)
        if len(key) != KEY:
            raise NoiseError(f"{what} has {len(key)} bytes")
        return key

    def split(self) -> tuple[bytes, bytes]:
        """The client's and the server's writing key."""
        return self._derive(b"")

    def _derive(self, ikm: bytes) -> tuple[bytes, bytes]:
        derived = hkdf(ikm, 64, b"", self.ck)
        return derived[:32], derived[32:]

    def _iv(self) -> bytes:
        iv = self.n.to_bytes(12, "big")
        self.n += 1
        return iv
