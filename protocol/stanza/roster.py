"""Who is in a group and under which names it is addressed: all that a send needs to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from protocol.jid import Jid
from protocol.node import Node
from protocol.stanza import iq

XMLNS: Final = "w:g2"


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """A participant: in the group's addressing, and under the other name where the server tells it."""

    jid: Jid
    alt: Jid | None = None
    admin: str = ""


class Roster(msgspec.Struct, frozen=True):
    """The participants of one group."""

    group: Jid
    addressing: str
    members: tuple[Member, ...]


def query(group: Jid) -> Node:
    """Ask for a group's metadata."""
    return iq.get(XMLNS, Node("query", {"request": "interactive"}), to=group)


def parse(reply: Node) -> Roster:
    """Read the answer."""
    return read(reply.need_jid("from"), reply.need("group"))


def read(group: Jid, node: Node) -> Roster:
    """Read a `<group>`."""
    found = members(node)
    mode = node.text("addressing_mode") or ("lid" if found and found[0].jid.is_lid else "pn")
    return Roster(group, mode, found)


def members(node: Node) -> tuple[Member, ...]:
    """The participants that a group, or a change of it, names."""
    return tuple(_members(node))


def _members(group: Node) -> Iterator[Member]:
    for node in group.all("participant"):
        jid = node.jid("jid")
        if jid is None or node.child("error") is not None or "error" in node.attrs:
            continue
        alt = node.jid("phone_number") if jid.is_lid else node.jid("lid")
        yield Member(jid.bare, alt.bare if alt else None, node.text("type"))
