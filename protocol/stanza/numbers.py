"""Which numbers are on WhatsApp: the usync question, and what it says of each (reference 04, 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from protocol.jid import SERVER, Jid
from protocol.node import Node


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of one number."""

    #: Digits, as they were asked for.
    number: str
    registered: bool
    #: The account's own address: it may have other digits than those that were asked for.
    pn: Jid | None = None
    lid: Jid | None = None
    business: bool = False


def query(numbers: Sequence[str], sid: str) -> Node:
    """Ask for these numbers (digits with country code)."""
    users = [Node("user", {}, [Node("contact", {}, f"+{number}")]) for number in numbers]
    asked: dict[str, str] = {
        "sid": sid,
        "mode": "query",
        "last": "true",
        "index": "0",
        "context": "interactive",
    }
    wanted = [Node("contact"), Node("lid"), Node("business", {}, [Node("verified_name")])]
    usync = Node("usync", dict(asked), [Node("query", {}, wanted), Node("list", {}, list(users))])
    return Node("iq", {"xmlns": "usync", "type": "get", "to": SERVER}, [usync])


def parse(reply: Node) -> list[Checked]:
    """One entry for each number that the server answers for."""
    users = reply.need("usync").child("list")
    found = [_checked(node) for node in users.all("user")] if users else []
    return [one for one in found if one is not None]


def _checked(node: Node) -> Checked | None:
    contact = node.child("contact")
    if contact is None:
        return None
    jid, lid = node.jid("jid"), node.child("lid")
    named = contact.content_text() or (jid.user if jid else "")
    registered = contact.text("type") == "in"
    hidden = lid.jid("val") if lid is not None else None
    pn = jid if jid is not None and jid.is_pn else node.jid("pn_jid")
    return Checked(
        number="".join(c for c in named if c.isdigit()),
        registered=registered,
        pn=pn.bare if pn is not None and registered else None,
        lid=hidden.bare if hidden is not None and registered else None,
        business=node.child("business") is not None,
    )
