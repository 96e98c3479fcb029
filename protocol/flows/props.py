"""Switches of the server's experiments ("AB props"): read once a day, a few of them kept for those who ask."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.effects import Ask, Commit
from protocol.errors import RemoteProtocolError, TimedOut
from protocol.flows import freshness
from protocol.flows.context import Context
from protocol.flows.soft import Soft
from protocol.jid import SERVER
from protocol.keystore import Kind, View
from protocol.node import Attr, Node

LANE: Final = "props"
NAME: Final = "props"
#: The server names its own pace; nothing faster than this, nothing slower than a week.
LEAST_SECONDS: Final = 3600.0
MOST_SECONDS: Final = 7 * freshness.DAY
#: Codes that say something to a client like this one (reference 04, 3.9): tokens, their weeks, terms of channels.
KEPT: Final = frozenset(
    {"10518", "14303", "11261", "11262", "9668", "20798", "24941", "865", "909", "996", "997", "3834", "3810", "6498"}
)  # fmt: skip


class Props(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the server said."""

    values: dict[str, str]
    refresh_at: float
    hash: str = ""
    refresh_id: str = ""
    v: int = 1


PROPS: Final = Soft(Kind.SETTING, Props)


def prop(view: View, code: str) -> str:
    """A switch; empty when the server never said."""
    held = PROPS.get(view, NAME)
    return held.values.get(code, "") if held is not None else ""


async def load(ctx: Context) -> None:
    """When the server's time has passed."""
    held = PROPS.get(ctx.store, NAME)
    if held is None or ctx.now >= held.refresh_at:
        await refresh(ctx)


async def refresh(ctx: Context) -> None:
    """Ask for them; an answer may bring only what changed. Refused, they are asked for at the next login."""
    held = PROPS.get(ctx.store, NAME) or Props({}, 0.0)
    try:
        node = await Ask(_query(held), lambda reply: reply.need("props"))
    except (RemoteProtocolError, TimedOut):
        ctx.counts["props.refused"] += 1
        return
    found = {
        prop.text("config_code"): prop.text("config_value")
        for prop in node.all("prop")
        if prop.text("config_code") in KEPT
    }
    partial = node.text("delta_update") == "true" or node.text("hash") == held.hash
    pause = min(max(float(node.number("refresh")), LEAST_SECONDS), MOST_SECONDS)
    txn = ctx.txn()
    fresh = Props(
        {**held.values, **found} if partial else found,
        ctx.now + pause,
        node.text("hash") or held.hash,
        node.text("refresh_id") or held.refresh_id,
    )
    PROPS.put(txn, NAME, fresh)
    await Commit(txn)


def _query(held: Props) -> Node:
    attrs: dict[str, Attr] = {"protocol": "1"}
    if held.hash:
        attrs["hash"] = held.hash
    if held.refresh_id:
        attrs["refresh_id"] = held.refresh_id
    return Node("iq", {"to": SERVER, "type": "get", "xmlns": "abt"}, [Node("props", attrs)])
