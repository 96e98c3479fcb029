"""Retry receipts: "I could not read this, send it again", asked and answered (reference 02, 9.6 and 9.7)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.creds import SignedPreKey
from protocol.jid import Jid
from protocol.node import Attr, BadNode, Node
from protocol.stanza import prekeys
from protocol.stanza.message import Incoming
from protocol.stanza.receipt import RETRY

#: We ask four times; at the fifth failure the phone is the only one left to ask.
MAX_ASKS: Final = 4
#: We answer requests up to this count.
MAX_COUNT: Final = 4


class Keys(msgspec.Struct, frozen=True):
    """Our fresh keys for a peer that should build a new session."""

    identity: bytes
    pre_key_id: int
    pre_key: bytes
    signed: SignedPreKey
    device_identity: bytes


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's device could not read a message of ours."""

    id: str
    #: The device that asks, as the stanza names it.
    requester: Jid
    #: The stanza's `from`: the requester, or a group.
    from_: Jid
    recipient: Jid | None
    participant: Jid | None
    count: int
    at: int
    registration_id: int
    error: int = 0
    peer: bool = False
    keys: prekeys.Fetched | None = None
    edit: str = ""


def ask(message: Incoming, count: int, registration_id: int, reason: int, keys: Keys | None) -> Node:
    """Ask the sender to send a message again."""
    attrs: dict[str, Attr] = {"id": message.id, "to": message.from_, "type": RETRY}
    if message.participant is not None:
        attrs["participant"] = message.participant
    if message.recipient is not None:
        attrs["recipient"] = message.recipient
    if message.peer:
        attrs["category"] = "peer"
    about: dict[str, Attr] = {"v": "1", "id": message.id, "t": str(message.at), "count": str(count)}
    if reason:
        about["error"] = str(reason)
    children = [Node("retry", about), prekeys.registration(registration_id)]
    if keys is not None:
        bundle = [
            Node("type", {}, prekeys.KEY_TYPE),
            Node("identity", {}, keys.identity),
            prekeys.key(keys.pre_key_id, keys.pre_key),
            prekeys.skey(keys.signed),
            Node("device-identity", {}, keys.device_identity),
        ]
        children.append(Node("keys", {}, bundle))
    return Node("receipt", attrs, children)


def parse(node: Node) -> Request:
    """Read a retry receipt. Keys of the wrong form raise BadBundle, a missing count BadNode."""
    from_, participant = node.need_jid("from"), node.jid("participant")
    about = node.need("retry")
    registration = node.child("registration")
    if not node.text("id"):
        raise BadNode("a retry receipt has no id")
    return Request(
        id=node.text("id"),
        requester=participant or from_,
        from_=from_,
        recipient=node.jid("recipient"),
        participant=participant,
        count=max(1, about.number("count", 1)),
        at=about.number("t"),
        registration_id=int.from_bytes(registration.content_bytes(), "big") if registration else 0,
        error=about.number("error"),
        peer=node.text("category") == "peer",
        keys=prekeys.parse_bundle(node) if node.child("keys") else None,
        edit=node.text("edit"),
    )
