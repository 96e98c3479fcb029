"""One life of an account on the model disk: transactions, drains, checkpoints, and cuts at any operation.

After each recovery it compares what is there with what was promised. `Violation` is the only verdict.
"""

from __future__ import annotations

from random import Random

from protocol.keystore import Changes, Kind
from tests.crash.disk import REWRITE, Disk, Killed, PowerCut
from waconnd.store.errors import StoreError
from waconnd.store.names import JOURNAL, LOCK, MANIFEST
from waconnd.store.records import INBOX, Records
from waconnd.store.seal import Aes, Plain, Seal

TRANSACTIONS = 30
#: Further interruptions inside one recovery.
MORE_CUTS = 3

#: Names that collide once they are file names, and ids of usual kinds.
IDS = ("1", "2", "a/b", "a__b", "c:d", "c-d", "9.0")
KINDS = ("creds", "session", "pre-key", "sender-key")


class Violation(AssertionError):
    pass


class Archive:
    """SQLite as the store sees it: a batch and the number it reaches become durable together, or not at all."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.rows: list[tuple[str, bytes | None]] = []
        self.mark = 0

    def add(self, rows: list[tuple[str, bytes | None]], mark: int) -> None:
        self._disk.tick()
        self.rows += rows
        self.mark = mark
        self._disk.tick()


class World:
    def __init__(self, seed: int, *, without: str | None = None) -> None:
        self.random = Random(seed)
        self.disk = Disk(self.random, without)
        self.archive = Archive(self.disk)
        self.seal: Seal = Aes(bytes(32), self.random.randbytes) if seed % 4 == 0 else Plain()
        self.records: Records | None = None
        #: The promised state, all that must have reached inbox or archive, and the transaction in doubt.
        self.state: Changes = {}
        self.promised: list[tuple[str, bytes | None]] = []
        self.doubt: tuple[Changes, list[tuple[str, bytes | None]]] | None = None
        self.serial = self.interruptions = 0
        self.seq = 0

    def run(self) -> None:
        """Raises Violation."""
        left = TRANSACTIONS
        while left > 0:
            self._arm(self.random.randrange(1, 120))
            try:
                if self.records is None:
                    self._recover()
                while left > 0:
                    left -= 1
                    self._step()
            except (PowerCut, Killed, OSError) as error:
                self._fall(error)
        self._recover()
        self.disk.fuse, self.disk.sync_errors, self.disk.aimed = -1, 0.0, False
        self._drain(everything=True)
        self._check()

    def _arm(self, fuse: int) -> None:
        self.disk.fuse = fuse
        self.disk.bang = self.random.choice((PowerCut, PowerCut, Killed))
        self.disk.aimed = self.random.random() < 0.2
        self.disk.sync_errors = 0.01 if self.random.random() < 0.1 else 0.0

    def _fall(self, error: BaseException) -> None:
        self.records = None
        self.interruptions += 1
        if isinstance(error, PowerCut):
            self.disk.power_cut()
        else:
            self.disk.restart()

    def _recover(self) -> None:
        cuts = self.random.randrange(MORE_CUTS + 1)
        while True:
            records = Records(self.disk, seal=self.seal, random=self.random.randbytes)
            if self.disk.without == REWRITE:
                records.journal.refresh = lambda: None  # type: ignore[method-assign]
            try:
                if cuts > 0:
                    cuts -= 1
                    self._arm(self.random.randrange(1, 40))
                records.open()
                break
            except (PowerCut, Killed, OSError) as error:
                self._fall(error)
            except StoreError as error:
                raise Violation(f"recovery refused: {error}") from error
        self.records = records
        self._decide()

    def _decide(self) -> None:
        """What was in doubt is now one way or the other, as a whole and for ever."""
        found = self._found()
        if found != self.state:
            if self.doubt is None:
                raise Violation(f"state differs from what was acknowledged: {_difference(found, self.state)}")
            changes, passing = self.doubt
            self.state = _after(self.state, changes)
            self.promised += passing
            if found != self.state:
                raise Violation(f"neither before nor after: {_difference(found, self.state)}")
        elif self.doubt is not None and self.doubt[1] and self.doubt[1][0] in self._arrived():
            self.promised += self.doubt[1]  # its records changed nothing, what passes to the archive tells
        self.doubt = None
        self._check()

    def _step(self) -> None:
        assert self.records is not None
        what = self.random.random()
        if what < 0.12:
            self._checkpoint()
        elif what < 0.3:
            self._drain(everything=self.random.random() < 0.5)
        else:
            self._transact()

    def _checkpoint(self) -> None:
        """As `AuthDir` does it: commits and drains go on while files are written, not while the journal changes."""
        records = self.records
        assert records is not None

        def meanwhile() -> None:
            if self.random.random() < 0.05:
                self._transact()

        plan = records.plan(carry=self.random.choice((0, 0, 300, 1 << 20)))
        self.disk.meanwhile = meanwhile
        filing = records.file(plan)
        self.disk.meanwhile = None
        if self.random.random() < 0.2:
            self._transact()
        records.adopt(plan, filing)
        if self.random.random() < 0.2:
            self._transact()
        base, opening = records.seq, records.opening()
        records.journal.replace(base, opening)
        records.switched(base, opening)

    def _transact(self) -> None:
        records = self.records
        assert records is not None
        changes: Changes = {}
        for _ in range(self.random.randrange(1, 4)):
            key = (self.random.choice(KINDS), self.random.choice(IDS))
            value = self.random.randbytes(self.random.choice((0, 1, 40, 300)))
            changes[key] = None if self.random.random() < 0.25 else value
        passing: list[tuple[str, bytes | None]] = []
        events: list[bytes] = []
        for _ in range(self.random.randrange(3)):
            self.serial += 1
            events.append(b"event %d" % self.serial)
        if self.random.random() < 0.3:
            self.serial += 1
            copy = b"copy %d" % self.serial
            changes[Kind.RETRY_COPY, f"M{self.serial % 5}"] = copy
            passing.append((f"M{self.serial % 5}", copy))
        passing += [("", event) for event in events]
        self.doubt = (changes, passing)
        records.append(records.frame(changes, events))
        self.state = _after(self.state, changes)
        self.promised += passing
        self.doubt = None
        if records.seq <= self.seq:
            raise Violation("a sequence number was used twice")
        self.seq = records.seq

    def _drain(self, *, everything: bool) -> None:
        records = self.records
        assert records is not None
        entries = [r for r in records.passing.values() if r.number > self.archive.mark]
        if not everything:
            entries = entries[: self.random.randrange(len(entries) + 1)]
        if entries:
            self.archive.add([(r.id, r.value) for r in entries], entries[-1].number)
        if self.random.random() < 0.9:
            records.drained(self.archive.mark)

    def _found(self) -> Changes:
        assert self.records is not None
        try:
            return self.records.snapshot()
        except StoreError as error:
            raise Violation(f"a record can't be read: {error}") from error

    def _arrived(self) -> list[tuple[str, bytes | None]]:
        assert self.records is not None
        waiting = [r for r in self.records.passing.values() if r.number > self.archive.mark]
        if [r for r in waiting if r.kind not in (INBOX, Kind.RETRY_COPY)]:
            raise Violation("something else passes to the archive")
        return self.archive.rows + [(r.id, r.value) for r in waiting]

    def _check(self) -> None:
        if self._arrived() != self.promised:
            raise Violation(f"events: {self._arrived()[-4:]}, promised {self.promised[-4:]}")
        assert self.records is not None
        owned = {filed.name for _, _, filed in self.records.shelf.files()} | {JOURNAL, MANIFEST, LOCK}
        if strays := set(self.disk.names) - owned:
            raise Violation(f"files without an owner: {strays}")


def _after(state: Changes, changes: Changes) -> Changes:
    after = {**state, **{k: v for k, v in changes.items() if k[0] != Kind.RETRY_COPY}}
    return {key: value for key, value in after.items() if value is not None}


def _difference(found: Changes, wanted: Changes) -> str:
    keys = [key for key in {*found, *wanted} if found.get(key) != wanted.get(key)]
    return ", ".join(map(str, keys))


class Survey:
    """Many lives: what was cut, and what was violated."""

    def __init__(self, seeds: range, *, without: str | None = None, enough: int | None = None) -> None:
        self.lives = self.interruptions = self.power_cuts = self.operations = 0
        self.violations: list[str] = []
        for seed in seeds:
            world = World(seed, without=without)
            try:
                world.run()
            except Violation as violation:
                self.violations.append(f"life {seed}: {violation}")
            self.lives += 1
            self.interruptions += world.interruptions
            self.power_cuts += world.disk.power_cuts
            self.operations += world.disk.operations
            if len(self.violations) == enough:
                return

    def __str__(self) -> str:
        return (
            f"{self.lives} lives, {self.operations} disk operations, {self.interruptions} interruptions of which"
            f" {self.power_cuts} power cuts: {len(self.violations)} violations"
        )
