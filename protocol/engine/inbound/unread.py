"""A message that can't be read: announced at once, asked for again, and acknowledged (reference 02, 9.4 to 9.6)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from protocol.effects import Reaction
from protocol.events.message import MessageUndecryptable
from protocol.flows import people, placeholder, prekeys, retry_state
from protocol.flows.announce import event_key
from protocol.flows.context import Context
from protocol.flows.decrypting import Decrypted
from protocol.flows.retry_state import ASKED, Asked, asked_id
from protocol.jid import BOT
from protocol.keystore import Txn
from protocol.node import Node
from protocol.signal.errors import NoSenderKey
from protocol.stanza import adv, retry
from protocol.stanza.acks import INVALID_PROTOBUF, ack
from protocol.stanza.message import Incoming

#: A status lives a day; nobody has an older one.
STATUS_SECONDS: Final = 24 * 3600
#: Kinds of "unavailable" that the phone does not hand out either.
NOT_FROM_PHONE: Final = ("view_once", "hosted", "bot", "view_once_unavailable_fanout")


def unreadable(ctx: Context, txn: Txn, node: Node, message: Incoming, opened: Decrypted) -> Reaction:
    """Ask the sender again and tell the user; what was learnt on the way (a sender key, say) is kept."""
    assert opened.failure is not None
    done = ack(node, me=ctx.account.pn_jid)
    expired = message.chat.is_broadcast and ctx.now - message.at > STATUS_SECONDS
    if not opened.failure.retry or expired or (message.sender.server == BOT and message.is_group_like):
        told = tuple(opened.effects.events)
        return Reaction((*opened.effects.stanzas, done), txn if txn.changes or told else None, told)
    held = retry_state.state(txn, message) or Asked(0, ctx.now)
    # The stanza may itself answer a retry that an earlier life of ours asked for.
    count = max(held.count, message.retry_count) + 1
    stanzas = list(opened.effects.stanzas)
    if count <= retry.MAX_ASKS:
        forced = message.sender.is_hosted or (opened.group_only and isinstance(opened.failure, NoSenderKey))
        keys = _keys(ctx, txn) if count > 1 or forced else None
        creds = ctx.creds(txn)
        reason = opened.failure.retry_reason
        stanzas.append(retry.ask(message, count, creds.registration_id, reason, keys))
    events = list(opened.effects.events)
    flows: list[tuple[Any, str | None]] = []
    ask_phone = not held.announced and placeholder.worth_asking(ctx, message)
    if not held.announced:
        events.append(_announcement(ctx, txn, message, "decrypt", str(opened.failure), count, ask_phone))
    if ask_phone:
        flows.append((placeholder.ask_later(ctx, asked_id(message)), None))
    ASKED.put(
        txn,
        asked_id(message),
        msgspec.structs.replace(
            held,
            count=min(count, retry.MAX_ASKS + 1),
            sent_at=message.at,
            from_me=message.from_me,
            wants_phone=held.wants_phone or ask_phone,
            announced=True,
        ),
    )
    return Reaction(stanzas=(*stanzas, done), txn=txn, events=tuple(events), flows=tuple(flows))


def malformed(ctx: Context, txn: Txn, node: Node, message: Incoming, opened: Decrypted) -> Reaction:
    """Decrypted, and still no message: sending it again would change nothing, so it is refused for good."""
    told = _announcement(ctx, txn, message, "malformed", "what was decrypted is no message", 0, False)
    refusal = ack(node, error=INVALID_PROTOBUF, me=ctx.account.pn_jid)
    return Reaction((*opened.effects.stanzas, refusal), txn, (*opened.effects.events, told))


def without_content(ctx: Context, txn: Txn, node: Node, message: Incoming) -> Reaction:
    """The sender did not encrypt it for us: the phone may hand it out, view-once never comes."""
    done = ack(node, me=ctx.account.pn_jid)
    held = retry_state.state(txn, message)
    if held is not None:
        return Reaction(stanzas=(done,), txn=txn if txn.changes else None)
    kind = message.unavailable or ""
    ask = kind not in NOT_FROM_PHONE and placeholder.worth_asking(ctx, message)
    ASKED.put(
        txn,
        asked_id(message),
        Asked(0, ctx.now, message.at, from_me=message.from_me, wants_phone=ask, announced=True),
    )
    reason = "view_once" if kind.startswith("view_once") else "unavailable"
    event = _announcement(ctx, txn, message, reason, "the sender did not encrypt it for this device", 0, ask)
    flows = ((placeholder.ask_now(ctx, asked_id(message)), None),) if ask else ()
    return Reaction(stanzas=(done,), txn=txn, events=(event,), flows=flows)


def _announcement(
    ctx: Context, txn: Txn, message: Incoming, reason: str, cause: str, retries: int, ask_phone: bool
) -> MessageUndecryptable:
    return MessageUndecryptable(
        at=float(message.at),
        key=f"undecryptable/{event_key(txn, message)}",
        id=message.id,
        sent_at=float(message.at),
        chat=people.chat(txn, message.chat),
        from_=people.person(txn, message.sender, message.push_name),
        from_me=message.from_me,
        reason=reason,
        cause=cause,
        retries=retries,
        asked_phone=ask_phone,
        hidden=message.hidden,
    )


def _keys(ctx: Context, txn: Txn) -> retry.Keys:
    """A fresh one-time prekey, the signed one and our identity: all that a new session needs."""
    id, pair = prekeys.lend(ctx, txn)
    creds = ctx.creds(txn)
    identity = adv.own_identity(ctx.account)
    return retry.Keys(creds.identity.public, id, pair.public, creds.signed_pre_key, identity)
