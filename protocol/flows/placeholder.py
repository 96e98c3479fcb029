"""Asking our own phone for a message that we could not read (reference 02, 9.8)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.effects import Commit, Pause
from protocol.errors import LinkLost, ProtocolError, StoreFailed, TimedOut
from protocol.flows.context import Context
from protocol.flows.outgoing import SendRequest, new_id
from protocol.flows.retry_state import ASKED, Asked, tidy
from protocol.flows.send_person import to_phone
from protocol.jid import Jid, parse
from protocol.pb.e2e_pb2 import Message, PeerDataOperationRequestType, ProtocolMessage
from protocol.stanza.message import Facts, Incoming

#: The sender's answer to a retry receipt usually comes first.
WAIT_SECONDS: Final = 5.0
#: The phone does not look for older ones.
MAX_AGE_SECONDS: Final = 14 * 24 * 3600
#: Requests taken up again after a login.
MAX_RESUMED: Final = 200


def worth_asking(ctx: Context, message: Incoming) -> bool:
    """People's messages of the last days; not those between our own devices."""
    if message.peer or message.sender.is_hosted or not message.sender.is_user:
        return False
    return ctx.now - message.at < MAX_AGE_SECONDS


async def ask_later(ctx: Context, asked: str) -> None:
    """Give the sender some seconds, then ask the phone unless the message has come."""
    await Pause(WAIT_SECONDS)
    await ask_now(ctx, asked)


async def ask_now(ctx: Context, asked: str) -> None:
    """Ask the phone until the server has the question; then the answer waits there, whatever becomes of the link."""
    txn = ctx.txn()
    held = ASKED.get(txn, asked)
    if held is None or held.phone_reached:
        return
    if not held.asked_phone:
        # Before it leaves: only an answer that was asked for is believed.
        ASKED.put(txn, asked, msgspec.structs.replace(held, asked_phone=True))
        await Commit(txn)
    chat, sender, id = asked.split("/", 2)
    message = request(parse(chat), parse(sender), id, from_me=held.from_me)
    facts = Facts(type="text")
    try:
        await to_phone(
            ctx,
            SendRequest(
                to=ctx.account.pn_jid.bare,
                id=new_id(ctx),
                message=message.SerializeToString(),
                facts=facts,
                peer=True,
                push_priority="high_force",
            ),
        )
    except (LinkLost, StoreFailed, TimedOut):
        # Nobody knows whether it was heard: the next login asks again.
        return
    except ProtocolError:
        # Refused: the message stays announced as missing, `message.request` may ask again.
        pass
    txn = ctx.txn()
    held = ASKED.get(txn, asked)
    if held is not None:
        ASKED.put(txn, asked, msgspec.structs.replace(held, phone_reached=True))
        await Commit(txn)


async def ask_again(ctx: Context, chat: Jid, sender: Jid, id: str, *, from_me: bool) -> None:
    """Somebody wants this message: ask the phone whatever was asked before."""
    txn = ctx.txn()
    names = [name for name in ASKED.ids(txn) if name.endswith(f"/{id}")] or [f"{chat}/{sender}/{id}"]
    for name in names:
        record = ASKED.get(txn, name) or Asked(count=0, first_at=ctx.now, from_me=from_me)
        ASKED.put(txn, name, msgspec.structs.replace(record, wants_phone=True, phone_reached=False))
    await Commit(txn)
    for name in names:
        await ask_now(ctx, name)


def request(chat: Jid, sender: Jid, id: str, *, from_me: bool) -> Message:
    """The question for one message."""
    message = Message()
    control = message.protocolMessage
    control.type = ProtocolMessage.PEER_DATA_OPERATION_REQUEST_MESSAGE
    operation = control.peerDataOperationRequestMessage
    operation.peerDataOperationRequestType = PeerDataOperationRequestType.PLACEHOLDER_MESSAGE_RESEND
    key = operation.placeholderMessageResendRequest.add().messageKey
    key.remoteJid, key.fromMe, key.id = str(chat), from_me, id
    if not chat.is_user:
        key.participant = str(sender.bare)
    return message


async def resume(ctx: Context) -> None:
    """After a login: what was to be asked when the last connection ended; and old records go."""
    txn = ctx.txn()
    tidy(txn, ctx.now)
    if txn.changes:
        await Commit(txn)
    waiting = [
        id
        for id in ASKED.ids(ctx.store)
        if (held := ASKED.get(ctx.store, id)) and held.wants_phone and not held.phone_reached
    ]
    for id in waiting[:MAX_RESUMED]:
        await ask_now(ctx, id)
