"""What an import or export found and did, for the person who asked: counts and sentences, no secrets."""

from __future__ import annotations

import msgspec

from protocol.creds import CREDS, CREDS_ID
from protocol.events.base import Event
from protocol.keystore import Changes, Key, Keystore


class TransferError(Exception):
    """The whole of it is refused, with what to do."""


class Skipped(msgspec.Struct, frozen=True):
    """One piece that was left out; what it held heals by itself."""

    piece: str
    why: str


class Report(msgspec.Struct, frozen=True):
    """What was found."""

    source: str
    number: str
    lid: str
    counts: dict[str, int]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


class Import(msgspec.Struct, frozen=True):
    """An account as records for an empty directory, and the report on it. Nothing was written anywhere."""

    changes: Changes
    report: Report

    def __repr__(self) -> str:
        return f"Import({len(self.changes)} records)"


class Nothing:
    """A `Source` without records: imports are built above it."""

    def get(self, kind: str, id: str) -> bytes | None:
        return None

    def ids(self, kind: str) -> tuple[str, ...]:
        return ()


class Held:
    """A `View` over records in memory."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def get(self, kind: str, id: str) -> bytes | None:
        return self.changes.get((kind, id))

    def ids(self, kind: str) -> list[str]:
        return [id for (k, id), value in self.changes.items() if k == kind and value is not None]


def empty_store() -> Keystore:
    """To build an account in."""
    return Keystore(Nothing())


def finished(
    source: str, changes: Changes, skipped: list[Skipped], notes: list[str], events: tuple[Event, ...] = ()
) -> Import:
    """Records (deleted ones dropped) with their report."""
    kept: dict[Key, bytes | None] = {key: value for key, value in changes.items() if value is not None}
    counts: dict[str, int] = {}
    for kind, _ in kept:
        counts[kind] = counts.get(kind, 0) + 1
    creds = CREDS.get(Held(kept), CREDS_ID)
    account = creds.account if creds else None
    report = Report(
        source,
        account.pn if account else "",
        account.lid if account else "",
        dict(sorted(counts.items())),
        tuple(skipped),
        tuple(notes),
    )
    return Import(kept, report)
