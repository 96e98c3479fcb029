"""Free space and inodes, watched so that a full disk is news before it is an error."""

from __future__ import annotations

import enum
import os
from typing import Final

import msgspec

#: Below this nothing is written any more: a checkpoint must still fit (8 MiB of journal, as files, and a manifest).
RESERVE_BYTES: Final = 32 * 1024 * 1024
RESERVE_FILES: Final = 64
#: Below this people are told.
LOW_BYTES: Final = 256 * 1024 * 1024
LOW_FILES: Final = 4096


class Level(enum.IntEnum):
    """How much is left."""

    ENOUGH = 0
    LOW = 1
    FULL = 2


class Space(msgspec.Struct, frozen=True):
    """What is free for us (not for root). Some file systems have no fixed number of inodes: None."""

    free: int
    files: int | None

    def level(self, least: int = LOW_BYTES) -> Level:
        """The worse of both; below `least` bytes people are told."""
        files = LOW_FILES if self.files is None else self.files
        if self.free < RESERVE_BYTES or files < RESERVE_FILES:
            return Level.FULL
        return Level.LOW if self.free < least or files < LOW_FILES else Level.ENOUGH

    def __str__(self) -> str:
        files = "" if self.files is None else f" and {self.files} files"
        return f"{self.free // 2**20} MiB{files} are free"


def measure(path: str | int) -> Space:
    """Ask the file system that holds a path (or an open descriptor)."""
    stat = os.statvfs(path)
    return Space(stat.f_bavail * stat.f_frsize, stat.f_favail if stat.f_files else None)
