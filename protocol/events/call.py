"""Calls: told, never taken; there is no voice here."""

from __future__ import annotations

import msgspec

from protocol.events.base import Durable
from protocol.events.message import Person


class _Call(Durable, frozen=True, kw_only=True, omit_defaults=True):
    """One call."""

    call_id: str
    from_: Person = msgspec.field(name="from")
    #: `voice` or `video`.
    media: str
    #: The group's address; or `true` for a call of several people outside any group.
    group: str | bool | None = None


class CallOffer(_Call, frozen=True, kw_only=True, tag="call.offer"):
    """It rings."""


class CallAccepted(_Call, frozen=True, kw_only=True, tag="call.accepted"):
    """Somebody took it, on another device of the account."""


class CallEnded(_Call, frozen=True, kw_only=True, omit_defaults=True, tag="call.ended"):
    """It is over: rejected, accepted_elsewhere, rejected_elsewhere, ended, …"""

    reason: str = ""


class CallMissed(_Call, frozen=True, kw_only=True, tag="call.missed"):
    """Nobody took it."""
