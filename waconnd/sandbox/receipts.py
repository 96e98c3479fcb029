"""Receipts and acks: what they take out of a queue, and to whom a receipt goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.jid import LID, USER, Jid
from protocol.node import Attr, Node
from waconnd.sandbox.core import Core, receipt_sender
from waconnd.sandbox.state import Device, QueueKey

#: Receipts that tell the own account's other devices what was read here.
SELF: Final = frozenset(("read-self", "played-self"))
#: Receipts of messages between own devices; the server keeps them.
PEER: Final = frozenset(("peer_msg", "hist_sync"))


def receipt(core: Core, device: Device, node: Node) -> None:
    """A receipt from a device."""
    to = node.need_jid("to")
    type = node.text("type")
    ids = [node.text("id"), *(item.text("id") for child in node.all("list") for item in child.all("item"))]
    _clear(core, device, ids, type)
    _ack(core, device, node, type)
    core.tell("receipt", device, node)
    if type == "retry":
        _retry(core, device, node, to)
    elif type == "server-error":
        core.on_media_retry(device, node)
    elif type in PEER:
        return
    elif type in SELF:
        _to_own(core, device, node, to, "read" if type == "read-self" else "played")
    elif to.is_group or to.is_broadcast:
        _to_author(core, device, node, to)
    elif core.account(to) is device.account:
        _to_own_sender(core, device, node, to)
    else:
        _to_sender(core, device, node, to)
        if type in ("read", "played"):
            _to_own(core, device, node, to, type)


def _clear(core: Core, device: Device, ids: Iterable[str], type: str) -> None:
    for id in ids:
        for tag in ("message", "status"):
            key = QueueKey(tag, id)
            queued = device.queue.get(key)
            if queued is None:
                continue
            if type == "retry":
                queued.retried = True
            elif not queued.own or type == "sender":
                del device.queue[key]
            elif type in ("read", "played", "inactive", ""):
                core.complain(f"{device.pn}: own message {id} answered by {type or 'a plain'} receipt")


def _ack(core: Core, device: Device, node: Node, type: str) -> None:
    if device.link is None:
        return
    attrs: dict[str, Attr] = {"class": "receipt", "id": node.text("id"), "from": node.need_jid("to")}
    if type:
        attrs["type"] = type
    if "participant" in node.attrs:
        attrs["participant"] = node.attrs["participant"]
    core.emit(device.link, Node("ack", attrs))


def _passed_on(core: Core, node: Node, sender: Jid, **more: Attr) -> Node:
    attrs: dict[str, Attr] = {"id": node.text("id"), "from": sender, "t": core.seconds}
    if node.text("type"):
        attrs["type"] = node.text("type")
    if "context" in node.attrs:
        attrs["context"] = node.attrs["context"]
    return Node("receipt", {**attrs, **more}, node.content)


def _to_sender(core: Core, device: Device, node: Node, to: Jid) -> None:
    """To all devices of whoever wrote the message: each shows the ticks."""
    account = core.account(to)
    if account is None:
        return
    server = LID if to.is_lid else USER
    copy = _passed_on(core, node, device.named(server))
    for target in account.devices.values():
        core.deliver(target, copy)


def _to_own_sender(core: Core, device: Device, node: Node, to: Jid) -> None:
    """An own device got an own message: only the device that sent it wants to know."""
    target = core.device(to)
    if target is None or target is device:
        return
    server = LID if to.is_lid else USER
    more: dict[str, Attr] = {"recipient": node.attrs["recipient"]} if "recipient" in node.attrs else {}
    core.deliver(target, _passed_on(core, node, device.named(server), **more))


def _to_own(core: Core, device: Device, node: Node, to: Jid, type: str) -> None:
    """Read here: the other own devices drop their badges."""
    server = LID if to.is_lid else USER
    more: dict[str, Attr] = {"type": type}
    sender = device.named(server)
    if to.is_group or to.is_broadcast:
        return
    more["recipient"] = to.bare
    copy = _passed_on(core, node, sender, **more)
    for target in device.account.devices.values():
        if target is not device:
            core.deliver(target, copy)


def _to_author(core: Core, device: Device, node: Node, to: Jid) -> None:
    """In a group the author's devices get it, with the reader as participant."""
    author = node.jid("participant")
    account = core.account(author)
    if author is None or account is None:
        return
    server = LID if author.is_lid else USER
    copy = _passed_on(core, node, to, participant=device.named(server))
    for target in account.devices.values():
        if target is not device:
            core.deliver(target, copy)


def _retry(core: Core, device: Device, node: Node, to: Jid) -> None:
    """To the one device whose ciphertext did not open."""
    if to.is_group or to.is_broadcast:
        author = node.jid("participant")
        target = core.device(author)
        if author is None or target is None:
            return
        server = LID if author.is_lid else USER
        core.deliver(target, _passed_on(core, node, to, participant=device.named(server)))
        return
    target = core.device(to)
    if target is not None:
        server = LID if to.is_lid else USER
        more: dict[str, Attr] = {
            name: node.attrs[name] for name in ("recipient", "category") if name in node.attrs
        }
        core.deliver(target, _passed_on(core, node, device.named(server), **more))


def ack(core: Core, device: Device, node: Node) -> None:
    """An answer to a stanza of ours."""
    cls, id = node.text("class"), node.text("id")
    if cls == "receipt":
        key = QueueKey("receipt", id, node.text("type"), receipt_sender(node, "to"))
        if device.queue.pop(key, None) is None:
            _forgive(core, device, cls, id)
        return
    queued = device.queue.get(QueueKey(cls, id))
    if queued is None:
        return
    if queued.ack_owed:
        queued.ack_owed = False
        return
    if cls == "message" and queued.own and not queued.retried and "error" not in node.attrs:
        core.complain(f"{device.pn}: own message {id} was acked; only a sender receipt ends it")
        return
    del device.queue[QueueKey(cls, id)]


def _forgive(core: Core, device: Device, cls: str, id: str) -> None:
    """An ack that names the right id but the wrong sender or type: noted, and taken unless the knob is strict."""
    for key in [key for key in device.queue if key.cls == cls and key.id == id]:
        core.complain(f"{device.pn}: the ack of {cls} {id} does not name what it answers")
        if core.knobs.strict_acks and device.link is not None:
            child = Node("ack", {"class": cls, "id": id})
            core.end(device.link, "wrong ack", Node("stream:error", {}, [child]), Node("xmlstreamend"))
            return
        del device.queue[key]
        return
