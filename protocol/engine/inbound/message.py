"""An incoming message: decrypted against one transaction, told as one event, acknowledged when both are durable.

Theory of operation (reference 02, 9.2). All ciphertexts of the stanza are tried in order, pairwise ones first: they
may bring the sender key that opens the rest. A ciphertext that fails changes nothing; those that succeed keep their
progress. What is read, what is owed for it (receipt, retry receipt, ack) and every record leave in one Reaction, so
nothing is promised before it is durable. A message seen before is acknowledged again and told once: its event has
the same key.
"""

from __future__ import annotations

import msgspec
from google.protobuf.message import DecodeError

from protocol.content.control import OWN_ONLY
from protocol.effects import Effects, Reaction
from protocol.engine.inbound.own_devices import PROTOCOL_MESSAGES
from protocol.engine.inbound.unread import malformed, unreadable, without_content
from protocol.events.base import Durable
from protocol.events.message import MessageReceived, MessageRecovered
from protocol.flows import devices, people, retry_state, sealed
from protocol.flows.announce import announce, of_channel
from protocol.flows.context import Context
from protocol.flows.decrypting import Decrypted, open_all
from protocol.flows.mapping import learn
from protocol.jid import Jid, parse
from protocol.keystore import Txn
from protocol.node import BadNode, Node
from protocol.pb.e2e_pb2 import Message, ProtocolMessage
from protocol.stanza import message as stanza
from protocol.stanza import receipt
from protocol.stanza.acks import (
    INVALID_PROTOBUF,
    MISSING_MESSAGE_SECRET,
    PARSING_ERROR,
    UNRECOGNIZED_STANZA,
    ack,
)
from protocol.stanza.message import Incoming


def on_message(ctx: Context, node: Node) -> Reaction:
    """`<message>`, and `<status>`, which is the same by another name."""
    account = ctx.creds().account
    if account is None:
        ctx.counts["message.unlinked"] += 1
        return Reaction()
    me = account.pn_jid
    own = [me] if account.lid_jid is None else [me, account.lid_jid]
    try:
        message = stanza.parse(node, own)
    except BadNode:
        return Reaction(stanzas=(ack(node, error=PARSING_ERROR, me=me),))
    txn = ctx.txn()
    learn(txn, message.sender, message.sender_alt)
    if message.chat_alt is not None:
        learn(txn, message.chat, message.chat_alt)
    if _ignored(ctx, txn, message):
        # Before any decryption: that is what makes it cheap. Its sender sees it as sent, not as delivered.
        ctx.counts["ignored.message"] += 1
        return Reaction(stanzas=(ack(node, me=me),), txn=_some(txn))
    if message.chat.is_newsletter:
        return _of_channel(ctx, txn, node, message)
    if not message.encs:
        if message.unavailable is not None:
            return without_content(ctx, txn, node, message)
        return Reaction(stanzas=(ack(node, error=UNRECOGNIZED_STANZA, me=me),), txn=_some(txn))
    opened = open_all(ctx, txn, message)
    if opened.failure is not None:
        return unreadable(ctx, txn, node, message, opened)
    if opened.malformed and not opened.messages:
        return malformed(ctx, txn, node, message, opened)
    return _read(ctx, txn, node, message, opened)


def _ignored(ctx: Context, txn: Txn, message: Incoming) -> bool:
    chosen = ctx.settings.ignore
    if not chosen or ctx.is_me(message.sender):
        return False
    if people.kind_of(message.chat) in chosen:
        return True
    chat = people.person(txn, message.chat)
    return not chosen.isdisjoint((chat.id, chat.pn, chat.lid))


def _read(ctx: Context, txn: Txn, node: Node, message: Incoming, opened: Decrypted) -> Reaction:
    effects = Effects()
    devices.meet(ctx, txn, message.sender)
    recovered = bool(opened.messages) and retry_state.healed(txn, message)
    for outer in opened.messages:
        place, body = _destination(message, outer), _unwrapped(message, outer)
        event = _one(ctx, txn, place, body, effects, recovered=recovered)
        if event is not None:
            effects.events.append(event)
    stanzas = [*opened.effects.stanzas, *effects.stanzas]
    if opened.understood:
        stanzas.insert(0, receipt.delivered(message, available=ctx.available and ctx.settings.auto_receipts))
        if message.is_status_stanza:
            stanzas.append(ack(node, me=ctx.account.pn_jid))
    else:
        of_bot = any(enc.type == stanza.BOT_CIPHER for enc in message.encs)
        error = MISSING_MESSAGE_SECRET if of_bot else None
        stanzas.insert(0, ack(node, error=error, me=ctx.account.pn_jid))
    return Reaction(
        stanzas=tuple(stanzas),
        txn=_some(txn, effects.events, opened.effects.events),
        events=(*opened.effects.events, *effects.events),
        flows=tuple(effects.flows),
    )


def _one(
    ctx: Context, txn: Txn, message: Incoming, body: Message, effects: Effects, *, recovered: bool
) -> Durable | None:
    if body.HasField("protocolMessage"):
        control = body.protocolMessage
        if control.HasField("type") and control.type in OWN_ONLY:
            _own_only(ctx, txn, message, control, effects)
            return None
    if sealed.part_of(body) is not None:
        effects.flows.append((sealed.open_task(ctx, sealed.put_down(txn, message, body)), None))
        return None
    return announce(ctx, txn, message, body, kind=MessageRecovered if recovered else MessageReceived)


def _own_only(ctx: Context, txn: Txn, message: Incoming, control: ProtocolMessage, effects: Effects) -> None:
    """Keys, history, mappings: only our own devices may say them, the rest is an attack (reference 03, 2.19)."""
    if not message.from_me or message.is_group_like:
        ctx.counts["spoofed.protocol_message"] += 1
        return
    handler = PROTOCOL_MESSAGES.get(control.type)
    if handler is None:
        ctx.counts["unhandled.protocol_message"] += 1
        return
    more = handler(ctx, txn, message, control)
    if more is not None:
        effects.add(more)


def _unwrapped(message: Incoming, body: Message) -> Message:
    """Take off our own device's wrapper; a stranger's claim to be one of ours is not believed."""
    if not (message.from_me and body.HasField("deviceSentMessage")):
        return body
    inner = body.deviceSentMessage.message
    if body.HasField("messageContextInfo") and not inner.messageContextInfo.messageSecret:
        inner.messageContextInfo.MergeFrom(body.messageContextInfo)
    return inner


def _destination(message: Incoming, outer: Message) -> Incoming:
    """The chat of a copy of our own: the stanza says it, else the wrapper does."""
    if not message.from_me or message.recipient is not None or message.is_group_like:
        return message
    if not outer.HasField("deviceSentMessage"):
        return message
    try:
        chat: Jid = parse(outer.deviceSentMessage.destinationJid)
    except ValueError:
        return message
    return msgspec.structs.replace(message, chat=stanza.plain(chat))


def _of_channel(ctx: Context, txn: Txn, node: Node, message: Incoming) -> Reaction:
    """Channels do not encrypt; they are acked, never receipted. Counters and reactions have no plaintext."""
    me = ctx.account.pn_jid
    event: Durable | None = None
    if message.plaintext is not None:
        try:
            event = of_channel(ctx, txn, message, Message.FromString(message.plaintext))
        except DecodeError:
            return Reaction(stanzas=(ack(node, error=INVALID_PROTOBUF, me=me),))
    events = (event,) if event else ()
    return Reaction(stanzas=(ack(node, me=me),), txn=_some(txn, events), events=events)


def _some(txn: Txn, *events: object) -> Txn | None:
    """A transaction that changes nothing and tells nothing needs no write."""
    return txn if txn.changes or any(events) else None
