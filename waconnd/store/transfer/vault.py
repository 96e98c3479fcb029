"""A stream under a passphrase: scrypt for the key, AES-256-GCM in chunks that can't be reordered, cut or mixed."""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Callable
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from waconnd.store.transfer.report import TransferError

MAGIC: Final = b"WACX\x01"
#: 2^16 * 8 * 128 bytes = 64 MiB and about a fifth of a second: slow for a guesser, bearable on a small server.
LOG_N: Final = 16
R: Final = 8
P: Final = 1
#: What we agree to spend on somebody else's file.
MAX_LOG_N: Final = 20
SALT: Final = 16
CHUNK: Final = 64 * 1024
TAG: Final = 16
_HEAD: Final = struct.Struct(">5sBBB16s")
_NONCE: Final = struct.Struct(">xxxQ?")


def is_sealed(head: bytes) -> bool:
    """Do these first bytes begin a sealed stream?"""
    return head.startswith(MAGIC)


def seal(out: IO[bytes], passphrase: str, random: Callable[[int], bytes] = os.urandom) -> IO[bytes]:
    """A file to write to; closing it ends the stream and leaves `out` open."""
    head = _HEAD.pack(MAGIC, LOG_N, R, P, random(SALT))
    out.write(head)
    return io.BufferedWriter(_Sealing(out, _cipher(head, passphrase), head), CHUNK)


def open_sealed(source: IO[bytes], passphrase: str) -> IO[bytes]:
    """A file to read from. Raises TransferError at the first chunk that is not what was written."""
    head = source.read(_HEAD.size)
    if len(head) != _HEAD.size or not is_sealed(head):
        raise TransferError("this is no sealed export")
    return io.BufferedReader(_Opening(source, _cipher(head, passphrase), head), CHUNK)


def _cipher(head: bytes, passphrase: str) -> AESGCM:
    _, log_n, r, p, salt = _HEAD.unpack(head)
    if not 10 <= log_n <= MAX_LOG_N or not 1 <= r <= 16 or not 1 <= p <= 4:
        raise TransferError("the head of this export asks for an absurd amount of work: it is damaged")
    memory = 128 * (1 << log_n) * r * p + (1 << 20)
    return AESGCM(
        hashlib.scrypt(passphrase.encode(), salt=salt, n=1 << log_n, r=r, p=p, maxmem=memory, dklen=32)
    )


class _Sealing(io.RawIOBase):
    """Chunk n is sealed under nonce n; the last one under a nonce that says so, hence a cut is seen."""

    def __init__(self, out: IO[bytes], cipher: AESGCM, head: bytes) -> None:
        self._out, self._cipher, self._head = out, cipher, head
        self._number, self._held = 0, b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        fresh = bytes(data)  # type: ignore[call-overload]
        self._held += fresh
        while len(self._held) > CHUNK:
            self._put(self._held[:CHUNK], last=False)
            self._held = self._held[CHUNK:]
        return len(fresh)

    def close(self) -> None:
        if not self.closed:
            self._put(self._held, last=True)
        super().close()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._out.write(self._cipher.encrypt(_NONCE.pack(self._number, last), chunk, self._head))
        self._number += 1


class _Opening(io.RawIOBase):
    def __init__(self, source: IO[bytes], cipher: AESGCM, head: bytes) -> None:
        self._source, self._cipher, self._head = source, cipher, head
        self._number, self._held, self._done = 0, b"", False
        self._next = source.read(CHUNK + TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._held and not self._done:
            self._fill()
        taken, self._held = self._held[: len(view)], self._held[len(view) :]
        view[: len(taken)] = taken
        return len(taken)

    def _fill(self) -> None:
        chunk, self._next = self._next, self._source.read(CHUNK + TAG)
        self._done = not self._next
        try:
            self._held = self._cipher.decrypt(_NONCE.pack(self._number, self._done), chunk, self._head)
        except (InvalidTag, ValueError) as error:
            why = (
                "the passphrase is wrong, or the file is damaged"
                if not self._number
                else "the file is damaged or cut off"
            )
            raise TransferError(f"this export can't be opened: {why}") from error
        self._number += 1
