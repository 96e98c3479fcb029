"""Who is blocked. Other settings of the account are told by `settings.changed`."""

from __future__ import annotations

import msgspec

from protocol.events.base import Durable
from protocol.events.message import Person


class BlocklistChanged(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="blocklist.changed"):
    """Somebody was blocked or unblocked, here or on another device."""

    blocked: list[Person] = msgspec.field(default_factory=list)
    unblocked: list[Person] = msgspec.field(default_factory=list)
    #: How many are blocked now.
    size: int
