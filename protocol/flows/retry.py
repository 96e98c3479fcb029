"""Answering retry receipts: the same message again, for one device, on a session that works (reference 02, 9.7).

What is sent comes from the copy that was kept, never from anywhere else; without a copy nothing is sent. The ack of
the receipt goes out last, so that a crash on the way brings the request again.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.effects import Commit, Effects, Tell
from protocol.errors import LinkLost, ProtocolError, StoreFailed
from protocol.flows import retry_copy, roster, sender_keys, tokens, wrap
from protocol.flows.context import Context
from protocol.flows.devices import knows, refresh
from protocol.flows.fanout import ensure_sessions, open_from_bundle
from protocol.flows.mapping import session_jid
from protocol.flows.outgoing import own_name
from protocol.flows.retry_copy import RetryCopy
from protocol.flows.send_person import identity_for, seal
from protocol.flows.soft import Soft
from protocol.jid import STATUS, Jid
from protocol.keystore import Kind, Txn
from protocol.node import Attr, Node
from protocol.pb.e2e_pb2 import Message
from protocol.signal import groups
from protocol.signal.padding import pad
from protocol.signal.session import base_key, delete_session, has_session, their_registration_id
from protocol.stanza import message, retry
from protocol.stanza.message import Sealed, plain
from protocol.stanza.retry import Request

#: Answers to one requester about one message, whatever counts it names.
MAX_ANSWERS: Final = 10
#: A session is thrown away for a requester at most this often, unless it brings its keys.
RECREATE_SECONDS: Final = 3600.0
#: Records of answers at most; the oldest go first.
MAX_RECORDS: Final = 5_000
KEEP_SECONDS: Final = 7 * 24 * 3600.0


class Answered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one device asked us about one message so far."""

    count: int
    at: float
    #: The session at the second request: still the same one at the third means that it is stuck.
    base_key: bytes = b""
    v: int = 1


class Recreated(msgspec.Struct, frozen=True):
    """When a session was last thrown away for this device."""

    at: float
    v: int = 1


ANSWERED: Final = Soft(Kind.RETRY_ANSWER, Answered)
RECREATED: Final = Soft(Kind.SESSION_RECREATED, Recreated)


async def answer(ctx: Context, request: Request, done: Node) -> None:
    """Send the message again if we have it, then acknowledge the request."""
    try:
        await _answer(ctx, request)
    except (LinkLost, StoreFailed):
        raise
    except ProtocolError:
        ctx.counts["retry.unanswered"] += 1
    await Tell((done,))


async def _answer(ctx: Context, request: Request) -> None:
    chat = _chat(ctx, request)
    if chat is None or request.count > retry.MAX_COUNT:
        return
    requester = request.requester
    name = session_jid(ctx.store, requester)
    id = f"{name.signal_address}/{request.id}"
    held = ANSWERED.get(ctx.store, id) or Answered(0, ctx.now)
    if held.count >= MAX_ANSWERS:
        return
    if not knows(ctx.store, requester):
        await refresh(ctx, [plain(requester)])
        if not knows(ctx.store, requester) and request.keys is None:
            return
    held = await _prepare(ctx, request, name, chat, held, id)
    if chat == STATUS:
        # The server does not take a status for one device; the next one brings the key.
        return
    found = await retry_copy.find(ctx, chat, request.id)
    if found is None:
        return
    failures = await ensure_sessions(ctx, [requester])
    if failures:
        return
    await _resend(ctx, request, found[0], found[1])


async def _prepare(ctx: Context, request: Request, name: Jid, chat: Jid, held: Answered, id: str) -> Answered:
    """Repair the session as the request demands, and give up the mark that the device has our sender key."""
    txn, effects = ctx.txn(), Effects()
    address = name.signal_address
    if request.keys is not None:
        why = _take_keys(ctx, txn, request, name, effects)
        if why:
            ctx.counts["retry.bad_keys"] += 1
    elif has_session(txn, address):
        known = their_registration_id(txn, address)
        moved = request.registration_id and known not in (None, 0, request.registration_id)
        stuck = request.count > 2 and held.base_key and base_key(txn, address) == held.base_key
        if (moved or stuck) and _may_recreate(ctx, txn, address):
            delete_session(txn, address)
    key = base_key(txn, address) if request.count == 2 else held.base_key
    held = Answered(held.count + 1, ctx.now, key)
    ANSWERED.put(txn, id, held)
    if not chat.is_user:
        sender_keys.clear(txn, chat, request.requester)
        if not roster.is_member(txn, chat, plain(request.requester)):
            sender_keys.rotate(ctx, txn, chat)
    await Commit(txn, then=tuple(effects.stanzas), events=tuple(effects.events))
    return held


def _take_keys(ctx: Context, txn: Txn, request: Request, name: Jid, effects: Effects) -> str:
    assert request.keys is not None
    bundle = msgspec.structs.replace(request.keys.bundle, registration_id=request.registration_id)
    known = their_registration_id(txn, name.signal_address)
    if ctx.is_me(request.requester) and known not in (None, 0, request.registration_id):
        return "one of our own devices names another registration"
    fetched = msgspec.structs.replace(request.keys, bundle=bundle)
    return open_from_bundle(ctx, txn, name, fetched, effects)


def _may_recreate(ctx: Context, txn: Txn, address: str) -> bool:
    held = RECREATED.get(txn, address)
    if held is not None and ctx.now - held.at < RECREATE_SECONDS:
        return False
    RECREATED.put(txn, address, Recreated(ctx.now))
    return True


def _chat(ctx: Context, request: Request) -> Jid | None:
    """Which chat the message is in; an own device has to say it."""
    if not request.from_.is_user:
        return request.from_
    if request.peer:
        return ctx.account.pn_jid.bare
    if ctx.is_me(request.from_):
        return plain(request.recipient) if request.recipient else None
    return plain(request.from_)


async def _resend(ctx: Context, request: Request, chat: Jid, copy: RetryCopy) -> None:
    requester, facts = request.requester, copy.facts
    txn = ctx.txn()
    if not chat.is_user:
        if not roster.is_member(txn, chat, plain(requester)) and not ctx.is_me(requester):
            return
        sender = sender_keys.own_sender(ctx, txn)
        skdm = groups.distribution(txn, str(chat), sender, entropy=ctx.random)
        padded = wrap.with_sender_key(copy.message, chat, skdm, ctx.random)
    elif ctx.is_me(requester) and not copy.peer:
        padded = wrap.for_own_devices(Message.FromString(copy.message), chat, ctx.random)
    else:
        padded = pad(copy.message, ctx.random)
    sealed: list[Sealed] = []
    if seal(ctx, txn, requester, padded, sealed):
        return
    one = message.enc(sealed[0].type, sealed[0].data, facts, count=request.count)
    children = [one, *identity_for(ctx, sealed), *message.meta_nodes(facts)]
    attrs: dict[str, Attr | None] = {"participant": request.participant, "recipient": request.recipient}
    if chat.is_user and not copy.peer:
        attrs["device_fanout"] = "false"
        children += tokens.proof(ctx, txn, chat)
    elif copy.peer:
        attrs["category"] = "peer"
    elif chat.is_group:
        attrs["addressing_mode"] = "lid" if own_name(ctx, requester).is_lid else "pn"
    stanza = message.message(request.from_, request.id, facts, children, **attrs)
    await Commit(txn, then=(stanza,))


async def forget_old(ctx: Context) -> None:
    """Let go of what nobody will ask about again, and of the oldest when there are too many."""
    txn = ctx.txn()
    held = sorted(
        ((record.at, id) for id in list(ANSWERED.ids(txn)) if (record := ANSWERED.get(txn, id))), reverse=True
    )
    for place, (at, id) in enumerate(held):
        if place >= MAX_RECORDS or ctx.now - at > KEEP_SECONDS:
            ANSWERED.delete(txn, id)
    for id in list(RECREATED.ids(txn)):
        recreated = RECREATED.get(txn, id)
        if recreated is None or ctx.now - recreated.at > RECREATE_SECONDS:
            RECREATED.delete(txn, id)
    if txn.changes:
        await Commit(txn)
