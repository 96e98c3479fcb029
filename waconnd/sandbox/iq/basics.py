"""Small requests: ping, active and passive, properties, dirty bits, leaving, links."""

from __future__ import annotations

from typing import Final

from protocol.node import Node
from waconnd.sandbox import channels, linking, session
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.state import Device

#: Server properties that clients read: codes as the official client knows them (reference 04, 3.9).
PROPS: Final = {"10518": "1", "14303": "1", "865": "604800", "909": "4", "996": "604800", "997": "4"}


def ping(core: Core, device: Device, iq: Node) -> list[Node]:
    """The keepalive; its answer carries `t` like every other."""
    return []


def nothing(core: Core, device: Device, iq: Node) -> list[Node]:
    """Accepted, and of no consequence here."""
    return []


def passive(core: Core, device: Device, iq: Node) -> list[Node]:
    """Deliver from now on, or stop."""
    link = device.link
    if link is not None:
        if iq.child("active") is not None:
            # Behind the result, which is the first thing that the client waits for.
            core.after_reply.append(lambda: session.activate(core, link))
        else:
            session.passive(core, link)
    return []


def props(core: Core, device: Device, iq: Node) -> list[Node]:
    """AB properties."""
    children = [Node("prop", {"config_code": code, "config_value": value}) for code, value in PROPS.items()]
    attrs = {"protocol": "1", "ab_key": "sandbox", "hash": "4f1c", "refresh": "86400", "refresh_id": "1"}
    return [Node("props", {**attrs}, children)]


def clean(core: Core, device: Device, iq: Node) -> list[Node]:
    """The client refreshed what was dirty."""
    for child in iq.all("clean"):
        device.dirty.pop(child.text("type"), None)
    return []


def companion_device(core: Core, device: Device, iq: Node) -> list[Node]:
    """A companion leaves, or its phone throws one out."""
    child = iq.child("remove-companion-device")
    if child is None:
        raise Refused(400, "bad-request")
    target = core.device(child.jid("jid"))
    if target is None or target.account is not device.account or not target.number:
        raise Refused(404, "item-not-found")
    core.after_reply.append(lambda: linking.remove(core, target))
    return []


def business_profile(core: Core, device: Device, iq: Node) -> list[Node]:
    """Profiles of business accounts; nothing for all others."""
    found = []
    for asked in iq.need("business_profile").all("profile"):
        account = core.account(asked.jid("jid"))
        if account is not None and account.business_name:
            found.append(
                Node("profile", {"jid": account.pn}, [Node("description", {}, account.business_name)])
            )
    return [Node("business_profile", {}, list(found) or None)]


def contact_code(core: Core, device: Device, iq: Node) -> list[Node]:
    """Contact links: the code is the number, which is enough here."""
    asked = iq.need("qr")
    if iq.text("type") == "set":
        return [Node("qr", {"code": f"SANDBOX{device.account.user}", "type": "contact"})]
    account = core.accounts.get(asked.text("code").removeprefix("SANDBOX"))
    if account is None:
        raise Refused(404, "item-not-found")
    return [Node("qr", {"jid": account.pn, "type": "contact", "notify": account.name})]


def bots(core: Core, device: Device, iq: Node) -> list[Node]:
    """There are none."""
    return [Node("bot", {"v": "2"}, [Node("section", {"type": "all", "name": "all"})])]


def newsletter(core: Core, device: Device, iq: Node) -> list[Node]:
    """Posts of a channel, newest last."""
    asked = iq.child("messages")
    jid = (asked.jid("jid") if asked is not None else None) or iq.jid("to")
    channel = core.channels.get(jid.user) if jid is not None else None
    if iq.child("live_updates") is not None:
        return [Node("live_updates", {"duration": "300"})]
    if channel is None or asked is None:
        raise Refused(404, "item-not-found")
    count = asked.number("count", 50)
    posts = [channels.shown(channel, number) for number in list(channel.posts)[-count:]]
    return [Node("messages", {"jid": channel.jid, "t": core.seconds}, list(posts))]
