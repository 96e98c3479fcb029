"""What a person does in the app, as records: the writers beside the readers. Addresses are those of the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.appstate.actions import remove, write
from protocol.appstate.patch import Change
from protocol.pb.e2e_pb2 import MessageKey
from protocol.pb.sync_pb2 import SyncActionMessage, SyncActionMessageRange

#: Muted without an end.
FOREVER: Final = -1


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """The newest message of a chat: nothing newer is meant. Without an id only its time is known."""

    #: Unix seconds.
    at: int
    chat: str = ""
    id: str = ""
    from_me: bool = False
    #: The author's address, in groups for messages of others.
    participant: str = ""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The message that a record is about."""

    chat: str
    id: str
    from_me: bool
    participant: str = ""

    @property
    def index(self) -> tuple[str, str, str, str]:
        """As it stands in an index."""
        return (self.chat, self.id, "1" if self.from_me else "0", self.participant or "0")


def mute(chat: str, until: float | None, now: float) -> list[Change]:
    """Until then (Unix seconds); negative: for ever; None: no longer."""
    if until is None:
        return [write(("mute", chat), now, muted=False, muteEndTimestamp=0)]
    end = FOREVER if until < 0 else round(until * 1000)
    return [write(("mute", chat), now, muted=True, muteEndTimestamp=end)]


def pin(chat: str, on: bool, now: float) -> list[Change]:
    """To the top, or back."""
    return [write(("pin_v1", chat), now, pinned=on)]


def archive(chat: str, on: bool, last: Last, now: float) -> list[Change]:
    """Put away, which also unpins; or take out."""
    changes = [write(("archive", chat), now, archived=on, messageRange=_range(last))]
    return [*changes, *pin(chat, False, now)] if on else changes


def mark(chat: str, read: bool, last: Last, now: float) -> list[Change]:
    """As read, or as unread."""
    return [write(("markChatAsRead", chat), now, read=read, messageRange=_range(last))]


def lock(chat: str, on: bool, now: float) -> list[Change]:
    """Behind the phone's lock."""
    return [write(("lock", chat), now, locked=on)]


def clear(chat: str, last: Last, now: float, *, keep_starred: bool) -> list[Change]:
    """Empty a chat."""
    index = ("clearChat", chat, "0" if keep_starred else "1", "0")
    return [write(index, now, messageRange=_range(last))]


def delete_chat(chat: str, last: Last, now: float) -> list[Change]:
    """Remove a chat."""
    return [write(("deleteChat", chat, "1"), now, messageRange=_range(last))]


def star(about: About, on: bool, now: float) -> list[Change]:
    """Mark a message."""
    return [write(("star", *about.index), now, starred=on)]


def delete_message(about: About, at: int, now: float, *, media: bool) -> list[Change]:
    """Remove a message for oneself."""
    return [write(("deleteMessageForMe", *about.index), now, deleteMedia=media, messageTimestamp=at)]


def contact(jid: str, name: str, now: float, *, lid: str = "", pn: str = "") -> list[Change]:
    """Write somebody into the address book; without a name they leave it."""
    if not name:
        return [remove(("contact", jid))]
    members = {"lidJid": lid, "pnJid": pn}
    first = name.split(maxsplit=1)[0]
    return [
        write(
            ("contact", jid),
            now,
            fullName=name,
            firstName=first,
            saveOnPrimaryAddressbook=True,
            **{key: value for key, value in members.items() if value},
        )
    ]


def mute_status(jid: str, on: bool, now: float) -> list[Change]:
    """Don't show somebody's status posts."""
    return [write(("userStatusMute", jid), now, muted=on)]


def label(id: str, name: str, color: int, now: float, *, position: int | None = None) -> list[Change]:
    """Make or change a label."""
    more = {} if position is None else {"orderIndex": position}
    return [write(("label_edit", id), now, name=name, color=color, deleted=False, isActive=True, **more)]


def drop_label(id: str, name: str, color: int, now: float) -> list[Change]:
    """A label is no longer."""
    return [write(("label_edit", id), now, name=name, color=color, deleted=True)]


def label_chat(id: str, chat: str, on: bool, now: float) -> list[Change]:
    """Hang a label on a chat, or take it off."""
    return [write(("label_jid", id, chat), now, labeled=on)]


def label_message(id: str, about: About, on: bool, now: float) -> list[Change]:
    """Hang a label on a message. The last parts of the index are zeros, whoever wrote it."""
    return [write(("label_message", id, about.chat, about.id, "0", "0"), now, labeled=on)]


def order_labels(ids: Sequence[int], now: float) -> list[Change]:
    """The order of labels."""
    return [write(("label_reordering",), now, sortedLabelIds=list(ids))]


def quick_reply(
    id: str, shortcut: str, text: str, now: float, *, keywords: Sequence[str] = ()
) -> list[Change]:
    """A text under a shortcut; without a text it goes."""
    return [
        write(
            ("quick_reply", id),
            now,
            shortcut=shortcut,
            message=text,
            keywords=list(keywords),
            deleted=not text,
        )
    ]


def push_name(name: str, now: float) -> list[Change]:
    """Our own name, as others see it."""
    return [write(("setting_pushName",), now, name=name)]


def _range(last: Last) -> SyncActionMessageRange:
    range = SyncActionMessageRange(lastMessageTimestamp=last.at)
    if last.id:
        key = MessageKey(remoteJid=last.chat, fromMe=last.from_me, id=last.id)
        if last.participant and not last.from_me:
            key.participant = last.participant
        range.messages.append(SyncActionMessage(key=key, timestamp=last.at))
    return range
