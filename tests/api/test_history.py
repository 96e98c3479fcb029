"""History from the phone: into the archive, as deep as wanted, with names whatever the depth; older messages on demand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.pb.e2e_pb2 import Message
from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError

DAY = 86_400
SENT = 600


@pytest.fixture
async def rig(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    config = f"[account.main]\n{request.param}" if hasattr(request, "param") else ""
    async with Rig(tmp_path, pair=False, config=config) as rig:
        me, ann, bob = (rig.person(name) for name in ("me", "ann", "bob"))
        now = int(rig.sandbox.world.now)
        for number in range(SENT):
            # Twice a day, the last today; all that a phone tells at first, and more.
            at = now - (SENT - number) * DAY // 2
            text = Message(conversation=f"day {number}")
            me.phone.history.remember(ann.jid, f"H{number:04}", text, at=at, sender=ann.jid, name="ann")
        me.account.default_timer = DAY
        me.phone.history.remember(bob.jid, "B1", Message(conversation="hi bob"), at=now - DAY)
        await rig.client.account.create(account="main")
        qr = await rig.client.pair.qr(account="main")
        rig.sandbox.scan("me", qr["code"])
        await rig.ready()
        await rig.event("sync.history", lambda data: data["kind"] == "recent" and data["percent"] == 100)
        yield rig


async def texts(rig: Rig) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        page = await rig.client.call("message.list", chat=rig.number("ann"), limit=200, before=cursor)
        found += [one["data"]["body"]["text"] for one in page["messages"]]
        if not (cursor := page.get("next", "")):
            return found


async def test_chats_messages_and_names_are_here(rig: Rig) -> None:
    found = await texts(rig)
    assert found == [f"day {number}" for number in range(SENT - 1, SENT - 1 - len(found), -1)]
    assert len(found) > 500
    told = [event["data"] for event in await rig.events("sync.history")]
    assert {one["kind"] for one in told} == {"initial", "recent", "names", "settings"}
    assert sum(one["messages"] for one in told) == len(found) + 1
    # No message of the past is an event, and nobody has to read it.
    assert not await rig.events("message.received")
    chat = await rig.client.call("chat.get", chat=rig.number("ann"))
    assert (chat.get("unread", 0), chat["last"]["text"]) == (0, f"day {SENT - 1}")
    ann = await rig.client.contact.get(id=rig.number("ann"))
    assert (ann["push_name"], ann["lid"]) == ("ann", str(rig.person("ann").account.lid))
    assert (await rig.client.call("privacy.get"))["default_timer_s"] == DAY
    hits = (await rig.client.message.search(query="day 599"))["hits"]
    assert hits[0]["message"]["id"] == "H0599"


async def test_older_messages_on_demand(rig: Rig) -> None:
    before = await texts(rig)
    asked = await rig.client.call("chat.fetch_history", chat=rig.number("ann"), count=20)
    done = await rig.event("sync.history", lambda data: data.get("request") == asked["request"])
    assert (done["kind"], done["messages"], done["more"]) == ("on_demand", 20, True)
    after = await texts(rig)
    assert after[: len(before)] == before
    assert after[len(before) :] == [
        f"day {SENT - 1 - number}" for number in range(len(before), len(before) + 20)
    ]
    with pytest.raises(WaconndError) as nothing:
        await rig.client.call("chat.fetch_history", chat="+15557654321")
    assert nothing.value.kind == "not_found"


@pytest.mark.parametrize("rig", ["history_days = 30"], indirect=True)
async def test_less_depth_loses_no_names(rig: Rig) -> None:
    found = await texts(rig)
    assert len(found) in (59, 60)
    ann = await rig.client.contact.get(id=rig.number("ann"))
    assert (ann["push_name"], ann["lid"]) == ("ann", str(rig.person("ann").account.lid))
    # A message to the number finds its one chat.
    rig.sandbox.say("ann", "me", "hello")
    told = await rig.event("message.received", lambda data: data["body"].get("text") == "hello")
    assert told["chat"]["id"] == ann["id"]


@pytest.mark.parametrize("rig", ['store = "none"'], indirect=True)
async def test_without_a_store_messages_still_come(rig: Rig) -> None:
    rig.sandbox.say("ann", "me", "hello")
    told = await rig.event("message.received", lambda data: data["body"].get("text") == "hello")
    assert told["from"]["lid"] == str(rig.person("ann").account.lid)
