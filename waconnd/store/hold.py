"""To own an account's directory: made, locked, recovered, or refused with a sentence that says what to do."""

from __future__ import annotations

import errno
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from waconnd.store.crew import Crew
from waconnd.store.errors import Damage, DiskFull, Harm, NoPermission, StoreError, StoreMissing, WriteFailed
from waconnd.store.files import DIRECTORY_MODE, OsDirectory
from waconnd.store.lock import Lock
from waconnd.store.records import Opened, Records, Restore
from waconnd.store.restore import drop_ratchets
from waconnd.store.seal import Seal
from waconnd.store.space import RESERVE_BYTES, Space
from waconnd.store.stamp import Witness


class Held(msgspec.Struct, frozen=True):
    """A directory that is ours."""

    path: Path
    records: Records
    directory: OsDirectory
    lock: Lock
    opened: Opened

    def let_go(self) -> None:
        """Close everything; the lock last."""
        self.directory.close()
        self.lock.release()


def hold(
    path: Path,
    *,
    create: bool = False,
    seal: Seal | None = None,
    witnesses: Sequence[Witness] = (),
    restore: Restore = drop_ratchets,
    network_ok: bool = False,
    syncs: Crew | None = None,
) -> Held:
    """Lock, open, recover. Blocks; raises StoreError with a sentence for people."""
    directory: OsDirectory | None = None
    lock: Lock | None = None
    try:
        if create:
            _make(path)
        lock = Lock(str(path), time.time(), network_ok=network_ok)
        directory = OsDirectory(str(path), syncs)
        records = Records(directory, seal=seal)
        opened = records.open(
            create=create,
            seen=lambda store: max((witness.highest(store) for witness in witnesses), default=0),
            restore=restore,
        )
        for witness in witnesses:
            witness.saw(records.store, records.seq)
    except BaseException as error:
        if directory is not None:
            directory.close()
        if lock is not None:
            lock.release()
        if isinstance(error, FileNotFoundError):
            raise StoreMissing(f"there is no directory {path}: link the account first") from error
        if isinstance(error, OSError):
            raise explain(error, f"opening {path}") from error
        raise
    return Held(path, records, directory, lock, opened)


def _make(path: Path) -> None:
    """The directory and its parents, each name made durable in the one above."""
    if path.is_dir():
        return
    _make(path.parent)
    path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    parent = OsDirectory(str(path.parent))
    try:
        parent.sync_names()
    finally:
        parent.close()


def explain(error: BaseException, doing: str) -> StoreError:
    """Any error as a sentence with what to do."""
    if isinstance(error, StoreError):
        return error
    if not isinstance(error, OSError):
        return WriteFailed(f"{doing} failed: {error!r}; the account opens again by recovery")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"{doing} failed: {error.strerror}; free some space, the account then opens again by itself"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NoPermission(Damage(error.filename or "the directory", Harm.NO_PERMISSION, str(error)))
    return WriteFailed(
        f"{doing} failed: {error.strerror}; the account opens again by recovery, but look at the disk (dmesg)"
    )


def full(free: Space) -> str:
    """Why nothing is written although something would still fit."""
    return (
        f"the disk is nearly full ({free}; {RESERVE_BYTES // 2**20} MiB are kept in reserve): nothing was"
        " written and nothing is lost; free some space, the account then goes on"
    )
