"""Who is there and who writes: passing facts without a row."""

from __future__ import annotations

from protocol.events.base import Event
from protocol.events.message import Chat, Person


class ContactPresence(Event, frozen=True, kw_only=True, omit_defaults=True, tag="contact.presence"):
    """Somebody came or went; `last_seen_at` is absent where it is hidden."""

    contact: Person
    online: bool
    last_seen_at: float | None = None


class ChatTyping(Event, frozen=True, kw_only=True, tag="chat.typing"):
    """Somebody types or records, or has stopped."""

    chat: Chat
    who: Person
    #: text or voice.
    kind: str
    on: bool
