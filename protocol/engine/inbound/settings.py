"""`<notification type="account_sync">` and its like: what our other devices changed about the account itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from protocol.effects import Reaction
from protocol.engine.inbound import people
from protocol.events.base import Durable
from protocol.events.state import SettingsChanged
from protocol.flows import freshness, privacy
from protocol.flows.context import Context
from protocol.node import Node
from protocol.stanza import privacy as stanza

#: Known, and of no use to us.
IGNORED: Final = frozenset({"tos", "notice", "user", "biz_opt_out_list"})


class _Sync:
    """One notification while it is read."""

    def __init__(self, ctx: Context, node: Node) -> None:
        self.ctx, self.node, self.txn = ctx, node, ctx.txn()
        self.events: list[Durable] = []
        self.flows: list[tuple[Any, str | None]] = []

    def told(self, name: str, value: Any = None) -> None:
        key = f"settings/{name}/{self.node.text('id')}"
        self.events.append(SettingsChanged(at=self.ctx.now, key=key, name=name, value=value))


def account_changed(ctx: Context, node: Node) -> Reaction:
    """Every child is a part of the account; only our own devices may say such a thing."""
    if not ctx.is_me(node.need_jid("from")):
        ctx.counts["spoofed.account_sync"] += 1
        return Reaction()
    sync = _Sync(ctx, node)
    for child in node.children:
        part = PARTS.get(child.tag)
        if part is not None:
            part(sync, child)
        elif child.tag in IGNORED:
            ctx.counts[f"ignored.account_sync.{child.tag}"] += 1
        elif child.tag != "devices":
            ctx.unknown("account_sync", child.tag, child)
    if node.child("devices") is not None:
        people.note_own_devices(ctx, sync.txn, node)
    return Reaction(
        txn=sync.txn if sync.txn.changes or sync.events else None,
        events=tuple(sync.events),
        flows=tuple(sync.flows),
    )


def _privacy(sync: _Sync, child: Node) -> None:
    values = stanza.read_categories(child)
    if not values:
        sync.flows.append((privacy.fetch(sync.ctx), privacy.LANE))
        return
    event = privacy.note(sync.ctx, sync.txn, values)
    if event is not None:
        sync.events.append(event)


def _blocklist(sync: _Sync, child: Node) -> None:
    change = stanza.read_block_change(child)
    events = privacy.take_change(sync.ctx, sync.txn, change) if change is not None else None
    if events is None:
        freshness.stale(sync.txn, freshness.BLOCKLIST)
        sync.flows.append((privacy.fetch_blocked(sync.ctx), privacy.LANE))
        return
    sync.events += events


def _timer(sync: _Sync, child: Node) -> None:
    event = privacy.note_timer(sync.ctx, sync.txn, child.number("duration"))
    if event is not None:
        sync.events.append(event)


def _profile(sync: _Sync, child: Node) -> None:
    value = {"text_status": "about", "status": "about"}.get(child.tag, child.tag)
    sync.told("profile", {"changed": value})


def _username(sync: _Sync, child: Node) -> None:
    sync.told("username", child.text("username"))


PARTS: Final[dict[str, Callable[[_Sync, Node], None]]] = {
    "privacy": _privacy,
    "blocklist": _blocklist,
    "disappearing_mode": _timer,
    "picture": _profile,
    "status": _profile,
    "text_status": _profile,
    "username": _username,
}


def registration_code(ctx: Context, node: Node) -> Reaction:
    """`<notification type="registration">`: somebody moves the account to another phone. Shown, never answered."""
    found = node.child("wa_old_registration")
    if found is None:
        return Reaction()
    value = {"code": found.text("code"), "expires_at": found.number("expiry_t")}
    key = f"settings/registration_code/{node.text('id')}"
    event = SettingsChanged(at=ctx.now, key=key, name="registration_code", value=value)
    return Reaction(txn=ctx.txn(), events=(event,))
