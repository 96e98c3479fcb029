"""`<receipt>`: delivered, read, played, retry; ours and theirs, single and grouped (reference 02, 9.3; 03, 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from protocol.jid import Jid
from protocol.node import Attr, BadNode, Node
from protocol.stanza.message import Incoming

DELIVERED: Final = ""
INACTIVE: Final = "inactive"
SENDER: Final = "sender"
PEER: Final = "peer_msg"
HISTORY: Final = "hist_sync"
READ: Final = "read"
READ_SELF: Final = "read-self"
PLAYED: Final = "played"
PLAYED_SELF: Final = "played-self"
RETRY: Final = "retry"

#: Ids in one receipt (the official web client's limit).
MAX_IDS: Final = 256


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's word on messages: one author, one chat, one kind."""

    ids: tuple[str, ...]
    type: str
    #: As it stands in the stanza: a chat, or a device in one-to-one chats.
    from_: Jid
    #: Who says so, with device.
    by: Jid
    at: int
    recipient: Jid | None = None
    offline: bool = False


def delivered(message: Incoming, *, available: bool) -> Node:
    """The receipt that is the acknowledgement of a message: it echoes the envelope (reference 02, 9.3)."""
    attrs: dict[str, Attr] = {"id": message.id, "to": message.from_}
    type = DELIVERED
    if message.peer:
        type, attrs["to"] = PEER, message.from_.bare
    elif message.from_me:
        type = SENDER
    elif not available and not message.chat.is_broadcast:
        type = INACTIVE
    if message.participant is not None:
        attrs["participant"] = message.participant
    if message.recipient is not None and not message.peer:
        attrs["recipient"] = message.recipient
    if message.chat.is_broadcast and not message.from_me:
        attrs["context"] = "status"
    if type:
        attrs["type"] = type
    return Node("receipt", attrs)


def history_handled(me: Jid, id: str) -> Node:
    """A history notification was stored."""
    return Node("receipt", {"id": id, "to": me.bare, "type": HISTORY})


def app_data(node: Node) -> Node:
    """What answers an `<appdata>` (reference 01, 7.1)."""
    attrs: dict[str, Attr] = {"id": node.text("id"), "category": "peer_appdata"}
    if (sender := node.attrs.get("from")) is not None:
        attrs["to"] = sender
    return Node("receipt", attrs)


def read(
    chat: Jid,
    ids: Sequence[str],
    at: int,
    *,
    type: str = READ,
    author: Jid | None = None,
    author_pn: Jid | None = None,
) -> Iterator[Node]:
    """Read or played: one author in one chat, split when there are many ids."""
    for start in range(0, len(ids), MAX_IDS):
        part = ids[start : start + MAX_IDS]
        attrs: dict[str, Attr] = {"id": part[0], "type": type, "to": chat, "t": str(at)}
        if author is not None and not chat.is_user:
            attrs["participant"] = author.bare
            if chat.is_broadcast:
                attrs["context"] = "status"
                if author.is_lid and author_pn is not None:
                    attrs["peer_participant_pn"] = author_pn.bare
        rest = [Node("item", {"id": id}) for id in part[1:]]
        yield Node("receipt", attrs, [Node("list", {}, list(rest))] if rest else None)


def parse(node: Node) -> list[Receipt]:
    """Read a receipt; the grouped form yields one for each reader and kind."""
    from_ = node.need_jid("from")
    participant, recipient = node.jid("participant"), node.jid("recipient")
    type, at, offline = node.text("type"), node.number("t"), "offline" in node.attrs
    grouped = list(node.all("participants"))
    if grouped:
        return [
            Receipt(
                ids=(group.text("key") or group.text("message_id"),),
                type=user.text("type", type),
                from_=from_,
                by=user.need_jid("jid"),
                at=user.number("t", at),
                offline=offline,
            )
            for group in grouped
            for user in group.all("user")
        ]
    if not node.text("id"):
        raise BadNode("<receipt> has no id")
    items = node.child("list")
    ids = [node.text("id")]
    if items is not None:
        ids += [id for item in items.all("item") if (id := item.text("id")) and id not in ids]
    return [
        Receipt(
            ids=tuple(ids),
            type=type,
            from_=from_,
            by=participant or from_,
            at=at,
            recipient=recipient,
            offline=offline,
        )
    ]
