"""Size changes nothing: questions are answered from indexes, and the process keeps no copy."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import tracemalloc
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

from tests.archive.large import CHATS, fill
from tests.archive.samples import NOW, Clock, message
from tests.archive.test_archive_batches import Day
from waconnd.store.archive import Archive, Draft, Filter
from waconnd.store.archive.schema import MOVED

#: Tables of a few rows, however large the archive is.
SMALL = frozenset({"meta", "sqlite_sequence"})


@pytest.mark.parametrize(
    ("events", "messages"),
    [(3_000, 1_000), pytest.param(1_000_000, 100_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
async def test_pages_searches_and_resumes_stay_small(tmp_path: Path, events: int, messages: int) -> None:
    async with Archive(tmp_path / "events.db") as archive:
        await fill(archive, events, messages)
        tracemalloc.start()
        page = await archive.messages.page("main", f"{CHATS - 1}@lid", limit=50)
        assert len(page) == min(50, messages // CHATS)
        assert len(await archive.messages.search("main", "common", limit=20)) == 20
        assert len(await archive.messages.search("main", f"rare{messages - 1}")) == 1
        resumed = await archive.events.read(events - 100)
        assert len(resumed.events) == 100
        none = await archive.events.read(0, Filter(types=("nothing.*",)))
        assert not none.events
        assert len(await archive.chats.page("main", limit=50)) == 50
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * 1024 * 1024
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 600 * 1024, "KiB, whatever the file holds"
        assert (await archive.events.bounds()).newest == events


async def test_no_question_walks_a_table(tmp_path: Path) -> None:
    """The plans of SQLite for what is asked all day: none reads a table from end to end."""
    seen: list[str] = []
    async with Archive(tmp_path / "events.db") as archive:
        await fill(archive, 300, 300)
        await archive._reader.call(lambda connection: connection.set_trace_callback(seen.append))
        await archive.messages.page("main", "1@lid", before="1-1")
        await archive.messages.page("main", after="1-1")
        await archive.messages.get("main", "M1")
        await archive.messages.search("main", "common")
        await archive.messages.unread("main", "1@lid")
        await archive.events.read(100)
        await archive.chats.page("main")
        await archive.contacts.find("main", ["1@lid", "1@s.whatsapp.net"])
        await archive.outbox.due("main")
        await archive.outbox.depths(["main", "shop"])
    asked = [query for query in seen if query.startswith("select")]
    assert len(asked) > 8
    assert walks(tmp_path / "events.db", asked) == []


async def test_no_write_walks_a_table(tmp_path: Path) -> None:
    """The same for all that follows from a day of events, from rows of the outbox, and from what retention removes."""
    seen: list[str] = []
    day = Day(1)
    async with Archive(tmp_path / "events.db", clock=Clock()) as archive:
        await archive._writer.call(lambda connection: connection.set_trace_callback(seen.append))
        await archive.drain("main", day.events(400), [(f"1@lid/M{n}", b"copy") for n in range(40)])
        drafts = [Draft(chat="1@lid", id=f"M{n}", content=b"", hash=b"", key=f"k{n}") for n in range(40)]
        await asyncio.gather(*(archive.outbox.add("main", draft) for draft in drafts))
        (entry, *_) = await archive.outbox.take("main")
        await archive.outbox.mark("main", entry.outbox_id, "failed")
        await archive.outbox.defer("main", entry.outbox_id)
        await archive.outbox.expire("main")
        await archive.outbox.requeue("main")
        for id in ("M1", "M2"):
            await archive.drain("main", [message(id, at=NOW)])
        await archive.retention.sweep()
    asked = [query for query in seen if query.startswith(("select", "insert", "update", "delete", "with"))]
    assert len(asked) > 100
    # What statements bring along, the accounts, and what waits for its message.
    small = {*SMALL, "word", "temp.moved", "account", "early"}
    assert walks(tmp_path / "events.db", asked, small) == []


def walks(path: Path, queries: Iterable[str], small: Collection[str] = SMALL) -> list[tuple[str, str]]:
    """Steps of their plans that read a table from end to end."""
    connection = sqlite3.connect(path)
    connection.execute(MOVED)
    found = []
    for query in queries:
        for *_, step in connection.execute(f"explain query plan {query}"):
            if not step.startswith("SCAN") or "VIRTUAL TABLE" in step or "CONSTANT" in step:
                continue
            # The log is read from a place to its end.
            if step != "SCAN event" and step.split()[1] not in small:
                found.append((step, query))
    connection.close()
    return found
