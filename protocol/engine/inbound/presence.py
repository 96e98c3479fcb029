"""Incoming presence and typing: told at once, never kept."""

from __future__ import annotations

from protocol.effects import Reaction
from protocol.events.presence import ChatTyping, ContactPresence
from protocol.flows import people
from protocol.flows.context import Context
from protocol.node import Node
from protocol.stanza import presence


def on_presence(ctx: Context, node: Node) -> Reaction:
    """`<presence>`."""
    seen = presence.parse_presence(node)
    if seen is None or ctx.is_me(seen.who):
        return Reaction()
    event = ContactPresence(
        at=ctx.now,
        contact=people.person(ctx.store, seen.who),
        online=seen.online,
        last_seen_at=float(seen.last) if seen.last else None,
    )
    return Reaction(ephemeral=(event,))


def on_chatstate(ctx: Context, node: Node) -> Reaction:
    """`<chatstate>`."""
    writes = presence.parse_writing(node)
    if writes is None:
        return Reaction()
    event = ChatTyping(
        at=ctx.now,
        chat=people.chat(ctx.store, writes.chat),
        who=people.person(ctx.store, writes.who),
        kind=writes.kind,
        on=writes.on,
    )
    return Reaction(ephemeral=(event,))
