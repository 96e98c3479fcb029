"""What can go wrong with an account's directory, each with a sentence for people and an exit code for systemd."""

from __future__ import annotations

import enum
import errno
from typing import ClassVar, Final

from waconnd.store.names import JOURNAL, MANIFEST

#: sysexits.h
DATAERR: Final = 65
IOERR: Final = 74
TEMPFAIL: Final = 75
NOPERM: Final = 77


class StoreError(Exception):
    """Base of all; `exit` is the process's exit code when this is what ended it."""

    exit: ClassVar[int] = IOERR


class Harm(enum.Enum):
    """The ways in which a file can be unreadable. None of them is ever taken for absent."""

    MISSING = "missing"
    EMPTY = "empty"
    UNPARSABLE = "unparsable"
    WRONG_DIGEST = "wrong digest"
    NO_PERMISSION = "no permission"


_SENTENCES: Final = {
    Harm.MISSING: "is gone, but the manifest lists it: put it back from a backup",
    Harm.EMPTY: "is empty, but the manifest lists its content: put it back from a backup",
    Harm.UNPARSABLE: "makes no sense: its content is broken; put it back from a backup",
    Harm.WRONG_DIGEST: (
        "was changed by something else (its digest differs): if another program used this directory, link the"
        " account anew there or put the file back from a backup; if you edited it on purpose, `waconnd state"
        " repair --adopt` takes it over"
    ),
    Harm.NO_PERMISSION: "may not be read by this user: check its owner and mode (0600) and those of its directory",
}


#: Those of the two files that the store itself needs. What is lost with a journal is what came since the last checkpoint.
_ROLL_BACK: Final = (
    "put the directory back from a backup; without one, `waconnd state repair --roll-back` goes on from the"
    " files, as after the restore of an old copy"
)
_LOST: Final = (
    "put it back from a backup; without one the account must be linked anew (`waconnd pair --fresh`)"
)
_OWN_SENTENCES: Final = {
    (JOURNAL, Harm.MISSING): f"is gone, but files of the account exist: {_ROLL_BACK}",
    (JOURNAL, Harm.EMPTY): f"is empty, which no journal ever is: {_ROLL_BACK}",
    (JOURNAL, Harm.UNPARSABLE): f"does not begin as a journal does: {_ROLL_BACK}",
    (JOURNAL, Harm.WRONG_DIGEST): f"has a broken header: {_ROLL_BACK}",
    (MANIFEST, Harm.MISSING): f"is gone: {_LOST}",
    (MANIFEST, Harm.EMPTY): f"is empty: {_LOST}",
    (MANIFEST, Harm.UNPARSABLE): f"makes no sense: {_LOST}",
    (MANIFEST, Harm.WRONG_DIGEST): f"was changed by something else (its digest differs): {_LOST}",
}
#: What opening something says that is no plain file: a folder, a link, a socket.
_NO_FILE: Final = (errno.EISDIR, errno.ELOOP, errno.ENXIO)


class Damage:
    """One file and what is wrong with it."""

    __slots__ = ("file", "harm", "why")

    def __init__(self, file: str, harm: Harm, why: str = "") -> None:
        self.file, self.harm, self.why = file, harm, why

    def __str__(self) -> str:
        own = _OWN_SENTENCES.get((self.file, self.harm))
        return f"{self.file} {self.why or own or _SENTENCES[self.harm]}"

    def __repr__(self) -> str:
        return f"Damage({self.file!r}, {self.harm.name})"


class AuthDamaged(StoreError):
    """The directory is not what was written. Nothing was moved or changed; a person has to look."""

    exit = DATAERR

    def __init__(self, *damages: Damage) -> None:
        first = damages[0]
        more = f" ({len(damages) - 1} more, see `waconnd state verify`)" if len(damages) > 1 else ""
        super().__init__(f"{first}{more}")
        self.damages = damages
        self.file, self.harm = first.file, first.harm


class NoPermission(AuthDamaged):
    """Something may not be read or written by this user."""

    exit = NOPERM


class StoreMissing(StoreError):
    """There is no account here, and nobody asked to create one."""

    exit = DATAERR


class Sealed(StoreError):
    """The directory is sealed and the key is not at hand, or the other way round."""

    exit = NOPERM


class StoreLocked(StoreError):
    """Another process owns this directory."""

    exit = TEMPFAIL


class UnsafeFilesystem(StoreError):
    """A lock on this file system does not keep other machines away."""

    exit = NOPERM


class ReadFailed(StoreError):
    """The disk refused to read."""


class WriteFailed(StoreError):
    """The disk refused. What was not acknowledged is undecided; the account opens again by recovery."""


class DiskFull(WriteFailed):
    """No space or no inodes are left, or soon none would be."""


class StoreClosed(StoreError):
    """The directory was closed, or an earlier write failed."""


class WrongSequence(StoreError):
    """A frame was offered at a sequence number that is not the next one: somebody else wrote here."""


def unreadable(file: str, error: OSError) -> Damage:
    """Why a file can't be read. Raises ReadFailed when it is the disk that refused."""
    if isinstance(error, FileNotFoundError):
        return Damage(file, Harm.MISSING)
    if isinstance(error, PermissionError):
        return Damage(file, Harm.NO_PERMISSION)
    if error.errno in _NO_FILE:
        why = "is no plain file but a folder, a link or the like: put the file back in its place"
        return Damage(file, Harm.UNPARSABLE, why)
    raise ReadFailed(f"{file} can't be read: {error.strerror}; look at the disk (dmesg)") from error


def damaged(*damages: Damage) -> AuthDamaged:
    """The exception for a list of damages; NoPermission when that is all there is."""
    if all(d.harm is Harm.NO_PERMISSION for d in damages):
        return NoPermission(*damages)
    return AuthDamaged(*damages)
