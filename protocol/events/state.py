"""What the user's own devices agree on: chats, the address book, labels, settings; and how the agreeing goes.

Each is a row. `full` events came out of a whole collection and stand inside `AppStateSynced.private`, not in the log.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from protocol.events.base import Durable
from protocol.events.message import Chat, Person, Target

#: Until the end of all calendars: how "for ever" is written.
FOREVER: Final = 253_402_300_799.0


class ChatUpdated(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="chat.updated"):
    """Members that are there have changed."""

    chat: Chat
    archived: bool | None = None
    pinned: bool | None = None
    #: When it was pinned: the order of pinned chats.
    pinned_at: float | None = None
    muted: bool | None = None
    muted_until: float | None = None
    #: True: marked as unread. False: everything up to `read_upto` is read.
    unread: bool | None = None
    read_upto: float | None = None
    locked: bool | None = None
    note: str | None = None


class ChatCleared(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="chat.cleared"):
    """Its messages were removed, the chat stays. Newer ones than `upto` are not meant."""

    chat: Chat
    upto: float
    keep_starred: bool = False


class ChatDeleted(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="chat.deleted"):
    """The chat is gone with its messages. Newer ones than `upto` are not meant."""

    chat: Chat
    upto: float
    keep_starred: bool = False


class MessageStarred(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="message.starred"):
    """The user marked it, or took the mark off."""

    chat: Chat
    target: Target
    on: bool


class MessageDeleted(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="message.deleted"):
    """The user removed it for himself."""

    chat: Chat
    target: Target


class ContactUpdated(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="contact.updated"):
    """The address book, or what somebody tells about themselves."""

    contact: Person
    #: As the user calls them; empty when they left the address book.
    name: str | None = None
    first_name: str | None = None
    username: str | None = None
    push_name: str | None = None
    saved: bool | None = None
    #: Their status posts are not shown.
    status_muted: bool | None = None
    #: What they say of themselves; empty: nothing any more.
    about: str | None = None
    #: The id of their picture; empty: there is none any more.
    picture: str | None = None
    #: The name that WhatsApp has verified for a business; empty: it is none any more.
    business_name: str | None = None
    #: The timer that chats with them begin with.
    timer_s: int | None = None


class ContactMoved(Durable, frozen=True, kw_only=True, tag="contact.moved"):
    """One person under another id from now on: chat and contact go on under the new one."""

    old: str
    new: str


class LabelChanged(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="label.changed"):
    """A label itself, or what it hangs on."""

    label: str
    name: str | None = None
    color: int | None = None
    predefined: int | None = None
    position: int | None = None
    deleted: bool | None = None
    chat: Chat | None = None
    target: Target | None = None
    #: With a chat or a message: it has the label now, or no longer.
    labeled: bool | None = None


class SettingsChanged(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="settings.changed"):
    """A setting of the account, by name; no value: it was removed."""

    name: str
    value: Any = None


class AppStateSynced(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="sync.app_state"):
    """How a collection stands: synced, blocked (keys are missing) or degraded (reading only, see `reason`)."""

    collection: str
    version: int
    result: str
    reason: str = ""
    #: The whole collection was read, not only what is new.
    full: bool = False
    #: The phone had to help.
    recovery: bool = False
    #: For the archive: `changes`, the events that a whole collection amounts to.
    private: Any = None

    def __repr__(self) -> str:
        return f"AppStateSynced({self.collection}, {self.version}, {self.result})"


class HistorySynced(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="sync.history"):
    """A piece of the history is in the archive."""

    #: initial, recent, full, status, names, settings or on_demand.
    kind: str
    percent: int
    chats: int
    messages: int
    #: Of `chat.fetch_history`, which this answers.
    request: str = ""
    #: There is older history on the phone (on_demand only).
    more: bool | None = None
    #: Why it could not be read.
    error: str = ""


def changed(event: Durable) -> dict[str, Any]:
    """An event as a member of `AppStateSynced.private`."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    return fields
