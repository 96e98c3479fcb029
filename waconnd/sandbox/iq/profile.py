"""Profile pictures, about texts, the audience of a status."""

from __future__ import annotations

from typing import Final

from protocol.jid import Jid
from protocol.node import Attr, Node
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.linking import acquaintances
from waconnd.sandbox.media import PICTURES
from waconnd.sandbox.state import Account, Device, Group, Picture

JPEG: Final = b"\xff\xd8\xff"
ABOUT_LIMIT: Final = 139


def picture(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="w:profile:picture"`."""
    target = iq.jid("target") or device.account.pn
    holder = _holder(core, target)
    asked = iq.child("picture")
    if iq.text("type") == "get":
        return [_show(core, device, holder, asked or Node("picture"))]
    if isinstance(holder, Group):
        if device.account.user not in holder.members:
            raise Refused(403, "forbidden")
        if "locked" in holder.flags and not holder.is_admin(device.account):
            raise Refused(401, "not-authorized")
    elif holder is not device.account:
        raise Refused(403, "forbidden")
    if asked is None:
        holder.picture = None
        _announce(core, device, holder, "delete")
        return []
    image = asked.content_bytes()
    if not image.startswith(JPEG):
        raise Refused(406, "not-acceptable")
    holder.picture = Picture(core.serial(), image, image)
    _announce(core, device, holder, "set")
    return [Node("picture", {"id": holder.picture.id})]


def _holder(core: Core, target: Jid) -> Account | Group:
    holder = core.group(target) or core.account(target)
    if holder is None:
        raise Refused(404, "item-not-found")
    return holder


def _show(core: Core, device: Device, holder: Account | Group, asked: Node) -> Node:
    shown = holder.picture
    if isinstance(holder, Account) and holder is not device.account:
        rule = holder.privacy["profile"]
        if rule == "none" or (rule != "all" and device.account.user not in holder.contacts):
            raise Refused(401, "not-authorized")
    if shown is None:
        raise Refused(404, "item-not-found")
    if asked.text("id") == shown.id:
        return Node("picture", {"status": "304"})
    type = asked.text("type", "preview")
    direct_path = core.blobs.put(shown.image if type == "image" else shown.preview, PICTURES, ".jpg")
    attrs: dict[str, Attr] = {"id": shown.id, "type": type, "direct_path": direct_path}
    return Node("picture", {**attrs, "url": core.blobs.url(direct_path)})


def _announce(core: Core, device: Device, holder: Account | Group, change: str) -> None:
    attrs: dict[str, Attr] = {"author": device.account.lid}
    if holder.picture is not None:
        attrs["id"] = holder.picture.id
    if isinstance(holder, Group):
        content = [Node(change, {"jid": holder.jid, **attrs})]
        for member in holder.members.values():
            for target in member.account.devices.values():
                core.notify(target, "picture", holder.jid, content)
        return
    content = [Node(change, {"jid": holder.pn, **attrs})]
    for other in acquaintances(core, holder):
        for target in other.devices.values():
            core.notify(target, "picture", holder.pn, content)
    for target in holder.devices.values():
        if target is not device:
            core.notify(target, "account_sync", holder.pn, [Node("picture")])


def status(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="status"`: the about text, or who may see a status."""
    account = device.account
    if iq.text("type") == "get":
        return [Node("privacy", {}, [Node("list", {"type": "contacts", "default": "true"})])]
    text = iq.need("status").content_text()
    if len(text) > ABOUT_LIMIT:
        raise Refused(406, "not-acceptable")
    set_about(core, account, text, device)
    return []


def set_about(core: Core, account: Account, text: str, device: Device | None = None) -> None:
    """A new about text, announced."""
    account.about, account.about_at = text, int(core.now)
    for other in acquaintances(core, account):
        for target in other.devices.values():
            core.notify(target, "status", account.pn, [Node("set", {}, text)], notify=account.name)
    for target in account.devices.values():
        if target is not device:
            core.notify(target, "account_sync", account.pn, [Node("status")])
