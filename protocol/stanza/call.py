"""Calls: who rings, who answered, how it ended; refusing one, and links to calls (reference 04, 6)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from protocol.jid import Jid
from protocol.node import Attr, BadNode, Node
from protocol.stanza.groups import bare

LINK: Final = "https://call.whatsapp.com/"
#: The server's own address for links to calls.
LINK_SERVER: Final = Jid("", "call")
#: Children that set a call up or keep it going; nothing that is told.
CHATTER: Final = frozenset(
    {
        "preaccept", "relaylatency", "transport", "relay_election", "mute_v2", "mute", "flowcontrol", "heartbeat",
        "group_update", "enc_rekey", "interruption", "video", "video_state", "peer_state", "duration",
        "user_action", "lobby", "group_info", "waiting_room", "reaction", "raise_hand", "screen_share", "ack",
    }
)  # fmt: skip
SIGNALS: Final = ("offer", "offer_notice", "accept", "reject", "terminate")
Signal = Literal["offer", "offer_notice", "accept", "reject", "terminate"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One signal of a call."""

    signal: Signal
    call_id: str
    #: Whose device sent the stanza.
    peer: Jid
    #: Who began the call.
    creator: Jid
    #: The other name of who began it; offers alone tell it.
    creator_alt: Jid | None = None
    #: The other name of the peer.
    peer_alt: Jid | None = None
    at: int = 0
    name: str = ""
    video: bool = False
    group: bool = False
    group_jid: Jid | None = None
    reason: str = ""
    #: It waited in the queue while we were away.
    offline: bool = False


def parse(node: Node) -> Call | None:
    """Read a `<call>`; None for what only keeps a call going, or is unknown."""
    signal = next((child for child in node.children if child.tag in SIGNALS), None)
    if signal is None:
        return None
    call_id = signal.text("call-id")
    if not call_id:
        raise BadNode(f"<{signal.tag}> names no call")
    peer = node.need_jid("from")
    group = bare(signal, "group-jid")
    return Call(
        signal=signal.tag,  # type: ignore[arg-type]
        call_id=call_id,
        peer=peer,
        creator=signal.jid("call-creator") or peer,
        creator_alt=bare(signal, "caller_pn") or bare(signal, "caller_lid"),
        peer_alt=bare(node, "sender_lid"),
        at=node.number("t"),
        name=node.text("notify"),
        video=signal.child("video") is not None or signal.text("media") == "video",
        group=group is not None or signal.text("type") == "group" or signal.child("group_info") is not None,
        group_jid=group,
        reason=signal.text("reason"),
        offline="offline" in node.attrs or node.text("e") == "1",
    )


def reject(id: str, me: Jid, to: Jid, call_id: str, creator: Jid) -> Node:
    """Refuse a call."""
    attrs: dict[str, Attr] = {"call-id": call_id, "call-creator": creator.bare, "count": "0"}
    head: dict[str, Attr] = {"id": id, "from": me.bare, "to": to.bare}
    return Node("call", head, [Node("reject", attrs)])


def create_link(id: str, media: Literal["audio", "video"]) -> Node:
    """Ask for a link that anybody may call by."""
    return Node("call", {"id": id, "to": LINK_SERVER}, [Node("link_create", {"media": media})])


def read_link(ack: Node, media: Literal["audio", "video"]) -> str:
    """The link. Raises BadNode when the server gave none."""
    token = ack.need("link_create").text("token")
    if not token:
        raise BadNode("the server gave no link")
    return f"{LINK}{'voice' if media == 'audio' else 'video'}/{token}"
