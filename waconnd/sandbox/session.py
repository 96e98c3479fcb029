"""A connection's life on the server: login, the offline queue in pieces, replaced and removed devices."""

from __future__ import annotations

from collections import Counter
from typing import Final

from protocol.jid import SERVER
from protocol.node import Attr, Node
from protocol.stanza.admission import Returning
from waconnd.sandbox.core import Core
from waconnd.sandbox.state import Device, Link

#: Bytes of the opaque routing info (reference 01, 10).
ROUTING_BYTES: Final = 6
#: Kinds of stanzas that `offline_preview` counts.
COUNTED: Final = ("message", "notification", "receipt", "appdata", "call")


def login(core: Core, link: Link, who: Returning) -> None:
    """A paired device is back: find it, compare its key, let it in."""
    account = core.accounts.get(who.number)
    device = account.devices.get(who.device) if account is not None else None
    if who.version[2] < core.knobs.oldest_revision:
        refuse(core, link, 405)
    elif device is None or device.noise != link.static:
        refuse(core, link, 401)
    elif device.account.failure is not None:
        core.end(link, "refused", device.account.failure, Node("xmlstreamend"))
    else:
        _admit(core, link, device, passive=who.passive)


def refuse(core: Core, link: Link, reason: int, **attrs: Attr) -> None:
    """`<failure>` instead of success, and the end."""
    node = Node("failure", {"reason": str(reason), "location": "lla", **attrs})
    core.end(link, f"failure {reason}", node, Node("xmlstreamend"))


def stream_error(core: Core, link: Link, code: int | None, *children: Node) -> None:
    """`<stream:error>`, `<xmlstreamend>`, and the end."""
    attrs: dict[str, Attr] = {} if code is None else {"code": str(code)}
    core.end(
        link,
        f"stream error {code}",
        Node("stream:error", attrs, list(children) or None),
        Node("xmlstreamend"),
    )


def _admit(core: Core, link: Link, device: Device, *, passive: bool) -> None:
    if device.link is not None and device.link is not link:
        stream_error(core, device.link, None, Node("conflict", {"type": "replaced"}))
    link.device, device.link = device, link
    device.login_count += 1
    for queued in device.queue.values():
        queued.sent = queued.ack_owed = False
    core.emit(
        link,
        Node(
            "success",
            {
                "t": core.seconds,
                "lid": device.lid,
                "location": "lla",
                "props": "27",
                "abprops": "10",
                "creation": str(device.account.created),
            },
        ),
    )
    routing = Node("edge_routing", {}, [Node("routing_info", {}, core.random(ROUTING_BYTES))])
    core.emit(link, Node("ib", {"from": SERVER}, [routing]))
    if core.knobs.ping_every:
        _ping_later(core, link)
    if not passive:
        activate(core, link)


def _ping_later(core: Core, link: Link) -> None:
    def ping() -> None:
        if link.closed:
            return
        if "ping" in link.awaiting.values():
            stream_error(core, link, None, Node("ping"))
            return
        id = core.serial()
        link.awaiting[id] = "ping"
        attrs: dict[str, Attr] = {
            "from": SERVER,
            "type": "get",
            "xmlns": "urn:xmpp:ping",
            "id": id,
            "t": core.seconds,
        }
        core.emit(link, Node("iq", attrs))
        _ping_later(core, link)

    core.at(core.now + core.knobs.ping_every, ping)


def activate(core: Core, link: Link) -> None:
    """The client wants its stanzas: show what waits, send it, then whatever comes."""
    device = link.device
    if device is None or link.active:
        return
    link.active = True
    for type, since in device.dirty.items():
        dirty = Node("dirty", {"type": type, "timestamp": str(since)})
        core.emit(link, Node("ib", {"from": SERVER}, [dirty]))
    waiting = Counter(queued.node.tag for queued in device.queue.values())
    counts: dict[str, Attr] = {tag: str(waiting[tag]) for tag in COUNTED}
    preview = Node("offline_preview", {"count": str(waiting.total()), **counts})
    core.emit(link, Node("ib", {"from": SERVER}, [preview]))
    link.catching_up = True
    link.replayed = 0
    send_piece(core, link, core.knobs.primer or None)
    core.on_active(device)


def send_piece(core: Core, link: Link, size: int | None) -> None:
    """The next stanzas of the offline queue; after the last, the end marker."""
    device = link.device
    if device is None or not link.catching_up:
        return
    for queued in list(device.queue.values()):
        if queued.sent:
            continue
        if size is not None:
            if size <= 0:
                break
            size -= 1
        queued.sent = True
        link.replayed += 1
        core.emit(link, Node(queued.node.tag, {**queued.node.attrs, "offline": "1"}, queued.node.content))
    if all(queued.sent for queued in device.queue.values()):
        link.catching_up = False
        core.emit(link, Node("ib", {"from": SERVER}, [Node("offline", {"count": str(link.replayed)})]))
    elif not core.knobs.strict_batches:
        core.at(core.now + 1.0, lambda: send_piece(core, link, core.knobs.primer))


def inbound_ib(core: Core, link: Link, node: Node) -> None:
    """`<ib>` from a client: only the request for more of the queue matters."""
    for child in node.children:
        if child.tag == "offline_batch" and core.knobs.strict_batches:
            send_piece(core, link, max(child.number("count"), 1))


def passive(core: Core, link: Link) -> None:
    """The client wants nothing for now."""
    link.active = False
