"""Privacy settings, the list of the blocked, the default timer, the status audience (reference 04, 3.6 to 3.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.jid import Jid
from protocol.node import Attr, Node
from protocol.stanza import iq
from protocol.stanza.groups import bare

_AUDIENCE: Final = ("all", "contacts", "contact_blacklist", "none")
#: The server's name of a setting → ours, and the values that it takes.
CATEGORIES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "last": ("last_seen", _AUDIENCE),
    "online": ("online", ("all", "match_last_seen")),
    "profile": ("picture", _AUDIENCE),
    "status": ("about", _AUDIENCE),
    "groupadd": ("group_add", _AUDIENCE),
    "readreceipts": ("read_receipts", ("all", "none")),
    "calladd": ("calls", ("all", "known", "contacts")),
    "messages": ("messages", ("all", "contacts")),
    "defense": ("defense", ("off", "on_standard")),
    "stickers": ("stickers", ("contacts", "contact_allowlist", "none")),
}
WIRE: Final = {name: wire for wire, (name, _) in CATEGORIES.items()}
TIMERS: Final = (0, 86400, 604800, 7776000)
EXCEPT: Final = "contact_blacklist"


class Blocked(msgspec.Struct, frozen=True):
    """Somebody who is blocked."""

    jid: Jid
    other: Jid | None = None


class Blocklist(msgspec.Struct, frozen=True, kw_only=True):
    """The list; `whole` is False when an answer only confirms a change."""

    mark: str = ""
    people: tuple[Blocked, ...] = ()
    whole: bool = True


class BlockChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that another device made."""

    mark: str
    before: str
    blocked: tuple[Blocked, ...] = ()
    unblocked: tuple[Blocked, ...] = ()


class Exceptions(msgspec.Struct, frozen=True, kw_only=True):
    """From whom something is hidden although contacts may see it."""

    mark: str
    people: tuple[Jid, ...]


# --- settings -----------------------------------------------------------------------------------------------------------


def ask_settings() -> Node:
    """All settings."""
    return iq.get("privacy", Node("privacy"))


def read_settings(reply: Node) -> dict[str, str]:
    """Ours by our names; those that we do not know by theirs."""
    return read_categories(reply.need("privacy"))


def read_categories(node: Node) -> dict[str, str]:
    """The `<category>` elements of an answer or a notice."""
    return {
        CATEGORIES.get(one.text("name"), (one.text("name"),))[0]: one.text("value")
        for one in node.all("category")
        if one.text("name") and one.text("value")
    }


def set_setting(wire: str, value: str) -> Node:
    """Change one."""
    return iq.set("privacy", Node("privacy", {}, [Node("category", {"name": wire, "value": value})]))


def ask_exceptions(wire: str) -> Node:
    """From whom a setting hides."""
    listed = Node("list", {"name": wire, "value": EXCEPT})
    return iq.get("privacy", Node("privacy", {"addressing_mode": "lid"}, [listed]))


def read_exceptions(reply: Node) -> Exceptions:
    """From whom a setting hides."""
    outer = reply.child("privacy")
    found = (outer.child("list") if outer is not None else None) or reply.need("list")
    people = tuple(jid for user in found.all("user") if (jid := bare(user, "jid")))
    return Exceptions(mark=found.text("dhash"), people=people)


def set_exceptions(
    wire: str, mark: str, *, add: Sequence[tuple[Jid, Jid | None]], remove: Sequence[tuple[Jid, Jid | None]]
) -> Node:
    """Hide from these too, no longer from those. `mark`: of the list as it was read."""
    users: list[Node] = []
    for action, people in (("add", add), ("remove", remove)):
        for jid, number in people:
            attrs: dict[str, Attr] = {"action": action, "jid": jid}
            if number is not None:
                attrs["pn_jid"] = number
            users.append(Node("user", attrs))
    category = Node("category", {"name": wire, "value": EXCEPT, "dhash": mark or "none"}, users)
    return iq.set("privacy", Node("privacy", {"addressing_mode": "lid"}, [category]))


# --- the blocked --------------------------------------------------------------------------------------------------------


def ask_blocklist(known: str = "") -> Node:
    """The list, unless it is the one that we know."""
    return iq.get("blocklist", *([Node("item", {"dhash": known})] if known else ()))


def read_blocklist(reply: Node) -> Blocklist:
    """The list. An answer without one says that nothing changed."""
    found = reply.child("list")
    items = found if found is not None else reply
    people = tuple(_blocked(items))
    if found is None:
        return Blocklist(people=people, whole=bool(people))
    confirms = found.text("matched") == "true"
    return Blocklist(mark=found.text("dhash"), people=people, whole=not confirms)


def block(jid: Jid, number: Jid) -> Node:
    """Block somebody: hidden id and number are both needed."""
    return iq.set("blocklist", Node("item", {"jid": jid, "action": "block", "pn_jid": number}))


def unblock(jid: Jid) -> Node:
    """Let somebody write again."""
    return iq.set("blocklist", Node("item", {"jid": jid, "action": "unblock"}))


def read_block_change(node: Node) -> BlockChange | None:
    """The `<blocklist>` of `account_sync`; None when it brings no items: read the list again."""
    if not any(True for _ in node.all("item")):
        return None
    return BlockChange(
        mark=node.text("dhash"),
        before=node.text("prev_dhash"),
        blocked=tuple(_blocked(node, "block")),
        unblocked=tuple(_blocked(node, "unblock")),
    )


def _blocked(node: Node, action: str = "") -> list[Blocked]:
    return [
        Blocked(jid, bare(item, "pn_jid") if jid.is_lid else bare(item, "lid"))
        for item in node.all("item")
        if (jid := bare(item, "jid")) is not None and (not action or item.text("action") == action)
    ]


# --- timer and audience -------------------------------------------------------------------------------------------------


def set_default_timer(seconds: int) -> Node:
    """New chats begin with this timer."""
    return iq.set("disappearing_mode", Node("disappearing_mode", {"duration": str(seconds)}))


def ask_audience() -> Node:
    """Who sees our stories."""
    return iq.get("status", Node("privacy"))


def read_audience(reply: Node) -> tuple[str, tuple[Jid, ...]]:
    """`contacts`, `whitelist` or `blacklist`, and the people of the latter two."""
    outer = reply.child("privacy")
    lists = list(outer.all("list")) if outer is not None else []
    chosen = next((one for one in lists if one.text("default") == "true"), lists[0] if lists else None)
    if chosen is None:
        return "contacts", ()
    return chosen.text("type", "contacts"), tuple(
        jid for user in chosen.all("user") if (jid := bare(user, "jid"))
    )
