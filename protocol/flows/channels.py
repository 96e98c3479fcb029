"""Channels: followed, read, made, written to. Which ones we follow is kept, and kept true by notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from protocol.effects import ANSWER_SECONDS, AckKey, Ask, Commit, Expect, Tell
from protocol.errors import IqError, RemoteProtocolError, TimedOut
from protocol.events.base import Durable
from protocol.events.channel import ChannelJoined, ChannelLeft, ChannelUpdated
from protocol.events.message import Chat
from protocol.flows import freshness
from protocol.flows.context import Context
from protocol.flows.outgoing import SendRefused, new_id
from protocol.flows.soft import Soft
from protocol.jid import Jid
from protocol.keystore import Kind, Txn, View
from protocol.node import BadNode, Node
from protocol.stanza import channels as stanza
from protocol.stanza import message, mex
from protocol.stanza.channels import Channel, Post
from protocol.stanza.mex import MexError

LANE: Final = "channels"
MAX_POSTS: Final = 100


class ChannelRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A channel that we follow."""

    channel: Channel
    at: float
    v: int = 1


CHANNELS: Final = Soft(Kind.CHANNEL, ChannelRecord)


async def call(ctx: Context, operation_name: str, /, **given: Any) -> Any:
    """An operation, by the newest number that the server knows. Raises MexError, IqError."""
    operation = stanza.OPERATIONS[operation_name]
    for id, variables in operation.versions[:-1]:
        try:
            return mex.picked(await _ask(id, variables(given)), operation.keys)
        except MexError as error:
            if not error.outdated:
                raise
        except IqError as error:
            if error.code not in (400, 404):
                raise
        ctx.counts[f"mex.outdated.{operation_name}"] += 1
    id, variables = operation.versions[-1]
    return mex.picked(await _ask(id, variables(given)), operation.keys)


async def _ask(id: str, variables: dict[str, Any]) -> dict[str, Any]:
    return await Ask(mex.query(id, variables), mex.parse)


# --- which we follow ----------------------------------------------------------------------------------------------------


def known(view: View) -> list[Channel]:
    """The channels that we follow."""
    found = [CHANNELS.get(view, name) for name in CHANNELS.ids(view)]
    return [one.channel for one in found if one is not None]


async def load(ctx: Context) -> None:
    """The list, once; refused, it is asked for at the next login."""
    if freshness.read_at(ctx.store, freshness.CHANNELS):
        return
    try:
        await refresh_all(ctx)
    except (RemoteProtocolError, TimedOut):
        ctx.counts["channels.refused"] += 1


async def refresh_all(ctx: Context) -> None:
    """The list of those we follow; what is new or gone is told."""
    listed = await call(ctx, "list")
    found = [stanza.read(one) for one in listed or () if isinstance(one, dict)]
    txn = ctx.txn()
    events: list[Durable] = []
    for channel in found:
        events += _file(ctx, txn, channel, "list")
    gone = set(CHANNELS.ids(txn)) - {channel.id for channel in found}
    for name in sorted(gone):
        CHANNELS.delete(txn, name)
        events.append(_left(ctx, name, "missed"))
    freshness.note(ctx, txn, freshness.CHANNELS)
    await Commit(txn, events=tuple(events))


def _file(ctx: Context, txn: Txn, channel: Channel, why: str) -> list[Durable]:
    held = CHANNELS.get(txn, channel.id)
    CHANNELS.put(txn, channel.id, ChannelRecord(channel, ctx.now))
    if held is not None:
        return []
    key = f"{channel.id}/joined/{why}/{int(ctx.now)}"
    shown = msgspec.to_builtins(channel)
    return [ChannelJoined(at=ctx.now, key=key, chat=Chat(channel.id, "channel"), channel=shown)]


def _left(ctx: Context, id: str, reason: str) -> ChannelLeft:
    key = f"{id}/left/{int(ctx.now)}"
    return ChannelLeft(at=ctx.now, key=key, chat=Chat(id, "channel"), reason=reason)


def joined(ctx: Context, txn: Txn, channel: Channel) -> list[Durable]:
    """We follow it now; nothing when that is no news."""
    return _file(ctx, txn, channel, "followed")


def left(ctx: Context, txn: Txn, id: str, reason: str) -> list[Durable]:
    """We no longer follow it; nothing when that is no news."""
    if CHANNELS.get(txn, id) is None:
        return []
    CHANNELS.delete(txn, id)
    return [_left(ctx, id, reason)]


def changed(ctx: Context, txn: Txn, id: str, key: str, **members: Any) -> list[Durable]:
    """Members of a channel that we follow are another value now; nothing when that is no news."""
    held = CHANNELS.get(txn, id)
    if held is None:
        return []
    news = {name: value for name, value in members.items() if getattr(held.channel, name) != value}
    if not news:
        return []
    fresh = msgspec.structs.replace(held.channel, **news)
    CHANNELS.put(txn, id, ChannelRecord(fresh, ctx.now))
    event = ChannelUpdated(at=ctx.now, key=key, chat=Chat(id, "channel"), keys=sorted(news), changed=news)
    return [event]


# --- what can be done ---------------------------------------------------------------------------------------------------


async def info(ctx: Context, channel: Jid | None = None, *, invite: str = "") -> Channel:
    """A channel, by its address or its invite code. Raises MexError, BadNode."""
    held = CHANNELS.get(ctx.store, str(channel)) if channel is not None else None
    role = held.channel.role.upper() if held is not None else "GUEST"
    kind = "INVITE" if invite else "JID"
    said = await call(ctx, "info", key=invite or str(channel), type=kind, role=role)
    if said is None:
        raise MexError(404, "there is no such channel")
    found = stanza.read(said)
    if held is not None:
        txn = ctx.txn()
        CHANNELS.put(txn, found.id, ChannelRecord(found, ctx.now))
        await Commit(txn)
    return found


async def follow(ctx: Context, channel: Jid) -> Channel:
    """Follow a channel."""
    await call(ctx, "follow", id=str(channel))
    found = await info(ctx, channel)
    if found.role not in ("owner", "admin"):
        found = msgspec.structs.replace(found, role="subscriber")
    txn = ctx.txn()
    await Commit(txn, events=tuple(joined(ctx, txn, found)))
    return found


async def unfollow(ctx: Context, channel: Jid) -> None:
    """No longer follow it."""
    await call(ctx, "unfollow", id=str(channel))
    txn = ctx.txn()
    events = left(ctx, txn, str(channel), "unfollowed")
    if events:
        await Commit(txn, events=tuple(events))


async def mute(ctx: Context, channel: Jid, on: bool) -> None:
    """No notifications of its posts, or again."""
    await call(ctx, "mute" if on else "unmute", id=str(channel))
    txn = ctx.txn()
    events = changed(ctx, txn, str(channel), f"{channel}/muted/{ctx.random(8).hex()}", muted=on)
    if events:
        await Commit(txn, events=tuple(events))


async def create(ctx: Context, name: str, description: str, picture: str = "") -> Channel:
    """Make a channel; the terms are accepted with it. `picture`: base64 of a JPEG."""
    await Ask(stanza.accept_terms(), _nothing)
    said = await call(ctx, "create", name=name, description=description, picture=picture)
    if said is None:
        raise BadNode("the server made no channel")
    found = msgspec.structs.replace(stanza.read(said), role="owner")
    txn = ctx.txn()
    await Commit(txn, events=tuple(joined(ctx, txn, found)))
    return found


async def update(ctx: Context, channel: Jid, **changes: str) -> Channel:
    """Another name, description or picture (base64; empty removes it)."""
    await call(ctx, "update", id=str(channel), updates=changes)
    return await info(ctx, channel)


async def delete(ctx: Context, channel: Jid) -> None:
    """End a channel of our own."""
    await call(ctx, "delete", id=str(channel))
    txn = ctx.txn()
    events = left(ctx, txn, str(channel), "deleted")
    if events:
        await Commit(txn, events=tuple(events))


async def posts(
    ctx: Context, channel: Jid, count: int, *, before: str = "", after: str = ""
) -> tuple[Post, ...]:
    """Posts, the newest when no place is named."""
    return await Ask(
        stanza.history(channel, min(count, MAX_POSTS), before=before, after=after), stanza.parse_history
    )


async def watch(ctx: Context, channel: Jid) -> int:
    """Be told of reactions and views (`channel.updated`) for so many seconds."""
    return await Ask(stanza.live(channel), stanza.parse_live)


async def react(ctx: Context, channel: Jid, server_id: str, emoji: str) -> None:
    """React to a post; an empty emoji takes it back. Raises SendRefused."""
    id = new_id(ctx)
    await Tell((stanza.react(channel, id, server_id, emoji),))
    ack = message.parse_ack(await Expect(AckKey("message", channel, id), ANSWER_SECONDS))
    if ack.error:
        raise SendRefused(ack)


async def viewed(ctx: Context, channel: Jid, server_ids: Sequence[str]) -> None:
    """We have seen these posts."""
    await Tell((stanza.viewed(channel, new_id(ctx), server_ids),))


def _nothing(_: Node) -> None:
    return None
