"""The frame of a session: success, failure, stream:error, `ib` and the first stanzas of a login (reference 01, 7)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.jid import SERVER, Jid
from protocol.node import Attr, Node, decimal
from protocol.stanza import iq

#: So many queued stanzas are asked for at a time.
BATCH: Final = 200
#: A routing info beyond this is not one.
MAX_ROUTING_INFO: Final = 1024

_DAY_MS: Final = 86_400_000


class Success(msgspec.Struct, frozen=True):
    """The server knows us."""

    time: int
    lid: Jid | None = None
    location: str = ""
    display_name: str = ""


class Failure(msgspec.Struct, frozen=True):
    """The server does not want us. The texts come once only, so the whole node is kept."""

    reason: int
    node: Node
    code: int = 0
    #: Seconds for which a ban still lasts; None when the server does not say.
    expires_in: int | None = None
    message: str = ""
    url: str = ""


class StreamError(msgspec.Struct, frozen=True):
    """The server ends the stream: by number, or by the name of a child and its type."""

    code: int
    child: str = ""
    type: str = ""
    #: The answer that the server is owed, when it is one that ends the stream.
    owed: str = ""


class Preview(msgspec.Struct, frozen=True):
    """What waits in the offline queue."""

    count: int
    messages: int = 0
    notifications: int = 0
    receipts: int = 0
    calls: int = 0


def read_success(node: Node) -> Success:
    """Client: what the welcome tells."""
    return Success(node.number("t"), node.jid("lid"), node.text("location"), node.text("display_name"))


def success(now: float, lid: Jid | None, location: str = "lla") -> Node:
    """Server: welcome."""
    attrs: dict[str, Attr] = {"t": str(int(now)), "location": location, "props": "27", "abprops": "10"}
    if lid is not None:
        attrs["lid"] = lid
    return Node("success", attrs)


def read_failure(node: Node) -> Failure:
    """Client: why not."""
    return Failure(
        node.number("reason"),
        node,
        node.number("code"),
        decimal(node.text("expire")),
        node.text("logout_message_header") or node.text("message"),
        node.text("url"),
    )


def failure(reason: int, **attrs: str) -> Node:
    """Server: no."""
    return Node("failure", {"reason": str(reason), "location": "lla", **attrs})


def read_stream_error(node: Node) -> StreamError:
    """Client: why the stream ends."""
    child = node.children[0] if node.children else Node("")
    owed = f"{child.text('class')} {child.text('id')}".strip() if child.tag == "ack" else ""
    return StreamError(node.number("code"), child.tag, child.text("type"), owed)


def stream_error(code: int = 0, child: Node | None = None) -> Node:
    """Server: the end of this stream."""
    return Node("stream:error", {"code": str(code)} if code else {}, [child] if child else None)


def conflict(type: str) -> Node:
    """Server: the end because of another connection (`replaced`) or of an unlinking (`device_removed`)."""
    code = 401 if type == "device_removed" else 0
    return stream_error(code, Node("conflict", {"type": type}))


def read_preview(child: Node) -> Preview:
    """Client: how much is waiting."""
    number = child.number
    return Preview(
        number("count"), number("message"), number("notification"), number("receipt"), number("call")
    )


def read_routing_info(child: Node) -> bytes:
    """The bytes to send before the next handshake; empty when there are none."""
    info = child.child("routing_info")
    raw = info.content_bytes() if info else b""
    return raw if len(raw) <= MAX_ROUTING_INFO else b""


def active() -> Node:
    """Deliver to us from now on."""
    return iq.set("passive", Node("active"))


def offline_batch(count: int = BATCH) -> Node:
    """The next piece of the offline queue; no answer."""
    return Node("ib", {}, [Node("offline_batch", {"count": str(count)})])


def is_offline_end(node: Node) -> bool:
    """The offline queue is empty."""
    return node.tag == "ib" and node.child("offline") is not None


def clean(type: str, timestamp: str) -> Node:
    """What was dirty has been fetched anew."""
    return iq.set("urn:xmpp:whatsapp:dirty", Node("clean", {"type": type, "timestamp": timestamp}))


def unified_session(now: float, clock_offset: float) -> Node:
    """Telemetry that a web client sends after login; no answer."""
    return Node(
        "ib", {}, [Node("unified_session", {"id": unified_session_id(now * 1000, clock_offset * 1000)})]
    )


def unified_session_id(now_ms: float, offset_ms: float) -> str:
    """Milliseconds into the week, the week beginning where theirs does."""
    return str((round(now_ms + offset_ms) + 3 * _DAY_MS) % (7 * _DAY_MS))


def ib(*children: Node) -> Node:
    """Server: news about the connection."""
    return Node("ib", {"from": SERVER}, list(children))
