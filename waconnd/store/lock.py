"""One owner for a directory: a lock that the kernel drops when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from waconnd.store.errors import Damage, Harm, NoPermission, StoreLocked, UnsafeFilesystem
from waconnd.store.files import FILE_MODE
from waconnd.store.names import LOCK

#: Where flock binds one machine only, or nobody. Two daemons on one account destroy its sessions.
NETWORK: Final = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "beegfs",
        "davfs",
        "ncpfs",
    ]
)
#: `held_by` holds the lock for a moment; somebody who looks must not keep an owner from starting.
TRIES: Final = 4
PAUSE: Final = 0.02


class Owner(msgspec.Struct, frozen=True):
    """Who holds a lock: for people, the kernel decides."""

    pid: int
    boot: str
    since: int

    def __str__(self) -> str:
        return f"process {self.pid}"


class Lock:
    """Held from construction to `release`, or to the end of the process."""

    def __init__(self, directory: str, now: float, *, network_ok: bool = False) -> None:
        kind = filesystem(directory)
        if not network_ok and (kind in NETWORK or kind.startswith("fuse.")):
            raise UnsafeFilesystem(
                f"{directory} is on {kind}, where a lock does not keep other machines away; put it on a local disk,"
                " or set [auth] network_filesystem if only one machine ever uses it"
            )
        path = Path(directory) / LOCK
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        except PermissionError:
            raise NoPermission(Damage(str(path), Harm.NO_PERMISSION)) from None
        if not _locked(self._fd):
            owner = read_owner(directory)
            os.close(self._fd)
            raise StoreLocked(
                f"{directory} is in use by {owner or 'another process'}: stop it first, or talk to it through its socket"
            )
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, msgspec.json.encode(Owner(os.getpid(), boot_id(), int(now))) + b"\n", 0)

    def release(self) -> None:
        """Let go. The file stays: removing it would let two owners hold two files of one name."""
        os.close(self._fd)


def _locked(fd: int) -> bool:
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def read_owner(directory: str) -> Owner | None:
    """What the lock file says."""
    try:
        return msgspec.json.decode((Path(directory) / LOCK).read_bytes(), type=Owner)
    except (OSError, msgspec.MsgspecError):
        return None


def boot_id() -> str:
    """Tells a process of this boot from one of an earlier boot with the same number."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def filesystem(path: str) -> str:
    """The type of the file system that holds a path, or "" where the system does not say."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return ""
    real, best, kind = os.path.realpath(path), -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = before.split()[4].encode().decode("unicode_escape")
        inside = mount in ("/", real) or real.startswith(mount + "/")
        if inside and len(mount) >= best:
            best, kind = len(mount), after.split()[0]
    return kind


def held_by(directory: str) -> Owner | None:
    """Who holds the lock now, None when nobody does."""
    try:
        fd = os.open(Path(directory) / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_owner(directory) or Owner(0, "", 0)
    finally:
        os.close(fd)
    return None
