"""Facts about an account. Each is a row and rides in a commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from protocol.events.base import Durable


class Me(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who we are to others."""

    number: str
    lid: str = ""
    name: str = ""
    platform: str = ""
    business_name: str = ""


class AccountLinked(Durable, frozen=True, kw_only=True, tag="account.linked"):
    """A phone has linked this device."""

    me: Me
    device: int


class AccountLoggedOut(Durable, frozen=True, kw_only=True, tag="account.logged_out"):
    """The device is no longer linked; its keys are kept aside, a new pairing is needed."""

    #: phone, server, ban or user.
    by: str
    reason: str
    code: int
    advice: str
    rescan_needed: bool = True


class AccountConflict(Durable, frozen=True, kw_only=True, tag="account.conflict"):
    """Another program connected with the same keys; we do not fight."""

    advice: str


class AccountLimited(Durable, frozen=True, kw_only=True, tag="account.limited"):
    """WhatsApp has locked the account for a time."""

    kind: str
    code: int
    advice: str
    until: float | None = None


class ClientOutdated(Durable, frozen=True, kw_only=True, tag="account.client_outdated"):
    """The server refuses this version, or will from `expires_at` on."""

    version: str
    advice: str
    expires_at: float | None = None


class AccountRefused(Durable, frozen=True, kw_only=True, tag="account.refused"):
    """The server refused the login for a reason that needs a human; all that it said, since it says it once."""

    reason: str
    code: int
    advice: str
    said: Mapping[str, Any] = {}
