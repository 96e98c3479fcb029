"""What the methods need of the daemon, as a type: so that they can be read, and tested, without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from waconnd.config import Config
from waconnd.fleet import Fleet
from waconnd.hooks import Hooks
from waconnd.metrics import Metrics
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Result
from waconnd.rpc.events import Feed
from waconnd.rpc.spool import Spool
from waconnd.rpc.tokens import Tokens
from waconnd.rpc.work import WorkQueues


class Check(Result, frozen=True):
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str = ""


class Finding(Result, frozen=True):
    """Something that `doctor` found."""

    id: str
    #: `info`, `warning` or `error`.
    severity: str
    what: str
    fix: str = ""


class Reloaded(Result, frozen=True):
    """What a reload of the configuration changed."""

    changed: list[str]
    needs_restart: list[str]


class WaVersion(Result, frozen=True):
    """The version of WhatsApp Web that we say we are."""

    value: str
    #: `builtin`, `config` or `fetched`.
    source: str
    age_s: float | None = None


class Daemon(Protocol):
    """The running daemon."""

    fleet: Fleet
    feed: Feed
    queues: WorkQueues
    hooks: Hooks
    metrics: Metrics
    spool: Spool
    tokens: Tokens
    #: Unix seconds.
    started_at: float

    @property
    def config(self) -> Config:
        """The configuration in force."""

    def now(self) -> float:
        """Unix seconds that never jump."""

    def account_names(self) -> Sequence[str]: ...

    def account_states(self) -> dict[str, str]:
        """The state word of each account."""

    def wa_version(self) -> WaVersion: ...

    async def health(self, account: str | None) -> list[Check]:
        """Can every started account receive? Are the stores and the loop well?"""

    async def reload(self) -> Reloaded:
        """Read the configuration again. Raises ConfigError with the old one still in force."""

    async def doctor(self, *, deep: bool) -> list[Finding]: ...

    def shutdown(self, drain_s: float) -> None:
        """Begin to stop; returns at once."""


def fleet(call: Call) -> Fleet:
    """The accounts."""
    return host(call).fleet


def host(call: Call) -> Daemon:
    """The daemon behind a call."""
    return cast(Daemon, call.daemon)
