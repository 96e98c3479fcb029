"""A queue that several workers share: each event to one of them, chats in order, nothing forgotten by whoever dies."""

import random

import anyio
import pytest

from tests.rpc.wire import Wire
from waconnd.rpc import work as work_module

WANT = {"queue": "answers", "types": ["message.received"]}


async def ask(wire, method, **params):
    return (await wire.call(method, **params))["result"]


async def refused(wire, method, **params):
    return (await wire.call(method, **params))["error"]


def texts(taken):
    return [one["data"]["body"]["text"] for one in taken["events"]]


def seqs(taken):
    return [one["seq"] for one in taken["events"]]


@pytest.fixture
async def wire(house):
    wire = await Wire.to(house)
    # Made by the first who asks: from now on.
    assert (await ask(wire, "events.take", **WANT))["events"] == []
    yield wire
    await wire.stream.aclose()


async def test_each_event_goes_to_one_and_chats_stay_in_order(house, wire):
    await house.happen("a1", "a2", who="a@lid")
    await house.happen("b1", who="b@lid")
    first = await ask(wire, "events.take", **WANT)
    second = await ask(wire, "events.take", **WANT, limit=10)
    assert texts(first) == ["a1"]
    assert texts(second) == ["b1"], "a2 waits for a1"
    assert second["undone"] == 3
    assert (await ask(wire, "events.take", **WANT))["events"] == []
    done = await ask(wire, "events.done", queue="answers", seqs=seqs(first))
    assert texts(await ask(wire, "events.take", **WANT)) == ["a2"]
    assert done["seq"] == seqs(first)[0]


async def test_the_cursor_stands_before_the_first_that_is_not_done(house, wire):
    await house.happen("a1", who="a@lid")
    await house.happen("b1", who="b@lid")
    a, b = await ask(wire, "events.take", **WANT), await ask(wire, "events.take", **WANT)
    before = (await ask(wire, "events.done", queue="answers", seqs=seqs(b)))["seq"]
    assert before < seqs(a)[0]
    assert (await ask(wire, "events.done", queue="answers", seqs=seqs(a)))["seq"] >= seqs(b)[0]
    # After a restart what was done is done, and what was only beyond the cursor comes again.
    (cursor,) = (await ask(wire, "events.cursors"))["cursors"]
    assert cursor["seq"] >= seqs(b)[0]


async def test_a_lease_that_ends_gives_the_event_to_another(house, wire):
    await house.happen("a1", "a2", who="a@lid")
    lost = await ask(wire, "events.take", **WANT, lease_s=0.05)
    again = await ask(wire, "events.take", **WANT, wait_s=5)
    assert texts(again) == texts(lost) == ["a1"]
    # The slow one is through in the end: that counts, too.
    await ask(wire, "events.done", queue="answers", seqs=seqs(lost))
    assert texts(await ask(wire, "events.take", **WANT)) == ["a2"]


async def test_who_waits_is_woken_by_news_and_by_a_chat_that_is_free(house, wire):
    await house.happen("a1", "a2", who="a@lid")
    held = await ask(wire, "events.take", **WANT)
    other = await Wire.to(house)
    got = []

    async def wait():
        got.append(await ask(other, "events.take", **WANT, wait_s=10))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(0.1)
            assert not got
            await ask(wire, "events.done", queue="answers", seqs=seqs(held))
        assert texts(got[0]) == ["a2"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(0.1)
            await house.happen("c1", who="c@lid")
        assert texts(got[1]) == ["c1"]
    await other.stream.aclose()


async def test_a_restart_brings_what_was_not_done(house, wire):
    await house.happen("a1", who="a@lid")
    await house.happen("b1", who="b@lid")
    a, b = await ask(wire, "events.take", **WANT), await ask(wire, "events.take", **WANT)
    await ask(wire, "events.done", queue="answers", seqs=seqs(a))
    house.queues._queues.clear()
    assert texts(await ask(wire, "events.take", **WANT, limit=10)) == texts(b)


async def test_all_of_a_queue_ask_for_the_same(house, wire):
    await house.happen("a1", who="a@lid")
    await ask(wire, "events.take", **WANT)
    error = await refused(wire, "events.take", queue="answers", types=["call.*"])
    assert "all of a queue ask for the same" in error["message"]
    error = await refused(wire, "events.done", queue="nobody", seqs=[1])
    assert error["data"]["kind"] == "not_found"


async def test_many_workers_one_of_whom_dies_now_and_then(house, wire, monkeypatch):
    """A small window, lost leases, three workers: every message is handled, and each chat's in its order."""
    monkeypatch.setattr(work_module, "WINDOW", 7)
    rng = random.Random(3)
    for n in range(120):
        await house.happen(f"{n}", who=f"{rng.randrange(5)}@lid")
    handled = []

    async def worker(seed):
        mine, chance = await Wire.to(house), random.Random(seed)
        while len(handled) < 120:
            taken = await ask(mine, "events.take", **WANT, limit=3, lease_s=0.05, wait_s=0.2)
            if chance.random() < 0.2:
                continue  # it died
            for one in taken["events"]:
                chat, text = one["data"]["chat"]["id"], one["data"]["body"]["text"]
                if (chat, text) not in handled:
                    handled.append((chat, text))
            if taken["events"]:
                await ask(mine, "events.done", queue="answers", seqs=seqs(taken))
        await mine.stream.aclose()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for seed in range(3):
                tasks.start_soon(worker, seed)
    assert sorted(int(text) for _, text in handled) == list(range(120))
    for chat in {chat for chat, _ in handled}:
        order = [int(text) for found, text in handled if found == chat]
        assert order == sorted(order)
