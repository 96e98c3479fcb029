"""Subscriptions over the real archive: replay then live, no gap, no double; slow readers; cursors."""

from __future__ import annotations

import itertools
from typing import Any

import anyio
import pytest

from tests.rpc.wire import Wire
from waconnd.rpc import events as events_module


async def events(wire: Wire, count: int) -> list[dict[str, Any]]:
    out = []
    while len(out) < count:
        got = await wire.line()
        if got.get("method") == "event":
            out.append(got["params"])
    return out


def texts(got: list[dict[str, Any]]) -> list[str]:
    return [one["data"]["body"]["text"] for one in got]


async def test_replay_then_live_without_gap_or_double(house):
    await house.happen(*(f"old{n}" for n in range(500)))
    wire = await Wire.to(house)
    stop = anyio.Event()
    told = itertools.count()

    async def produce() -> None:
        while not stop.is_set():
            await house.happen(f"new{next(told)}")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(produce)
        await wire.call("events.subscribe", after=0)
        got = await events(wire, 700)
        stop.set()
    assert texts(got)[:500] == [f"old{n}" for n in range(500)]
    assert texts(got)[500:] == [f"new{n}" for n in range(200)]
    seqs = [one["seq"] for one in got]
    assert seqs == sorted(set(seqs))
    assert got[0]["backlog"] is True
    assert set(got[0]) == {"sub", "seq", "type", "v", "account", "at", "backlog", "data"}
    await wire.stream.aclose()


async def test_the_tail_is_trimmed_and_nobody_notices(house, monkeypatch):
    monkeypatch.setattr(events_module, "TAIL_ROWS", 10)
    wire = await Wire.to(house)
    await wire.call("events.subscribe")
    late = await Wire.to(house)
    for n in range(60):
        await house.happen(f"e{n}")
    assert texts(await events(wire, 60)) == [f"e{n}" for n in range(60)]
    await late.call("events.subscribe", after=0)
    assert texts(await events(late, 60)) == [f"e{n}" for n in range(60)]
    await wire.stream.aclose()
    await late.stream.aclose()


async def test_filters(house):
    wire = await Wire.to(house)
    await wire.call("events.subscribe", accounts=["main"], types=["message.*"], chats=["1@lid"])
    await house.happen("no", account="other")
    await house.happen("no", type="account.state")
    await house.happen("yes")
    assert texts(await events(wire, 1)) == ["yes"]
    await wire.stream.aclose()


async def test_events_without_a_row_and_those_that_were_dropped(house):
    wire = await Wire.to(house)
    await wire.call("events.subscribe", types=["chat.typing", "events.dropped"])
    house.feed.publish("chat.typing", {"on": True}, at=1.0, account="main", chat="1@lid")
    (got,) = await events(wire, 1)
    assert (got["seq"], got["type"], got["account"]) == (None, "chat.typing", "main")
    for n in range(events_module.RING + 5):
        house.feed.publish("chat.typing", {"n": n}, at=1.0, account="main")
    got = await events(wire, events_module.RING + 1)
    assert (got[0]["type"], got[0]["data"]["count"]) == ("events.dropped", 5)
    assert got[-1]["data"]["n"] == events_module.RING + 4
    await wire.stream.aclose()


async def test_a_named_cursor_with_acks(house):
    wire = await Wire.to(house)
    assert "result" in await wire.call("events.subscribe", after="cursor:bot", max_unacked=2)
    seqs = await house.happen("a", "b", "c", "d", "e")
    assert texts(await events(wire, 2)) == ["a", "b"]
    with anyio.move_on_after(0.2) as waiting:
        await wire.line()
    assert waiting.cancelled_caught
    assert (await wire.call("events.ack", cursor="bot", seq=seqs[0]))["result"] == {"seq": seqs[0]}
    assert texts(await events(wire, 1)) == ["c"]
    await wire.stream.aclose()
    again = await Wire.to(house)
    await again.call("events.subscribe", after="cursor:bot")
    assert texts(await events(again, 4)) == ["b", "c", "d", "e"]
    await again.call("events.ack", cursor="bot", seq=seqs[4])
    assert (await again.call("events.ack", cursor="bot", seq=seqs[1]))["result"] == {"seq": seqs[4]}
    (row,) = (await again.call("events.cursors"))["result"]["cursors"]
    assert row == {"name": "bot", "seq": seqs[4], "behind": 0}
    assert (await again.call("events.cursor_delete", cursor="bot"))["result"] == {"ok": True}
    assert (await again.call("events.cursor_delete", cursor="bot"))["error"]["data"]["kind"] == "not_found"
    await again.stream.aclose()


async def test_pull_mode(house):
    seqs = await house.happen("a", "b", "c")
    wire = await Wire.to(house)
    page = (await wire.call("events.read", after=0, limit=2))["result"]
    assert [one["seq"] for one in page["events"]] == seqs[:2]
    page = (await wire.call("events.read", after=page["next"], limit=2))["result"]
    assert ([one["seq"] for one in page["events"]], page["next"]) == (seqs[2:], seqs[2])
    empty = (await wire.call("events.read", after=seqs[2], wait_s=0.1))["result"]
    assert (empty["events"], empty["next"]) == ([], seqs[2])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(house.happen, "d")
        page = (await wire.call("events.read", after=seqs[2], wait_s=5))["result"]
    assert len(page["events"]) == 1
    await wire.stream.aclose()


@pytest.mark.parametrize("after", [99, "99", "yesterday", -1, "cursor:"])
async def test_places_that_are_none(house, after):
    wire = await Wire.to(house)
    error = (await wire.call("events.subscribe", after=after))["error"]
    assert error["data"]["kind"] in ("cursor_expired", "invalid_params")
    await wire.stream.aclose()


async def test_subscriptions_are_bounded_and_end(house):
    wire = await Wire.to(house)
    subs = [(await wire.call("events.subscribe"))["result"]["sub"] for _ in range(16)]
    assert (await wire.call("events.subscribe"))["error"]["data"]["kind"] == "rate_limited"
    assert (await wire.call("events.unsubscribe", sub=subs[0]))["result"] == {"ok": True}
    assert (await wire.call("events.unsubscribe", sub=subs[0]))["error"]["data"]["kind"] == "not_found"
    await house.happen("x")
    assert {one["sub"] for one in await events(wire, 15)} == set(subs[1:])
    await wire.stream.aclose()


async def test_a_slow_reader_reads_later_and_the_others_do_not_wait(house):
    slow, quick = await Wire.to(house), await Wire.to(house)
    await slow.call("events.subscribe")
    await quick.call("events.subscribe")
    for n in range(100):
        await house.happen(*(f"{n}-{m}-" + "x" * 200 for m in range(40)))
    assert len(await events(quick, 4000)) == 4000
    got = await events(slow, 4000)
    assert [one["seq"] for one in got] == sorted({one["seq"] for one in got})
    await slow.stream.aclose()
    await quick.stream.aclose()


async def test_a_reader_that_takes_nothing_is_closed(house, monkeypatch):
    monkeypatch.setattr("waconnd.rpc.session.STALLED_S", 0.2)
    wire = await Wire.to(house)
    await wire.call("events.subscribe")
    for n in range(100):
        await house.happen(*("x" * 500 for m in range(40)))
    with anyio.fail_after(5):
        while house.server.connections:
            await anyio.sleep(0.05)
    await wire.stream.aclose()


async def test_what_retention_took_is_told(house):
    await house.happen(*(f"e{n}" for n in range(20)))
    wire = await Wire.to(house)
    await wire.call("events.ack", cursor="old", seq=3)
    await house.archive.events._writer.call(lambda c: c.execute("delete from event where seq <= 10").close())
    error = (await wire.call("events.subscribe", after="cursor:old"))["error"]
    assert (error["data"]["kind"], error["data"]["oldest_seq"]) == ("cursor_expired", 11)
    await wire.call("events.subscribe", after=0)
    assert texts(await events(wire, 1)) == ["e10"]
    await wire.stream.aclose()


async def test_rights_cut_the_events(house, monkeypatch):
    from waconnd.rpc.peers import Grant, Rights

    rights = Rights((Grant(frozenset({"read"}), frozenset({"shop"})),))
    monkeypatch.setattr(house.access, "rights", lambda peer: rights)
    wire = await Wire.to(house)
    assert (await wire.call("events.subscribe", accounts=["main"]))["error"]["data"][
        "kind"
    ] == "permission_denied"
    await wire.call("events.subscribe", after=0)
    await house.happen("not yours")
    house.feed.publish("chat.typing", {"n": 1}, at=1.0, account="main")
    await house.happen("yours", account="shop")
    assert texts(await events(wire, 1)) == ["yours"]
    await wire.stream.aclose()
