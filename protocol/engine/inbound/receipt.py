"""Incoming receipts: what became of our messages, and requests to send one again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from protocol.effects import Reaction
from protocol.events.base import Durable
from protocol.events.message import MessageStatus, ReceiptReceived
from protocol.flows import people
from protocol.flows.context import Context
from protocol.flows.retry import answer
from protocol.jid import Jid
from protocol.keystore import View
from protocol.node import BadNode, Node
from protocol.stanza import receipt, retry
from protocol.stanza.acks import ack
from protocol.stanza.prekeys import BadBundle
from protocol.stanza.receipt import Receipt

#: What a receipt of somebody else says about a message of ours.
STATUSES: Final = {
    receipt.DELIVERED: "delivered",
    receipt.INACTIVE: "delivered",
    receipt.READ: "read",
    receipt.PLAYED: "played",
}


def on_receipt(ctx: Context, node: Node) -> Reaction:
    """`<receipt>`."""
    if node.text("type") == receipt.RETRY:
        return _on_retry(ctx, node)
    try:
        receipts = receipt.parse(node)
    except BadNode:
        ctx.counts["malformed.receipt"] += 1
        return Reaction(stanzas=(ack(node),))
    txn = ctx.txn()
    # That our own other devices have what we sent is no news to anybody.
    told = tuple(event for one in receipts if one.type != receipt.SENDER for event in _events(ctx, txn, one))
    return Reaction(stanzas=(ack(node),), txn=txn if told else None, events=told)


def _events(ctx: Context, view: View, one: Receipt) -> Iterator[Durable]:
    chat = people.chat(view, _chat(ctx, one))
    by = people.person(view, one.by)
    at = float(one.at or ctx.now)
    kind = one.type.replace("-", "_") or "delivered"
    # The time first: keys that grow lie together in an index, where random places cost a page each.
    mark = f"{one.at}/{chat.id}/{by.id}.{one.by.device}/{kind}/{one.ids[0]}/{len(one.ids)}"
    ids = list(one.ids)
    yield ReceiptReceived(
        at=at, key=f"receipt/{mark}", ids=ids, chat=chat, type_=kind, by=by, device=one.by.device
    )
    status = STATUSES.get(one.type)
    if status is not None and not ctx.is_me(one.by):
        yield MessageStatus(
            at=at, key=f"status/{mark}", ids=ids, chat=chat, status=status, by=by, device=one.by.device
        )


def _chat(ctx: Context, one: Receipt) -> Jid:
    """Where the messages stand: an own device says whose chat it was in `recipient`."""
    if one.from_.is_user:
        return one.recipient if one.recipient is not None and ctx.is_me(one.from_) else one.from_
    return one.from_


def _on_retry(ctx: Context, node: Node) -> Reaction:
    """The ack leaves when the answer is out: a crash in between brings the request again."""
    try:
        request = retry.parse(node)
    except (BadNode, BadBundle):
        ctx.counts["malformed.retry"] += 1
        return Reaction(stanzas=(ack(node),))
    # One requester and message at a time, whatever the counts.
    lane = f"retry/{request.requester}/{request.id}"
    return Reaction(flows=((answer(ctx, request, ack(node)), lane),))
