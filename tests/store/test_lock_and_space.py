"""One owner, a local disk, and room on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from waconnd.store import lock as module
from waconnd.store.authdir import AuthDir
from waconnd.store.errors import StoreLocked, UnsafeFilesystem
from waconnd.store.lock import Lock, filesystem, held_by, read_owner
from waconnd.store.space import LOW_BYTES, LOW_FILES, RESERVE_BYTES, RESERVE_FILES, Level, Space, measure

HOLDER = """
import sys, time
from waconnd.store.lock import Lock
held = Lock(sys.argv[1], 0.0)
print("held", flush=True)
time.sleep(60)
"""


async def test_a_second_owner_is_refused_with_the_first_ones_name(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(StoreLocked, match=f"process {holder.pid}") as caught:
        await AuthDir.open(tmp_path, create=True)
    assert caught.value.exit == 75
    owner = held_by(str(tmp_path))
    assert owner is not None
    assert owner.pid == holder.pid
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert held_by(str(tmp_path)) is None
    store = await AuthDir.open(tmp_path, create=True)
    with pytest.raises(StoreLocked):
        await AuthDir.open(tmp_path)
    await store.close()


def test_a_look_does_not_take_the_lock(tmp_path: Path) -> None:
    assert held_by(str(tmp_path)) is None
    held = Lock(str(tmp_path), 5.0)
    owner = held_by(str(tmp_path))
    assert owner is not None
    assert (owner.pid, owner.since) == (os.getpid(), 5)
    held.release()
    (tmp_path / "lock").write_bytes(b"old text")
    assert read_owner(str(tmp_path)) is None


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_network_filesystems_need_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(module, "filesystem", lambda _: kind)
    with pytest.raises(UnsafeFilesystem, match=kind):
        Lock(str(tmp_path), 0.0)
    Lock(str(tmp_path), 0.0, network_ok=True).release()


def test_filesystems_are_known_by_the_deepest_mount() -> None:
    assert filesystem("/proc/self") == "proc"
    assert filesystem("/") not in ("", "proc")


@pytest.mark.parametrize(
    ("free", "files", "level"),
    [
        (LOW_BYTES, LOW_FILES, Level.ENOUGH),
        (LOW_BYTES, None, Level.ENOUGH),
        (LOW_BYTES - 1, None, Level.LOW),
        (LOW_BYTES, LOW_FILES - 1, Level.LOW),
        (RESERVE_BYTES - 1, LOW_FILES, Level.FULL),
        (LOW_BYTES, RESERVE_FILES - 1, Level.FULL),
    ],
)
def test_levels(free: int, files: int | None, level: Level) -> None:
    assert Space(free, files).level() is level


def test_space_is_measured(tmp_path: Path) -> None:
    assert measure(str(tmp_path)).free > 0
    assert "MiB" in str(measure(str(tmp_path)))
