"""Collections of app state kept in step with the server (reference 04, 1.6 to 1.12).

Theory of operation. A server's hint is noted in the collection's record before it is acked, so it outlives us; a flow
then fetches, checks every MAC, and commits records, version and events as one. Collections have a lane each and never
wait for one another, nor does a message wait for them. What goes wrong climbs a ladder: missing keys block a
collection until the phone shares them; a wrong MAC fetches the whole of it anew; a wrong whole asks the phone for its
copy; until that comes the collection is degraded: what is known stays, nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import msgspec
from google.protobuf.message import DecodeError

from protocol.appstate import collections, lthash
from protocol.appstate.actions import COLLECTIONS
from protocol.appstate.collections import Collection, Held
from protocol.appstate.errors import AppStateError, Malformed, MissingKeys
from protocol.appstate.keys import SYNC_KEYS
from protocol.appstate.mutation import Mutation, Op, parts
from protocol.appstate.patch import Applied, Steps, patch_steps, snapshot_steps
from protocol.effects import Commit, Lookup, Pause, Tell
from protocol.errors import IqError, ProtocolError, TimedOut
from protocol.events.base import Durable
from protocol.events.state import AppStateSynced, changed
from protocol.flows import appstate_effects as effects
from protocol.flows import appstate_keys as keys
from protocol.flows.context import Context
from protocol.flows.mapping import learn_many
from protocol.flows.questions import BlobFailed, WantBlob
from protocol.keystore import Txn
from protocol.pb.e2e_pb2 import Message, PeerDataOperationRequestType, ProtocolMessage
from protocol.pb.sync_pb2 import (
    ExternalBlobReference,
    SyncActionValue,
    SyncdMutation,
    SyncdMutations,
    SyncdPatch,
    SyncdSnapshot,
)
from protocol.stanza import appstate as stanza
from protocol.stanza import presence
from protocol.stanza.appstate import Answer, Wanted

M = TypeVar("M", SyncdSnapshot, SyncdPatch, SyncdMutations, ExternalBlobReference)

#: One at a time for what concerns all collections.
LANE: Final = "appstate"
#: What may pass is tried again after so many seconds.
PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
#: Pages of one fetch: each has dozens of patches.
MAX_ROUNDS: Final = 500
#: Answers that say that our state makes no sense to the server.
FATAL: Final = frozenset({400, 404})
#: After so long without a look all collections are fetched at login.
STALE_SECONDS: Final = 24 * 3600.0
#: One request for the phone's copy of a collection in so many seconds.
RECOVERY_SECONDS: Final = 24 * 3600.0
#: Names learnt, or events made, between two turns of other work.
AT_ONCE: Final = 200


class Refused(ProtocolError):
    """The server answered with an error for one collection."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"the server answered {code} for the collection {name}")
        self.code = code


def lane(name: str) -> str:
    """Fetching and writing one collection exclude each other."""
    return f"{LANE}/{name}"


# --- what sets it in motion ---------------------------------------------------------------------------------------------


def note_wanted(txn: Txn, name: str, version: int | None) -> bool:
    """The server spoke of a version; whether there is something to fetch. Without a number there may be."""
    held = collections.get(txn, name)
    wanted = held.version + 1 if version is None else version
    if wanted > max(held.wanted, held.version):
        held = msgspec.structs.replace(held, wanted=wanted)
        collections.COLLECTIONS.put(txn, name, held)
    return held.behind


async def sync(ctx: Context, name: str) -> None:
    """Fetch what is new of one collection, if anything is. For its lane."""
    if collections.get(ctx.store, name).behind:
        await _run(ctx, name, None)


async def catch_up(ctx: Context, name: str) -> None:
    """To the head of a collection, whatever was heard of it. For its lane."""
    await _run(ctx, name, None)


async def resync(ctx: Context, name: str) -> None:
    """Fetch the whole of a collection anew. For its lane."""
    await _run(ctx, name, None, whole=True)


async def sync_all(ctx: Context) -> None:
    """All collections with one question."""
    if not list(SYNC_KEYS.ids(ctx.store)):
        return
    wanted = [_wanted(ctx, name) for name in COLLECTIONS]
    try:
        answers = await stanza.fetch(wanted)
    except (IqError, TimedOut):
        answers = {}
    for name in COLLECTIONS:
        await _run(ctx, name, answers.get(name))


async def resume(ctx: Context) -> None:
    """After a login: what was not finished, and everything when nobody has looked for a day."""
    if not list(SYNC_KEYS.ids(ctx.store)):
        return
    held = {name: collections.get(ctx.store, name) for name in COLLECTIONS}
    if not any(one.synced for one in held.values()):
        await sync_all(ctx)
        return
    for name, one in held.items():
        if one.degraded:
            if ctx.now - one.degraded_at > RECOVERY_SECONDS:
                await _run(ctx, name, None, whole=True)
        elif one.missing:
            again = keys.to_ask_for(ctx, ctx.store, one.missing)
            if again:
                await _block(ctx, name, again)
        elif one.behind or ctx.now - one.synced_at > STALE_SECONDS:
            await _run(ctx, name, None)


def unblocked(txn: Txn, got: frozenset[str]) -> list[str]:
    """Keys came: the collections that waited for one of them, and those that were never read."""
    ready: list[str] = []
    for name in COLLECTIONS:
        held = collections.get(txn, name)
        if held.missing and not got.isdisjoint(held.missing):
            left = {key: at for key, at in held.missing.items() if key not in got}
            collections.COLLECTIONS.put(txn, name, msgspec.structs.replace(held, missing=left))
            ready.append(name)
        elif not held.synced and not held.missing:
            ready.append(name)
    return ready


# --- the ladder ---------------------------------------------------------------------------------------------------------


async def _run(ctx: Context, name: str, answer: Answer | None, *, whole: bool = False) -> None:
    """From here to the head of the collection, or to a state that says why not."""
    rounds = troubles = 0
    tried = whole
    wrong = 0
    copies = collections.get(ctx.store, name).copies
    while True:
        before = collections.get(ctx.store, name)
        whole = whole or not before.version
        try:
            if answer is None:
                found = await stanza.fetch([_wanted(ctx, name, whole=whole)])
                answer = found.get(name) or Answer(name)
            elif (
                before.synced
                and not whole
                and answer.version is not None
                and answer.version <= before.version
            ):
                # Somebody else took it in while this answer waited for its turn.
                return
            if answer.error and answer.error != stanza.CONFLICT:
                raise Refused(name, answer.error)
            await take(ctx, name, answer, whole=whole)
        except MissingKeys as missing:
            await _block(ctx, name, [keys.name_of(id) for id in missing.key_ids])
            return
        except (AppStateError, Refused) as error:
            if collections.get(ctx.store, name).copies != copies:
                # The phone's copy came in the meantime: that is the state now.
                return
            if isinstance(error, Refused) and error.code not in FATAL:
                if not await _wait(troubles):
                    return
                troubles += 1
                answer = None
                continue
            # Once the whole of it, and that once more; then only the phone can help.
            wrong += tried
            if wrong > 1 or (tried and isinstance(error, Refused)):
                await _degrade(ctx, name, error)
                return
            whole = tried = True
            answer = None
            continue
        except (BlobFailed, IqError, TimedOut):
            if not await _wait(troubles):
                return
            troubles += 1
            answer = None
            continue
        after = collections.get(ctx.store, name)
        if not answer.more:
            return
        rounds += 1
        if rounds >= MAX_ROUNDS or (after.version <= before.version and not whole):
            # The server says that there is more and gives nothing: it will say so again when there is.
            ctx.counts["stuck.app_state"] += 1
            return
        answer, whole = None, False


async def _wait(troubles: int) -> bool:
    if troubles >= len(PAUSES):
        return False
    await Pause(PAUSES[troubles])
    return True


async def _block(ctx: Context, name: str, missing: Iterable[str]) -> None:
    """Keys are missing: ask the phone, leave everything as it is."""
    names = list(missing)
    txn = ctx.txn()
    ask = keys.to_ask_for(ctx, txn, names)
    held = collections.get(txn, name)
    asked = {key: ctx.now if key in ask else held.missing.get(key, ctx.now) for key in names}
    held = msgspec.structs.replace(held, missing=asked, wanted=max(held.wanted, held.version + 1))
    collections.COLLECTIONS.put(txn, name, held)
    await Commit(txn, events=(_told(ctx, name, held, "blocked", "missing_keys"),))
    if ask:
        await keys.ask(ctx, ask)


async def _degrade(ctx: Context, name: str, error: ProtocolError) -> None:
    """Nothing helped: what is known stays visible, nothing is written; the phone is asked for its copy."""
    reason = error.code if isinstance(error, AppStateError) else "refused"
    txn = ctx.txn()
    held = collections.get(txn, name)
    ask = ctx.now - held.recovery_at >= RECOVERY_SECONDS
    held = msgspec.structs.replace(
        held,
        degraded=reason,
        degraded_at=ctx.now,
        recovery_at=ctx.now if ask else held.recovery_at,
    )
    collections.COLLECTIONS.put(txn, name, held)
    await Commit(txn, events=(_told(ctx, name, held, "degraded", reason),))
    if not ask:
        return
    message = Message()
    control = message.protocolMessage
    control.type = ProtocolMessage.PEER_DATA_OPERATION_REQUEST_MESSAGE
    operation = control.peerDataOperationRequestMessage
    operation.peerDataOperationRequestType = (
        PeerDataOperationRequestType.COMPANION_SYNCD_SNAPSHOT_FATAL_RECOVERY
    )
    operation.syncdCollectionFatalRecoveryRequest.collectionName = name
    operation.syncdCollectionFatalRecoveryRequest.timestamp = int(ctx.now)
    try:
        await keys.ask_phone(ctx, message)
    except ProtocolError:
        ctx.counts["failed.recovery_request"] += 1


# --- an answer into the records -----------------------------------------------------------------------------------------


class Work:
    """A collection on its way from one version to another; nothing is written before the end."""

    def __init__(self, ctx: Context, name: str, *, whole: bool) -> None:
        self.ctx, self.name = ctx, name
        held = collections.get(ctx.store, name)
        self.base = held.version
        self.whole = whole
        # What an empty collection gets is news; what was fetched anew is none.
        self.silent = not held.synced or (whole and held.version > 0)
        self.version, self.hash = (0, lthash.ZERO) if whole else (held.version, held.lthash)
        self.changes: dict[bytes, Held | None] = {}
        self.mutations: list[Mutation] = []

    def stored(self, index_mac: bytes) -> bytes | None:
        """The value MAC of a live record."""
        if index_mac in self.changes:
            held = self.changes[index_mac]
            return held.value_mac if held is not None else None
        return None if self.whole else collections.value_mac(self.ctx.store, self.name, index_mac)

    def add(self, applied: Applied) -> None:
        """One patch or snapshot that was checked."""
        self.version, self.hash = applied.version, applied.lthash
        index = {mutation.index_mac: mutation.index_json for mutation in applied.mutations}
        for index_mac, value_mac in applied.macs.items():
            self.changes[index_mac] = None if value_mac is None else Held(value_mac, index[index_mac])
        self.mutations += applied.mutations


async def take(ctx: Context, name: str, answer: Answer, *, whole: bool = False) -> None:
    """Check an answer and commit what it brings. What stands before a patch that fails is kept."""
    work = Work(ctx, name, whole=whole or answer.snapshot is not None)
    found = keys.lookup(ctx.store)
    failed: AppStateError | BlobFailed | None = None
    try:
        if answer.snapshot is not None:
            raw = await _blob(answer.snapshot)
            work.add(await _steps(snapshot_steps(name, _parsed(SyncdSnapshot, raw), found)))
        for raw in answer.patches:
            patch = _parsed(SyncdPatch, raw)
            external = await _external(patch)
            # A patch without a number follows the one before.
            steps = patch_steps(name, work.version, work.hash, work.stored, patch, found, external=external)
            applied = await _steps(steps)
            if not applied.skipped:
                work.add(applied)
    except (AppStateError, BlobFailed) as error:
        failed = error
    if failed is None or (work.version > work.base and not work.whole):
        await commit(work, more=answer.more or failed is not None)
    if failed is not None:
        raise failed


async def commit(work: Work, *, more: bool = False) -> None:
    """Records, version, effects and events in one transaction; long preparations before it, in pieces."""
    ctx, name = work.ctx, work.name
    removed = _gone(work) if work.whole and not more else []
    mutations = [*work.mutations, *removed]
    pairs = list(effects.pairs(mutations))
    for start in range(0, len(pairs), AT_ONCE):
        txn = ctx.txn()
        learn_many(txn, pairs[start : start + AT_ONCE])
        if txn.changes:
            await Commit(txn)
        else:
            await Pause()
    told: list[Durable] = []
    for number, mutation in enumerate(mutations):
        key = f"appstate/{name}/{work.version}/{number}/{mutation.value_mac[:6].hex()}"
        told += effects.events(ctx, ctx.store, mutation, key)
        if number % AT_ONCE == AT_ONCE - 1:
            await Pause()
    txn = ctx.txn()
    held = collections.get(txn, name)
    if held.version != work.base:
        # Somebody else was faster; what is left is fetched from there.
        return
    renamed = effects.apply(ctx, txn, mutations)
    if work.whole:
        records = {mac: one for mac, one in work.changes.items() if one is not None}
        collections.replace(txn, name, records)
    else:
        collections.change(txn, name, work.changes)
    first = not held.synced
    held = msgspec.structs.replace(
        held,
        version=work.version,
        lthash=work.hash,
        synced=held.synced or not more,
        synced_at=ctx.now,
        wanted=held.wanted if more else min(held.wanted, work.version),
        missing={},
        degraded="",
    )
    collections.COLLECTIONS.put(txn, name, held)
    if work.silent:
        told = [_told(ctx, name, held, "synced", full=True, inside=told)]
    elif first or work.version != work.base:
        told.append(_told(ctx, name, held, "synced"))
    await Commit(txn, events=tuple(told))
    if renamed and ctx.available:
        await Tell((presence.here(True, ctx.creds().push_name),))


def _gone(work: Work) -> list[Mutation]:
    """Records that were here and are not in the whole: as if they had been removed."""
    now = {held.index for held in work.changes.values() if held is not None}
    return [
        Mutation(
            Op.REMOVE,
            bytes.fromhex(mac),
            held.value_mac,
            b"",
            held.index,
            parts(held.index),
            SyncActionValue(),
            0,
        )
        for mac, held in collections.records(work.ctx.store, work.name)
        if held.index not in now
    ]


def recovered(
    ctx: Context, txn: Txn, name: str, version: int, hash: bytes, mutations: list[Mutation]
) -> list[Durable]:
    """The phone's own copy of a collection replaces ours."""
    learn_many(txn, effects.pairs(mutations))
    effects.apply(ctx, txn, mutations)
    records: Mapping[bytes, Held] = {one.index_mac: Held(one.value_mac, one.index_json) for one in mutations}
    told: list[Durable] = []
    for number, mutation in enumerate(mutations):
        told += effects.events(ctx, txn, mutation, f"appstate/{name}/{version}/recovered/{number}")
    collections.replace(txn, name, records)
    held = collections.get(txn, name)
    held = msgspec.structs.replace(
        held,
        version=version,
        lthash=hash,
        synced=True,
        synced_at=ctx.now,
        missing={},
        degraded="",
        copies=held.copies + 1,
    )
    collections.COLLECTIONS.put(txn, name, held)
    event = _told(ctx, name, held, "synced", full=True, inside=told)
    return [msgspec.structs.replace(event, recovery=True)]


def _told(
    ctx: Context,
    name: str,
    held: Collection,
    result: str,
    reason: str = "",
    *,
    full: bool = False,
    inside: Iterable[Durable] = (),
) -> AppStateSynced:
    changes = [changed(event) for event in inside]
    return AppStateSynced(
        at=ctx.now,
        key=f"sync.app_state/{name}/{held.version}/{result}/{round(ctx.now * 1000)}",
        collection=name,
        version=held.version,
        result=result,
        reason=reason,
        full=full,
        private={"changes": changes} if changes else None,
    )


def _wanted(ctx: Context, name: str, *, whole: bool = False) -> Wanted:
    held = collections.get(ctx.store, name)
    return Wanted(name, held.version, snapshot=whole or not held.version)


async def _steps(steps: Steps) -> Applied:
    """Long work, with turns for others."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            applied: Applied = done.value
            return applied
        await Pause()


async def _blob(raw: bytes) -> bytes:
    reference = _parsed(ExternalBlobReference, raw)
    return await Lookup(
        WantBlob(
            "md-app-state",
            reference.directPath,
            reference.mediaKey,
            reference.fileSha256,
            reference.fileEncSha256,
        ),
        bytes,
    )


async def _external(patch: SyncdPatch) -> list[SyncdMutation] | None:
    if not patch.HasField("externalMutations"):
        return None
    listed = _parsed(SyncdMutations, await _blob(patch.externalMutations.SerializeToString()))
    if not listed.mutations:
        raise Malformed("a list of changes outside the patch is empty")
    return list(listed.mutations)


def _parsed(kind: type[M], raw: bytes) -> M:
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise Malformed(f"a {kind.__name__} does not decode") from error
