"""Calls in progress, as far as signals tell; refusing one, and links."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from protocol.effects import AckKey, Expect, Tell
from protocol.errors import IqError, LocalProtocolError
from protocol.flows.context import Context
from protocol.flows.soft import Soft
from protocol.jid import Jid, parse
from protocol.keystore import Kind, Txn
from protocol.stanza import call

#: Later stanzas do not repeat who calls, so that is kept for as long as a phone may ring and somebody may talk.
KEPT_SECONDS: Final = 300.0
ANSWER_SECONDS: Final = 20.0


class CallRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the offer said."""

    peer: str
    creator: str
    video: bool
    at: float
    group: str = ""
    several: bool = False
    #: accepted, or ended.
    state: str = ""
    v: int = 1


CALLS: Final = Soft(Kind.CALL, CallRecord)


def forget_old(txn: Txn, now: float) -> None:
    """Calls of an hour ago say nothing any more."""
    for id in list(CALLS.ids(txn)):
        held = CALLS.get(txn, id)
        if held is not None and not 0 <= now - held.at <= KEPT_SECONDS:
            CALLS.delete(txn, id)


async def reject(ctx: Context, call_id: str, caller: Jid | None = None) -> Jid:
    """Refuse a call that rings; who called. Raises LocalProtocolError when it is not known."""
    held = CALLS.get(ctx.store, call_id)
    if held is None and caller is None:
        raise LocalProtocolError(f"call {call_id} is not known, or over")
    peer = parse(held.peer) if held is not None else caller
    assert peer is not None
    creator = parse(held.creator) if held is not None else peer
    account = ctx.account
    me = (account.lid_jid or account.pn_jid) if peer.is_lid else account.pn_jid
    id = ctx.random(8).hex().upper()
    await Tell((call.reject(id, me, peer, call_id, creator),))
    return peer.bare


async def create_link(ctx: Context, media: Literal["audio", "video"]) -> str:
    """A link that anybody may call by. Raises IqError."""
    id = ctx.random(8).hex().upper()
    await Tell((call.create_link(id, media),))
    ack = await Expect(AckKey("call", call.LINK_SERVER, id), ANSWER_SECONDS)
    if ack.text("error"):
        raise IqError(ack.number("error"), "no link was given")
    return call.read_link(ack, media)
