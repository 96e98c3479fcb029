"""Optional sealing at rest: AES-256-GCM for each file and each frame, and names that say nothing.

A stolen disk or backup then shows how many records there are and how long each is, nothing else. It does not
cover the archive (`events.db`), and not a machine whose running daemon is in other hands.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Callable, Container
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from waconnd.store import names
from waconnd.store.errors import Sealed

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12
CHECK_SIZE: Final = 8
#: Name of the systemd credential: `LoadCredentialEncrypted=auth-key:…`.
CREDENTIAL: Final = "auth-key"


class Seal(Protocol):
    """How bytes become what is on disk. `name` is the exact thing they are; nothing opens under another one."""

    def check(self, store: bytes, /) -> bytes:
        """Eight bytes that tell this key from another one; none when nothing is sealed."""

    def close(self, name: bytes, data: bytes, /) -> bytes:
        """What goes to disk."""

    def open(self, name: bytes, data: bytes, /) -> bytes:
        """The reverse. Raises ValueError when it was not closed under this key and name."""

    def frames(self, epoch: bytes, /) -> Frames:
        """The same for the frames of one journal."""

    def file_name(self, kind: str, id: str, taken: Container[str], /) -> str:
        """The name under which a record is filed."""


class Frames(Protocol):
    """Closes and opens the frames of one journal."""

    def close(self, seq: int, body: bytes, /) -> bytes:
        """What goes to disk."""

    def open(self, seq: int, body: bytes, /) -> bytes:
        """The reverse."""


class Plain:
    """No sealing: files that people can read."""

    def check(self, store: bytes) -> bytes:
        """Nothing is sealed."""
        return b""

    def close(self, name: bytes, data: bytes) -> bytes:
        """The data."""
        return data

    def open(self, name: bytes, data: bytes) -> bytes:
        """The data."""
        return data

    def frames(self, epoch: bytes) -> Frames:
        """Frames stay as they are."""
        return PlainFrames()

    def file_name(self, kind: str, id: str, taken: Container[str]) -> str:
        """The familiar name."""
        return names.choose(kind, id, taken)


class PlainFrames:
    """Frames as they are."""

    def close(self, seq: int, body: bytes) -> bytes:
        """The body."""
        return body

    def open(self, seq: int, body: bytes) -> bytes:
        """The body."""
        return body


class Aes:
    """Sealed under one key; each purpose has its own key derived from it."""

    def __init__(self, key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        if len(key) != KEY_SIZE:
            raise Sealed(f"the sealing key has {len(key)} bytes; it must have exactly {KEY_SIZE}")
        self._key, self._random = key, random
        self._files = AESGCM(self._derive(b"files"))
        self._names = self._derive(b"names")

    def _derive(self, purpose: bytes) -> bytes:
        return HKDF(SHA256(), KEY_SIZE, salt=None, info=b"waconnd auth " + purpose).derive(self._key)

    def check(self, store: bytes) -> bytes:
        """A wrong key is a person's mistake and must not look like damage."""
        return hmac.digest(self._derive(b"check"), store, hashlib.sha256)[:CHECK_SIZE]

    def close(self, name: bytes, data: bytes) -> bytes:
        """Nonce and ciphertext. A random nonce is good for 2^32 writes, some centuries of checkpoints."""
        nonce = self._random(NONCE_SIZE)
        return nonce + self._files.encrypt(nonce, data, name)

    def open(self, name: bytes, data: bytes) -> bytes:
        """The plain bytes."""
        try:
            return self._files.decrypt(data[:NONCE_SIZE], data[NONCE_SIZE:], name)
        except (InvalidTag, ValueError) as error:
            raise ValueError("it does not open under this key and name") from error

    def frames(self, epoch: bytes) -> Frames:
        """A key of its own for each journal, so that the sequence number can be the nonce."""
        return AesFrames(AESGCM(self._derive(b"frames " + epoch)))

    def file_name(self, kind: str, id: str, taken: Container[str]) -> str:
        """Plain names are telephone numbers; these are not."""
        return hmac.digest(self._names, f"{kind}\0{id}".encode(), hashlib.sha256).hex()[:40] + ".sealed"


class AesFrames:
    """Frames under the key of one epoch."""

    def __init__(self, cipher: AESGCM) -> None:
        self._cipher = cipher

    def close(self, seq: int, body: bytes) -> bytes:
        """Ciphertext."""
        return self._cipher.encrypt(seq.to_bytes(NONCE_SIZE, "big"), body, None)

    def open(self, seq: int, body: bytes) -> bytes:
        """The plain body."""
        try:
            return self._cipher.decrypt(seq.to_bytes(NONCE_SIZE, "big"), body, None)
        except InvalidTag as error:
            raise ValueError("it does not open under this key") from error


def load_key(path: str | None = None) -> bytes:
    """The key from a file that only its owner can read, or from systemd's credential when no path is given.

    32 raw bytes, or the same in hex. Raises Sealed with what to do.
    """
    if path is None:
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise Sealed(
                f"sealing is on, but no key is here: add LoadCredentialEncrypted={CREDENTIAL}:… to the unit,"
                " or name a key file"
            )
        path = str(Path(folder) / CREDENTIAL)
    try:
        mode = Path(path).stat().st_mode
        raw = Path(path).read_bytes()
    except OSError as error:
        raise Sealed(f"the sealing key {path} can't be read: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and not path.startswith(
        os.environ.get("CREDENTIALS_DIRECTORY", "\0")
    ):
        raise Sealed(f"the sealing key {path} is open to others: chmod 600 it")
    if len(raw) != KEY_SIZE:
        try:
            raw = bytes.fromhex(raw.decode("ascii"))
        except ValueError:
            raw = b""
    if len(raw) != KEY_SIZE:
        raise Sealed(f"the sealing key {path} must be {KEY_SIZE} bytes, raw or in hex")
    return raw
