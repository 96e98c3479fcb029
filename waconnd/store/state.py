"""`waconnd state show` and `verify`: an account's directory looked at from outside, without touching a byte.

They need no daemon and no lock. While a daemon runs, what they see is its last checkpoint and its journal.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from waconnd.store.errors import (
    AuthDamaged,
    Damage,
    Harm,
    NoPermission,
    StoreMissing,
    damaged,
)
from waconnd.store.files import OsDirectory, Stamp
from waconnd.store.journal import Scan
from waconnd.store.lock import Owner, held_by
from waconnd.store.names import JOURNAL, LOCK, MANIFEST, is_temporary
from waconnd.store.records import Records
from waconnd.store.seal import Plain, Seal

#: A checkpoint may run while we read; what is still wrong after so many looks is wrong.
LOOKS: Final = 3


class KindSummary(msgspec.Struct, frozen=True):
    """How much there is of one kind of record."""

    records: int
    bytes: int


class Shown(msgspec.Struct, frozen=True):
    """What `state show` tells."""

    path: str
    store: str
    sealed: bool
    #: Frames ever written; those since the last checkpoint are in the journal.
    seq: int
    journal_frames: int
    journal_bytes: int
    journal_torn: bool
    #: Records whose newest value is still in the journal.
    unfiled: int
    #: Events and copies that the archive does not have yet, as far as the journal knows.
    undrained: int
    kinds: Mapping[str, KindSummary]
    strays: tuple[str, ...] = ()
    owner: Owner | None = None

    def text(self) -> str:
        """For people."""
        lines = [
            f"{self.path}: {'sealed, ' if self.sealed else ''}store {self.store}",
            f"in use by {self.owner}" if self.owner else "not in use",
            f"journal: {self.journal_frames} frames, {self.journal_bytes} bytes, sequence {self.seq}"
            + (", the last frame unfinished (never acknowledged)" if self.journal_torn else ""),
            f"{self.unfiled} records newer than their files, {self.undrained} entries for the archive",
        ]
        width = max(map(len, self.kinds), default=0)
        lines += [
            f"  {kind:<{width}}  {summary.records:>7}  {summary.bytes:>10} bytes"
            for kind, summary in sorted(self.kinds.items())
        ]
        lines += [f"  {name} belongs to no record" for name in self.strays]
        return "\n".join(lines)


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it should be."""

    file: str
    harm: str
    sentence: str


class Verified(msgspec.Struct, frozen=True):
    """What `state verify` found."""

    path: str
    files: int
    frames: int
    findings: tuple[Finding, ...]
    #: Worth a look, but nothing is wrong with the account.
    notes: tuple[str, ...] = ()
    exit: int = 0

    def text(self) -> str:
        """For people."""
        lines = [finding.sentence for finding in self.findings]
        lines += [f"note: {note}" for note in self.notes]
        verdict = f"{len(self.findings)} damaged" if self.findings else "all right"
        return "\n".join(
            [*lines, f"{self.path}: {self.files} files and {self.frames} frames read, {verdict}"]
        )


class View:
    """A directory read without recovering it."""

    def __init__(self, path: Path, seal: Seal | None) -> None:
        self.path, self.seal = path, seal or Plain()
        try:
            self.directory = OsDirectory(str(path))
        except FileNotFoundError:
            raise StoreMissing(f"there is no directory {path}") from None
        except PermissionError:
            raise NoPermission(Damage(str(path), Harm.NO_PERMISSION)) from None
        self.records = Records(self.directory, seal=self.seal)
        self.listing: dict[str, Stamp] = {}

    def read(self) -> Scan:
        """Journal and manifest; files are only looked at later. Raises AuthDamaged."""
        self.listing = self.directory.list()
        scan = self.records.journal.scan()
        if scan.base > 0 or MANIFEST in self.listing:
            self.records.shelf.open(scan.store)
        for frame in scan.frames:
            self.records.apply(frame)
        return scan


def show(path: Path, seal: Seal | None = None) -> Shown:
    """A summary. Raises StoreError when not even journal and manifest can be read."""
    for look in range(LOOKS):
        view = View(path, seal)
        try:
            scan = view.read()
        except AuthDamaged:
            if look == LOOKS - 1 or held_by(str(path)) is None:
                raise
        else:
            break
        finally:
            view.directory.close()
    records = view.records
    sizes: dict[str, list[int]] = {}
    for kind, id, filed in records.shelf.files():
        if (kind, id) not in records.dirty:
            sizes.setdefault(kind, []).append(filed.size)
    for (kind, _), value in records.dirty.items():
        if value is not None:
            sizes.setdefault(kind, []).append(len(value))
    known = {filed.name for _, _, filed in records.shelf.files()} | {JOURNAL, MANIFEST, LOCK}
    return Shown(
        path=str(path),
        store=scan.store.hex(),
        sealed=bool((seal or Plain()).check(scan.store)),
        seq=scan.seq,
        journal_frames=len(scan.frames),
        journal_bytes=records.journal.size,
        journal_torn=scan.torn,
        unfiled=len(records.dirty),
        undrained=len(records.passing),
        kinds={kind: KindSummary(len(found), sum(found)) for kind, found in sizes.items()},
        strays=tuple(sorted(n for n in view.listing if n not in known and not is_temporary(n))),
        owner=held_by(str(path)),
    )


def verify(path: Path, seal: Seal | None = None) -> Verified:
    """Read every byte and compare. Damage is in the answer; only a missing directory or key raises."""
    for _ in range(LOOKS):
        found = _verify(path, seal)
        if not found.findings or held_by(str(path)) is None:
            break
    return found


def _verify(path: Path, seal: Seal | None) -> Verified:
    view = View(path, seal)
    try:
        try:
            scan = view.read()
        except AuthDamaged as error:
            return Verified(str(path), 0, 0, _findings(error), exit=error.exit)
        errors = [error for _, error in damages(view)]
        broken = damaged(*(d for error in errors for d in error.damages)) if errors else None
        return Verified(
            str(path),
            files=sum(1 for _ in view.records.shelf.files()),
            frames=len(scan.frames),
            findings=_findings(broken) if broken else (),
            notes=tuple(_notes(view, scan)),
            exit=broken.exit if broken else 0,
        )
    finally:
        view.directory.close()


def damages(view: View) -> list[tuple[tuple[str, str], AuthDamaged]]:
    """Every file that a reader would refuse, with its record."""
    found: list[tuple[tuple[str, str], AuthDamaged]] = []
    for kind, id, filed in view.records.shelf.files():
        if (kind, id) in view.records.dirty:
            continue
        try:
            view.records.shelf.load(kind, id, filed)
        except AuthDamaged as error:
            found.append(((kind, id), error))
    return found


def _findings(error: AuthDamaged) -> tuple[Finding, ...]:
    return tuple(Finding(d.file, d.harm.value, str(d)) for d in error.damages)


def _notes(view: View, scan: Scan) -> list[str]:
    notes = []
    if scan.torn:
        notes.append(
            "the last frame of the journal is unfinished; it was never acknowledged, the next start drops it"
        )
    known = {filed.name for _, _, filed in view.records.shelf.files()} | {JOURNAL, MANIFEST, LOCK}
    dirty = {key for key, value in view.records.dirty.items() if value is not None}
    known |= {view.seal.file_name(*key, ()) for key in dirty}
    strays = sorted(name for name in set(view.listing) - known if not is_temporary(name))
    notes += [f"{name} belongs to no record; it is ignored" for name in strays]
    if view.path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        notes.append(f"{view.path} is open to other users: chmod 700 it")
    return notes
