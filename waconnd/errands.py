"""What a row of the outbox knows beside its content, and the event that tells what the server said of it."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.events.base import Durable
from protocol.events.message import Chat, MessageEventResponse, MessagePollVote, MessageReaction
from protocol.flows.people import kind_of
from protocol.flows.send import SendResult
from protocol.jid import parse
from protocol.stanza.message import Facts
from waconnd.media.room import Waiting
from waconnd.store.archive.outbox import Entry


class OwnStatus(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="message.status"):
    """The server's word on a message of ours, or that there will be none."""

    ids: list[str]
    outbox_id: str
    chat: Chat
    status: str
    error: dict[str, Any] | None = None
    server_id: str = ""
    #: For the row alone.
    private: Landed | None = None


class Landed(msgspec.Struct, frozen=True):
    """What the server's ack tells the sender."""

    result: SendResult


#: What sealed contents tell, as rows of the outbox keep it.
Told = MessagePollVote | MessageEventResponse | MessageReaction


class Errand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a row knows beside its content."""

    facts: Facts = Facts()
    #: Status: who may read it.
    audience: tuple[str, ...] = ()
    #: The first message to this person: the recipient is looked up, the smaller bucket counts.
    new: bool = False
    #: Not a message of its own (a reaction, an edit): it needs no token.
    free: bool = False
    via: str = ""
    #: Files that must lie on the media hosts first.
    waiting: tuple[Waiting, ...] = ()
    told: tuple[Told, ...] = ()

    def as_meta(self) -> dict[str, Any]:
        """For the row."""
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]


def errand(entry: Entry) -> Errand:
    """What a row knows beside its content."""
    return msgspec.convert(entry.meta, Errand, strict=False)


def own_status(
    at: float,
    id: str,
    outbox_id: str,
    chat: str,
    status: str,
    *,
    error: dict[str, Any] | None = None,
    server_id: str = "",
    private: Landed | None = None,
) -> OwnStatus:
    """The word on one row; its key makes that it is told once."""
    return OwnStatus(
        at=at,
        key=f"message.status/{outbox_id}/{status}",
        ids=[id],
        outbox_id=outbox_id,
        chat=Chat(chat, kind_of(parse(chat))),
        status=status,
        error=error,
        server_id=server_id,
        private=private,
    )
