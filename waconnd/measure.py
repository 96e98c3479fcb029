"""Metrics that follow from events: a follower of the log like any other, so that nothing else has to count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import anyio
import msgspec

from waconnd.metrics import Metrics
from waconnd.rpc.events import Feed, Filter, Pruned, Row
from waconnd.store.archive import Archive

#: What is counted.
TYPES: Final = ("message.received", "message.undecryptable", "account.state")

#: From the first of these to the second, with a reason, leads a connection that was lost, or a try that failed.
ONLINE: Final = ("connecting", "syncing", "ready")
AGAIN: Final = ("waiting", "connecting")

PAGE_ROWS: Final = 500
PAGE_BYTES: Final = 1024 * 1024

#: How often the outboxes are looked at: a count in SQLite for each account.
OUTBOX_S: Final = 15.0


async def follow(feed: Feed, metrics: Metrics, clock: Callable[[], float]) -> None:
    """Count for ever what happens from now on."""
    after = feed.newest
    want = Filter(types=TYPES)
    while True:
        bell = feed.bell
        try:
            rows, upto, _ = await feed.read(after, want, limit=PAGE_ROWS, max_bytes=PAGE_BYTES)
        except Pruned:
            rows, upto = [], feed.newest
        for row in rows:
            count(row, metrics, clock())
        if upto == after:
            await bell.wait()
        after = upto


def count(row: Row, metrics: Metrics, now: float) -> None:
    """One event."""
    data: dict[str, Any] = msgspec.json.decode(row.body)["data"]
    match row.type:
        case "message.received":
            metrics.received.add(account=row.account)
            if isinstance(sent := data.get("sent_at"), str):
                lag = now - datetime.fromisoformat(sent).timestamp()
                metrics.receive_lag.observe(max(0.0, lag), account=row.account)
        case "message.undecryptable":
            metrics.undecryptable.add(account=row.account)
        # A retry at once is no `waiting`.
        case "account.state" if data.get("from") in ONLINE and data.get("to") in AGAIN and data.get("reason"):
            metrics.reconnects.add(account=row.account, reason=str(data.get("reason", "")))


async def outboxes(archive: Archive, names: Callable[[], Sequence[str]], metrics: Metrics) -> None:
    """How much waits to be sent, from time to time."""
    while True:
        for name in names():
            metrics.outbox.set(await archive.outbox.depth(name), account=name)
        await anyio.sleep(OUTBOX_S)
