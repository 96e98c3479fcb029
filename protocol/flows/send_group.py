"""A message to a group or the status audience: one ciphertext for all, our sender key for those who lack it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.effects import Commit, Pause
from protocol.errors import LocalProtocolError, TimedOut
from protocol.flows import announce, retry_copy, roster, sender_keys, wrap
from protocol.flows.context import Context
from protocol.flows.devices import devices_of
from protocol.flows.fanout import Failures, ensure_sessions
from protocol.flows.mapping import lid_of
from protocol.flows.outgoing import (
    STALE_ADDRESSING,
    DeviceFailure,
    SendRefused,
    SendRequest,
    SendResult,
    answered,
)
from protocol.flows.reporting import reporting
from protocol.flows.retry_copy import RetryCopy
from protocol.flows.send_person import SEAL_AT_ONCE, identity_for, seal
from protocol.jid import Jid
from protocol.node import Node
from protocol.pb.e2e_pb2 import Message
from protocol.signal import groups
from protocol.signal.padding import pad
from protocol.signal.phash import participant_hash
from protocol.stanza import message
from protocol.stanza.message import Sealed

#: How often a distribution starts anew because the sender key changed under it (somebody left meanwhile).
MAX_RESTARTS: Final = 3


class Plan(msgspec.Struct, frozen=True):
    """Who shall read it: all devices in the group's namespace, this one included."""

    addressing: str
    me: Jid
    devices: tuple[Jid, ...]
    people: tuple[Jid, ...]


class Sent(msgspec.Struct, frozen=True):
    """One attempt: who got the sender key along, and who could not be given it."""

    given: tuple[Jid, ...]
    failures: Failures
    #: The sender key that it was.
    key: int | None


async def to_group(ctx: Context, request: SendRequest) -> SendResult:
    """One message to a group, or to the status audience."""
    plan = await _plan(ctx, request, fresh=False)
    sent, ack = await _attempt(ctx, request, plan)
    if ack.error == STALE_ADDRESSING or (not ack.error and ack.addressing not in ("", plan.addressing)):
        plan = await _plan(ctx, request, fresh=True)
        if ack.error:
            sent, ack = await _attempt(ctx, request, plan)
    if ack.error:
        raise SendRefused(ack)
    txn = ctx.txn()
    if sent.given or sent.failures:
        sender_keys.mark(ctx, txn, request.to, sent.key, sent.given, sent.failures)
        ctx.store.stage(txn)
    failures = dict(sent.failures)
    if ack.phash and ack.phash != participant_hash(plan.devices):
        failures |= await _complete(ctx, request, plan)
    return SendResult(
        chat=str(request.to),
        at=ack.at,
        devices=len(plan.devices) - 1 - len(failures),
        people=len(plan.people) - 1,
        failures=tuple(DeviceFailure(str(device), why) for device, why in failures.items()),
    )


async def _plan(ctx: Context, request: SendRequest, *, fresh: bool) -> Plan:
    group = request.to
    if group.is_group:
        record = await roster.members_of(ctx, group, fresh=fresh)
        addressing, people = record.addressing, record.people()
    elif request.audience:
        addressing = "lid"
        people = [lid_of(ctx.store, person) or person for person in request.audience]
    else:
        raise LocalProtocolError("a status needs its audience; give the recipients")
    account = ctx.account
    me = account.lid_jid if addressing == "lid" and account.lid_jid is not None else account.pn_jid
    people = list(dict.fromkeys([*people, me.bare]))
    lists = await devices_of(ctx, people, fresh=fresh)
    # Devices in Meta's cloud never take part in groups.
    all_devices = [d.jid(user) for user, found in lists.items() for d in found if not d.hosted]
    if me not in all_devices:
        all_devices.append(me)
    return Plan(addressing, me, tuple(all_devices), tuple(people))


async def _attempt(ctx: Context, request: SendRequest, plan: Plan) -> tuple[Sent, message.Ack]:
    others = [device for device in plan.devices if device != plan.me]
    need: list[Jid] = []
    failures: Failures = {}
    # Whoever leaves, or shows a new identity, while we ask for keys takes our own from all the others, too.
    while more := [d for d in sender_keys.lacking(ctx.store, request.to, others, ctx.now) if d not in need]:
        need += more
        failures |= await ensure_sessions(ctx, more)
    sent = await _seal_and_stage(ctx, request, plan, others, failures)
    return sent, await answered(request.to, request.id)


async def _seal_and_stage(
    ctx: Context, request: SendRequest, plan: Plan, others: Sequence[Jid], failures: Failures
) -> Sent:
    group, sender = str(request.to), sender_keys.own_sender(ctx, ctx.store)
    for _ in range(MAX_RESTARTS):
        txn = ctx.txn()
        skdm = groups.distribution(txn, group, sender, entropy=ctx.random)
        need = sender_keys.lacking(txn, request.to, others, ctx.now)
        sealed: list[Sealed] = []
        for index, device in enumerate(d for d in need if d not in failures):
            if index and index % SEAL_AT_ONCE == 0:
                ctx.store.stage(txn)
                await Pause()
                txn = ctx.txn()
            plain = wrap.sender_key(request.to, skdm, ctx.random)
            why = seal(ctx, txn, device, plain, sealed)
            if why:
                failures[device] = why
        # Somebody may have left while we paused: then those ciphertexts carry a key that is none of ours any more.
        if len(need) <= SEAL_AT_ONCE or groups.distribution(txn, group, sender, entropy=ctx.random) == skdm:
            break
    else:
        raise LocalProtocolError("the group kept changing while we sent; try again")
    skmsg = groups.encrypt(txn, group, sender, pad(request.message, ctx.random), entropy=ctx.random)
    retry_copy.keep(txn, request.to, request.id, RetryCopy(request.message, request.facts, ctx.now))
    # While a key is on its way the lane stays ours: the next message need not carry it again.
    body = Message.FromString(request.message)
    stanza = _stanza(ctx, request, body, plan, sealed, skmsg)
    events = announce.sent(ctx, txn, request.to, request, body)
    sent = Sent(tuple(one.to for one in sealed), failures, sender_keys.current(ctx, txn, request.to))
    await Commit(txn, then=(stanza,), events=events, frees_lane=not sealed)
    return sent


def _stanza(
    ctx: Context, request: SendRequest, body: Message, plan: Plan, sealed: Sequence[Sealed], skmsg: bytes
) -> Node:
    facts, children = request.facts, []
    is_group = request.to.is_group
    named = {one.to.bare for one in sealed}
    # The server knows the audience of a status from this list alone.
    bare = () if is_group else [person for person in plan.people if person not in named]
    if sealed or bare:
        children.append(message.participants(sealed, facts, media=False, bare=bare))
    children += identity_for(ctx, sealed) + message.meta_nodes(facts)
    children.append(message.enc("skmsg", skmsg, facts))
    children += reporting(body, request.message, request.id, plan.me, request.to) if is_group else []
    return message.message(
        request.to,
        request.id,
        facts,
        children,
        addressing_mode=plan.addressing if is_group else None,
        phash=participant_hash(plan.devices) if is_group else None,
    )


async def _complete(ctx: Context, request: SendRequest, plan: Plan) -> Failures:
    """The server counts other devices than we did: learn them, and send to those that were missed. Once."""
    now = await _plan(ctx, request, fresh=True)
    missed = [device for device in now.devices if device not in plan.devices]
    if not missed:
        return {}
    failures = await ensure_sessions(ctx, missed)
    sender = sender_keys.own_sender(ctx, ctx.store)
    given: list[tuple[Jid, int | None]] = []
    for device in (d for d in missed if d not in failures):
        txn = ctx.txn()
        skdm = groups.distribution(txn, str(request.to), sender, entropy=ctx.random)
        plain = wrap.with_sender_key(request.message, request.to, skdm, ctx.random)
        sealed: list[Sealed] = []
        why = seal(ctx, txn, device, plain, sealed)
        if why:
            failures[device] = why
            continue
        one = message.enc(sealed[0].type, sealed[0].data, request.facts)
        children = [one, *identity_for(ctx, sealed), *message.meta_nodes(request.facts)]
        stanza = message.message(
            request.to,
            request.id,
            request.facts,
            children,
            participant=device,
            addressing_mode=now.addressing if request.to.is_group else None,
        )
        key = sender_keys.current(ctx, txn, request.to)
        await Commit(txn, then=(stanza,))
        try:
            if not (await answered(request.to, request.id)).error:
                given.append((device, key))
        except TimedOut:
            failures[device] = "the server did not acknowledge it"
    if given or failures:
        txn = ctx.txn()
        key_now = sender_keys.current(ctx, txn, request.to)
        holding = [device for device, key in given if key == key_now]
        sender_keys.mark(ctx, txn, request.to, key_now, holding, failures)
        ctx.store.stage(txn)
    return failures
