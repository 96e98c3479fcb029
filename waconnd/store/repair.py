"""`waconnd state repair`: only what is provably right, and on request what is known to heal.

Whatever it changes is kept first, in a folder beside. Proof is a digest: bytes that the manifest describes are the
right ones, wherever they are found.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from protocol.creds import CREDS, CREDS_ID
from protocol.keystore import Key, Kind
from waconnd.store import manifest
from waconnd.store.errors import AuthDamaged, Harm, StoreMissing
from waconnd.store.files import DIRECTORY_MODE, FILE_MODE
from waconnd.store.journal import EPOCH_SIZE, encode_header, frame_limits, headless
from waconnd.store.lock import Lock
from waconnd.store.manifest import Filed, Index
from waconnd.store.names import JOURNAL, MANIFEST, is_temporary, temporary
from waconnd.store.records import Records
from waconnd.store.restore import drop_ratchets
from waconnd.store.seal import Plain, Seal
from waconnd.store.state import Finding, Verified, View, damages, verify

#: Losing one of these costs a peer a round trip (it retries, and a new session is made), or us a question to the
#: server. Everything else is identity, or agreed on with the phone, and can't be made again here.
FORGETTABLE: Final = frozenset(
    {Kind.SESSION, Kind.SENDER_KEY, Kind.SENDER_KEY_MEMORY, Kind.PRE_KEY, Kind.DEVICE_LIST, Kind.RETRY_COUNT}
)
#: Added to the highest frame that was seen behind the damage: whatever was acknowledged lies below.
LEAP: Final = 1_000_000
DROPPED: Final = "ratchets that would repeat are dropped, peers make new ones"


class Repaired(msgspec.Struct, frozen=True):
    """What was done, and how things are now."""

    path: str
    actions: tuple[str, ...]
    left: tuple[Finding, ...]
    #: What else could be asked for.
    hints: tuple[str, ...] = ()
    #: Where the bytes are that were there before; "" when nothing was touched.
    kept_in: str = ""
    exit: int = 0

    def text(self) -> str:
        """For people."""
        lines = [*self.actions, *(finding.sentence for finding in self.left), *self.hints]
        if self.kept_in:
            lines.append(f"what was there before is kept in {self.kept_in}")
        if self.left:
            lines.append(f"{self.path}: {len(self.left)} still damaged")
        else:
            lines.append(f"{self.path}: all right" + ("" if self.actions else ", nothing to do"))
        return "\n".join(lines)


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What may be done beyond the provable."""

    #: Take files that were edited on purpose as they are.
    adopt: bool = False
    #: Let damaged sessions, sender keys, prekeys and device lists go: peers make new ones.
    forget: bool = False
    #: Cut a journal at the first broken frame, or make a new one where nothing of it can be read, and go on as after
    #: the restore of an old copy.
    roll_back: bool = False
    #: Other places to look for lost files: a backup of the directory.
    search: tuple[Path, ...] = ()


def repair(path: Path, wishes: Wishes | None = None, seal: Seal | None = None) -> Repaired:
    """Needs the lock: raises StoreLocked while a daemon runs."""
    if not path.is_dir():
        raise StoreMissing(f"there is no directory {path}")
    job = _Repair(path, wishes or Wishes(), seal or Plain())
    lock = Lock(str(path), time.time(), network_ok=True)
    try:
        return job.run()
    finally:
        lock.release()


class _Repair:
    def __init__(self, path: Path, wishes: Wishes, seal: Seal) -> None:
        self._path, self._wishes, self._seal = path, wishes, seal
        self._kept: Path | None = None
        self._actions: list[str] = []
        self._hints: set[str] = set()
        self._floor = 0

    def run(self) -> Repaired:
        view = View(self._path, self._seal)
        try:
            self._journal(view)
            self._files(view)
        finally:
            view.directory.close()
        if self._actions:
            self._recover()
        after: Verified = verify(self._path, self._seal)
        kept = "" if self._kept is None else str(self._kept)
        return Repaired(
            str(self._path),
            actions=tuple(self._actions),
            left=after.findings,
            hints=tuple(sorted(self._hints)),
            kept_in=kept,
            exit=after.exit,
        )

    def _journal(self, view: View) -> None:
        """Two damages of a journal have a way on: a broken frame before whole ones, and the loss of all of it."""
        if not self._wishes.roll_back:
            return
        try:
            view.records.journal.scan()
        except AuthDamaged as error:
            try:
                data = view.directory.read(JOURNAL)
            except OSError:
                data = b""
            if error.harm is Harm.NO_PERMISSION:
                return  # its owner has to change that
            if headless(data):
                self._renew(view)
            elif limits := frame_limits(data):
                end, last, highest = limits
                self._replace(view, JOURNAL, data[:end])
                self._floor = highest + LEAP
                self._actions.append(f"the journal was cut behind frame {last}; {DROPPED}")

    def _renew(self, view: View) -> None:
        """A new journal on the files of the last checkpoint, if the credentials are among them."""
        try:
            read = manifest.decode(view.directory.read(MANIFEST), self._seal)
        except (AuthDamaged, OSError):
            return
        if CREDS_ID not in read.index.get(CREDS.kind, ()):
            self._hints.add("the credentials were in the journal alone: link the account anew")
            return
        header = encode_header(os.urandom(EPOCH_SIZE), read.seq, read.store, self._seal.check(read.store))
        self._replace(view, JOURNAL, header)
        self._floor = read.seq + LEAP
        self._actions.append(
            "a new journal goes on from the files of the last checkpoint: whatever was in the old one alone is lost,"
            f" also messages that were not yet in the archive; {DROPPED}"
        )

    def _files(self, view: View) -> None:
        try:
            view.read()
        except AuthDamaged:
            return  # verify says it
        index: Index = {kind: dict(ids) for kind, ids in view.records.shelf.index.items()}
        broken = damages(view)
        for key, error in broken:
            self._file(view, index, key, error)
        if index != view.records.shelf.index:
            scan = view.records.journal.scan()
            read = manifest.decode(view.directory.read(MANIFEST), self._seal)
            self._replace(view, MANIFEST, manifest.encode(scan.store, read.seq, index, self._seal))

    def _file(self, view: View, index: Index, key: Key, error: AuthDamaged) -> None:
        kind, id = key
        filed = index[kind][id]
        if error.harm is Harm.NO_PERMISSION:
            return  # its owner has to change that
        if found := next(self._candidates(filed), None):
            place, data = found
            self._replace(view, filed.name, data)
            self._actions.append(f"{filed.name} was put back from {place}: its digest is the right one")
        elif self._wishes.adopt and error.harm is Harm.WRONG_DIGEST and self._opens(view, key, filed):
            data = view.directory.read(filed.name)
            self._keep(MANIFEST)
            index[kind][id] = Filed(filed.name, len(data), manifest.digest_of(data), 0)
            self._actions.append(f"{filed.name} was taken over as it is")
        elif self._wishes.forget and kind in FORGETTABLE:
            self._keep(MANIFEST)
            if filed.name in view.directory.list():
                self._keep(filed.name)
                view.directory.remove(filed.name)
            del index[kind][id]
            self._actions.append(f"{filed.name} was let go; it is made anew when it is needed")
        else:
            self._hint(kind)

    def _hint(self, kind: str) -> None:
        if not self._wishes.search:
            self._hints.add("--search DIR looks for the right bytes in a backup, under whatever name")
        if kind in FORGETTABLE:
            self._hints.add("--forget lets sessions, sender keys, prekeys and lists of devices go; they heal")
        else:
            self._hints.add("what no backup has, only linking anew brings back: `waconnd pair NAME --fresh`")

    def _candidates(self, filed: Filed) -> Iterator[tuple[Path, bytes]]:
        """Files whose bytes are those that the manifest describes."""
        for folder in (self._path, *self._wishes.search):
            for place in _likely(folder, filed):
                try:
                    data = place.read_bytes()
                except OSError:
                    continue
                if manifest.digest_of(data) == filed.digest:
                    yield place, data

    def _opens(self, view: View, key: Key, filed: Filed) -> bool:
        data = view.directory.read(filed.name)
        try:
            self._seal.open(f"{key[0]}\0{key[1]}".encode(), data)
        except ValueError:
            return False
        return True

    def _replace(self, view: View, name: str, data: bytes) -> None:
        self._keep(name)
        directory, new = view.directory, temporary(name)
        directory.write(new, data)
        directory.sync((new,))
        directory.rename(new, name)
        directory.sync_names()

    def _keep(self, name: str) -> None:
        """A copy of what is about to change."""
        if self._kept is None:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            self._kept = self._path / f"kept-{stamp}"
            self._kept.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        source, copy = self._path / name, self._kept / name
        if source.is_symlink() or source.is_dir():
            source.rename(copy)
        elif source.exists() and not copy.exists():
            copy.touch(FILE_MODE)
            copy.write_bytes(source.read_bytes())

    def _recover(self) -> None:
        view = View(self._path, self._seal)
        try:
            records = Records(view.directory, seal=self._seal)
            records.open(create=False, seen=lambda _: self._floor, restore=drop_ratchets)
            records.checkpoint()
        except AuthDamaged:
            return  # something is left: verify says what
        finally:
            view.directory.close()


def _likely(folder: Path, filed: Filed) -> Iterable[Path]:
    """Its own name first, then everything of its size."""
    try:
        places = [place for place in folder.iterdir() if place.is_file() and not place.is_symlink()]
    except OSError:
        return []
    places = [place for place in places if place.stat().st_size == filed.size]
    return sorted(places, key=lambda place: (place.name != filed.name, is_temporary(place.name), place.name))
