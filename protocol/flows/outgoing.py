"""What a send is asked, what it answers, and how it fails."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from protocol.crypto.primitives import sha256
from protocol.effects import ANSWER_SECONDS, AckKey, Expect
from protocol.errors import ProtocolError
from protocol.events.base import Durable
from protocol.flows.context import Context
from protocol.jid import Jid
from protocol.stanza import message as stanza
from protocol.stanza.message import Ack, Facts

#: The prefix of ids that companions make.
ID_PREFIX: Final = "3EB0"

STALE_ADDRESSING: Final = 421
BAD_REQUEST: Final = 400


class SendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One message, ready but for encryption."""

    to: Jid
    id: str
    #: The encoded Message, its secret inside.
    message: bytes
    facts: Facts
    #: Status: who may read it.
    audience: tuple[Jid, ...] = ()
    #: To the own phone alone: requests, never chat messages.
    peer: bool = False
    #: For the event that tells of it: who asked for it, and the host's name of it.
    via: str = ""
    outbox_id: str = ""
    #: What it means, when its content is sealed and says nothing by itself.
    told: tuple[Durable, ...] = ()
    push_priority: Literal["high", "high_force"] = "high"

    def __repr__(self) -> str:
        return f"SendRequest({self.id}, <{len(self.message)} bytes>)"


class DeviceFailure(msgspec.Struct, frozen=True):
    """A device that did not get the message, and why."""

    device: str
    reason: str


class SendResult(msgspec.Struct, frozen=True, kw_only=True):
    """The server has it."""

    #: The chat by its one name, as in events: the hidden id when it is known.
    chat: str
    #: Unix seconds, the server's.
    at: int
    #: Devices that a ciphertext was made for.
    devices: int = 0
    #: Persons, ourselves not counted, whom a group's message was meant for.
    people: int = 0
    failures: tuple[DeviceFailure, ...] = ()
    server_id: str = ""


class SendRefused(ProtocolError):
    """The server did not take the message. `transient`: the same message may be sent again later."""

    def __init__(self, ack: Ack) -> None:
        sentence, self.transient = REFUSALS.get(
            ack.error, (f"the server refused it with code {ack.error}", False)
        )
        super().__init__(sentence)
        self.code, self.backoff = ack.error, ack.backoff


class NoCiphertext(ProtocolError):
    """Nothing could be encrypted for the recipient's phone, so nothing was sent."""


REFUSALS: Final[dict[int, tuple[str, bool]]] = {
    400: ("the server calls the message malformed (400)", False),
    401: ("we may not write here (401)", False),
    403: ("we are not a member of this chat (403)", False),
    404: ("this recipient does not exist (404)", False),
    405: ("this kind of message is not accepted here (405)", False),
    406: ("the recipient's devices changed (406); try again", True),
    408: ("the server timed out (408); try again", True),
    420: ("we send too fast (420); try again later", True),
    421: ("the group changed its addressing twice while we sent (421); try again", True),
    429: ("we send too fast (429); try again later", True),
    463: (
        "the server wants proof that the recipient knows us (463); let the recipient write first, do not repeat it",
        False,
    ),
    473: ("this kind of content is not accepted here (473)", False),
    475: ("the quota of messages to new chats is used up (475); wait until it is renewed", False),
    479: ("the server calls the stanza invalid (479)", False),
    500: ("the server failed (500); try again", True),
    503: ("the server is not available (503); try again", True),
}


def lane(to: Jid) -> str:
    """The lane of a chat: its messages are staged in the order in which they were started."""
    return f"send/{to.bare}"


def new_id(ctx: Context) -> str:
    """A fresh message id (reference 02, 8.1)."""
    seed = int(ctx.now).to_bytes(8, "big") + ctx.account.pn_jid.user.encode() + b"@c.us" + ctx.random(16)
    return ID_PREFIX + sha256(seed)[:9].hex().upper()


async def answered(to: Jid, id: str) -> Ack:
    """The server's ack of a message that is durable and about to leave."""
    return stanza.parse_ack(await Expect(AckKey("message", to, id), ANSWER_SECONDS))


def own_name(ctx: Context, chat: Jid) -> Jid:
    """Our own device, in the namespace of a chat: all devices of one fan-out are named alike."""
    account = ctx.account
    return (account.lid_jid or account.pn_jid) if chat.is_lid else account.pn_jid
