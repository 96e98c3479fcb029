"""The outbox: one key is one message, rows leave in order, and no status falls back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import anyio
import pytest

from tests.archive.samples import NOW, Clock, own
from waconnd.store.archive import Archive, Draft, IdempotencyConflict, NotFound, OutboxFull, encode, outbox

MS = round(NOW * 1000)


def draft(id: str = "3EB01", key: str = "", *, hash: bytes = b"h", chat: str = "1@lid", **more: int) -> Draft:
    return Draft(
        chat=chat,
        id=id,
        content=b"content",
        secret=b"secret",
        hash=hash,
        key=key,
        meta={"type": "text"},
        **more,
    )


async def test_the_same_key_gives_the_first_row(archive: Archive) -> None:
    first, fresh = await archive.outbox.add("main", draft("A", "k"), [encode("main", own("A"))])
    assert fresh
    again, fresh = await archive.outbox.add("main", draft("B", "k"), [encode("main", own("B"))])
    assert (again, fresh) == (first, False)
    assert (again.id, again.content, again.secret, again.meta, again.status) == (
        "A",
        b"content",
        b"secret",
        {"type": "text"},
        "queued",
    )
    with pytest.raises(IdempotencyConflict, match="another message"):
        await archive.outbox.add("main", draft("C", "k", hash=b"other"))
    assert (await archive.outbox.add("shop", draft("D", "k", hash=b"other")))[1], "keys are an account's own"
    assert len((await archive.events.read(0)).events) == 1
    assert await archive.outbox.by_key("main", "k") == first
    assert await archive.outbox.by_message("main", "A") == first


async def test_many_at_once_with_one_key_make_one_row(archive: Archive) -> None:
    rows: list[str] = []

    async def add(n: int) -> None:
        rows.append((await archive.outbox.add("main", draft(f"M{n}", "k")))[0].outbox_id)

    async with anyio.create_task_group() as tasks:
        for n in range(50):
            tasks.start_soon(add, n)
    assert len(set(rows)) == 1
    assert await archive.outbox.depth("main") == 1


async def test_what_comes_together_is_stored_together_and_judged_one_by_one(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows in the order of the calls, each with its own outcome: the one of a bad row is no other's."""
    monkeypatch.setattr(outbox, "MAX_OPEN", 42)
    before, _ = await archive.outbox.add("main", draft("old", "old"))
    drafts = [
        draft("again", "old"),
        draft("other", "old", hash=b"other"),
        draft("twin", "twin"),
        draft("twin too", "twin"),
        draft("not twin", "twin", hash=b"other"),
        draft("no text", chat="\ud800"),
        *(draft(f"M{n}") for n in range(45)),
    ]
    statements: list[str] = []
    await archive._writer.call(lambda connection: connection.set_trace_callback(statements.append))
    outcomes: list[object] = await asyncio.gather(
        *(archive.outbox.add("main", one) for one in drafts if one.id != "no text"), return_exceptions=True
    )
    assert sum("insert into outbox" in one for one in statements) < 10
    again, other, twin, twin_too, not_twin, *many = outcomes
    assert again == (before, False)
    assert isinstance(other, IdempotencyConflict)
    assert isinstance(twin, tuple) and twin[1]
    assert twin_too == (twin[0], False)
    assert isinstance(not_twin, IdempotencyConflict) and twin[0].outbox_id in str(not_twin)
    stored = [one[0] for one in many if isinstance(one, tuple)]
    assert [row.id for row in stored] == [f"M{n}" for n in range(40)]
    assert [type(one) for one in many[40:]] == [OutboxFull] * 5
    rows = await archive.outbox.page("main", limit=100)
    assert rows == [before, twin[0], *stored]
    await archive.outbox.fail_open("main", "logged_out")
    outcomes = await asyncio.gather(
        *(archive.outbox.add("main", one) for one in drafts[5:20]), return_exceptions=True
    )
    assert isinstance(outcomes[0], UnicodeEncodeError)
    assert [one[0].id for one in outcomes[1:] if isinstance(one, tuple)] == [f"M{n}" for n in range(14)]


async def test_without_a_key_each_is_its_own(archive: Archive) -> None:
    one, _ = await archive.outbox.add("main", draft("A"))
    two, _ = await archive.outbox.add("main", draft("A"))
    assert one.outbox_id != two.outbox_id


async def test_a_key_answers_for_seven_days_and_an_open_row_for_ever(archive: Archive, clock: Clock) -> None:
    done, _ = await archive.outbox.add("main", draft("A", "done"))
    await archive.outbox.add("main", draft("B", "open"))
    await archive.outbox.mark("main", done.outbox_id, "server_ack")
    clock.now += 6.9 * 86_400
    await archive.retention.sweep_all()
    assert await archive.outbox.by_key("main", "done") is not None
    clock.now += 0.2 * 86_400
    await archive.retention.sweep_all()
    assert await archive.outbox.by_key("main", "done") is None
    assert await archive.outbox.by_key("main", "open") is not None
    with pytest.raises(NotFound, match="7 days"):
        await archive.outbox.get("main", done.outbox_id)


async def test_due_rows_come_in_order_and_in_their_time(archive: Archive, clock: Clock) -> None:
    await archive.outbox.add("main", draft("A"))
    await archive.outbox.add("main", draft("later", not_before=MS + 60_000))
    await archive.outbox.add("main", draft("brief", not_after=MS + 30_000))
    assert [e.id for e in await archive.outbox.due("main")] == ["A", "brief"]
    assert await archive.outbox.next_at("main") == MS + 30_000
    clock.now += 61
    assert [e.id for e in await archive.outbox.expire("main")] == ["brief"]
    assert [e.id for e in await archive.outbox.due("main")] == ["A", "later"]
    assert await archive.outbox.next_at("main") is None


async def test_after_a_lost_link_the_unacknowledged_go_again_under_their_id(archive: Archive) -> None:
    rows = [(await archive.outbox.add("main", draft(id)))[0] for id in "ABC"]
    await archive.outbox.mark("main", rows[0].outbox_id, "sent", attempt=True)
    await archive.outbox.mark("main", rows[1].outbox_id, "server_ack", result="{}")
    assert await archive.outbox.requeue("main") == 1
    assert [(e.id, e.attempts) for e in await archive.outbox.due("main")] == [("A", 1), ("C", 0)]


async def test_a_status_never_falls_back(archive: Archive) -> None:
    row, _ = await archive.outbox.add("main", draft("A"))
    await archive.outbox.mark("main", row.outbox_id, "server_ack", result='{"id":"A"}')
    later = await archive.outbox.mark("main", row.outbox_id, "sent")
    assert (later.status, later.result) == ("server_ack", '{"id":"A"}')
    event = {
        "type": "message.status",
        "key": "s",
        "at": NOW,
        "ids": ["A"],
        "chat": {"id": "1@lid"},
        "status": "read",
    }
    await archive.events.append("main", [event])
    assert (await archive.outbox.get("main", row.outbox_id)).status == "read"
    assert (await archive.outbox.cancel("main", row.outbox_id)).status == "read"


async def test_cancel_and_retry(archive: Archive) -> None:
    row, _ = await archive.outbox.add("main", draft("A"))
    assert (await archive.outbox.cancel("main", row.outbox_id)).status == "cancelled"
    assert await archive.outbox.due("main") == []
    assert (await archive.outbox.retry("main", row.outbox_id)).status == "queued"
    await archive.outbox.mark("main", row.outbox_id, "failed", error="not_on_whatsapp")
    assert (await archive.outbox.get("main", row.outbox_id)).error == "not_on_whatsapp"
    assert (await archive.outbox.retry("main", row.outbox_id)).status == "queued"
    with pytest.raises(NotFound):
        await archive.outbox.cancel("other", row.outbox_id)


async def test_logout_fails_what_is_open(archive: Archive) -> None:
    for id in "AB":
        await archive.outbox.add("main", draft(id))
    assert [e.status for e in await archive.outbox.fail_open("main", "logged_out")] == ["failed", "failed"]
    assert await archive.outbox.depths(["main", "shop"]) == {"main": 0, "shop": 0}
    assert [e.id for e in await archive.outbox.page("main", ("failed",))] == ["A", "B"]


async def test_it_has_a_bound(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_OPEN", 2)
    for id in "AB":
        await archive.outbox.add("main", draft(id))
    with pytest.raises(OutboxFull, match="2 messages of main wait"):
        await archive.outbox.add("main", draft("C"))


async def test_the_pump_hears_of_each_change(archive: Archive) -> None:
    seen = archive.outbox.version
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(archive.outbox.wait, seen)
            await archive.outbox.add("main", draft("A"))


async def test_rows_survive_a_restart(tmp_path: Path, clock: Clock) -> None:
    async with Archive(tmp_path / "events.db", clock=clock) as archive:
        first, _ = await archive.outbox.add("main", draft("A", "k"))
    async with Archive(tmp_path / "events.db", clock=clock) as archive:
        assert (await archive.outbox.add("main", draft("B", "k"))) == (first, False)


async def test_nothing_is_taken_twice_and_nothing_overtakes_in_its_chat(
    archive: Archive, clock: Clock
) -> None:
    for id, chat in (("A", "1@lid"), ("B", "1@lid"), ("C", "2@lid")):
        await archive.outbox.add("main", draft(id, chat=chat))
    first = await archive.outbox.take("main", 1)
    assert [(e.id, e.status) for e in first] == [("A", "queued")]
    assert (await archive.outbox.get("main", first[0].outbox_id)).status == "sent"
    await archive.outbox.defer("main", first[0].outbox_id, until=MS + 5_000)
    assert [e.id for e in await archive.outbox.take("main")] == ["C"], "B waits behind A"
    assert await archive.outbox.next_at("main") == MS + 5_000
    clock.now += 6
    assert [(e.id, e.attempts) for e in await archive.outbox.take("main")] == [("A", 1), ("B", 0)]
    assert await archive.outbox.take("main") == []


async def test_what_is_over_goes_after_a_week_and_what_is_open_stays(
    archive: Archive, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waconnd.store.archive.retention.SLICE_ROWS", 4)
    for n in range(30):
        await archive.outbox.add("main", draft(f"M{n}", f"k{n}"))
    rows = await archive.outbox.page("main")
    for row in rows[:25]:
        if row.n % 5:
            await archive.outbox.mark("main", row.outbox_id, "server_ack")
    clock.now += 7 * 24 * 3600 - 60
    await archive.outbox.mark("main", rows[0].outbox_id, "read")
    await archive.outbox.add("main", draft("young"))
    await archive.retention.sweep_all()
    assert await archive.outbox.depth("main") == 11
    assert len(await archive.outbox.page("main")) == 31
    clock.now += 120
    await archive.retention.sweep_all()
    left = [row.id for row in await archive.outbox.page("main")]
    assert left == ["M0", *(f"M{n}" for n in (4, 9, 14, 19, 24)), *(f"M{n}" for n in range(25, 30)), "young"]
    assert (await archive.outbox.add("main", draft("again", "k1", hash=b"other")))[1], "the key is free"
