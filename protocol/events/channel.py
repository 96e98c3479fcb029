"""Channels: which we follow, and what happens to them. Posts are `channel.message`."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.events.base import Durable
from protocol.events.message import Chat


class _Channel(Durable, frozen=True, kw_only=True, omit_defaults=True):
    """Something happened to a channel."""

    chat: Chat


class ChannelJoined(_Channel, frozen=True, kw_only=True, omit_defaults=True, tag="channel.joined"):
    """We follow it now, or have made it."""

    channel: dict[str, Any]


class ChannelLeft(_Channel, frozen=True, kw_only=True, omit_defaults=True, tag="channel.left"):
    """We no longer follow it: unfollowed, deleted."""

    reason: str


class ChannelUpdated(_Channel, frozen=True, kw_only=True, omit_defaults=True, tag="channel.updated"):
    """The channel itself, our settings for it, or how its posts are received."""

    keys: list[str]
    changed: dict[str, Any] = msgspec.field(default_factory=dict)
    #: Counters of posts, by their server's id.
    posts: list[dict[str, Any]] = msgspec.field(default_factory=list)
