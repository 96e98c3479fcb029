"""The only door to an account's directory: nine methods, so that a model of a disk can stand in for the real one.

Nothing here is durable until it is synced, and names are synced apart from contents: that is what a disk
promises, and the model in `tests/crash` promises nothing more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import msgspec

from waconnd.store.crew import Crew
from waconnd.store.space import Space, measure

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700
#: One read call gets a usual record whole.
READ_SIZE: Final = 64 * 1024


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """Size and a mark that differs after any change of the file (its ctime, which nobody can set)."""

    size: int
    changed: int


class Directory(Protocol):
    """What the store asks of a directory. Names are plain: no separators."""

    def list(self) -> dict[str, Stamp]:
        """All files."""

    def stamp(self, name: str, /) -> Stamp:
        """One file's stamp; FileNotFoundError when there is none."""

    def read(self, name: str, /) -> bytes:
        """The whole content."""

    def write(self, name: str, data: bytes, /) -> None:
        """A new file with this content; one of that name is emptied first."""

    def patch(self, name: str, at: int, data: bytes, /) -> None:
        """Write into an existing file; past its end it grows."""

    def sync(self, names: Sequence[str], /) -> None:
        """The contents of these files, as written so far, are durable on return. Their names may not be."""

    def rename(self, old: str, new: str, /) -> None:
        """Atomic; replaces `new`."""

    def remove(self, name: str, /) -> None:
        """Remove a name."""

    def sync_names(self) -> None:
        """All names are durable on return."""


class OsDirectory:
    """A real directory. A file stays open from its first write to its sync: that descriptor sees write errors."""

    def __init__(self, path: str, syncs: Crew | None = None) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._syncs = syncs
        self._written: dict[str, int] = {}
        self._patched: dict[str, int] = {}

    def list(self) -> dict[str, Stamp]:
        """All files."""
        with os.scandir(self._fd) as entries:
            return {
                e.name: _stamp(e.stat(follow_symlinks=False))
                for e in entries
                if not e.is_dir(follow_symlinks=False)
            }

    def stamp(self, name: str) -> Stamp:
        """One file's stamp."""
        return _stamp(os.stat(name, dir_fd=self._fd, follow_symlinks=False))

    def read(self, name: str) -> bytes:
        """The whole content. Safe beside a job on another thread."""
        # Not blocking: somebody may have put a pipe in its place.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        fd = os.open(name, flags, dir_fd=self._fd)
        try:
            first = os.read(fd, READ_SIZE)
            if len(first) < READ_SIZE:
                return first
            parts = [first]
            while part := os.read(fd, 1 << 20):
                parts.append(part)
            return b"".join(parts)
        finally:
            os.close(fd)

    def write(self, name: str, data: bytes) -> None:
        """A new file with this content."""
        self._forget(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self._written[name] = fd = os.open(name, flags, FILE_MODE, dir_fd=self._fd)
        _write_all(fd, data, 0)

    def patch(self, name: str, at: int, data: bytes) -> None:
        """Write into an existing file."""
        fd = self._patched.get(name)
        if fd is None:
            fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=self._fd)
            self._patched[name] = fd
        _write_all(fd, data, at)

    def sync(self, names: Sequence[str]) -> None:
        """Contents to disk. An error is final for that descriptor: it is closed, never asked again."""
        if len(names) == 1 or self._syncs is None:
            for name in names:
                self._sync(name)
        else:
            self._syncs.each(self._sync, names)

    def _sync(self, name: str) -> None:
        fd = self._patched.get(name)
        if fd is not None:
            try:
                os.fdatasync(fd)
            except OSError:
                self._forget(name)
                raise
            return
        fd = self._written.pop(name)
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def rename(self, old: str, new: str) -> None:
        """Atomic; replaces `new`."""
        self._forget(new)
        os.rename(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def remove(self, name: str) -> None:
        """Remove a name."""
        os.unlink(name, dir_fd=self._fd)

    def sync_names(self) -> None:
        """All names are durable on return."""
        os.fsync(self._fd)

    def space(self) -> Space:
        """What is free on the file system below."""
        return measure(self._fd)

    def close(self) -> None:
        """Close every descriptor."""
        for name in [*self._written, *self._patched]:
            self._forget(name)
        os.close(self._fd)

    def _forget(self, name: str) -> None:
        for held in (self._written, self._patched):
            fd = held.pop(name, None)
            if fd is not None:
                with suppress(OSError):
                    os.close(fd)


def _stamp(stat: os.stat_result) -> Stamp:
    return Stamp(stat.st_size, stat.st_ctime_ns)


def _write_all(fd: int, data: bytes, at: int) -> None:
    done = os.pwrite(fd, data, at)
    while done < len(data):  # a signal or a nearly full disk: the rest, or the error that stopped it
        done += os.pwrite(fd, memoryview(data)[done:], at + done)
