"""What flows ask their host: the copies of sent messages, long computations, what only a person can give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread

from protocol.crypto.primitives import pbkdf2
from protocol.effects import Question
from protocol.errors import TimedOut
from protocol.flows.history import Carry, Survey
from protocol.flows.questions import ConfirmCode, NeedPasskey, StretchCode, WantBlob
from protocol.flows.retry_copy import WantRetryCopy, copy_id
from protocol.flows.sealed import WantSecret
from protocol.jid import parse
from waconnd.media import blobs

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.fleet import Fleet


async def answer(fleet: Fleet, account: Account, question: Question) -> object:
    """The reply, or an exception for the flow."""
    match question:
        case WantRetryCopy():
            held = await fleet.archive.copies.get(account.name, copy_id(parse(question.chat), question.id))
            return held or b""
        case WantSecret():
            for chat in question.chats:
                secret = await fleet.archive.messages.secret(
                    account.name, chat, question.id, question.senders[0]
                )
                if secret:
                    return secret
            return b""
        case WantBlob():
            return await blobs.read(fleet, account, question)
        case Survey():
            return await fleet.histories.survey(account, question)
        case Carry():
            return await fleet.histories.carry(account, question)
        case StretchCode():
            return await anyio.to_thread.run_sync(
                pbkdf2, question.password, question.salt, question.iterations
            )
        case NeedPasskey():
            return await account.people.wait("passkey", question.expires_at, bytes)
        case ConfirmCode():
            return await account.people.wait("confirm", question.expires_at, bool)
    raise TimedOut(f"nobody here answers {type(question).__name__}")
