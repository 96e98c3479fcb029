"""What a content asks of its stanza: type, media type, edit mark, hidden failures, meta (reference 03, 1.4-1.6)."""

from __future__ import annotations

from typing import Any, Final

from protocol.content.control import OWN_ONLY
from protocol.content.wrappers import peel
from protocol.pb import e2e_pb2 as pb
from protocol.stanza.message import Facts

_PLAIN_MEDIA: Final[dict[str, str]] = {
    "imageMessage": "image",
    "ptvMessage": "ptv",
    "documentMessage": "document",
    "stickerMessage": "sticker",
    "stickerPackMessage": "sticker_pack",
    "liveLocationMessage": "livelocation",
    "contactMessage": "vcard",
    "contactsArrayMessage": "contact_array",
    "groupInviteMessage": "url",
    "listMessage": "list",
    "listResponseMessage": "list_response",
    "buttonsResponseMessage": "buttons_response",
    "orderMessage": "order",
    "productMessage": "product",
    "interactiveResponseMessage": "native_flow_response",
    "messageHistoryBundle": "group_history",
}
_POLLS: Final = frozenset(
    {
        "pollCreationMessage", "pollCreationMessageV2", "pollCreationMessageV3", "pollCreationMessageV5",
        "pollCreationMessageV6",
    }
)  # fmt: skip
#: `text` even where a media type would apply.
_HIDDEN: Final = frozenset(
    {
        "reactionMessage", "encReactionMessage", "pinInChatMessage", "keepInChatMessage", "encEventResponseMessage",
        "messageHistoryNotice", "conditionalRevealMessage",
    }
)  # fmt: skip
_Secret = pb.SecretEncryptedMessage
_Control = pb.ProtocolMessage
_HIDDEN_CONTROL: Final = frozenset(
    {
        _Control.EPHEMERAL_SYNC_RESPONSE,
        _Control.REQUEST_WELCOME_MESSAGE,
        _Control.GROUP_MEMBER_LABEL_CHANGE,
    }
)
#: The apps put these into `<meta>`.
_SECRET_TYPES: Final = {
    _Secret.EVENT_EDIT: "event",
    _Secret.MESSAGE_EDIT: "text",
    _Secret.MESSAGE_SCHEDULE: "text",
    _Secret.POLL_EDIT: "poll",
    _Secret.POLL_ADD_OPTION: "poll",
}


def facts(message: pb.Message) -> Facts:
    """Everything that the stanza around an encoded message must say."""
    whole = peel(message)
    name, value = _content(whole.message)
    mediatype = _mediatype(name, value, whole.layers)
    return Facts(
        type=_type(name, value, mediatype),
        mediatype=mediatype,
        edit=_edit(name, value),
        hide=_hides(name, value, whole.layers),
        meta=_meta(name, value, whole.layers),
    )


def is_peer(message: pb.Message) -> bool:
    """A request or an answer between own devices: never for a chat."""
    name, value = _content(peel(message).message)
    return name == "protocolMessage" and value.type in OWN_ONLY


def _content(message: pb.Message) -> tuple[str, Any]:
    for field, value in message.ListFields():
        if field.name not in ("senderKeyDistributionMessage", "messageContextInfo"):
            return field.name, value
    return "", None


def _mediatype(name: str, value: Any, layers: tuple[str, ...]) -> str:
    match name:
        case "videoMessage":
            return "gif" if value.gifPlayback else "video"
        case "audioMessage":
            return "ptt" if value.ptt else "audio"
        case "locationMessage":
            return "livelocation" if value.isLive else "location"
        case "extendedTextMessage":
            return "url" if value.matchedText.strip() else ""
        case _:
            return _PLAIN_MEDIA.get(name, "")


def _type(name: str, value: Any, mediatype: str) -> str:
    if name in ("reactionMessage", "encReactionMessage"):
        return "reaction"
    if name in ("eventMessage", "encEventResponseMessage"):
        return "event"
    if name == "secretEncryptedMessage":
        return _SECRET_TYPES.get(value.secretEncType, "text")
    if name in _POLLS or name == "pollUpdateMessage":
        return "poll"
    # `media` without a media type is dropped by the server.
    return "media" if mediatype else "text"


def _edit(name: str, value: Any) -> str:
    match name:
        case "protocolMessage":
            if value.type == _Control.MESSAGE_EDIT and value.HasField("editedMessage"):
                return "1"
            if value.type == _Control.REVOKE and value.HasField("key"):
                return "7" if value.key.fromMe else "8"
        case "secretEncryptedMessage":
            return "1" if value.secretEncType in (_Secret.MESSAGE_EDIT, _Secret.EVENT_EDIT) else ""
        case "pinInChatMessage":
            return "2"
        case "reactionMessage":
            return "" if value.text else "7"
        case "keepInChatMessage":
            return "7" if value.keepType == pb.UNDO_KEEP_FOR_ALL and value.key.fromMe else ""
        case _:
            pass
    return ""


def _hides(name: str, value: Any, layers: tuple[str, ...]) -> bool:
    if name in _HIDDEN or "editedMessage" in layers:
        return True
    match name:
        case "pollUpdateMessage":
            return bool(value.HasField("vote"))
        case "secretEncryptedMessage":
            return value.secretEncType in (
                _Secret.EVENT_EDIT,
                _Secret.MESSAGE_EDIT,
                _Secret.POLL_EDIT,
                _Secret.POLL_ADD_OPTION,
            )
        case "protocolMessage":
            return value.type in _HIDDEN_CONTROL or bool(value.HasField("editedMessage"))
        case _:
            return False


def _meta(name: str, value: Any, layers: tuple[str, ...]) -> dict[str, str]:
    if name in _POLLS:
        return {"polltype": "creation"}
    if name == "pollUpdateMessage" and value.HasField("vote"):
        return {"polltype": "vote"}
    if name == "eventMessage":
        return {"event_type": "creation"}
    if name == "encEventResponseMessage":
        return {"event_type": "response"}
    if name == "secretEncryptedMessage":
        kind = value.secretEncType
        if kind == _Secret.EVENT_EDIT:
            return {"event_type": "edit"}
        return {"polltype": "edit"} if kind in (_Secret.POLL_EDIT, _Secret.POLL_ADD_OPTION) else {}
    if name == "protocolMessage":
        if value.type == _Control.GROUP_MEMBER_LABEL_CHANGE:
            reason = "user_update" if value.memberLabel.label else "user_delete"
            return {"tag_reason": reason, "appdata": "member_tag"}
        return {"appdata": "default"} if value.type in OWN_ONLY else {}
    return {}
