"""A second memory of how far an account came, outside its state directory, so that a restored copy is noticed.

It is written after each durable frame and never synced: it may lag behind the truth, never run ahead of it. So a
stamp above a directory's sequence always means that the directory is older than what was already acknowledged.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Final, Protocol

from waconnd.store.files import DIRECTORY_MODE, FILE_MODE

_MARK: Final = "waconnd stamp 1"


class Witness(Protocol):
    """Somebody who remembers sequences. The archive is another one."""

    def highest(self, store: bytes, /) -> int:
        """The highest sequence seen of this store; 0 when unknown."""

    def saw(self, store: bytes, seq: int, /) -> None:
        """Told that this sequence is durable: called after each frame, on the thread that wrote it."""


class FileStamp:
    """One line of fixed length, overwritten in place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def highest(self, store: bytes) -> int:
        """What the file says; a stamp of another store, or one torn by a power cut, says nothing."""
        try:
            line = self._path.read_text("ascii")
        except (OSError, UnicodeDecodeError):
            return 0
        text, _, check = line.strip().rpartition(" ")
        fields = text.removeprefix(_MARK).split()
        if check != _check(text) or len(fields) != 2 or fields[0] != store.hex():
            return 0
        return int(fields[1])

    def saw(self, store: bytes, seq: int) -> None:
        """Overwrite. A cache that can't be written costs the second memory, not the account."""
        text = f"{_MARK} {store.hex()} {seq:020}"
        try:
            if self._fd is None:
                self._path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            os.pwrite(self._fd, f"{text} {_check(text)}\n".encode("ascii"), 0)
        except OSError:
            return

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _check(text: str) -> str:
    return f"{zlib.crc32(text.encode('ascii')):08x}"
