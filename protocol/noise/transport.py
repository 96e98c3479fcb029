"""The two ciphers after the handshake: one key and one counter in each direction (reference 01, 2.7)."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.errors import LocalProtocolError
from protocol.noise.errors import NoiseError
from protocol.wire.framing import MAX_PAYLOAD

TAG: Final = 16
MAX_PLAINTEXT: Final = MAX_PAYLOAD - TAG
#: The counter has four bytes of the IV; no honest connection comes near.
MAX_FRAMES: Final = 2**32 - 1


class Transport:
    """Seals and opens frames. Frames must leave in the order in which they were sealed."""

    __slots__ = ("_open", "_opened", "_seal", "_sealed")

    def __init__(self, write_key: bytes, read_key: bytes) -> None:
        self._seal = AESGCM(write_key).encrypt
        self._open = AESGCM(read_key).decrypt
        self._sealed = self._opened = 0

    def seal(self, plaintext: bytes) -> bytes:
        """Encrypt the next frame's payload."""
        if len(plaintext) > MAX_PLAINTEXT:
            raise LocalProtocolError(f"a frame carries {MAX_PLAINTEXT} bytes at most, not {len(plaintext)}")
        if self._sealed >= MAX_FRAMES:
            raise LocalProtocolError("this connection has sent all frames it can; reconnect")
        iv = self._sealed.to_bytes(12, "big")
        self._sealed += 1
        return self._seal(iv, plaintext, None)

    def open(self, ciphertext: bytes) -> bytes:
        """Decrypt the next frame's payload. After a NoiseError nothing on this connection can be read again."""
        if len(ciphertext) < TAG:
            raise NoiseError(f"a frame of {len(ciphertext)} bytes is too short to be encrypted")
        if self._opened >= MAX_FRAMES:
            raise NoiseError("this connection has received all frames it can; reconnect")
        try:
            plaintext = self._open(self._opened.to_bytes(12, "big"), ciphertext, None)
        except InvalidTag as error:
            raise NoiseError(f"frame {self._opened} does not decrypt") from error
        self._opened += 1
        return plaintext
