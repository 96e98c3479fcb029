"""Peels what surrounds a content: view once, ephemeral, edited, device sent … (reference 03, 1.7)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.pb.e2e_pb2 import Message, MessageContextInfo

#: Fields of Message that hold another Message under `message`.
WRAPPERS: Final = frozenset(
    {
        "deviceSentMessage", "viewOnceMessage", "ephemeralMessage", "documentWithCaptionMessage",
        "viewOnceMessageV2", "editedMessage", "viewOnceMessageV2Extension", "groupMentionedMessage",
        "botInvokeMessage", "lottieStickerMessage", "eventCoverImage", "statusMentionMessage",
        "pollCreationOptionImageMessage", "associatedChildMessage", "groupStatusMentionMessage",
        "pollCreationMessageV4", "statusAddYours", "groupStatusMessage", "groupStatusMessageV2",
        "limitSharingMessage", "botTaskMessage", "botForwardedMessage", "questionMessage",
        "questionReplyMessage", "newsletterAdminProfileMessage", "newsletterAdminProfileMessageV2",
        "newsletterAdminProfileStatusMessage", "spoilerMessage", "botPlatformRegistrationSuccessMessage",
    }
)  # fmt: skip
VIEW_ONCE: Final = frozenset({"viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension"})
#: Real messages have one or two layers; whoever sends more wants to hurt.
MAX_LAYERS: Final = 10
_FIELDS: Final = tuple(
    field.name
    for field in Message.DESCRIPTOR.fields
    if field.name in WRAPPERS and field.message_type is not None
)
_NUMBERS: Final = {Message.DESCRIPTOR.fields_by_name[name].number: name for name in _FIELDS}


class Peeled(msgspec.Struct, frozen=True):
    """The innermost message, the names of its layers (outermost first) and the context that holds for it."""

    message: Message
    layers: tuple[str, ...]
    info: MessageContextInfo | None
    #: Where a copy of an own message went, and the hash of its recipients.
    destination: str = ""
    phash: str = ""


def peel(message: Message) -> Peeled:
    """Take off every layer that holds a message; a layer without one stays as it is."""
    layers: list[str] = []
    info = message.messageContextInfo if message.HasField("messageContextInfo") else None
    destination = phash = ""
    while len(layers) < MAX_LAYERS:
        for field, value in message.ListFields():
            name = _NUMBERS.get(field.number)
            if name is not None and value.HasField("message"):
                break
        else:
            break
        if name == "deviceSentMessage":
            destination, phash = value.destinationJid, value.phash
        layers.append(name)
        message = value.message
        if message.HasField("messageContextInfo"):
            info = message.messageContextInfo
    return Peeled(message, tuple(layers), info, destination, phash)
