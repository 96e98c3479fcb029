"""Events that the daemon tells of accounts and of itself, beside those of the protocol."""

from __future__ import annotations

from protocol.events.base import Durable, Event


class ConfigChanged(Durable, frozen=True, kw_only=True, tag="daemon.config_changed"):
    """The configuration was read again."""

    changed: list[str]
    #: Of those: what holds only after a restart.
    needs_restart: list[str]


class DiskLow(Durable, frozen=True, kw_only=True, tag="daemon.disk_low"):
    """A disk is nearly full, or full: told at each change for the worse."""

    folder: str
    free_mib: int
    #: Inodes; absent where the file system has no fixed number.
    free_files: int | None
    #: True: nothing is written or received any more.
    full: bool


class AccountAuthDamaged(Durable, frozen=True, kw_only=True, tag="account.auth_damaged"):
    """The keys on disk are not what was written. The account stands still, nothing was moved or changed."""

    #: The first file that is wrong; empty when the directory as a whole can't be used.
    file: str = ""
    #: How: missing, torn, changed, foreign …
    kind: str = ""
    advice: str


class PhoneUnseen(Durable, frozen=True, kw_only=True, tag="account.phone_unseen"):
    """The account's phone has shown no life for days; after two weeks WhatsApp unlinks its devices."""

    seen_at: float
    unlink_at: float
    advice: str


class ConnectionAttempt(Event, frozen=True, kw_only=True, tag="connection.attempt"):
    """A connection is tried."""

    #: Which try since the last good connection, from 1.
    n: int
    #: How long was waited before it.
    delay_s: float
