"""A message to one person: a ciphertext for each device of theirs, a wrapped one for each other device of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.effects import Commit, Pause
from protocol.errors import TimedOut
from protocol.events.base import Durable
from protocol.flows import announce, retry_copy, tokens, wrap
from protocol.flows.context import Context
from protocol.flows.devices import devices_of
from protocol.flows.fanout import Failures, ensure_sessions, local
from protocol.flows.mapping import lid_of, pn_of, session_jid
from protocol.flows.outgoing import (
    BAD_REQUEST,
    DeviceFailure,
    NoCiphertext,
    SendRefused,
    SendRequest,
    SendResult,
    answered,
    own_name,
)
from protocol.flows.people import name_of
from protocol.flows.reporting import reporting
from protocol.flows.retry_copy import RetryCopy
from protocol.jid import Jid
from protocol.keystore import Txn
from protocol.node import Node
from protocol.pb.e2e_pb2 import Message
from protocol.signal.errors import SignalError
from protocol.signal.padding import pad
from protocol.signal.phash import participant_hash
from protocol.signal.session import encrypt
from protocol.stanza import adv, message
from protocol.stanza.devices import Device
from protocol.stanza.message import Sealed

#: Devices encrypted for before other work gets its turn.
SEAL_AT_ONCE: Final = 48


class Sent(msgspec.Struct, frozen=True):
    """One attempt: for whom, and who was left out."""

    devices: tuple[Jid, ...]
    failures: Failures


async def to_person(ctx: Context, request: SendRequest) -> SendResult:
    """One message to a person, or to ourselves."""
    people = [request.to.bare, ctx.account.pn_jid.bare]
    lists = await devices_of(ctx, people)
    chat = wire_name(ctx, request.to.bare)
    sent, ack = await _attempt(ctx, request, chat, lists[people[0]], lists[people[1]])
    if ack.error == BAD_REQUEST and chat.is_lid and (number := pn_of(ctx.store, chat)):
        # The account is not migrated after all: hidden ids are refused on the wire.
        chat = number
        sent, ack = await _attempt(ctx, request, chat, lists[people[0]], lists[people[1]])
    if ack.error:
        raise SendRefused(ack)
    if ack.phash or ack.refresh_lid:
        sent = await _complete(ctx, request, chat, sent, ack.phash)
    return SendResult(
        chat=str(name_of(ctx.store, chat)),
        at=ack.at,
        devices=len(sent.devices),
        failures=tuple(DeviceFailure(str(device), why) for device, why in sent.failures.items()),
    )


def wire_name(ctx: Context, chat: Jid) -> Jid:
    """Hidden ids are written only by accounts that were migrated to them (reference 02, 7.3)."""
    if ctx.creds().lid_migrated:
        return (lid_of(ctx.store, chat) or chat) if chat.is_pn else chat
    return (pn_of(ctx.store, chat) or chat) if chat.is_lid else chat


async def _attempt(
    ctx: Context,
    request: SendRequest,
    chat: Jid,
    theirs: Sequence[Device],
    ours: Sequence[Device],
) -> tuple[Sent, message.Ack]:
    me = own_name(ctx, chat)
    targets = [d.jid(me) for d in ours if d.id != me.device]
    if not ctx.is_me(chat):
        targets = [d.jid(chat) for d in theirs] + targets
    failures = await ensure_sessions(ctx, targets)
    if failures and _lost_primary(ctx, chat, failures):
        # The list may be stale: ask once more before giving up.
        fresh = (await devices_of(ctx, [chat], fresh=True))[chat]
        targets = [d.jid(chat) for d in fresh] + [d for d in targets if ctx.is_me(d)]
        failures = await ensure_sessions(ctx, targets)
    sent = await _seal_and_stage(ctx, request, chat, targets, failures, first=True)
    return sent, await answered(chat, request.id)


async def _seal_and_stage(
    ctx: Context, request: SendRequest, chat: Jid, targets: Sequence[Jid], failures: Failures, *, first: bool
) -> Sent:
    """Encrypt in chunks, each staged; the stanza rides on the last, with all that must be durable before it."""
    ready = [device for device in targets if device not in failures]
    body = Message.FromString(request.message)
    plain, own = pad(request.message, ctx.random), b""
    reached = False
    sealed: list[Sealed] = []
    txn = ctx.txn()
    for index, device in enumerate(ready):
        if index and index % SEAL_AT_ONCE == 0:
            ctx.store.stage(txn)
            await Pause()
            txn = ctx.txn()
        ours = ctx.is_me(device)
        if ours and not own:
            own = wrap.for_own_devices(body, chat, ctx.random)
        why = seal(ctx, txn, device, own if ours else plain, sealed)
        if why:
            failures[device] = why
        elif not ours:
            reached = True
    if first and not ctx.is_me(chat):
        primary = chat.on(0)
        if primary in failures or not reached:
            why = failures.get(primary, "the server knows no device of this person")
            raise NoCiphertext(f"nothing could be encrypted for the recipient's phone: {why}")
    extra: list[Node] = []
    events: tuple[Durable, ...] = ()
    if first:
        events = announce.sent(ctx, txn, chat, request, body)
        copy = RetryCopy(request.message, request.facts, ctx.now)
        retry_copy.keep(txn, chat, request.id, copy)
        extra = tokens.issue(ctx, txn, chat)
    children = [message.participants(sealed, request.facts, media=True)]
    children += identity_for(ctx, sealed) + message.meta_nodes(request.facts)
    children += reporting(body, request.message, request.id, own_name(ctx, chat), chat)
    children += tokens.proof(ctx, txn, chat)
    number = pn_of(txn, chat) if chat.is_lid and first else None
    stanza = message.message(chat, request.id, request.facts, children, peer_recipient_pn=number)
    await Commit(txn, then=(stanza, *extra), events=events, frees_lane=True)
    return Sent(tuple(one.to for one in sealed), failures)


async def _complete(ctx: Context, request: SendRequest, chat: Jid, sent: Sent, theirs: str) -> Sent:
    """The server knows other devices than we did: learn them, and send to those that were missed. Once."""
    me = own_name(ctx, chat)
    if theirs == participant_hash((*sent.devices, me)):
        return sent
    lists = await devices_of(ctx, [chat, me.bare], fresh=True)
    now = [device.jid(user) for user, found in lists.items() for device in found]
    missed = [device for device in now if device not in (*sent.devices, me)]
    if not missed:
        return sent
    failures = await ensure_sessions(ctx, missed)
    more = await _seal_and_stage(ctx, request, chat, missed, failures, first=False)
    try:
        await answered(chat, request.id)
    except TimedOut:
        pass
    return Sent((*sent.devices, *more.devices), sent.failures | more.failures)


async def to_phone(ctx: Context, request: SendRequest) -> SendResult:
    """A request to our own phone: one ciphertext, no wrapper, no tokens (reference 02, 8.2)."""
    phone = ctx.account.pn_jid.on(0)
    failures = await ensure_sessions(ctx, [phone])
    sealed: list[Sealed] = []
    txn = ctx.txn()
    why = failures.get(phone) or seal(ctx, txn, phone, pad(request.message, ctx.random), sealed)
    if why:
        raise NoCiphertext(f"nothing could be encrypted for our own phone: {why}")
    retry_copy.keep(txn, phone, request.id, RetryCopy(request.message, request.facts, ctx.now, peer=True))
    meta = Node("meta", {"appdata": "default"})
    children = [meta, message.enc(sealed[0].type, sealed[0].data), *identity_for(ctx, sealed)]
    stanza = message.message(
        phone, request.id, request.facts, children, category="peer", push_priority=request.push_priority
    )
    await Commit(txn, then=(stanza,), frees_lane=True)
    ack = await answered(phone, request.id)
    if ack.error:
        raise SendRefused(ack)
    return SendResult(chat=str(phone), at=ack.at, devices=1)


def seal(ctx: Context, txn: Txn, device: Jid, padded: bytes, into: list[Sealed]) -> str:
    """Encrypt for one device. What is returned says why it failed."""
    try:
        envelope = encrypt(txn, session_jid(txn, device).signal_address, padded, me=local(ctx))
    except SignalError as error:
        return str(error)
    into.append(Sealed(device, envelope.type, envelope.data))
    return ""


def identity_for(ctx: Context, sealed: Sequence[Sealed]) -> list[Node]:
    """Our own identity, when some session is new."""
    if all(one.type != "pkmsg" for one in sealed):
        return []
    return [message.device_identity(adv.own_identity(ctx.account))]


def _lost_primary(ctx: Context, chat: Jid, failures: Failures) -> bool:
    return not ctx.is_me(chat) and chat.on(0) in failures
