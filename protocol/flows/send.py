"""Sending one message: to a person, a group, the status audience, a channel, the own phone (reference 02, 8).

The host holds id and encoded content before anything is encrypted, so that the same message goes out again after a
lost connection. A send leaves its lane when it is staged; the flow ends with the server's ack or its refusal.
"""

from __future__ import annotations

from protocol.effects import Commit
from protocol.errors import LocalProtocolError
from protocol.flows import announce
from protocol.flows.context import Context
from protocol.flows.outgoing import (
    DeviceFailure,
    NoCiphertext,
    SendRefused,
    SendRequest,
    SendResult,
    answered,
    lane,
    new_id,
)
from protocol.flows.send_group import to_group
from protocol.flows.send_person import to_person, to_phone
from protocol.pb.e2e_pb2 import Message
from protocol.stanza import message as stanza

__all__ = [
    "DeviceFailure",
    "NoCiphertext",
    "SendRefused",
    "SendRequest",
    "SendResult",
    "lane",
    "new_id",
    "send",
]


async def send(ctx: Context, request: SendRequest) -> SendResult:
    """Send it and wait for the server's word. Raises SendRefused, NoCiphertext, TimedOut (fate unknown), LinkLost."""
    to = request.to
    if request.peer:
        return await to_phone(ctx, request)
    if to.is_newsletter:
        return await _to_newsletter(ctx, request)
    if to.is_group or to.is_broadcast:
        return await to_group(ctx, request)
    if to.is_user:
        return await to_person(ctx, request)
    raise LocalProtocolError(f"messages to {to.server} can't be sent; give a person, a group or a channel")


async def _to_newsletter(ctx: Context, request: SendRequest) -> SendResult:
    txn = ctx.txn()
    post = stanza.newsletter(request.to, request.id, request.facts, request.message)
    events = announce.sent(ctx, txn, request.to, request, Message.FromString(request.message))
    await Commit(txn, then=(post,), events=events, frees_lane=True)
    ack = await answered(request.to, request.id)
    if ack.error:
        raise SendRefused(ack)
    return SendResult(chat=str(request.to), at=ack.at, server_id=ack.server_id)
