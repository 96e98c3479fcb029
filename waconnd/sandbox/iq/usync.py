"""Questions about users: devices, hidden ids, numbers, about texts, pictures (reference 02, 6.1; 04, 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.jid import LID, USER, Jid
from protocol.node import Attr, Content, Node
from protocol.signal.phash import participant_hash
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.state import Account, Device


def handle(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="usync"`."""
    asked = iq.need("usync")
    wanted = [child.tag for child in asked.need("query").children]
    if not wanted:
        raise Refused(400, "bad-request")
    found = []
    for user in asked.need("list").all("user"):
        answered = _user(core, device, user, wanted)
        if answered is not None:
            found.append(answered)
    children = [Node("result", {}, [Node(name) for name in wanted]), Node("list", {}, list(found))]
    attrs: dict[str, Attr] = {
        name: asked.attrs[name] for name in ("sid", "index", "last", "mode", "context") if name in asked.attrs
    }
    return [Node("usync", attrs, children)]


def _user(core: Core, asker: Device, user: Node, wanted: list[str]) -> Node | None:
    jid = user.jid("jid")
    contact = user.child("contact")
    number = contact.content_text() if contact is not None else ""
    if jid is None:
        if contact is None:
            return None
        digits = number.removesuffix("@c.us").lstrip("+")
        account = core.accounts.get(digits)
        answer: Content = number
        if account is None:
            nobody = Node("contact", {"type": "out" if digits.isdigit() else "invalid"}, answer)
            return Node("user", {"jid": Jid(digits, USER)} if digits.isdigit() else {}, [nobody])
        jid = account.pn
        if "lid" in wanted or contact is not None:
            number = number or f"+{digits}"
    found = core.account(jid)
    if found is None:
        return Node("user", {"jid": jid}, [Node(name, {}, None) for name in wanted if name == "contact"])
    children = []
    for name in wanted:
        if name == "contact":
            children.append(Node("contact", {"type": "in"}, number or f"+{found.user}"))
        elif name in ANSWERS:
            node = ANSWERS[name](core, asker, found, jid)
            if node is not None:
                children.append(node)
    return Node("user", {"jid": jid, "pn_jid": found.pn}, children)


def _devices(core: Core, asker: Device, account: Account, jid: Jid) -> Node:
    server = LID if jid.is_lid else USER
    nodes = []
    for number, device in account.devices.items():
        attrs: dict[str, Attr] = {"id": str(number)}
        if number:
            attrs["key-index"] = str(device.key_index)
        nodes.append(Node("device", attrs))
    hashed = participant_hash(d.named(server) for d in account.devices.values())
    children = [Node("device-list", {"hash": hashed}, list(nodes))]
    if account.key_list:
        children.append(Node("key-index-list", {"ts": str(account.key_list_at)}, account.key_list))
    return Node("devices", {}, children)


def _lid(core: Core, asker: Device, account: Account, jid: Jid) -> Node:
    return Node("lid", {"val": account.lid})


def _status(core: Core, asker: Device, account: Account, jid: Jid) -> Node:
    if _hidden(account, asker.account, "status"):
        return Node("status", {"code": "401"})
    return Node("status", {"t": str(account.about_at)}, account.about)


def _picture(core: Core, asker: Device, account: Account, jid: Jid) -> Node | None:
    if account.picture is None or _hidden(account, asker.account, "profile"):
        return None
    return Node("picture", {"id": account.picture.id})


def _timer(core: Core, asker: Device, account: Account, jid: Jid) -> Node:
    return Node(
        "disappearing_mode", {"duration": str(account.default_timer), "t": str(account.default_timer_at)}
    )


def _business(core: Core, asker: Device, account: Account, jid: Jid) -> Node | None:
    return None


ANSWERS: Final[dict[str, Callable[[Core, Device, Account, Jid], Node | None]]] = {
    "devices": _devices,
    "lid": _lid,
    "status": _status,
    "picture": _picture,
    "disappearing_mode": _timer,
    "business": _business,
}


def _hidden(owner: Account, viewer: Account, what: str) -> bool:
    """Whether privacy keeps this from the viewer."""
    if owner is viewer:
        return False
    rule = owner.privacy.get(what, "all")
    return rule == "none" or (rule != "all" and viewer.user not in owner.contacts)
