"""Privacy settings and tokens, the block list, the default timer."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from protocol.node import Attr, Node
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.linking import acquaintances
from waconnd.sandbox.state import PRIVACY, Account, Device

AUDIENCE: Final = frozenset(("all", "contacts", "contact_blacklist", "none"))
#: Values that each setting takes (reference 04, 3.7); others are kept as they come.
VALUES: Final = {
    "last": AUDIENCE,
    "online": frozenset(("all", "match_last_seen")),
    "profile": AUDIENCE,
    "status": AUDIENCE,
    "groupadd": AUDIENCE,
    "readreceipts": frozenset(("all", "none")),
    "calladd": frozenset(("all", "known", "contacts")),
    "messages": frozenset(("all", "contacts")),
    "defense": frozenset(("off", "on_standard")),
    "stickers": frozenset(("contacts", "contact_allowlist", "none")),
}
TIMERS: Final = frozenset((0, 86400, 604800, 7776000))
TOKEN_BYTES: Final = 20


def settings(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="privacy"`."""
    tokens = iq.child("tokens")
    if tokens is not None:
        return _issue(core, device, tokens)
    asked = iq.need("privacy")
    account = device.account
    if iq.text("type") == "get":
        listed = asked.child("list")
        if listed is not None:
            return [Node("list", {"dhash": "none", "name": listed.text("name")})]
        shown = [Node("category", {"name": name, "value": value}) for name, value in account.privacy.items()]
        return [Node("privacy", {}, list(shown))]
    changed = []
    for category in asked.all("category"):
        name, value = category.text("name"), category.text("value")
        if value not in VALUES.get(name, {value}) or (name not in VALUES and name not in PRIVACY):
            raise Refused(400, "bad-request")
        account.privacy[name] = value
        changed.append(Node("category", {"name": name, "value": value, "dhash": "none"}))
    _sync(core, device, Node("privacy", {}, list(changed)))
    return [Node("privacy", {}, list(changed))]


def _sync(core: Core, device: Device, change: Node) -> None:
    for other in device.account.devices.values():
        if other is not device:
            core.notify(other, "account_sync", device.account.pn, [change])


def _issue(core: Core, device: Device, tokens: Node) -> list[Node]:
    """A privacy token: the peer may write to us."""
    account = device.account
    for token in tokens.all("token"):
        peer = core.account(token.jid("jid"))
        if peer is None:
            continue
        secret = core.random(TOKEN_BYTES)
        peer.tokens[account.user] = (token.number("t"), secret)
        attrs: dict[str, Attr] = {"type": "trusted_contact", "t": token.text("t")}
        content = [Node("tokens", {}, [Node("token", attrs, secret)])]
        for target in peer.devices.values():
            core.notify(target, "privacy_token", account.pn, content, sender_lid=account.lid)
    return []


def dhash(account: Account) -> str:
    """A string that changes with the block list."""
    return sha256("|".join(account.blocked).encode()).hexdigest()[:16]


def blocklist(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="blocklist"`."""
    account = device.account
    item = iq.child("item")
    if iq.text("type") == "get":
        if item is not None and item.text("dhash") == dhash(account):
            return []
        return [_blocked(core, account)]
    if item is None:
        raise Refused(400, "bad-request")
    other = core.account(item.jid("jid"))
    jid = item.jid("jid")
    if other is None or jid is None or not jid.is_lid:
        raise Refused(400, "bad-request")
    before = dhash(account)
    action = item.text("action")
    if action == "block":
        if item.jid("pn_jid") is None:
            raise Refused(400, "bad-request")
        account.blocked[other.user] = None
    else:
        account.blocked.pop(other.user, None)
    change = Node("item", {"jid": other.lid, "action": action})
    attrs: dict[str, Attr] = {"action": "modify", "dhash": dhash(account), "prev_dhash": before}
    _sync(core, device, Node("blocklist", attrs, [change]))
    return [Node("list", {"dhash": dhash(account), "matched": "true"})]


def _blocked(core: Core, account: Account) -> Node:
    items = []
    for user in account.blocked:
        other = core.accounts[user]
        items.append(Node("item", {"jid": other.lid, "pn_jid": other.pn}))
    return Node("list", {"addressing_mode": "lid", "dhash": dhash(account)}, list(items) or None)


def default_timer(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="disappearing_mode"`."""
    duration = iq.need("disappearing_mode").number("duration", -1)
    if duration not in TIMERS:
        raise Refused(400, "bad-request")
    account = device.account
    account.default_timer, account.default_timer_at = duration, int(core.now)
    change = Node("disappearing_mode", {"duration": str(duration), "t": core.seconds})
    _sync(core, device, change)
    for other in acquaintances(core, account):
        for target in other.devices.values():
            core.notify(target, "disappearing_mode", account.pn, [change])
    return []
