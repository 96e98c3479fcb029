"""One account, one program: is the other one stopped, and a mark that it must not start again on the old keys.

Two programs on the same keys fork the ratchets within one message. Nobody can stop the other program from here, but
its files can be seen in use, and its credentials can be put aside.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from waconnd.store.transfer.report import TransferError

MARK: Final = "MOVED-TO-WACONND.json"
#: What a moved file is called: the other program no longer finds it, a person still does.
ASIDE: Final = ".moved"


class Mark(msgspec.Struct, frozen=True):
    """Left in place of what moved."""

    account: str
    own: str
    at: str
    advice: str = (
        "This account now lives in waconnd. Starting the old program on these files would break the encryption"
        " with every contact. To go back, export from waconnd first."
    )


def refuse_if_moved(mark: Path, own: str = "") -> None:
    """Raises TransferError when these files (of this own address) were taken over already."""
    for held in marks(mark):
        if not own or held.own == own:
            raise TransferError(
                f"{mark.parent} was moved to waconnd's account {held.account!r} at {held.at}: importing the same keys"
                f" twice would break them. To import anyway (that account is gone), delete {mark.name}"
            )


def marks(mark: Path) -> list[Mark]:
    """What the mark says."""
    try:
        return msgspec.json.decode(mark.read_bytes(), type=list[Mark])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise TransferError(
            f"{mark} can't be read ({error}): look at it, and delete it if it is not ours"
        ) from error


def leave(mark: Path, account: str, own: str, now: float) -> None:
    """Write the mark, durably."""
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    whole = msgspec.json.format(msgspec.json.encode([*marks(mark), Mark(account, own, at)]))
    write_durably(mark, whole)


def put_aside(path: Path) -> None:
    """Rename, durably."""
    path.rename(path.with_name(path.name + ASIDE))
    sync_names(path.parent)


def write_durably(path: Path, data: bytes) -> None:
    """A new file with its name, readable by its owner alone."""
    temporary = path.with_name(f".{path.name}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_names(path.parent)


def sync_names(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def users_of(path: Path) -> list[int]:
    """Processes (other than this) that hold a file of this folder, or this file, open: those that we may look at."""
    whole = str(path.resolve())
    found: list[int] = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        with suppress(OSError):
            # Beside a database lie its `-wal` and `-shm`.
            if any(_leads(link, whole) for link in (process / "fd").iterdir()):
                found.append(int(process.name))
    return found


def _leads(link: Path, whole: str) -> bool:
    with suppress(OSError):
        target = str(link.readlink())
        return target == whole or target.startswith((f"{whole}/", f"{whole}-"))
    return False


def refuse_if_used(path: Path) -> None:
    """Raises TransferError while another process has these files open."""
    users = users_of(path)
    if users:
        raise TransferError(
            f"process {', '.join(map(str, users))} still uses {path}: stop that program first, and keep it stopped"
        )
