"""What our own devices tell us inside messages: a table by type, into which the families put their handlers.

The handlers write into the transaction that the message arrived in; whatever else they want they return. Strangers'
messages of these types never come here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.effects import Effects
from protocol.engine.inbound import appstate
from protocol.events.message import MessageReceived, MessageRecovered
from protocol.flows import history, retry_state
from protocol.flows.announce import announce
from protocol.flows.context import Context
from protocol.flows.mapping import learn_many
from protocol.flows.people import name_of
from protocol.flows.retry_state import ASKED
from protocol.jid import LID, USER, Jid, parse
from protocol.keystore import Txn
from protocol.pb import history_pb2, web_pb2
from protocol.pb.e2e_pb2 import PeerDataOperationRequestType as Operation
from protocol.pb.e2e_pb2 import ProtocolMessage
from protocol.stanza.message import Incoming

#: Nested compressed payloads are none of this size; a bigger one is not read.
MAX_MAPPINGS: Final = 100_000


ProtocolHandler = Callable[[Context, Txn, Incoming, ProtocolMessage], Effects | None]
#: One result of a data operation: the whole answer and the result.
OperationHandler = Callable[[Context, Txn, Incoming, Any], Effects | None]


def _mappings(ctx: Context, txn: Txn, message: Incoming, control: ProtocolMessage) -> None:
    """The phone tells which numbers and hidden ids belong together, and that the account is migrated."""
    raw = control.lidMigrationMappingSyncMessage.encodedMappingPayload
    try:
        payload = history_pb2.LIDMigrationMappingSyncPayload.FromString(raw)
    except DecodeError:
        ctx.counts["malformed.lid_mapping"] += 1
        return
    pairs = payload.pnToLidMappings[:MAX_MAPPINGS]
    learn_many(txn, [(Jid(str(p.pn), USER), Jid(str(p.latestLid or p.assignedLid), LID)) for p in pairs])
    if payload.chatDbMigrationTimestamp and not ctx.creds(txn).lid_migrated:
        ctx.set_creds(txn, lambda creds: msgspec.structs.replace(creds, lid_migrated=True))


def _answers(ctx: Context, txn: Txn, message: Incoming, control: ProtocolMessage) -> Effects | None:
    """The phone's answer to a request for data; only the phone itself has it."""
    if message.sender.device:
        ctx.counts["spoofed.data_operation"] += 1
        return None
    response = control.peerDataOperationRequestResponseMessage
    handler = DATA_OPERATIONS.get(response.peerDataOperationRequestType)
    if handler is None:
        return None
    out = Effects()
    for result in response.peerDataOperationResult:
        more = handler(ctx, txn, message, result)
        if more is not None:
            out.add(more)
    return out


def _resent(ctx: Context, txn: Txn, message: Incoming, result: Any) -> Effects | None:
    """A message that we could not read, as the phone has it. Only what we asked for is taken."""
    raw = result.placeholderMessageResendResponse.webMessageInfoBytes
    try:
        info = web_pb2.WebMessageInfo.FromString(raw)
        chat = parse(info.key.remoteJid)
    except (DecodeError, ValueError):
        ctx.counts["malformed.resent_message"] += 1
        return None
    id = info.key.id
    waiting = [name for name in ASKED.ids(txn) if name.endswith(f"/{id}")]
    for asked in waiting:
        held_chat, held_sender, _ = asked.split("/", 2)
        held = ASKED.get(txn, asked)
        if held is None or not held.asked_phone:
            continue
        # The phone may name the chat by a number that we can't match; the id decides when it fits one request only.
        if len(waiting) > 1 and name_of(txn, parse(held_chat)) != name_of(txn, chat):
            continue
        place = Incoming(
            id=id,
            chat=parse(held_chat),
            sender=parse(held_sender),
            from_me=held.from_me,
            # What the failed stanza said stands: the phone may leave things out.
            at=held.sent_at or info.messageTimestamp,
            type="",
            push_name=info.pushName,
            from_=parse(held_chat),
        )
        recovered = retry_state.healed(txn, place)
        event = announce(
            ctx, txn, place, info.message, kind=MessageRecovered if recovered else MessageReceived
        )
        return Effects(events=[event]) if event else None
    ctx.counts["unasked.resent_message"] += 1
    return None


def _history(ctx: Context, txn: Txn, message: Incoming, control: ProtocolMessage) -> Effects | None:
    """A piece of history is there; only the phone has it."""
    if message.sender.device:
        ctx.counts["spoofed.history"] += 1
        return None
    history.put_down(txn, message.id, control.historySyncNotification, ctx.now)
    return Effects(flows=[(history.take(ctx, message.id), history.LANE)])


#: By type of operation.
DATA_OPERATIONS: Final[dict[int, OperationHandler]] = {
    Operation.PLACEHOLDER_MESSAGE_RESEND: _resent,
    Operation.COMPANION_SYNCD_SNAPSHOT_FATAL_RECOVERY: appstate.recovery,
}

#: By type of protocol message.
PROTOCOL_MESSAGES: Final[dict[int, ProtocolHandler]] = {
    ProtocolMessage.LID_MIGRATION_MAPPING_SYNC: _mappings,
    ProtocolMessage.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE: _answers,
    ProtocolMessage.APP_STATE_SYNC_KEY_SHARE: appstate.key_share,
    ProtocolMessage.HISTORY_SYNC_NOTIFICATION: _history,
}
