"""Building what refers to another message: reactions, edits, revokes, polls, votes, events, pins, keeps, answers."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.content.outgoing import (
    TIMERS,
    BuildError,
    Options,
    builds,
    has_context,
    put_context,
    quotable,
)
from protocol.content.places import Place
from protocol.pb import e2e_pb2 as pb

#: Newer clients refuse more; whether the server does is unconfirmed.
MAX_OPTIONS: Final = 12
MIN_OPTIONS: Final = 2
PIN_SECONDS: Final = (86400, 604800, 2592000)


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """A question with 2 to 12 answers; `selectable_count` 0 allows any number of them."""

    name: str
    options: tuple[str, ...]
    selectable_count: int = 1
    quiz: bool = False
    correct_answer: str = ""
    end_at: int = 0


@builds("poll")
def build_poll(poll: Poll, options: Options) -> pb.Message:
    """Version 3 for one answer, version 1 otherwise: what most receivers know."""
    if not poll.name:
        raise BuildError("poll.name", "is empty")
    if not MIN_OPTIONS <= len(poll.options) <= MAX_OPTIONS:
        raise BuildError("poll.options", f"a poll has {MIN_OPTIONS} to {MAX_OPTIONS} options")
    if len(set(poll.options)) < len(poll.options) or not all(poll.options):
        raise BuildError("poll.options", "options must differ and none may be empty: votes name them by hash")
    if not 0 <= poll.selectable_count <= len(poll.options):
        raise BuildError("poll.selectable_count", "lies between 0 (any number) and the number of options")
    message = pb.Message()
    part = message.pollCreationMessageV3 if poll.selectable_count == 1 else message.pollCreationMessage
    part.name = poll.name
    for name in poll.options:
        part.options.add().optionName = name
    part.selectableOptionsCount = poll.selectable_count
    if poll.quiz:
        if poll.correct_answer not in poll.options:
            raise BuildError("poll.correct_answer", "must be one of the options")
        part.pollType = pb.QUIZ
        part.correctAnswer.optionName = poll.correct_answer
    if poll.end_at:
        part.endTime = poll.end_at
    if has_context(options):
        put_context(part.contextInfo, options)
    return message


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment; times are Unix seconds."""

    name: str
    start_at: int
    end_at: int = 0
    description: str = ""
    location: Place | None = None
    extra_guests_allowed: bool = False
    join_link: str = ""
    canceled: bool = False


@builds("event")
def build_event(event: Event, options: Options) -> pb.Message:
    """An event message."""
    if not event.name:
        raise BuildError("event.name", "is empty")
    if event.end_at and event.end_at < event.start_at:
        raise BuildError("event.end_at", "lies before start_at")
    message = pb.Message()
    part = message.eventMessage
    part.isCanceled = event.canceled
    part.name = event.name
    part.startTime = event.start_at
    if event.end_at:
        part.endTime = event.end_at
    if event.description:
        part.description = event.description
    if event.join_link:
        part.joinLink = event.join_link
    part.extraGuestsAllowed = event.extra_guests_allowed
    if event.location is not None:
        place = event.location
        part.location.degreesLatitude = place.latitude
        part.location.degreesLongitude = place.longitude
        if place.name:
            part.location.name = place.name
        if place.address:
            part.location.address = place.address
    if has_context(options):
        put_context(part.contextInfo, options)
    return message


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """An emoji on a message; empty takes it back."""

    key: pb.MessageKey
    emoji: str
    at_ms: int


@builds("reaction")
def build_reaction(reaction: Reaction, options: Options) -> pb.Message:
    """A reaction; it carries no secret."""
    message = pb.Message()
    message.reactionMessage.key.CopyFrom(reaction.key)
    message.reactionMessage.text = reaction.emoji
    message.reactionMessage.senderTimestampMs = reaction.at_ms
    return message


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """New content for an own message, complete."""

    key: pb.MessageKey
    message: pb.Message
    at_ms: int


@builds("edit")
def build_edit(edit: Edit, options: Options) -> pb.Message:
    """An edit, in the wrapper that current apps use."""
    message = pb.Message()
    control = message.editedMessage.message.protocolMessage
    control.key.CopyFrom(edit.key)
    control.type = pb.ProtocolMessage.MESSAGE_EDIT
    control.editedMessage.CopyFrom(edit.message)
    control.timestampMs = edit.at_ms
    return message


@builds("revoke")
def build_revoke(key: pb.MessageKey, options: Options) -> pb.Message:
    """Unsend: own messages, or as admin those of others."""
    message = pb.Message()
    message.protocolMessage.key.CopyFrom(key)
    message.protocolMessage.type = pb.ProtocolMessage.REVOKE
    return message


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """Pin for one of the three times the apps know, or unpin with 0."""

    key: pb.MessageKey
    for_s: int
    at_ms: int


@builds("pin")
def build_pin(pin: Pin, options: Options) -> pb.Message:
    """A pin; without its duration clients would drop it."""
    if pin.for_s and pin.for_s not in PIN_SECONDS:
        raise BuildError("for_s", "a pin lasts 86400, 604800 or 2592000 seconds")
    message = pb.Message()
    part = message.pinInChatMessage
    part.key.CopyFrom(pin.key)
    part.type = pb.PinInChatMessage.PIN_FOR_ALL if pin.for_s else pb.PinInChatMessage.UNPIN_FOR_ALL
    part.senderTimestampMs = pin.at_ms
    message.messageContextInfo.messageAddOnDurationInSecs = pin.for_s
    return message


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a message in a disappearing chat, or no longer."""

    key: pb.MessageKey
    on: bool
    at_ms: int


@builds("keep")
def build_keep(keep: Keep, options: Options) -> pb.Message:
    """A keep."""
    message = pb.Message()
    part = message.keepInChatMessage
    part.key.CopyFrom(keep.key)
    part.keepType = pb.KEEP_FOR_ALL if keep.on else pb.UNDO_KEEP_FOR_ALL
    part.timestampMs = keep.at_ms
    return message


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A vote or an answer, already encrypted under the secret of its target."""

    key: pb.MessageKey
    payload: bytes
    iv: bytes
    at_ms: int = 0


@builds("vote")
def build_vote(vote: Sealed, options: Options) -> pb.Message:
    """A poll vote."""
    message = pb.Message()
    part = message.pollUpdateMessage
    part.pollCreationMessageKey.CopyFrom(vote.key)
    part.vote.encPayload = vote.payload
    part.vote.encIv = vote.iv
    part.senderTimestampMs = vote.at_ms
    return message


@builds("rsvp")
def build_rsvp(answer: Sealed, options: Options) -> pb.Message:
    """An answer to an event."""
    message = pb.Message()
    part = message.encEventResponseMessage
    part.eventCreationMessageKey.CopyFrom(answer.key)
    part.encPayload = answer.payload
    part.encIv = answer.iv
    return message


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment under a message."""

    key: pb.MessageKey
    text: str


@builds("comment")
def build_comment(comment: Comment, options: Options) -> pb.Message:
    """A comment."""
    message = pb.Message()
    message.commentMessage.message.conversation = comment.text
    message.commentMessage.targetMessageKey.CopyFrom(comment.key)
    return message


class GroupInvite(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation to a group, for one person."""

    group: str
    code: str
    expires_at: int = 0
    name: str = ""
    caption: str = ""
    thumbnail: bytes = b""


@builds("group_invite")
def build_group_invite(invite: GroupInvite, options: Options) -> pb.Message:
    """A group invitation."""
    message = pb.Message()
    part = message.groupInviteMessage
    part.groupJid = invite.group
    part.inviteCode = invite.code
    if invite.expires_at:
        part.inviteExpiration = invite.expires_at
    if invite.name:
        part.groupName = invite.name
    if invite.caption:
        part.caption = invite.caption
    if invite.thumbnail:
        part.jpegThumbnail = invite.thumbnail
    if has_context(options):
        put_context(part.contextInfo, options)
    return message


class MemberLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What we call ourselves in a group; empty takes it back."""

    label: str
    #: Unix seconds.
    at: float


@builds("member_label")
def build_member_label(said: MemberLabel, options: Options) -> pb.Message:
    """Our own label in a group."""
    message = pb.Message()
    message.protocolMessage.type = pb.ProtocolMessage.GROUP_MEMBER_LABEL_CHANGE
    message.protocolMessage.memberLabel.label = said.label
    message.protocolMessage.memberLabel.labelTimestamp = int(said.at)
    return message


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The choice of a button or a row of a message; `kind` is the kind of that message."""

    kind: str
    choice: str
    text: str = ""
    index: int = 0


@builds("answer")
def build_answer(answer: Answer, options: Options) -> pb.Message:
    """An answer to buttons, a list, a template or a flow."""
    message = pb.Message()
    match answer.kind:
        case "buttons":
            buttons = message.buttonsResponseMessage
            buttons.selectedButtonId = answer.choice
            buttons.selectedDisplayText = answer.text
            buttons.type = pb.ButtonsResponseMessage.DISPLAY_TEXT
            put_context(buttons.contextInfo, options)
        case "list":
            rows = message.listResponseMessage
            rows.title = answer.text
            rows.listType = pb.ListResponseMessage.SINGLE_SELECT
            rows.singleSelectReply.selectedRowId = answer.choice
            put_context(rows.contextInfo, options)
        case "template":
            template = message.templateButtonReplyMessage
            template.selectedId = answer.choice
            template.selectedDisplayText = answer.text
            template.selectedIndex = answer.index
            put_context(template.contextInfo, options)
        case "interactive":
            flow = message.interactiveResponseMessage
            flow.body.text = answer.text
            flow.nativeFlowResponseMessage.name = answer.choice
            flow.nativeFlowResponseMessage.paramsJson = "{}"
            flow.nativeFlowResponseMessage.version = 3
            put_context(flow.contextInfo, options)
        case _:
            raise BuildError("id", f"a message of kind {answer.kind!r} has no buttons or rows to choose from")
    return message


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """The timer of a one-to-one chat."""

    ttl_s: int
    set_at: int


@builds("timer")
def build_timer(timer: Timer, options: Options) -> pb.Message:
    """A change of a chat's timer."""
    if timer.ttl_s not in TIMERS:
        raise BuildError("timer_s", "the apps know 0, 86400, 604800 and 7776000")
    message = pb.Message()
    part = message.protocolMessage
    part.type = pb.ProtocolMessage.EPHEMERAL_SETTING
    part.ephemeralExpiration = timer.ttl_s
    part.ephemeralSettingTimestamp = timer.set_at
    return message


@builds("forward")
def build_forward(original: pb.Message, options: Options) -> pb.Message:
    """The content of another message, marked as forwarded once more than it was."""
    message = quotable(original)
    if message.HasField("conversation"):
        text = message.conversation
        message.ClearField("conversation")
        message.extendedTextMessage.text = text
    for field, value in message.ListFields():
        if field.message_type is not None and "contextInfo" in field.message_type.fields_by_name:
            put_context(value.contextInfo, options)
    return message


@builds("raw")
def build_raw(encoded: bytes, options: Options) -> pb.Message:
    """An encoded Message as it is, for experts."""
    try:
        return pb.Message.FromString(encoded)
    except Exception as error:
        raise BuildError("raw", "is no encoded Message") from error
