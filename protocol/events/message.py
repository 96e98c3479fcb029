"""Messages and what happens to them: the data members are those of the socket (docs/rpc.md).

Times are Unix seconds here; the host writes them as text. `private` is for the host alone, it is never shown.
"""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.events.base import Durable

Fields = dict[str, Any]


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody, under every name that we know: the hidden id is the id when it is known."""

    id: str
    pn: str = ""
    lid: str = ""
    name: str = ""
    kind: str = ""


class Chat(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where it was said."""

    id: str
    kind: str


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """An earlier message, from our point of view."""

    id: str
    chat: Chat
    #: Who wrote it.
    from_: Person = msgspec.field(name="from")


class Private(msgspec.Struct, frozen=True, omit_defaults=True):
    """What later work needs: how to fetch the media, and the secret that votes and edits are sealed under."""

    media: Any = None
    secret: bytes = b""

    def __repr__(self) -> str:
        return "Private(…)"


class Said(Durable, frozen=True, kw_only=True, omit_defaults=True):
    """A message as a whole."""

    id: str
    sent_at: float
    chat: Chat
    from_: Person = msgspec.field(name="from")
    body: Fields
    from_me: bool
    broadcast: bool
    retried: bool
    media: Fields | None = None
    reply_to: Fields | None = None
    mentions: list[Fields] | None = None
    mention_all: bool | None = None
    group_mentions: list[Fields] | None = None
    target: Target | None = None
    ephemeral: Fields | None = None
    association: Fields | None = None
    server_id: str = ""
    backlog: bool = False
    private: Private | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id})"


class MessageReceived(Said, frozen=True, kw_only=True, tag="message.received"):
    """Somebody wrote."""


class MessageSentElsewhere(Said, frozen=True, kw_only=True, tag="message.sent_elsewhere"):
    """The user wrote, on another device of the account."""


class MessageSent(Said, frozen=True, kw_only=True, omit_defaults=True, tag="message.sent"):
    """We wrote: encrypted, durable, on its way to the server."""

    #: Whose wish it was: the user of the socket, or the hook.
    via: str = ""
    outbox_id: str = ""


class MessageRecovered(Said, frozen=True, kw_only=True, tag="message.recovered"):
    """What was announced as undecryptable can be read now."""


class ChannelMessage(Said, frozen=True, kw_only=True, tag="channel.message"):
    """A channel has a new post."""


class MessageUndecryptable(
    Durable, frozen=True, kw_only=True, omit_defaults=True, tag="message.undecryptable"
):
    """A message is there and can't be read; the sender was asked to send it again, and the phone may know it."""

    id: str
    sent_at: float
    chat: Chat
    from_: Person = msgspec.field(name="from")
    from_me: bool
    #: decrypt, malformed, unavailable or view_once.
    reason: str
    #: What exactly failed, for the log.
    cause: str
    retries: int
    asked_phone: bool
    #: The sender wished that no placeholder be shown: a reaction, an edit, a vote.
    hidden: bool = False


class _Changed(Durable, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody did something to an earlier message."""

    #: Of the stanza that said so.
    id: str
    sent_at: float
    chat: Chat
    target: Target
    by: Person
    from_me: bool

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id})"


class MessageEdited(_Changed, frozen=True, kw_only=True, omit_defaults=True, tag="message.edited"):
    """It says something else now."""

    body: Fields
    media: Fields | None = None
    mentions: list[Fields] | None = None


class MessageRevoked(_Changed, frozen=True, kw_only=True, tag="message.revoked"):
    """It was deleted for everybody, by its author or an admin."""


class MessageReaction(_Changed, frozen=True, kw_only=True, tag="message.reaction"):
    """Somebody reacted; an empty emoji takes the reaction back."""

    emoji: str


class MessagePollVote(_Changed, frozen=True, kw_only=True, omit_defaults=True, tag="message.poll_vote"):
    """Somebody voted: the whole choice of that person, empty when it was withdrawn."""

    #: SHA-256 of each chosen option's name, in hex: names stand in the poll.
    hashes: list[str]
    #: The secret of the poll is not known: the choice can't be read.
    encrypted: bool = False


class MessageEventResponse(
    _Changed, frozen=True, kw_only=True, omit_defaults=True, tag="message.event_response"
):
    """Somebody answered an invitation to an event."""

    response: str
    extra_guests: int = 0
    encrypted: bool = False


class MessagePinned(_Changed, frozen=True, kw_only=True, omit_defaults=True, tag="message.pinned"):
    """It was pinned to the top of the chat, or taken off."""

    on: bool
    for_s: int | None = None


class MessageKept(_Changed, frozen=True, kw_only=True, tag="message.kept"):
    """In a disappearing chat it stays, or no longer."""

    on: bool


class ChatTimer(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="chat.updated"):
    """The chat's disappearing timer was set; 0 is off."""

    chat: Chat
    by: Person
    timer_s: int


class MessageStatus(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="message.status"):
    """How far messages of ours came with one person; statuses never go back, whoever counts must see to it."""

    ids: list[str]
    chat: Chat
    status: str
    by: Person
    device: int = 0


class ReceiptReceived(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="receipt.received"):
    """A receipt as it came."""

    ids: list[str]
    chat: Chat
    #: delivered, read, played, sender, inactive, read_self, …
    type_: str = msgspec.field(name="receipt")
    by: Person
    device: int = 0


class IdentityChanged(Durable, frozen=True, kw_only=True, tag="contact.identity_changed"):
    """Somebody has a new phone or a new installation: their security code is another one."""

    contact: Person
    fingerprint: str = ""
