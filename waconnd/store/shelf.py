"""The files of an account, as its manifest lists them: read with every check, rewritten by a checkpoint.

A file that can't be read is damage with a name, never an absent record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from protocol.keystore import Changes, Key
from waconnd.store import manifest
from waconnd.store.errors import Damage, Harm, damaged, unreadable
from waconnd.store.files import Directory, Stamp
from waconnd.store.manifest import Filed, Index
from waconnd.store.names import MANIFEST, OWN, is_temporary, marked, temporary
from waconnd.store.seal import Seal

#: Files open at one time between write and sync; descriptors are a scarce thing (LimitNOFILE=4096).
BATCH: Final = 128
#: Bytes of file contents kept in memory, so that hot records are not read again.
CACHE_SIZE: Final = 8 * 1024 * 1024


class Filing(msgspec.Struct, frozen=True):
    """What a checkpoint made: the new index, and the names in use."""

    index: Index
    names: set[str]


class Shelf:
    """Not thread-safe, except that `write` may work on a thread while others read: it only rewrites files of records
    that have newer values in the journal, and those are read from there.
    """

    def __init__(self, directory: Directory, seal: Seal) -> None:
        self._directory, self._seal = directory, seal
        self.index: Index = {}
        self.names: set[str] = set()
        self._cache: dict[Key, bytes] = {}
        self._cached = 0

    # --- reading ------------------------------------------------------------------------------------------------

    def get(self, kind: str, id: str) -> bytes | None:
        """The content of a record's file. Raises AuthDamaged."""
        key = (kind, id)
        value = self._cache.pop(key, None)
        if value is not None:
            self._cache[key] = value  # newest last
            return value
        filed = self.index.get(kind, {}).get(id)
        if filed is None:
            return None
        value = self.load(kind, id, filed)
        self._keep(key, value)
        return value

    def ids(self, kind: str) -> list[str]:
        """All ids of a kind."""
        return list(self.index.get(kind, ()))

    def files(self) -> Iterator[tuple[str, str, Filed]]:
        """All files as the manifest has them."""
        for kind, ids in self.index.items():
            for id, filed in ids.items():
                yield kind, id, filed

    def load(self, kind: str, id: str, filed: Filed) -> bytes:
        """Read and check one file."""
        damage, data = self.look(kind, id, filed)
        if damage is not None:
            raise damaged(damage)
        try:
            return self._seal.open(_exact(kind, id), data)
        except ValueError as error:
            raise damaged(Damage(filed.name, Harm.UNPARSABLE, str(error))) from error

    def look(self, kind: str, id: str, filed: Filed) -> tuple[Damage | None, bytes]:
        """What is wrong with a file, if anything, and its bytes."""
        try:
            data = self._directory.read(filed.name)
        except OSError as error:
            return unreadable(filed.name, error), b""
        if manifest.digest_of(data) == filed.digest:
            return None, data
        if not data:
            return Damage(filed.name, Harm.EMPTY), b""
        try:
            msgspec.json.decode(self._seal.open(_exact(kind, id), data))
        except (msgspec.MsgspecError, ValueError):
            return Damage(filed.name, Harm.UNPARSABLE), data
        return Damage(filed.name, Harm.WRONG_DIGEST), data

    def forget(self, key: Key) -> None:
        """A newer value than the file's is in the journal."""
        self._cached -= len(self._cache.pop(key, b""))

    def _keep(self, key: Key, value: bytes) -> None:
        if len(value) > CACHE_SIZE // 8:
            return
        self.forget(key)
        self._cache[key] = value
        self._cached += len(value)
        while self._cached > CACHE_SIZE:
            self.forget(next(iter(self._cache)))

    # --- opening ------------------------------------------------------------------------------------------------

    def open(self, store: bytes) -> None:
        """Read the manifest. Raises AuthDamaged."""
        try:
            data = self._directory.read(MANIFEST)
        except OSError as error:
            raise damaged(unreadable(MANIFEST, error)) from error
        read = manifest.decode(data, self._seal)
        if read.store != store:
            why = "belongs to another account's directory than the journal: files of two copies were mixed"
            raise damaged(Damage(MANIFEST, Harm.WRONG_DIGEST, why))
        self.adopt(Filing(read.index, _names(read.index)), {})

    def verify(self, listing: Mapping[str, Stamp], newer: Changes) -> tuple[str, ...]:
        """Read every file whose stamp is not the one we left; the others are checked when they are used.

        Records in `newer` don't matter. Returns the names of files that belong to no record.
        """
        damages: list[Damage] = []
        for kind, ids in self.index.items():
            for id, filed in list(ids.items()):
                stamp = listing.get(filed.name)
                if (kind, id) in newer or stamp == Stamp(filed.size, filed.changed):
                    continue
                damage, _ = self.look(kind, id, filed)
                if damage is not None:
                    damages.append(damage)
                elif stamp is not None:
                    ids[id] = Filed(filed.name, filed.size, filed.digest, stamp.changed)
        if damages:
            raise damaged(*damages)
        known = self.names | OWN
        return tuple(name for name in listing if name not in known and not is_temporary(name))

    def abandoned(self, strays: Iterable[str], changes: Changes) -> tuple[str, ...]:
        """Files of a checkpoint that did not end: a removal was lost, or a name was chosen that is not needed now."""
        ours = {self._seal.file_name(*key, ()) for key in changes} | {marked(*key) for key in changes}
        return tuple(name for name in strays if name in ours)

    # --- writing ------------------------------------------------------------------------------------------------

    def write(self, store: bytes, seq: int, changes: Changes, strays: Iterable[str]) -> Filing:
        """Files and manifest with these changes, durable on return. Changes nothing of this object."""
        index = {kind: dict(ids) for kind, ids in self.index.items()}
        names = set(self.names)
        puts: list[tuple[str, str, str, bytes]] = []
        # Sorted: a second attempt after a crash chooses the same names.
        for (kind, id), value in sorted(changes.items(), key=lambda item: item[0]):
            if value is None:
                continue
            old = index.get(kind, {}).get(id)
            name = old.name if old else self._seal.file_name(kind, id, names)
            names.add(name)
            puts.append((kind, id, name, value))
        for start in range(0, len(puts), BATCH):
            self._write_batch(puts[start : start + BATCH], index)
        for kind, id, name, _ in puts:
            self._directory.rename(temporary(name), name)
            filed = index[kind][id]
            index[kind][id] = Filed(name, filed.size, filed.digest, self._directory.stamp(name).changed)
        for (kind, id), value in changes.items():
            if value is None and (gone := index.get(kind, {}).pop(id, None)):
                remove(self._directory, gone.name)
        for name in strays:
            if name not in names:  # else another record has just got this name
                remove(self._directory, name)
        self._write_manifest(manifest.encode(store, seq, index, self._seal))
        self._directory.sync_names()
        return Filing(index, _names(index))

    def _write_batch(self, puts: Sequence[tuple[str, str, str, bytes]], index: Index) -> None:
        for kind, id, name, value in puts:
            data = self._seal.close(_exact(kind, id), value)
            self._directory.write(temporary(name), data)
            index.setdefault(kind, {})[id] = Filed(name, len(data), manifest.digest_of(data), 0)
        self._directory.sync([temporary(name) for _, _, name, _ in puts])

    def _write_manifest(self, data: bytes) -> None:
        name = temporary(MANIFEST)
        self._directory.write(name, data)
        self._directory.sync((name,))
        self._directory.rename(name, MANIFEST)

    def adopt(self, filing: Filing, changes: Changes) -> None:
        """From now on these are the files."""
        self.index, self.names = filing.index, filing.names
        for key, value in changes.items():
            if value is None:
                self.forget(key)
            else:
                self._keep(key, value)


def remove(directory: Directory, name: str) -> None:
    """Remove a file that may be gone already, where a crash came between its removal and the rest."""
    try:
        directory.remove(name)
    except FileNotFoundError:
        return


def _names(index: Index) -> set[str]:
    return {filed.name for ids in index.values() for filed in ids.values()}


def _exact(kind: str, id: str) -> bytes:
    return f"{kind}\0{id}".encode()
