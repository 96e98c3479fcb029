"""Who is there and who is typing: never queued, only passed to connections that are open."""

from __future__ import annotations

from protocol.jid import LID, USER, Jid
from protocol.node import Attr, Node
from waconnd.sandbox.core import Core
from waconnd.sandbox.state import Account, Device


def presence(core: Core, device: Device, node: Node) -> None:
    """`available`, `unavailable`, `subscribe`, or only a new name."""
    type = node.text("type")
    if node.text("name"):
        device.push_name = node.text("name")
    if type == "subscribe":
        _subscribe(core, device, node.jid("to"))
    elif type in ("available", "unavailable"):
        device.available = type == "available"
        if not device.available:
            device.account.last_seen = int(core.now)
        spread(core, device.account)


def went_away(core: Core, device: Device) -> None:
    """The connection of an available device is gone."""
    device.available = False
    device.account.last_seen = int(core.now)
    spread(core, device.account)


def _subscribe(core: Core, device: Device, to: Jid | None) -> None:
    account = core.account(to)
    if account is None or to is None:
        return
    device.subscriptions.add(account.user)
    if device.link is not None:
        core.emit(device.link, _shown(account, device, LID if to.is_lid else USER))


def _shown(account: Account, viewer: Device, server: str) -> Node:
    attrs: dict[str, Attr] = {"from": account.named(server)}
    if not account.online:
        attrs["type"] = "unavailable"
        rule = account.privacy["last"]
        hidden = rule == "none" or (rule != "all" and viewer.account.user not in account.contacts)
        attrs["last"] = "deny" if hidden else str(account.last_seen) if account.last_seen else "none"
    return Node("presence", attrs)


def spread(core: Core, account: Account) -> None:
    """Tell the subscribers."""
    for link in list(core.links.values()):
        device = link.device
        if device is not None and device.available and account.user in device.subscriptions:
            core.emit(link, _shown(account, device, LID))


def chatstate(core: Core, device: Device, node: Node) -> None:
    """Typing: to the peer's or the members' open connections."""
    to = node.jid("to")
    group = core.group(to)
    if to is None:
        return
    if group is not None:
        if device.account.user not in group.members:
            return
        attrs: dict[str, Attr] = {"from": group.jid, "participant": device.account.named(group.server)}
        accounts = [member.account for member in group.members.values()]
    else:
        account = core.account(to)
        if account is None or device.account.user in account.blocked:
            return
        attrs = {"from": device.account.named(LID if to.is_lid else USER)}
        accounts = [account]
    for account in accounts:
        if account is device.account:
            continue
        for target in account.devices.values():
            if target.link is not None and target.link.active:
                core.emit(target.link, Node("chatstate", attrs, node.content))
