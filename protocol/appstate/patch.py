"""Applying and building patches and snapshots: all or nothing, every MAC checked (reference 04, 1.5, 1.6, 1.9)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Final

import msgspec

from protocol.appstate import lthash
from protocol.appstate.errors import MissingKeys, PatchMacMismatch, SnapshotMacMismatch, VersionGap
from protocol.appstate.keys import Expanded, KeyLookup
from protocol.appstate.mutation import Mutation, Op, open_, seal, split
from protocol.crypto.curve import Entropy
from protocol.crypto.primitives import hmac_sha256, same
from protocol.pb.sync_pb2 import SyncActionValue, SyncdMutation, SyncdPatch, SyncdSnapshot

MISSING_PREVIOUS: Final = "missing_previous_value"

#: Records opened between two pauses: about two milliseconds of work.
AT_ONCE: Final = 50

#: The stored value MAC of an index MAC, or None.
MacLookup = Callable[[bytes], bytes | None]
#: Long work in pieces: whoever drives it may do something else at each yield.
Steps = Generator[None, None, "Applied"]


class Applied(msgspec.Struct, frozen=True):
    """What a patch or snapshot makes of a collection; the caller commits all of it at once."""

    version: int
    lthash: bytes
    mutations: tuple[Mutation, ...]
    #: Index MAC → value MAC, None where the record is gone.
    macs: dict[bytes, bytes | None]
    warnings: tuple[str, ...] = ()
    #: The patch was not newer than the local state: nothing changes.
    skipped: bool = False


class Change(msgspec.Struct, frozen=True):
    """One record that we want to set or remove."""

    op: Op
    index: tuple[str, ...]
    value: SyncActionValue
    version: int
    #: Under another key than the patch itself: what lies under an older one is taken away under that.
    key: tuple[bytes, Expanded] | None = None


def apply_patch(
    name: str,
    version: int,
    base: bytes,
    stored: MacLookup,
    patch: SyncdPatch,
    keys: KeyLookup,
    *,
    external: Sequence[SyncdMutation] | None = None,
    assumed_version: int | None = None,
) -> Applied:
    """`patch_steps` in one go."""
    return _finish(
        patch_steps(
            name,
            version,
            base,
            stored,
            patch,
            keys,
            external=external,
            assumed_version=assumed_version,
        )
    )


def apply_snapshot(name: str, snapshot: SyncdSnapshot, keys: KeyLookup) -> Applied:
    """`snapshot_steps` in one go."""
    return _finish(snapshot_steps(name, snapshot, keys))


def patch_steps(
    name: str,
    version: int,
    base: bytes,
    stored: MacLookup,
    patch: SyncdPatch,
    keys: KeyLookup,
    *,
    external: Sequence[SyncdMutation] | None = None,
    assumed_version: int | None = None,
) -> Steps:
    """Check and apply a patch to the state (`version`, `base`). `external` replaces the inline mutations."""
    number = patch.version.version if patch.HasField("version") else (assumed_version or version + 1)
    if number <= version:
        return Applied(version, base, (), {}, skipped=True)
    if number != version + 1:
        raise VersionGap(f"{name}: patch {number} does not follow version {version}")
    wires = list(external) if external is not None else list(patch.mutations)
    found = _keys([patch.keyId.id, *(wire.record.keyId.id for wire in wires)], keys)
    own = found[patch.keyId.id]

    macs: dict[bytes, bytes | None] = {}
    add: list[bytes] = []
    subtract: list[bytes] = []
    order: list[bytes] = []
    warnings: list[str] = []
    for number_of, wire in enumerate(wires):
        if number_of % AT_ONCE == AT_ONCE - 1:
            yield
        index_mac, value_mac = split(wire)
        previous = macs[index_mac] if index_mac in macs else stored(index_mac)
        order.append(value_mac)
        if previous is not None:
            subtract.append(previous)
        if wire.operation == SyncdMutation.REMOVE:
            if previous is None:
                warnings.append(MISSING_PREVIOUS)
            macs[index_mac] = None
        else:
            add.append(value_mac)
            macs[index_mac] = value_mac
    after = yield from _hashed(base, subtract, add)
    if not same(_snapshot_mac(own, after, number, name), patch.snapshotMac):
        raise SnapshotMacMismatch(f"{name}: version {number} does not follow from our records")
    if not same(_patch_mac(own, patch.snapshotMac, order, number, name), patch.patchMac):
        raise PatchMacMismatch(f"{name}: patch {number} was changed on its way")
    mutations = yield from _opened(wires, found)
    return Applied(number, after, mutations, macs, tuple(warnings))


def snapshot_steps(name: str, snapshot: SyncdSnapshot, keys: KeyLookup) -> Steps:
    """Check a snapshot; it replaces the whole collection."""
    wires = [SyncdMutation(operation=SyncdMutation.SET, record=record) for record in snapshot.records]
    found = _keys([snapshot.keyId.id, *(record.keyId.id for record in snapshot.records)], keys)
    version = snapshot.version.version
    pairs = [split(wire) for wire in wires]
    after = yield from _hashed(lthash.ZERO, (), [value_mac for _, value_mac in pairs])
    if not same(_snapshot_mac(found[snapshot.keyId.id], after, version, name), snapshot.mac):
        raise SnapshotMacMismatch(f"{name}: the snapshot's MAC differs")
    mutations = yield from _opened(wires, found)
    return Applied(version, after, mutations, dict(pairs))


def build_patch(
    name: str,
    version: int,
    base: bytes,
    stored: MacLookup,
    changes: Iterable[Change],
    key_id: bytes,
    keys: Expanded,
    entropy: Entropy,
) -> tuple[bytes, Applied]:
    """A patch on the state (`version`, `base`): its bytes, and what it will make of the collection.

    Like the phone we write no version into it: the server assigns that.
    """
    patch = SyncdPatch()
    macs: dict[bytes, bytes | None] = {}
    add: list[bytes] = []
    subtract: list[bytes] = []
    order: list[bytes] = []
    mutations: list[Mutation] = []
    for change in changes:
        sealing = change.key or (key_id, keys)
        wire, mutation = seal(change.op, change.index, change.value, change.version, *sealing, entropy(16))
        index_mac = mutation.index_mac
        previous = macs[index_mac] if index_mac in macs else stored(index_mac)
        if previous is not None:
            subtract.append(previous)
        order.append(mutation.value_mac)
        if change.op is Op.SET:
            add.append(mutation.value_mac)
        macs[index_mac] = mutation.value_mac if change.op is Op.SET else None
        patch.mutations.append(wire)
        mutations.append(mutation)
    number = version + 1
    after = lthash.update(base, subtract, add)
    patch.snapshotMac = _snapshot_mac(keys, after, number, name)
    patch.patchMac = _patch_mac(keys, patch.snapshotMac, order, number, name)
    patch.keyId.id = key_id
    return patch.SerializeToString(), Applied(number, after, tuple(mutations), macs)


def _finish(steps: Steps) -> Applied:
    while True:
        try:
            next(steps)
        except StopIteration as done:
            applied: Applied = done.value
            return applied


def _hashed(base: bytes, subtract: Sequence[bytes], add: Sequence[bytes]) -> Generator[None, None, bytes]:
    after = base
    for start in range(0, max(len(subtract), len(add)), AT_ONCE):
        end = start + AT_ONCE
        after = lthash.update(after, subtract[start:end], add[start:end])
        yield
    return after


def _opened(
    wires: Sequence[SyncdMutation], found: dict[bytes, Expanded]
) -> Generator[None, None, tuple[Mutation, ...]]:
    opened: list[Mutation] = []
    for wire in wires:
        opened.append(open_(wire, found[wire.record.keyId.id]))
        if len(opened) % AT_ONCE == 0:
            yield
    return tuple(opened)


def _keys(ids: Iterable[bytes], lookup: KeyLookup) -> dict[bytes, Expanded]:
    found: dict[bytes, Expanded] = {}
    missing: set[bytes] = set()
    for id in set(ids):
        keys = lookup(id)
        if keys is None:
            missing.add(id)
        else:
            found[id] = keys
    if missing:
        raise MissingKeys(frozenset(missing))
    return found


def _snapshot_mac(keys: Expanded, hash: bytes, version: int, name: str) -> bytes:
    return hmac_sha256(keys.snapshot_mac, hash + version.to_bytes(8, "big") + name.encode())


def _patch_mac(
    keys: Expanded, snapshot_mac: bytes, value_macs: Iterable[bytes], version: int, name: str
) -> bytes:
    return hmac_sha256(
        keys.patch_mac, snapshot_mac + b"".join(value_macs) + version.to_bytes(8, "big") + name.encode()
    )
