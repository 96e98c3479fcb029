"""An account's records: files, with the journal's newer values above them. Recovery and checkpoints.

Synchronous and without threads: `AuthDir` runs the slow halves on one, the crash model runs them as they are.
The argument for its correctness is in `docs/auth-store.md`; each sync here is needed, and the model shows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from protocol.keystore import Changes, Key, Kind
from waconnd.store import manifest
from waconnd.store.errors import Damage, Harm, ReadFailed, StoreMissing, damaged
from waconnd.store.files import Directory, Stamp
from waconnd.store.journal import STORE_SIZE, FileJournal, Record, Scan
from waconnd.store.manifest import Filed, Index
from waconnd.store.names import JOURNAL, LOCK, MANIFEST, OWN, is_temporary, marked, temporary
from waconnd.store.seal import Plain, Seal

#: Kind of a journal record that holds an event, and of the note that those up to a number were archived.
INBOX: Final = "inbox"
DRAINED: Final = "drained"
#: Kinds that ride in the journal and then move to the archive; they never become files.
PASSING: Final = frozenset({INBOX, Kind.RETRY_COPY})
#: Bits of a number below the frame's sequence: what one frame can hold of passing records.
ORDINAL_BITS: Final = 20
#: Files open at one time between write and sync; descriptors are a scarce thing (LimitNOFILE=4096).
BATCH: Final = 128
#: Bytes of file contents kept in memory, so that hot records are not read again.
CACHE_SIZE: Final = 8 * 1024 * 1024

Restore = Callable[["Records"], Changes]


class Checkpoint(msgspec.Struct, frozen=True):
    """A plan: what the next files, manifest and journal are. Made and adopted where the records live."""

    seq: int
    drained: int
    changes: Changes
    opening: tuple[Record, ...]
    #: Names without an owner, removed on the way.
    strays: tuple[str, ...] = ()


class Filing(msgspec.Struct, frozen=True):
    """What a checkpoint made: the new index, and the names in use."""

    index: Index
    names: set[str]


class Opened(msgspec.Struct, frozen=True):
    """What opening found."""

    #: Frames replayed; 0 after a clean stop.
    frames: int = 0
    torn: bool = False
    created: bool = False
    #: The sequence that a witness has seen, when it is higher than the directory's: an old copy was put back.
    rolled_back_from: int | None = None
    #: Files that belong to no record. They are left alone.
    strays: tuple[str, ...] = ()


class Records:
    """One account's state. Not thread-safe, except that `run` may work on a thread while others read."""

    def __init__(
        self,
        directory: Directory,
        *,
        seal: Seal | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._directory = directory
        self._seal = seal or Plain()
        self._random = random
        self.journal = FileJournal(directory, self._seal, random)
        self._index: Index = {}
        self._names: set[str] = set()
        self.dirty: Changes = {}
        self.passing: dict[int, Record] = {}
        self._copies: dict[str, int] = {}
        self._cache: dict[Key, bytes] = {}
        self._cached = 0
        self.seq = 0
        self._drained = self._drained_noted = self._settled = 0

    @property
    def store(self) -> bytes:
        """Sixteen random bytes, made with the account's directory."""
        return self.journal.store

    @property
    def unsettled(self) -> bool:
        """A checkpoint would change something: there are newer values than the files', or drained plaintext."""
        return bool(self.dirty) or self._drained > self._settled

    # --- reading ----------------------------------------------------------------------------------------------

    def get(self, kind: str, id: str) -> bytes | None:
        """The durable value. Raises AuthDamaged when there is one that can't be read."""
        key = (kind, id)
        if key in self.dirty:
            return self.dirty[key]
        if kind == Kind.RETRY_COPY:
            number = self._copies.get(id)
            return None if number is None else self.passing[number].value
        value = self._cache.pop(key, None)
        if value is not None:
            self._cache[key] = value  # newest last
            return value
        filed = self._index.get(kind, {}).get(id)
        if filed is None:
            return None
        value = self.load(kind, id, filed)
        self._keep(key, value)
        return value

    def ids(self, kind: str) -> Iterator[str]:
        """All ids of a kind."""
        if kind == Kind.RETRY_COPY:
            yield from [id for id, number in self._copies.items() if self.passing[number].value is not None]
            return
        changed = {id: value for (k, id), value in self.dirty.items() if k == kind}
        for id in list(self._index.get(kind, ())):
            if id not in changed:
                yield id
        for id, value in changed.items():
            if value is not None:
                yield id

    def kinds(self) -> set[str]:
        """All kinds that have records."""
        return set(self._index) | {kind for kind, _ in self.dirty}

    def load(self, kind: str, id: str, filed: Filed) -> bytes:
        """Read and check one file."""
        damage, data = self._look(filed)
        if damage is not None:
            raise damaged(damage)
        try:
            return self._seal.open(_aad(kind, id), data)
        except ValueError as error:
            raise damaged(Damage(filed.name, Harm.UNPARSABLE, str(error))) from error

    def _look(self, filed: Filed) -> tuple[Damage | None, bytes]:
        try:
            data = self._directory.read(filed.name)
        except FileNotFoundError:
            return Damage(filed.name, Harm.MISSING), b""
        except PermissionError:
            return Damage(filed.name, Harm.NO_PERMISSION), b""
        except OSError as error:
            raise ReadFailed(
                f"{filed.name} can't be read: {error.strerror}; the disk may be failing"
            ) from error
        if manifest.digest_of(data) == filed.digest:
            return None, data
        if not data:
            return Damage(filed.name, Harm.EMPTY), b""
        try:
            msgspec.json.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Damage(filed.name, Harm.UNPARSABLE), data
        return Damage(filed.name, Harm.WRONG_DIGEST), data

    def _keep(self, key: Key, value: bytes) -> None:
        if len(value) > CACHE_SIZE // 8:
            return
        self._cached += len(value) - len(self._cache.pop(key, b""))
        self._cache[key] = value
        while self._cached > CACHE_SIZE:
            self._cached -= len(self._cache.pop(next(iter(self._cache))))

    # --- opening ----------------------------------------------------------------------------------------------

    def open(
        self,
        *,
        create: bool = True,
        seen: Callable[[bytes], int] | None = None,
        restore: Restore | None = None,
    ) -> Opened:
        """Recover: replay the journal over the files, then checkpoint. A crash in here changes nothing.

        `seen(store)` is the highest sequence that somebody outside remembers; a directory that is behind it was
        restored from an old copy, and `restore` says what has to change then.
        """
        listing = self._directory.list()
        if JOURNAL not in listing:
            return self._create(listing, create=create)
        scan = self.journal.scan()
        self._load_manifest(scan, present=MANIFEST in listing)
        for frame in scan.frames:
            self.apply(frame)
        self.seq = scan.seq
        strays = self._verify(listing)
        behind = self._behind(seen)
        # A process may have died between a rename and its sync: what we build on must be durable first.
        self._directory.sync_names()
        if scan.frames or scan.torn:
            self.journal.refresh()
            abandoned = self._abandoned(strays)
            self.finish(self.plan(strays=abandoned))
            strays = tuple(name for name in strays if name not in self._names | set(abandoned))
        if behind is not None:
            self._restored(behind, restore)
        for name in listing:
            if is_temporary(name):
                self._remove(name)
        return Opened(len(scan.frames), scan.torn, rolled_back_from=behind, strays=strays)

    def _create(self, listing: Iterable[str], *, create: bool) -> Opened:
        others = [n for n in listing if n != LOCK and not is_temporary(n)]
        if others and MANIFEST not in others and "creds.json" in others:
            why = (
                "is missing beside a creds.json: this looks like another program's folder; bring it in with"
                " `waconnd import --from baileys DIR`"
            )
            raise damaged(Damage(JOURNAL, Harm.MISSING, why))
        if others:
            raise damaged(
                Damage(JOURNAL, Harm.MISSING, "is gone, but files of the account exist: put it back")
            )
        if not create:
            raise StoreMissing("there is no account in this directory; link one with `waconnd link`")
        self.journal.create(self._random(STORE_SIZE))
        return Opened(created=True)

    def _load_manifest(self, scan: Scan, *, present: bool) -> None:
        if not present and scan.base == 0:
            return  # the first checkpoint did not end: all there ever was is in the journal
        try:
            data = self._directory.read(MANIFEST)
        except FileNotFoundError:
            raise damaged(Damage(MANIFEST, Harm.MISSING, "is gone: put it back from a backup")) from None
        except PermissionError:
            raise damaged(Damage(MANIFEST, Harm.NO_PERMISSION)) from None
        read = manifest.decode(data, self._seal)
        if read.store != scan.store:
            why = "belongs to another account's directory than the journal: files of two copies were mixed"
            raise damaged(Damage(MANIFEST, Harm.WRONG_DIGEST, why))
        self._index = read.index
        self._names = {filed.name for ids in read.index.values() for filed in ids.values()}

    def _verify(self, listing: Mapping[str, Stamp]) -> tuple[str, ...]:
        """All files whose stamp is not the one we left are read; the others are read when they are used."""
        damages: list[Damage] = []
        for kind, ids in self._index.items():
            for id, filed in list(ids.items()):
                stamp = listing.get(filed.name)
                if (kind, id) in self.dirty or stamp == Stamp(filed.size, filed.changed):
                    continue
                damage, _ = self._look(filed)
                if damage is not None:
                    damages.append(damage)
                elif stamp is not None:
                    ids[id] = Filed(filed.name, filed.size, filed.digest, stamp.changed)
        if damages:
            raise damaged(*damages)
        known = self._names | OWN
        return tuple(n for n in listing if n not in known and not is_temporary(n))

    def _abandoned(self, strays: Iterable[str]) -> tuple[str, ...]:
        """Files of deleted records: the newer manifest was kept by a power cut, the removal was not."""
        keys = [key for key, value in self.dirty.items() if value is None]
        gone = {self._seal.file_name(*key, ()) for key in keys} | {marked(*key) for key in keys}
        return tuple(name for name in strays if name in gone)

    def _behind(self, seen: Callable[[bytes], int] | None) -> int | None:
        highest = seen(self.store) if seen else 0
        return highest if highest > self.seq else None

    def _restored(self, highest: int, restore: Restore | None) -> None:
        """Continue above everything that was ever acknowledged, with the ratchets that would repeat gone."""
        changes = restore(self) if restore else {}
        opening = [Record(kind, id, value) for (kind, id), value in changes.items()]
        self.journal.replace(highest, (*opening, *self.passing.values()))
        self.seq = highest + bool(opening or self.passing)
        self.apply(opening)

    # --- writing ----------------------------------------------------------------------------------------------

    def frame(self, changes: Changes, events: Sequence[bytes]) -> tuple[Record, ...]:
        """The records of the next frame, with numbers for those that pass to the archive."""
        number = (self.seq + 1) << ORDINAL_BITS
        records: list[Record] = []
        for (kind, id), value in changes.items():
            if kind in PASSING:
                number += 1
                records.append(Record(kind, id, value, number))
            else:
                records.append(Record(kind, id, value))
        for event in events:
            number += 1
            records.append(Record(INBOX, "", event, number))
        if records and self._drained > self._drained_noted:
            self._drained_noted = self._drained
            records.append(Record(DRAINED, str(self._drained), None))
        return tuple(records)

    def apply(self, records: Iterable[Record]) -> None:
        """Take durable records into memory."""
        for record in records:
            if record.number:
                self.passing[record.number] = record
                if record.kind == Kind.RETRY_COPY:
                    self._copies[record.id] = record.number
            elif record.kind == DRAINED:
                self.drained(int(record.id))
            else:
                key = (record.kind, record.id)
                self.dirty[key] = record.value
                self._cached -= len(self._cache.pop(key, b""))

    def drained(self, upto: int) -> None:
        """The archive has everything up to this number."""
        self._drained = max(self._drained, upto)
        while self.passing and (number := next(iter(self.passing))) <= upto:
            record = self.passing.pop(number)
            if self._copies.get(record.id) == number:
                del self._copies[record.id]

    def append(self, records: Sequence[Record]) -> None:
        """Journal, then memory. For callers without threads."""
        self.journal.append(self.seq + 1, records)
        self.seq += 1
        self.apply(records)

    def checkpoint(self) -> None:
        """Plan, run and adopt. For callers without threads."""
        self.finish(self.plan())

    def plan(self, *, strays: tuple[str, ...] = ()) -> Checkpoint:
        """What a checkpoint has to do now."""
        return Checkpoint(self.seq, self._drained, dict(self.dirty), tuple(self.passing.values()), strays)

    def finish(self, plan: Checkpoint) -> None:
        """Run and adopt."""
        self.adopt(plan, self.run(plan))

    def run(self, plan: Checkpoint) -> Filing:
        """The slow half: only reads this object, so it may work on a thread while `get` is used."""
        index = {kind: dict(ids) for kind, ids in self._index.items()}
        names = set(self._names)
        puts: list[tuple[str, str, str, bytes]] = []
        # Sorted: a second attempt after a crash chooses the same names.
        for (kind, id), value in sorted(plan.changes.items(), key=lambda item: item[0]):
            if value is None:
                continue
            old = index.get(kind, {}).get(id)
            name = old.name if old else self._seal.file_name(kind, id, names)
            names.add(name)
            puts.append((kind, id, name, value))
        for start in range(0, len(puts), BATCH):
            self._put(puts[start : start + BATCH], index)
        for kind, id, name, _ in puts:
            self._directory.rename(temporary(name), name)
            filed = index[kind][id]
            index[kind][id] = Filed(name, filed.size, filed.digest, self._directory.stamp(name).changed)
        for (kind, id), value in plan.changes.items():
            if value is None and (gone := index.get(kind, {}).pop(id, None)):
                self._remove(gone.name)
        for name in plan.strays:
            if name not in names:  # else another record has just got this name
                self._remove(name)
        self._write_manifest(plan.seq, index)
        self._directory.sync_names()
        self.journal.replace(plan.seq, plan.opening)
        return Filing(index, {filed.name for ids in index.values() for filed in ids.values()})

    def _put(self, puts: Sequence[tuple[str, str, str, bytes]], index: Index) -> None:
        for kind, id, name, value in puts:
            data = self._seal.close(_aad(kind, id), value)
            self._directory.write(temporary(name), data)
            index.setdefault(kind, {})[id] = Filed(name, len(data), manifest.digest_of(data), 0)
        self._directory.sync([temporary(name) for _, _, name, _ in puts])

    def _write_manifest(self, seq: int, index: Index) -> None:
        name = temporary(MANIFEST)
        self._directory.write(name, manifest.encode(self.store, seq, index, self._seal))
        self._directory.sync((name,))
        self._directory.rename(name, MANIFEST)

    def adopt(self, plan: Checkpoint, filing: Filing) -> None:
        """The quick half. No frame was appended since the plan was made."""
        self._index, self._names = filing.index, filing.names
        for key, value in plan.changes.items():
            if value is not None:
                self._keep(key, value)
        self.dirty = {}
        self._settled = plan.drained
        self.seq = plan.seq + bool(plan.opening)

    def _remove(self, name: str) -> None:
        try:
            self._directory.remove(name)
        except FileNotFoundError:
            pass  # a crash had come between its removal and the rest

    # --- for people -------------------------------------------------------------------------------------------

    def files(self) -> Iterator[tuple[str, str, Filed]]:
        """All files as the manifest has them."""
        for kind, ids in self._index.items():
            for id, filed in ids.items():
                yield kind, id, filed

    def snapshot(self) -> Changes:
        """All records as they are now."""
        everything: Changes = {}
        for kind in sorted(self.kinds()):
            for id in self.ids(kind):
                everything[kind, id] = self.get(kind, id)
        return everything


def _aad(kind: str, id: str) -> bytes:
    return f"{kind}\0{id}".encode()
