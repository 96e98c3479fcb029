"""News about the connection itself: the server's requests and the children of `ib` (reference 01, 7.5 and 7.6)."""

from __future__ import annotations

import msgspec

from protocol.effects import Reaction
from protocol.engine import chores
from protocol.events.account import ClientOutdated
from protocol.events.connection import OfflineSync, StanzaFailed
from protocol.flows import props
from protocol.flows.context import Context
from protocol.flows.login import pull_offline, refresh_dirty
from protocol.node import Node
from protocol.stanza import iq, session, version


def request(ctx: Context, node: Node) -> Reaction:
    """The server asks: a ping is answered at once in its own words, all else is only counted."""
    if iq.is_ping(node):
        return Reaction(stanzas=(iq.result(node),))
    if node.text("type") not in ("result", "error"):
        ctx.counts["unknown.iq"] += 1
    return Reaction()


def rejected(ctx: Context, node: Node) -> Reaction:
    """A bare `<error>` in place of an ack: something that we sent was not valid; which, the server does not say."""
    ctx.counts["rejected"] += 1
    code = node.number("code")
    return Reaction(ephemeral=(StanzaFailed(at=ctx.now, stanza="sent", error=str(code or "?")),))


def offline_preview(ctx: Context, child: Node) -> Reaction:
    """So much is waiting: pull it."""
    preview = session.read_preview(child)
    ctx.catching_up = True
    told = (OfflineSync(at=ctx.now, pending=preview.count, done=False),)
    flows = ((pull_offline(ctx, preview.count), None),) if preview.count > 0 else ()
    return Reaction(ephemeral=told, flows=flows)


def offline_end(ctx: Context, child: Node) -> Reaction:
    """The queue is empty; the connection notices by itself that it is ready."""
    ctx.catching_up = False
    return Reaction(ephemeral=(OfflineSync(at=ctx.now, pending=0, done=True),))


def dirty(ctx: Context, child: Node) -> Reaction:
    """Something of ours has changed while we were away."""
    type, later = child.text("type"), child.text("type") in chores.REFRESH_LATER
    if not type or ctx.creds().account is None:
        return Reaction()
    flow = refresh_dirty(ctx, type, child.text("timestamp"), chores.REFRESH.get(type), later=later)
    return Reaction(flows=((flow, f"dirty {type}"),))


def news(ctx: Context, node: Node) -> Reaction:
    """`<notification type="server">`: switches changed; what the server wants logged is not for us."""
    if node.child("abprops") is not None:
        return Reaction(flows=((props.refresh(ctx), props.LANE),))
    ctx.counts["ignored.server"] += 1
    return Reaction()


def edge_routing(ctx: Context, child: Node) -> Reaction:
    """Where to be sent the next time."""
    info = session.read_routing_info(child)
    if not info or info == ctx.creds().routing_info:
        return Reaction()
    txn = ctx.txn()
    ctx.set_creds(txn, lambda creds: msgspec.structs.replace(creds, routing_info=info))
    return Reaction(txn=txn)


def client_expiration(ctx: Context, child: Node) -> Reaction:
    """From then on this version will be refused."""
    expires_at = child.number("t")
    if not expires_at:
        return Reaction()
    mine = version.show(ctx.settings.version)
    event = ClientOutdated(
        at=ctx.now,
        key=f"client-expires-{mine}-{expires_at}",
        version=mine,
        expires_at=float(expires_at),
        advice="WhatsApp will refuse this version soon: the current one is looked up by itself, else upgrade.",
    )
    return Reaction(txn=ctx.txn(), events=(event,))
