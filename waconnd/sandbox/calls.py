"""Call signalling: offers ring on every device of the callee, the first answer ends it on the others."""

from __future__ import annotations

from typing import Final

from protocol.jid import LID, USER
from protocol.node import Attr, Node
from waconnd.sandbox.core import Core
from waconnd.sandbox.state import Device

#: An answer on one device ends the ringing on the others, for this reason.
ELSEWHERE: Final = {"accept": "accepted_elsewhere", "reject": "rejected_elsewhere"}


def call(core: Core, device: Device, node: Node) -> None:
    """`<call to><offer|accept|reject|terminate …/></call>`."""
    to = node.need_jid("to")
    wanted = node.child("link_create")
    if wanted is not None:
        _link(core, device, node, wanted)
        return
    if device.link is not None:
        attrs: dict[str, Attr] = {"class": "call", "id": node.text("id"), "from": to}
        if node.children:
            attrs["type"] = node.children[0].tag
        core.emit(device.link, Node("ack", attrs))
    account = core.account(to)
    if account is None or device.account.user in account.blocked or not node.children:
        return
    core.tell("call", device, node)
    server = LID if to.is_lid else USER
    signal = node.children[0]
    if signal.tag == "offer" and server == LID:
        # The caller is told under both names, once.
        signal = Node(signal.tag, {**signal.attrs, "caller_pn": device.account.pn}, signal.content)
    passed: dict[str, Attr] = {
        "from": device.named(server),
        "id": core.serial(),
        "t": core.seconds,
        "notify": device.push_name or device.account.name,
        "platform": device.account.platform,
        "version": "2.26.1",
    }
    targets = (
        [account.devices[to.device]]
        if to.device in account.devices and to.device
        else account.devices.values()
    )
    for target in targets:
        core.deliver(target, Node("call", {**passed, "id": core.serial()}, [signal]))
    reason = ELSEWHERE.get(signal.tag)
    if reason is None:
        return
    ended = Node("terminate", {**signal.attrs, "reason": reason})
    for other in device.account.devices.values():
        if other is not device:
            core.deliver(
                other, Node("call", {**passed, "from": device.named(server), "id": core.serial()}, [ended])
            )


def _link(core: Core, device: Device, node: Node, wanted: Node) -> None:
    """A link that anybody may call by."""
    made = Node("link_create", {"token": core.random(11).hex(), "media": wanted.text("media")})
    attrs: dict[str, Attr] = {
        "class": "call",
        "id": node.text("id"),
        "from": node.need_jid("to"),
        "type": wanted.tag,
    }
    if device.link is not None:
        core.emit(device.link, Node("ack", attrs, [made]))
