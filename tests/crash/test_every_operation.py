"""Real files, a real process: it is killed, or its disk refuses, at every system call of a commit and a checkpoint."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol.keystore import Changes, Kind
from waconnd.store import files
from waconnd.store.errors import StoreError
from waconnd.store.files import OsDirectory
from waconnd.store.records import Records

BEFORE: Changes = {("creds", ""): b'{"v":1}', ("session", "1.0"): b"{}", ("session", "2.0"): b"[1]"}
CHANGES: Changes = {
    ("creds", ""): b'{"v":2}',
    ("session", "1.0"): None,
    ("session", "3.0"): b"[3]",
    (Kind.RETRY_COPY, "M1"): b"copy",
}
AFTER: Changes = {("creds", ""): b'{"v":2}', ("session", "2.0"): b"[1]", ("session", "3.0"): b"[3]"}


class Kernel:
    """The `os` of the store's files: it does something before or after the n-th system call that changes anything."""

    CHANGING = ("open", "pwrite", "fdatasync", "fsync", "rename", "unlink", "close")

    def __init__(self, at: int, bang: Callable[[], None], *, after: bool) -> None:
        self._left, self._bang, self._after = at, bang, after
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.CHANGING:
            return real

        def fused(*args: Any, **more: Any) -> Any:
            self.calls.append(name)
            here = len(self.calls) == self._left
            if here and not self._after:
                self._bang()
            result = real(*args, **more)
            if here and self._after:
                self._bang()
            return result

        return fused


def prepare(path: Path) -> None:
    path.mkdir()
    records = Records(OsDirectory(str(path)))
    records.open()
    records.append(records.frame(BEFORE, []))
    records.checkpoint()


def life(path: Path, kernel: Kernel, acked: Callable[[], None]) -> None:
    """What the victim does: open, one commit, one checkpoint, one more commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "os", kernel)
        directory = OsDirectory(str(path))
        try:
            _live(Records(directory), acked)
        finally:
            patch.undo()
            directory.close()


def _live(records: Records, acked: Callable[[], None]) -> None:
    records.open(create=False)
    records.append(records.frame(CHANGES, [b"event"]))
    acked()
    records.checkpoint()
    records.drained(records.seq << 20)
    records.append(records.frame({("session", "4.0"): None}, []))
    records.checkpoint()


def system_calls(tmp_path: Path) -> list[str]:
    path = tmp_path / "count"
    prepare(path)
    kernel = Kernel(0, lambda: None, after=False)
    life(path, kernel, lambda: None)
    return kernel.calls


def check(path: Path, acked: bool) -> None:
    records = Records(OsDirectory(str(path)))
    opened = records.open(create=False)
    assert opened.strays == ()
    found = records.snapshot()
    assert found in ([AFTER] if acked else [BEFORE, AFTER])
    # Empty after AFTER: the note that they were drained rode in the next frame.
    passing = [record.value for record in records.passing.values()]
    assert passing in ([[]] if found == BEFORE else [[], [b"copy", b"event"]])
    assert set(records._directory.list()) >= {"journal", "manifest.json", "creds.json"}
    assert not [name for name in records._directory.list() if name.endswith(".tmp")]


def killed_child(path: Path, at: int, *, after: bool) -> bool:
    """Run a life that ends by SIGKILL at system call `at`; whether the commit was acknowledged before."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child uses no lock of the parent's threads
        child = os.fork()
    if child == 0:
        try:
            kernel = Kernel(at, lambda: os.kill(os.getpid(), signal.SIGKILL), after=after)
            life(path, kernel, lambda: os.write(write, b"!") and None)
        finally:
            os._exit(1)
    os.close(write)
    _, status = os.waitpid(child, 0)
    acked = os.read(read, 1) == b"!"
    os.close(read)
    assert os.WIFSIGNALED(status)
    return acked


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_system_call(tmp_path: Path, after: bool) -> None:
    calls = system_calls(tmp_path)
    assert set(calls) == set(Kernel.CHANGING)
    assert len(calls) > 40
    seen = set()
    for at in range(1, len(calls) + 1):
        path = tmp_path / "account"
        prepare(path)
        acked = killed_child(path, at, after=after)
        seen.add(acked)
        check(path, acked)
        shutil.rmtree(path)
    assert seen == {False, True}


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_refused_at_every_system_call(tmp_path: Path, code: int) -> None:
    calls = system_calls(tmp_path)
    for at in range(1, len(calls) + 1):
        path = tmp_path / "account"
        prepare(path)

        def refuse() -> None:
            raise OSError(code, os.strerror(code))

        acks: list[bool] = []
        # What is closed was synced or only read: nobody needs to hear that closing it failed.
        harmless = contextlib.suppress(OSError, StoreError) if calls[at - 1] == "close" else None
        with harmless or pytest.raises((OSError, StoreError), match=os.strerror(code)):
            life(path, Kernel(at, refuse, after=False), lambda: acks.append(True))
        check(path, bool(acks))
        shutil.rmtree(path)


def test_a_frame_cut_short_by_a_full_disk(tmp_path: Path) -> None:
    """Half of the frame arrived: nobody was told, and the next start does not mind."""
    path = tmp_path / "account"
    for kept in range(0, 260, 7):
        prepare(path)
        records = Records(OsDirectory(str(path)))
        records.open(create=False)
        size = records.journal.size
        with pytest.MonkeyPatch.context() as patch:
            real = os.pwrite

            def short(fd: int, data: bytes, at: int, kept: int = kept) -> int:
                if at >= size:
                    real(fd, bytes(data)[:kept], at)
                    raise OSError(errno.ENOSPC, "no space left on device")
                return real(fd, data, at)

            patch.setattr(os, "pwrite", short)
            with pytest.raises(OSError, match="no space"):
                records.append(records.frame(CHANGES, [b"event"]))
        check(path, False)
        shutil.rmtree(path)
