"""App state from outside: the server's hints, the phone's keys and its copy of a collection."""

from __future__ import annotations

import zlib
from typing import Final

from google.protobuf.message import DecodeError

from protocol.appstate import collections, lthash
from protocol.appstate.actions import COLLECTIONS
from protocol.appstate.mutation import Mutation, Op, parts
from protocol.crypto.primitives import hmac_sha256
from protocol.effects import Effects, Reaction
from protocol.flows import appstate
from protocol.flows import appstate_keys as keys
from protocol.flows.context import Context
from protocol.keystore import Txn
from protocol.node import Node
from protocol.pb.e2e_pb2 import PeerDataOperationRequestResponseMessage, ProtocolMessage
from protocol.pb.sync_pb2 import SyncdSnapshotRecovery
from protocol.stanza import appstate as stanza
from protocol.stanza.message import Incoming

Result = PeerDataOperationRequestResponseMessage.PeerDataOperationResult

#: A copy of a collection is read whole: beyond this it is none.
MAX_RECOVERY: Final = 64 * 1024 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS


def notified(ctx: Context, node: Node) -> Reaction:
    """`<notification type="server_sync">`: what is new is noted before it is acked, and fetched beside all else."""
    txn = ctx.txn()
    names = [
        name
        for name, version in stanza.notified(node)
        if name in COLLECTIONS and appstate.note_wanted(txn, name, version)
    ]
    flows = tuple((appstate.sync(ctx, name), appstate.lane(name)) for name in dict.fromkeys(names))
    return Reaction(txn=txn if txn.changes else None, flows=flows)


def key_share(ctx: Context, txn: Txn, message: Incoming, control: ProtocolMessage) -> Effects | None:
    """Keys from an own device: keep them, go on with whatever waited for them."""
    got = keys.take(txn, control.appStateSyncKeyShare)
    ready = appstate.unblocked(txn, got)
    if len(ready) == len(COLLECTIONS):
        return Effects(flows=[(appstate.sync_all(ctx), appstate.LANE)])
    return Effects(flows=[(appstate.catch_up(ctx, name), appstate.lane(name)) for name in ready])


def recovery(ctx: Context, txn: Txn, message: Incoming, result: Result) -> Effects | None:
    """The phone's copy of a collection that we could not verify."""
    response = result.syncdSnapshotFatalRecoveryResponse
    raw = response.collectionSnapshot
    try:
        if response.isCompressed:
            inflate = zlib.decompressobj(_GZIP)
            raw = inflate.decompress(raw, MAX_RECOVERY)
            if inflate.unconsumed_tail:
                raise ValueError("too long")
        copy = SyncdSnapshotRecovery.FromString(raw)
    except (zlib.error, DecodeError, ValueError):
        ctx.counts["malformed.recovery"] += 1
        return None
    name, version = copy.collectionName, copy.version.version
    held = collections.get(txn, name)
    if name not in COLLECTIONS or not held.recovery_at or len(copy.collectionLthash) != lthash.SIZE:
        ctx.counts["unasked.recovery"] += 1
        return None
    if held.version >= version and not held.degraded:
        return None
    find = keys.lookup(txn)
    mutations: list[Mutation] = []
    for record in copy.mutationRecords:
        expanded = find(record.keyId)
        if expanded is None:
            ctx.counts["unknown_key.recovery"] += 1
            return None
        data = record.value
        index_mac = hmac_sha256(expanded.index, data.index)
        mutations.append(
            Mutation(
                Op.SET,
                index_mac,
                record.mac,
                record.keyId,
                data.index,
                parts(data.index),
                data.value,
                data.version,
            )
        )
    events = appstate.recovered(ctx, txn, name, version, copy.collectionLthash, mutations)
    return Effects(events=events)
