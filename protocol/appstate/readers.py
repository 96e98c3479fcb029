"""Records of app state as events: one small function for each kind.

They are called with an index that has at least its name; a part that is missing or is no address raises IndexError or
ValueError, and then there is no event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from protocol.appstate.mutation import Mutation, Op
from protocol.events import state
from protocol.events.base import Durable
from protocol.events.message import Chat, Person, Target
from protocol.jid import Jid, parse
from protocol.pb.sync_pb2 import StatusPrivacyAction, SyncActionMessageRange

#: In an index, for messages of one's own and between two people.
NOBODY: Final = "0"
_MODES: Final = StatusPrivacyAction.StatusDistributionMode


class Names(Protocol):
    """How persons and chats are called in events."""

    def chat(self, jid: Jid, /) -> Chat: ...
    def person(self, jid: Jid, /) -> Person: ...
    def me(self) -> Person: ...


class Reading(msgspec.Struct, frozen=True):
    """What readers share: names, and the key of the record."""

    names: Names
    #: Unix seconds, when the record itself does not say.
    now: float
    key: str

    def head(self, mutation: Mutation) -> dict[str, Any]:
        """`at` and `key` of an event."""
        stamp = mutation.value.timestamp
        return {"at": stamp / 1000 if stamp > 0 else self.now, "key": self.key}


def _chat(reading: Reading, mutation: Mutation, place: int = 1) -> Chat:
    return reading.names.chat(parse(mutation.index[place]))


def _updated(reading: Reading, mutation: Mutation, **members: Any) -> list[Durable]:
    return [
        state.ChatUpdated(chat=_chat(reading, mutation), **reading.head(mutation), **members),
    ]


def mute(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Muted until then, for ever, or no longer."""
    action = mutation.value.muteAction
    if mutation.op is Op.REMOVE or not action.muted:
        return _updated(reading, mutation, muted=False)
    end = action.muteEndTimestamp
    until = min(end / 1000, state.FOREVER) if end > 0 else state.FOREVER
    return _updated(reading, mutation, muted=True, muted_until=until)


def pin(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Pinned to the top of the list."""
    if mutation.op is Op.REMOVE or not mutation.value.pinAction.pinned:
        return _updated(reading, mutation, pinned=False)
    return _updated(reading, mutation, pinned=True, pinned_at=reading.head(mutation)["at"])


def archive(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Put away."""
    on = mutation.op is Op.SET and mutation.value.archiveChatAction.archived
    return _updated(reading, mutation, archived=on)


def mark_read(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Marked as unread, or read up to a message."""
    if mutation.op is Op.REMOVE:
        return []
    action = mutation.value.markChatAsReadAction
    if not action.read:
        return _updated(reading, mutation, unread=True)
    return _updated(reading, mutation, unread=False, read_upto=_upto(reading, mutation, action.messageRange))


def lock(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Hidden behind the phone's lock."""
    return _updated(reading, mutation, locked=mutation.op is Op.SET and mutation.value.lockChatAction.locked)


def note(reading: Reading, mutation: Mutation) -> list[Durable]:
    """A note of the user on a chat."""
    action = mutation.value.noteEditAction
    if mutation.op is Op.REMOVE or not action.chatJid:
        return []
    chat = reading.names.chat(parse(action.chatJid))
    text = "" if action.deleted else action.unstructuredContent
    return [state.ChatUpdated(chat=chat, note=text, **reading.head(mutation))]


def clear(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Emptied."""
    if mutation.op is Op.REMOVE:
        return []
    return [
        state.ChatCleared(
            chat=_chat(reading, mutation),
            upto=_upto(reading, mutation, mutation.value.clearChatAction.messageRange),
            keep_starred=len(mutation.index) > 2 and mutation.index[2] == "0",
            **reading.head(mutation),
        )
    ]


def delete_chat(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Removed."""
    if mutation.op is Op.REMOVE:
        return []
    upto = _upto(reading, mutation, mutation.value.deleteChatAction.messageRange)
    return [state.ChatDeleted(chat=_chat(reading, mutation), upto=upto, **reading.head(mutation))]


def delete_message(reading: Reading, mutation: Mutation) -> list[Durable]:
    """One message removed, for the user alone."""
    if mutation.op is Op.REMOVE:
        return []
    chat = _chat(reading, mutation)
    return [
        state.MessageDeleted(chat=chat, target=_target(reading, mutation, 1), **reading.head(mutation)),
    ]


def star(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Marked."""
    on = mutation.op is Op.SET and mutation.value.starAction.starred
    chat = _chat(reading, mutation)
    target = _target(reading, mutation, 1)
    return [state.MessageStarred(chat=chat, target=target, on=on, **reading.head(mutation))]


def contact(reading: Reading, mutation: Mutation) -> list[Durable]:
    """All three kinds of address book entries."""
    person = reading.names.person(parse(mutation.index[1]))
    if mutation.op is Op.REMOVE:
        return [
            state.ContactUpdated(
                contact=person, name="", first_name="", saved=False, **reading.head(mutation)
            )
        ]
    fields = {
        "contact": mutation.value.contactAction,
        "lid_contact": mutation.value.lidContactAction,
        "out_contact": mutation.value.outContactAction,
    }
    action: Any = fields[mutation.action]
    username = getattr(action, "username", "")
    return [
        state.ContactUpdated(
            contact=person,
            name=action.fullName or action.firstName,
            first_name=action.firstName or None,
            username=username or None,
            saved=True,
            **reading.head(mutation),
        )
    ]


def status_mute(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Somebody's status posts are not shown."""
    person = reading.names.person(parse(mutation.index[1]))
    on = mutation.op is Op.SET and mutation.value.userStatusMuteAction.muted
    return [state.ContactUpdated(contact=person, status_muted=on, **reading.head(mutation))]


def label(reading: Reading, mutation: Mutation) -> list[Durable]:
    """A label is made, renamed or gone."""
    action = mutation.value.labelEditAction
    if mutation.op is Op.REMOVE or action.deleted:
        return [state.LabelChanged(label=mutation.index[1], deleted=True, **reading.head(mutation))]
    return [
        state.LabelChanged(
            label=mutation.index[1],
            name=action.name,
            color=action.color,
            predefined=action.predefinedId if action.HasField("predefinedId") else None,
            position=action.orderIndex if action.HasField("orderIndex") else None,
            deleted=False,
            **reading.head(mutation),
        )
    ]


def label_chat(reading: Reading, mutation: Mutation) -> list[Durable]:
    """A label on a chat."""
    on = mutation.op is Op.SET and mutation.value.labelAssociationAction.labeled
    chat = _chat(reading, mutation, 2)
    return [state.LabelChanged(label=mutation.index[1], chat=chat, labeled=on, **reading.head(mutation))]


def label_message(reading: Reading, mutation: Mutation) -> list[Durable]:
    """A label on a message."""
    on = mutation.op is Op.SET and mutation.value.labelAssociationAction.labeled
    return [
        state.LabelChanged(
            label=mutation.index[1],
            chat=_chat(reading, mutation, 2),
            target=_target(reading, mutation, 2),
            labeled=on,
            **reading.head(mutation),
        )
    ]


def quick_reply(reading: Reading, mutation: Mutation) -> list[Durable]:
    """A text under a shortcut."""
    action = mutation.value.quickReplyAction
    value: Any = None
    if mutation.op is Op.SET and not action.deleted:
        value = {
            "shortcut": action.shortcut,
            "text": action.message,
            "keywords": list(action.keywords),
            "count": action.count,
        }
    name = f"quick_reply/{mutation.index[1]}"
    return [state.SettingsChanged(name=name, value=value, **reading.head(mutation))]


def agent(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Somebody who works on a business account."""
    action = mutation.value.agentAction
    value: Any = None
    if mutation.op is Op.SET and not action.isDeleted:
        value = {"name": action.name, "device": action.deviceID}
    name = f"agent/{mutation.index[1]}"
    return [state.SettingsChanged(name=name, value=value, **reading.head(mutation))]


def status_privacy(reading: Reading, mutation: Mutation) -> list[Durable]:
    """Who sees status posts."""
    action = mutation.value.statusPrivacy
    value: Any = None
    if mutation.op is Op.SET:
        people = [reading.names.person(parse(jid)).id for jid in action.userJid]
        value = {"mode": _MODES.Name(action.mode).lower(), "people": people}
    return [state.SettingsChanged(name="status_privacy", value=value, **reading.head(mutation))]


def favorites(reading: Reading, mutation: Mutation) -> list[Durable]:
    """The whole list, in its order."""
    listed = [reading.names.chat(parse(one.id)).id for one in mutation.value.favoritesAction.favorites]
    return [state.SettingsChanged(name="favorites", value=listed, **reading.head(mutation))]


def setting(name: str, path: tuple[str, ...]) -> Callable[[Reading, Mutation], list[Durable]]:
    """A reader for what is one value. An index of two parts names one of several."""

    def read(reading: Reading, mutation: Mutation) -> list[Durable]:
        value: Any = None
        if mutation.op is Op.SET:
            value = mutation.value
            for step in path:
                value = getattr(value, step)
            if not isinstance(value, (str, int, bool)):
                value = list(value)
        whole = f"{name}/{mutation.index[1]}" if len(mutation.index) > 1 else name
        return [state.SettingsChanged(name=whole, value=value, **reading.head(mutation))]

    return read


def _upto(reading: Reading, mutation: Mutation, range: SyncActionMessageRange) -> float:
    """The time of the newest message that is meant."""
    last = max(range.lastMessageTimestamp, range.lastSystemMessageTimestamp, 0)
    named = max((message.timestamp for message in range.messages), default=0)
    # Whole seconds: what came within that second is meant too.
    return max(last, named) + 0.999 if last or named else float(reading.head(mutation)["at"])


def _target(reading: Reading, mutation: Mutation, start: int) -> Target:
    """`…, chat, id, from me, participant` of an index."""
    chat, id, from_me, *rest = mutation.index[start : start + 4]
    jid = parse(chat)
    who = rest[0] if rest else NOBODY
    other = parse(who) if "@" in who else jid
    author = reading.names.me() if from_me == "1" else reading.names.person(other)
    return Target(id=id, chat=reading.names.chat(jid), from_=author)
