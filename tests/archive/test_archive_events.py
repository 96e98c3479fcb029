"""The log: one sequence, no key twice, no lost wake-up, bounded pages, cursors that last."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest

from protocol.events.base import Durable
from tests.archive.samples import GROUP, NOW, Clock, message
from waconnd.store.archive import Archive, ArchiveClosed, ArchiveError, CursorExpired, Filter, Retention
from waconnd.store.archive import events as log
from waconnd.store.stamp import FileStamp


class Happened(Durable, frozen=True, tag="test.happened"):
    what: str
    until: float | None = None


def happened(n: int, at: float = NOW) -> Happened:
    return Happened(at=at, key=f"k{n}", what=f"thing {n}")


async def test_a_row_is_the_json_that_subscribers_get(archive: Archive) -> None:
    [seq] = await archive.events.append("main", [Happened(at=NOW + 0.5, key="k", what="é", until=NOW)])
    page = await archive.events.read(0)
    assert [row.seq for row in page.events] == [seq]
    assert msgspec.json.decode(page.events[0].json(sub="s1", backlog=True)) == {
        "sub": "s1",
        "backlog": True,
        "seq": seq,
        "type": "test.happened",
        "v": 1,
        "account": "main",
        "at": "2026-05-28T20:26:40.500Z",
        "data": {"what": "é", "until": "2026-05-28T20:26:40.000Z"},
    }


async def test_the_same_event_from_the_journal_is_the_same_event(archive: Archive) -> None:
    event = happened(1)
    [first] = await archive.events.append("main", [event])
    assert (
        await archive.events.append("main", [msgspec.json.encode(event), msgspec.to_builtins(event)])
        == [first] * 2
    )
    assert await archive.events.append("other", [event]) != [first], "keys are an account's own"
    assert len((await archive.events.read(0)).events) == 2


async def test_what_is_private_never_becomes_part_of_the_body(archive: Archive) -> None:
    await archive.events.append("main", [message("A", private={"media": {"key": "c2VjcmV0"}})])
    assert b"c2VjcmV0" not in (await archive.events.read(0)).events[0].body


async def test_filters(archive: Archive) -> None:
    await archive.events.append("main", [happened(1), message("A", chat=GROUP), message("B")])
    await archive.events.append("shop", [happened(2)])

    async def types(**wanted: tuple[str, ...]) -> list[tuple[str, str]]:
        return [(row.account, row.type) for row in (await archive.events.read(0, Filter(**wanted))).events]

    assert await types(accounts=("shop",)) == [("shop", "test.happened")]
    assert await types(types=("message.*",)) == [("main", "message.received")] * 2
    assert await types(chats=(GROUP["id"],)) == [("main", "message.received")]
    assert await types(types=("daemon.*", "test.*"), accounts=("main",)) == [("main", "test.happened")]


async def test_filters_mean_the_same_in_memory_and_on_the_disk(archive: Archive) -> None:
    await archive.events.append("main", [message("A"), happened(1), message("B", chat=GROUP), happened(2)])
    await archive.events.append("shop", [message("A"), happened(1)])
    filters = [
        Filter(accounts=accounts, types=types, chats=chats)
        for accounts in ((), ("shop",), ("main", "shop"), ("nobody",))
        for types in ((), ("message.*",), ("*.happened", "message.received"), ("nothing",), ("test.[a-h]*",))
        for chats in ((), (GROUP["id"],))
    ]
    asked = [(after, limit, wanted) for after in (0, 2, 5) for limit in (1, 2, 200) for wanted in filters]

    async def pages() -> list[tuple[list[int], int]]:
        return [
            ([row.seq for row in page.events], page.next, page.more)
            for after, limit, wanted in asked
            for page in [await archive.events.read(after, wanted, limit=limit)]
        ]

    in_memory = await pages()
    archive.events.removed()
    assert in_memory == await pages()


async def test_pages_are_bounded_in_rows_bytes_and_rows_looked_at(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive.events.append("main", [happened(n) for n in range(450)])
    seen, after, pages = [], 0, 0
    while True:
        page = await archive.events.read(after)
        seen += [row.seq for row in page.events]
        after, pages = page.next, pages + 1
        if not page.more:
            break
    assert (seen, pages) == (list(range(1, 451)), 3)
    monkeypatch.setattr(log, "PAGE_BYTES", 1_000)
    assert 0 < len((await archive.events.read(0)).events) < 12
    monkeypatch.setattr(log, "SCAN_ROWS", 100)
    # The newest rows stand in memory, where looking costs nothing.
    archive.events.removed()
    page = await archive.events.read(0, Filter(types=("nothing.*",)))
    assert (page.events, page.next, page.more) == ([], 100, True)


async def test_a_body_larger_than_a_page_still_comes(archive: Archive) -> None:
    await archive.events.append("main", [message("A", "x" * 300_000), message("B")])
    page = await archive.events.read(0)
    assert [row.seq for row in page.events] == [1]
    assert page.more
    assert [row.seq for row in (await archive.events.read(1)).events] == [2]


async def test_no_wake_up_is_lost(archive: Archive) -> None:
    async def follow(got: list[int]) -> None:
        after = 0
        while len(got) < 300:
            await archive.events.wait(after)
            page = await archive.events.read(after)
            got.extend(row.seq for row in page.events)
            after = page.next

    followers: list[list[int]] = [[], []]
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for got in followers:
                tasks.start_soon(follow, got)
            for n in range(300):
                tasks.start_soon(archive.events.append, "main", [happened(n)])
    assert followers == [list(range(1, 301))] * 2


async def test_a_cancelled_append_still_wakes_followers(archive: Archive) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await archive.events.append("main", [happened(1)])
    with anyio.fail_after(5):
        assert await archive.events.wait(0) == 1


async def test_cursor_of_another_log_and_of_a_pruned_stretch(archive: Archive, clock: Clock) -> None:
    await archive.events.append("main", [happened(n) for n in range(10)])
    with pytest.raises(CursorExpired, match="another log"):
        await archive.events.read(11)
    clock.now += 31 * 86_400
    await archive.events.append("main", [happened(n) for n in range(10, 12)])
    await archive.retention.sweep_all()
    with pytest.raises(CursorExpired) as caught:
        await archive.events.read(9)
    assert (caught.value.oldest, caught.value.newest) == (11, 12)
    assert [row.seq for row in (await archive.events.read(10)).events] == [11, 12]
    assert [row.seq for row in (await archive.events.read(0)).events] == [11, 12], (
        "0 is the beginning of what is held"
    )


async def test_a_late_event_is_not_cut_because_it_happened_long_ago(archive: Archive, clock: Clock) -> None:
    await archive.events.append("main", [happened(1, at=NOW - 90 * 86_400)])
    await archive.retention.sweep_all()
    assert len((await archive.events.read(0)).events) == 1


async def test_retention_by_size_cuts_the_oldest(tmp_path: Path, clock: Clock) -> None:
    async with Archive(
        tmp_path / "events.db", clock=clock, retention=Retention(event_bytes=50_000)
    ) as archive:
        await archive.events.append("main", [happened(n) for n in range(2_000)])
        await archive.retention.sweep_all()
        bounds = await archive.events.bounds()
        assert 40_000 < bounds.bytes <= 50_000
        assert bounds.newest == 2_000
        held = await archive.events.read(bounds.oldest - 1, limit=1)
        assert held.events[0].seq == bounds.oldest


async def test_the_sequence_goes_on_after_everything_was_pruned(tmp_path: Path, clock: Clock) -> None:
    async with Archive(tmp_path / "events.db", clock=clock) as archive:
        await archive.events.append("main", [happened(n) for n in range(5)])
        log_id = (await archive.events.bounds()).log_id
        clock.now += 40 * 86_400
        await archive.retention.sweep_all()
        assert (await archive.events.read(0)).events == []
    async with Archive(tmp_path / "events.db", clock=clock) as archive:
        assert archive.events.newest == 5
        assert await archive.events.append("main", [happened(9)]) == [6]
        assert (await archive.events.bounds()).log_id == log_id
    (tmp_path / "events.db").unlink()
    async with Archive(tmp_path / "events.db", clock=clock) as archive:
        assert (await archive.events.bounds()).log_id != log_id


async def test_named_cursors_last_never_fall_back_and_tell_when_they_are_behind(
    tmp_path: Path, clock: Clock
) -> None:
    async with Archive(tmp_path / "events.db", clock=clock) as archive:
        await archive.events.append("main", [happened(n) for n in range(10)])
        assert await archive.cursors.ack("bot", 7) == 7
        assert await archive.cursors.ack("bot", 3) == 7
        await archive.cursors.ack("slow", 2)
        with pytest.raises(ArchiveError, match="not in the log"):
            await archive.cursors.ack("bot", 11)
    async with Archive(tmp_path / "events.db", clock=clock) as archive:
        assert (await archive.cursors.get("bot")).seq == 7
        clock.now += 31 * 86_400
        await archive.events.append("main", [happened(20)])
        await archive.retention.sweep_all()
        assert {cursor.name: cursor.behind for cursor in await archive.cursors.all()} == {
            "bot": True,
            "slow": True,
        }
        await archive.cursors.ack("bot", 10)
        assert not (await archive.cursors.get("bot")).behind
        assert await archive.cursors.delete("slow")
        assert not await archive.cursors.delete("slow")
        with pytest.raises(ArchiveError, match="no cursor"):
            await archive.cursors.get("slow")


async def test_events_of_an_account_without_content_are_emptied_and_the_gap_is_told(
    archive: Archive, clock: Clock
) -> None:
    await archive.accounts.set_store("quiet", "none")
    await archive.events.append("quiet", [message("A")])
    await archive.events.append("main", [message("A")])
    assert len((await archive.events.read(0)).events) == 2
    clock.now += 2 * 86_400
    await archive.retention.sweep_all()
    page = await archive.events.read(0)
    assert [(row.seq, row.account) for row in page.events] == [(2, "main")]
    assert page.gap == (1, 1)
    assert await archive.events.append("quiet", [message("A")]) == [1], "its key is still known"


async def test_one_bad_job_does_not_harm_its_neighbours(archive: Archive) -> None:
    results: dict[int, object] = {}

    async def add(n: int) -> None:
        try:
            results[n] = await (
                archive.events.append("main", [happened(n)]) if n % 3 else archive.cursors.ack("bot", 999)
            )
        except ArchiveError as error:
            results[n] = error

    async with anyio.create_task_group() as tasks:
        for n in range(30):
            tasks.start_soon(add, n)
    assert [n for n, result in results.items() if isinstance(result, ArchiveError)] == list(range(0, 30, 3))
    assert len((await archive.events.read(0)).events) == 20
    assert await archive.cursors.all() == []


async def test_closed_says_so(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "events.db")
    with pytest.raises(ArchiveClosed):
        await archive.events.append("main", [happened(1)])
    await archive.open()
    await archive.close()
    with pytest.raises(ArchiveClosed):
        await archive.events.append("main", [happened(1)])


async def test_an_older_copy_never_gives_a_number_twice(tmp_path: Path) -> None:
    """The whole file put back, or lost: who stands where the newer one was misses nothing of what comes."""
    state, stamp = tmp_path / "events.db", tmp_path / "cache/.events"
    async with Archive(state, witness=FileStamp(stamp)) as archive:
        await archive.events.append("main", [happened(n) for n in range(3)])
        assert archive.rolled_back_from is None
    assert [place.name for place in tmp_path.iterdir() if place.is_file()] == ["events.db"]
    older = state.read_bytes()
    async with Archive(state, witness=FileStamp(stamp)) as archive:
        assert archive.rolled_back_from is None, "a usual start is no restore"
        await archive.events.append("main", [happened(n) for n in range(3, 8)])
        log_id = (await archive.events.bounds()).log_id
    for put_back in (lambda: state.write_bytes(older), state.unlink):
        put_back()
        async with Archive(state, witness=FileStamp(stamp)) as archive:
            assert archive.rolled_back_from is not None
            assert archive.rolled_back_from >= 8
            assert archive.events.newest > 1_000_000
            assert (await archive.events.bounds()).log_id != log_id
            (seq,) = await archive.events.append("main", [happened(99)])
            assert seq == archive.events.newest
            if put_back == state.unlink:
                # What lay between is gone with the file, and nobody is told otherwise.
                with pytest.raises(CursorExpired, match=f"the oldest event held is {seq}"):
                    await archive.events.read(8)
            else:  # a cursor from before is a place of this log, too
                assert [row.seq for row in (await archive.events.read(8)).events] == [seq]
        async with Archive(state, witness=FileStamp(stamp)) as archive:
            assert archive.rolled_back_from is None
