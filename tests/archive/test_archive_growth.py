"""Size changes nothing: questions are answered from indexes, and the process keeps no copy."""

from __future__ import annotations

import resource
import sqlite3
import tracemalloc
from pathlib import Path

import pytest

from tests.archive.large import CHATS, fill
from waconnd.store.archive import Archive, Filter


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
    connection = sqlite3.connect(tmp_path / "events.db")
    asked = [query for query in seen if query.startswith("select") and "sqlite_sequence" not in query]
    assert len(asked) > 8
    for query in asked:
        plan = [row[3] for row in connection.execute(f"explain query plan {query}")]
        walks = [
            step
            for step in plan
            if step.startswith("SCAN") and "VIRTUAL TABLE" not in step and "CONSTANT" not in step
        ]
        walks = [step for step in walks if "meta" not in step and step.removeprefix("SCAN ") != "event"]
        assert not walks, (query, plan)
    connection.close()
