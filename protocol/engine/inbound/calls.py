"""`<call>`: told once for each thing that happens to a call; always acknowledged (reference 04, 6)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from protocol.effects import Reaction
from protocol.events.base import Durable
from protocol.events.call import CallAccepted, CallEnded, CallMissed, CallOffer
from protocol.flows import calls, people
from protocol.flows.calls import CALLS, CallRecord
from protocol.flows.context import Context
from protocol.flows.mapping import learn
from protocol.jid import parse
from protocol.keystore import Txn
from protocol.node import BadNode, Node
from protocol.stanza import call as stanza
from protocol.stanza.acks import ack
from protocol.stanza.call import Call

#: A call that rang so long ago, while we were away, rings no more.
RINGING_SECONDS: Final = 60.0


def on_call(ctx: Context, node: Node) -> Reaction:
    """Every call stanza."""
    done = (ack(node),)
    try:
        signal = stanza.parse(node)
    except BadNode:
        ctx.counts["fault.call"] += 1
        return Reaction(stanzas=done)
    if signal is None:
        _count(ctx, node)
        return Reaction(stanzas=done)
    txn = ctx.txn()
    learn(txn, signal.peer, signal.peer_alt)
    learn(txn, signal.creator, signal.creator_alt)
    calls.forget_old(txn, ctx.now)
    event = _apply(ctx, txn, signal)
    staged = txn if txn.changes or event else None
    return Reaction(stanzas=done, txn=staged, events=(event,) if event is not None else ())


def _count(ctx: Context, node: Node) -> None:
    for child in node.children:
        if child.tag in stanza.CHATTER:
            ctx.counts["ignored.call"] += 1
        else:
            ctx.unknown("call", child.tag, child)


def _apply(ctx: Context, txn: Txn, signal: Call) -> Durable | None:
    held = CALLS.get(txn, signal.call_id)
    at = float(signal.at or ctx.now)
    if signal.signal in ("offer", "offer_notice"):
        return _offered(ctx, txn, signal, at) if held is None else None
    record = held or _record(signal, at)
    head = _head(txn, signal.call_id, record, at)
    if signal.signal == "accept":
        if record.state:
            return None
        CALLS.put(txn, signal.call_id, msgspec.structs.replace(record, state="accepted"))
        return CallAccepted(**head, key=f"call/{signal.call_id}/accepted")
    if record.state == "ended":
        return None
    CALLS.put(txn, signal.call_id, msgspec.structs.replace(record, state="ended"))
    key = f"call/{signal.call_id}/ended"
    if signal.signal == "reject":
        return CallEnded(**head, key=key, reason="rejected")
    if signal.reason == "timeout" or (not signal.reason and not record.state):
        # The caller gave up before anybody took it.
        return CallMissed(**head, key=key)
    return CallEnded(**head, key=key, reason=signal.reason or "ended")


def _offered(ctx: Context, txn: Txn, signal: Call, at: float) -> Durable:
    record = _record(signal, at)
    head = _head(txn, signal.call_id, record, at, signal.name)
    if signal.offline and ctx.now + ctx.clock_offset - at > RINGING_SECONDS:
        CALLS.put(txn, signal.call_id, msgspec.structs.replace(record, state="ended", at=ctx.now))
        return CallMissed(**head, key=f"call/{signal.call_id}/ended")
    CALLS.put(txn, signal.call_id, record)
    return CallOffer(**head, key=f"call/{signal.call_id}/offer")


def _record(signal: Call, at: float) -> CallRecord:
    return CallRecord(
        peer=str(signal.peer),
        creator=str(signal.creator),
        video=signal.video,
        at=at,
        group=str(signal.group_jid or ""),
        several=signal.group,
    )


def _head(txn: Txn, call_id: str, record: CallRecord, at: float, name: str = "") -> dict[str, Any]:
    return {
        "at": at,
        "call_id": call_id,
        "from_": people.person(txn, parse(record.creator), name),
        "media": "video" if record.video else "voice",
        "group": record.group or (True if record.several else None),
    }
