"""An account's records: files, and the journal's newer values above them. Recovery and checkpoints.

Synchronous and without threads: `AuthDir` runs the slow halves on one, the crash model runs them as they are.
The argument for its correctness is in `docs/auth-store.md`; each sync here is needed, and the model shows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Final

import msgspec

from protocol.keystore import Changes, Kind
from waconnd.store.errors import Damage, Harm, StoreMissing, damaged
from waconnd.store.files import Directory
from waconnd.store.journal import STORE_SIZE, FileJournal, Record
from waconnd.store.names import JOURNAL, LOCK, MANIFEST, is_temporary
from waconnd.store.seal import Plain, Seal
from waconnd.store.shelf import Filing, Shelf, remove

#: Kind of a journal record that holds an event, and of the note that those up to a number were archived.
INBOX: Final = "inbox"
DRAINED: Final = "drained"
#: Kinds that ride in the journal and then move to the archive; they never become files.
PASSING: Final = frozenset({INBOX, Kind.RETRY_COPY})
#: Bits of a number below the frame's sequence: what one frame can hold of passing records.
ORDINAL_BITS: Final = 20

#: What a record weighs in a journal beside its value: kind, id and lengths, roughly.
RECORD_OVERHEAD: Final = 96

Restore = Callable[["Records"], Changes]


class Plan(msgspec.Struct, frozen=True):
    """What the next files are. Made, and adopted, where the records live."""

    seq: int
    changes: Changes
    #: Names without an owner, removed on the way.
    strays: tuple[str, ...] = ()


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
    """One account's state. Not thread-safe, except that `file` may work on a thread beside everything else."""

    def __init__(
        self,
        directory: Directory,
        *,
        seal: Seal | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._directory, self._random = directory, random
        seal = seal or Plain()
        self.journal = FileJournal(directory, seal, random)
        self.shelf = Shelf(directory, seal)
        #: Durable in the journal, newer than the files.
        self.dirty: Changes = {}
        #: Durable in the journal, on its way to the archive; by number.
        self.passing: dict[int, Record] = {}
        self._copies: dict[str, int] = {}
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

    @property
    def unnoted(self) -> bool:
        """Something was drained since the journal was told."""
        return self._drained > self._drained_noted

    # --- reading ------------------------------------------------------------------------------------------------

    def get(self, kind: str, id: str) -> bytes | None:
        """The durable value. Raises AuthDamaged when there is one that can't be read."""
        key = (kind, id)
        if key in self.dirty:
            return self.dirty[key]
        if kind == Kind.RETRY_COPY:
            number = self._copies.get(id)
            return None if number is None else self.passing[number].value
        return self.shelf.get(kind, id)

    def ids(self, kind: str) -> Iterator[str]:
        """All ids of a kind."""
        if kind == Kind.RETRY_COPY:
            yield from [id for id, number in self._copies.items() if self.passing[number].value is not None]
            return
        changed = {id: value for (k, id), value in self.dirty.items() if k == kind}
        yield from (id for id in self.shelf.ids(kind) if id not in changed)
        yield from (id for id, value in changed.items() if value is not None)

    def snapshot(self) -> Changes:
        """All records as they are now, without those that pass to the archive."""
        kinds = set(self.shelf.index) | {kind for kind, _ in self.dirty}
        return {(kind, id): self.get(kind, id) for kind in sorted(kinds) for id in self.ids(kind)}

    # --- opening ------------------------------------------------------------------------------------------------

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
        # Without a manifest on base 0 the first checkpoint did not end: all there ever was is in the journal.
        if scan.base > 0 or MANIFEST in listing:
            self.shelf.open(scan.store)
        for frame in scan.frames:
            self.apply(frame)
        self.seq = scan.seq
        strays = self.shelf.verify(listing, self.dirty)
        highest = seen(self.store) if seen else 0
        behind = highest if highest > self.seq else None
        # A process may have died between a rename and its sync: what we build on must be durable first.
        self._directory.sync_names()
        if scan.frames or scan.torn:
            abandoned = self.shelf.abandoned(strays, self.dirty)
            self.journal.refresh()
            self.checkpoint(abandoned)
            strays = tuple(name for name in strays if name not in self.shelf.names | set(abandoned))
        if behind is not None:
            self._restored(behind, restore)
        for name in listing:
            if is_temporary(name):
                remove(self._directory, name)
        return Opened(len(scan.frames), scan.torn, rolled_back_from=behind, strays=strays)

    def _create(self, listing: Iterable[str], *, create: bool) -> Opened:
        others = [name for name in listing if name != LOCK and not is_temporary(name)]
        if MANIFEST not in others and "creds.json" in others:
            why = (
                "is missing beside a creds.json: this looks like another program's folder; bring it in with"
                " `waconnd import NAME --from baileys DIR`"
            )
            raise damaged(Damage(JOURNAL, Harm.MISSING, why))
        if others:
            raise damaged(Damage(JOURNAL, Harm.MISSING))
        if not create:
            raise StoreMissing("there is no account in this directory; link one with `waconnd pair`")
        self.journal.create(self._random(STORE_SIZE))
        return Opened(created=True)

    def _restored(self, highest: int, restore: Restore | None) -> None:
        """Continue above everything that was ever acknowledged, with the ratchets that would repeat gone."""
        changes = restore(self) if restore else {}
        self.apply(Record(kind, id, value) for (kind, id), value in changes.items())
        self._switch(highest)

    # --- writing ------------------------------------------------------------------------------------------------

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
        if self.unnoted:
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
                self.dirty.pop(key, None)
                self.dirty[key] = record.value  # newest last
                self.shelf.forget(key)

    def drained(self, upto: int) -> None:
        """The archive has everything up to this number."""
        self._drained = max(self._drained, upto)
        # In one pass: looking for the first again after each deletion walks over all that was deleted before.
        for number in list(takewhile(upto.__ge__, self.passing)):
            record = self.passing.pop(number)
            if self._copies.get(record.id) == number:
                del self._copies[record.id]

    def append(self, records: Sequence[Record]) -> None:
        """Journal, then memory. For callers without threads."""
        self.journal.append(self.seq + 1, records)
        self.seq += 1
        self.apply(records)

    # --- checkpoints: files first, then a new journal with what came meanwhile -------------------------------------

    def checkpoint(self, strays: tuple[str, ...] = ()) -> None:
        """All of it. For callers without threads."""
        plan = self.plan(strays)
        self.adopt(plan, self.file(plan))
        self._switch(self.seq)

    def plan(self, strays: tuple[str, ...] = (), carry: int = 0) -> Plan:
        """What would be filed now; up to `carry` bytes of the newest changes go on into the next journal instead."""
        changes = dict(self.dirty)
        for key, value in reversed(self.dirty.items()):
            carry -= RECORD_OVERHEAD + len(value or b"")
            if carry < 0:
                break
            del changes[key]
        return Plan(self.seq, changes, strays)

    def file(self, plan: Plan) -> Filing:
        """The slow part: files and manifest. Frames may be appended meanwhile, but only one plan is under way."""
        return self.shelf.write(self.store, plan.seq, plan.changes, plan.strays)

    def adopt(self, plan: Plan, filing: Filing) -> None:
        """Read those files from now on. The journal still has all of it, so a crash finds nothing missing."""
        current = {key: value for key, value in plan.changes.items() if self.dirty[key] is value}
        for key in current:
            del self.dirty[key]
        self.shelf.adopt(filing, current)

    def opening(self) -> tuple[Record, ...]:
        """What a new journal must begin with: all that is in no file."""
        newer = (Record(kind, id, value) for (kind, id), value in self.dirty.items())
        return (*newer, *self.passing.values())

    def switched(self, base: int, opening: Sequence[Record]) -> None:
        """The journal was replaced; no frame was appended since `opening` was made."""
        self.seq = base + bool(opening)
        self._settled = self._drained

    def _switch(self, base: int) -> None:
        opening = self.opening()
        self.journal.replace(base, opening)
        self.switched(base, opening)
