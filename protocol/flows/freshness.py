"""When lists that the server keeps for us were last read, and which version of them it was."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.flows.context import Context
from protocol.flows.soft import Soft
from protocol.keystore import Kind, Txn, View

GROUPS: Final = "groups"
CHANNELS: Final = "channels"
PRIVACY: Final = "privacy"
BLOCKLIST: Final = "blocklist"
DAY: Final = 24 * 3600.0


class Freshness(msgspec.Struct, frozen=True, omit_defaults=True):
    """One list."""

    at: float
    #: The server's own mark of its version.
    mark: str = ""
    v: int = 1


FRESHNESS: Final = Soft(Kind.FRESHNESS, Freshness)


def read_at(view: View, name: str) -> float:
    """When it was read; 0 for never."""
    held = FRESHNESS.get(view, name)
    return held.at if held is not None else 0.0


def note(ctx: Context, txn: Txn, name: str, mark: str = "") -> None:
    """It was read now."""
    FRESHNESS.put(txn, name, Freshness(ctx.now, mark))


def stale(txn: Txn, name: str) -> None:
    """It changed elsewhere."""
    FRESHNESS.delete(txn, name)
