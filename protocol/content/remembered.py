"""A message out of the history as the archive keeps it: the members of `message.received`, and what hung on it since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from protocol.content.keys import Fields
from protocol.content.media import media_ref
from protocol.content.present import rfc3339
from protocol.content.telling import tell, untold
from protocol.pb.web_pb2 import WebMessageInfo

#: Acts on other messages; what they did stands with those.
_ACTS: Final = frozenset({"reaction", "edit", "revoke", "pin", "keep", "ephemeral_setting", "protocol"})
_STATUS: Final = {
    WebMessageInfo.SERVER_ACK: "server_ack",
    WebMessageInfo.DELIVERY_ACK: "delivered",
    WebMessageInfo.READ: "read",
    WebMessageInfo.PLAYED: "played",
}
#: A person under all names, by any address of theirs; none for what is no address.
Naming = Callable[[str], Fields | None]


class Remembered(msgspec.Struct, frozen=True):
    """One message; `reactions` are objects of `message.reaction`."""

    data: Fields
    private: Fields
    at: int
    reactions: tuple[Fields, ...] = ()

    def __repr__(self) -> str:
        return "Remembered(…)"


def addresses(chat: str, info: WebMessageInfo) -> list[str]:
    """Whose names are needed for it."""
    found = [chat, info.participant or info.key.participant]
    found += [one.key.participant for one in info.reactions]
    return [one for one in found if one]


def remembered(
    chat: Fields, address: str, info: WebMessageInfo, name: Naming, me: Fields
) -> Remembered | None:
    """`chat`: the chat as events name it. None for what is no message of people."""
    key = info.key
    shown = _shown(info)
    if not key.id or shown is None:
        return None
    many = chat["kind"] != "user"
    author = info.participant or key.participant
    sender = me if key.fromMe else (name(author) if many and author else name(address))
    if sender is None:
        return None
    said = dict(sender) if key.fromMe or not info.pushName else {**sender, "name": info.pushName}
    at = info.messageTimestamp
    data: Fields = {
        "id": key.id,
        "sent_at": rfc3339(at),
        "chat": chat,
        "from": said,
        "from_me": key.fromMe,
        "broadcast": info.broadcast,
        **shown,
    }
    status = _STATUS.get(info.status)
    if key.fromMe and status:
        data["status"] = status
    if info.starred:
        data["starred"] = True
    private: Fields = {}
    secret = info.messageSecret or info.message.messageContextInfo.messageSecret
    if secret:
        private["secret"] = secret
    reference = media_ref(info.message)
    if reference is not None:
        private["media"] = msgspec.to_builtins(reference)
    reactions = tuple(_reactions(data, info, name, me, address))
    return Remembered(data, private, at, reactions)


def _shown(info: WebMessageInfo) -> Fields | None:
    """Body and all that stands beside it."""
    if info.messageStubType == WebMessageInfo.REVOKE:
        return {"body": {"kind": "revoked"}}
    if info.messageStubType == WebMessageInfo.CIPHERTEXT:
        return {"body": {"kind": "placeholder"}}
    if not info.HasField("message"):
        return None
    try:
        shown = tell(info.message)
    except (KeyError, ValueError, TypeError):
        return untold(info.message)
    if shown is None:
        return None
    shown.pop("target", None)
    return None if shown["body"]["kind"] in _ACTS else shown


def _reactions(data: Fields, info: WebMessageInfo, name: Naming, me: Fields, address: str) -> list[Fields]:
    out: list[Fields] = []
    for one in info.reactions:
        if not one.text:
            continue
        who: Any = me if one.key.fromMe else name(one.key.participant or address)
        if who is None:
            continue
        out.append(
            {
                "target": {"id": data["id"], "chat": data["chat"], "from": data["from"]},
                "chat": data["chat"],
                "by": who,
                "sent_at": rfc3339(one.senderTimestampMs / 1000),
                "emoji": one.text,
            }
        )
    return out
