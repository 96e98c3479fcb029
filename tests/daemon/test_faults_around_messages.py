"""Each fault of the sandbox at each step of a message's way: it arrives exactly once and in its order, or has failed in words."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from tests.support.daemons import Rig
from tests.support.files import b64
from waconnd.client.aio import WaconndError


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    config = "[account.main]\nmessages_per_minute = 6000"
    async with Rig(tmp_path_factory.mktemp("faults"), config=config) as rig:
        yield rig


@pytest.fixture
async def rig(shared: Rig) -> AsyncIterator[Rig]:
    """One daemon for all; whatever a test switches on ends with it."""
    yield shared
    shared.sandbox.mend()
    # Asked for by hand, a connection is made at once, and the pauses between tries are short again.
    await shared.client.account.reconnect(account="main")
    await shared.ready(30)


_people = iter(range(1000))


def somebody(rig: Rig) -> str:
    """Nobody has spoken with this person yet: devices and keys are asked for, and a session is opened."""
    name = f"person {next(_people)}"
    rig.sandbox.person(name)
    return name


def texts(rig: Rig, name: str) -> list[str]:
    return [read.message.conversation for read in rig.person(name).inbox]


#: What goes wrong with what the server says while three messages are on their way.
OUTGOING = {
    "the ack is lost with the line": {"action": "cut", "tag": "ack"},
    "the second ack is lost with the line": {"action": "cut", "tag": "ack", "skip": 1},
    "the third ack is lost with the line": {"action": "cut", "tag": "ack", "skip": 2},
    "an ack comes twice": {"action": "duplicate", "tag": "ack", "times": 3},
    "acks come in another order": {"action": "reorder", "tag": "ack", "times": 1},
    "acks are late": {"action": "delay", "tag": "ack", "times": 3, "seconds": 0.3},
    "cut when devices were asked for": {"action": "cut", "tag": "iq"},
    "cut when keys were asked for": {"action": "cut", "tag": "iq", "skip": 1},
    "answers come twice": {"action": "duplicate", "tag": "iq", "times": 4},
    "answers are late": {"action": "delay", "tag": "iq", "times": 4, "seconds": 0.3},
    "cut at the receipt": {"action": "cut", "tag": "receipt"},
    "receipts come twice": {"action": "duplicate", "tag": "receipt", "times": 3},
    "receipts come in another order": {"action": "reorder", "tag": "receipt", "times": 2},
}


def delivered(id: str, status: dict[str, Any]) -> bool:
    return id in status["ids"] and status["status"] == "delivered"


@pytest.mark.parametrize("fault", OUTGOING.values(), ids=OUTGOING)
async def test_messages_out(rig: Rig, fault: dict[str, object]) -> None:
    who = somebody(rig)
    rig.sandbox.fault(**fault, user="me")
    said = [f"{who}: {n}" for n in range(3)]
    sends = [rig.client.message.send(to=rig.number(who), text=text, wait="server") for text in said]
    results = await asyncio.gather(*sends)
    assert len({result["id"] for result in results}) == 3
    await rig.sandbox.until(lambda: len(texts(rig, who)) >= 3 or None, "three messages")
    # A status once told is never taken back, in whatever order receipts come.
    for sent in (result["id"] for result in results):
        await rig.event("message.status", partial(delivered, sent))
        assert (await rig.client.message.get(id=sent))["status"] == "delivered"
    assert texts(rig, who) == said
    assert (await rig.client.account.audit(account="main"))["unsent"] == 0


async def test_an_ack_that_is_lost_alone(rig: Rig) -> None:
    """The line stands, and the answer never comes; the message goes again under its id when there is a new one."""
    who = somebody(rig)
    await rig.client.message.send(to=rig.number(who), text="hello")
    rig.sandbox.fault("drop", tag="ack", user="me")
    waiting = asyncio.create_task(rig.client.message.send(to=rig.number(who), text="once", timeout_s=30))
    await rig.sandbox.until(lambda: "once" in texts(rig, who) or None, "the message")
    assert not waiting.done()
    await rig.client.account.reconnect(account="main")
    assert (await waiting)["status"] in ("server_ack", "delivered")
    await rig.client.message.send(to=rig.number(who), text="after")
    await rig.sandbox.until(lambda: "after" in texts(rig, who) or None, "the next message")
    assert texts(rig, who) == ["hello", "once", "after"]


#: What goes wrong with what somebody says to us.
INCOMING = {
    "lost on the way": {"action": "cut", "tag": "message"},
    "the second is lost with the line": {"action": "cut", "tag": "message", "skip": 1},
    "each comes twice": {"action": "duplicate", "tag": "message", "times": 3},
    "they come in another order": {"action": "reorder", "tag": "message"},
    "they are late": {"action": "delay", "tag": "message", "times": 3, "seconds": 0.3},
    "one is changed on its way": {"action": "corrupt", "tag": "message"},
    "the last is changed on its way": {"action": "corrupt", "tag": "message", "skip": 2},
    "the line ends when it was answered": {"action": "cut", "tag": "ack"},
}


@pytest.mark.parametrize("fault", INCOMING.values(), ids=INCOMING)
async def test_messages_in(rig: Rig, fault: dict[str, object]) -> None:
    who = somebody(rig)
    rig.sandbox.say(who, "me", "before")
    await rig.event(
        "message.received", lambda d: d["body"].get("text") == "before" and d["from"]["name"] == who
    )
    rig.sandbox.fault(**fault, user="me")
    said = [f"{who}: {n}" for n in range(3)]
    for text in said:
        rig.sandbox.say(who, "me", text)
    # What was left over when the fault was through.
    rig.sandbox.say(who, "me", "after")

    async def heard() -> list[str]:
        events = await rig.events("message.received", "message.recovered")
        return [e["data"]["body"]["text"] for e in events if e["data"]["from"].get("name") == who]

    async with asyncio.timeout(20):
        while len(await heard()) < 5:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    assert sorted(await heard()) == sorted(["before", *said, "after"])
    assert (await rig.client.account.audit(account="main"))["undecryptable"] == []


async def test_the_answer_to_a_retry_is_lost_with_the_line(rig: Rig) -> None:
    """It waits at the server as any other message: the ack of the one that could not be read is none of its."""
    who = somebody(rig)
    rig.sandbox.fault("corrupt", tag="message", user="me")
    rig.sandbox.fault("drop", tag="message", user="me")
    rig.sandbox.say(who, "me", f"{who} again")
    lost = await rig.event("message.undecryptable", lambda data: data["from"]["name"] == who)
    device = rig.person("me").account.devices[1]
    await asyncio.sleep(0.5)
    assert [key.id for key in device.queue if key.cls == "message"] == [lost["id"]]
    rig.sandbox.listener.cut(device.link)
    healed = await rig.event("message.recovered", lambda data: data["id"] == lost["id"])
    assert healed["body"]["text"] == f"{who} again"


async def test_a_receiver_who_lost_everything(rig: Rig) -> None:
    """A retry answered, and a session opened anew: read once."""
    who = somebody(rig)
    await rig.client.message.send(to=rig.number(who), text="one")
    rig.person(who).phone.demand_retries = 1
    await rig.client.message.send(to=rig.number(who), text="two")
    rig.person(who).phone.lose_session(rig.sandbox.address("me"))
    await rig.client.message.send(to=rig.number(who), text="three")
    await rig.sandbox.until(lambda: len(texts(rig, who)) >= 3 or None, "three messages")
    assert texts(rig, who) == ["one", "two", "three"]


@pytest.mark.parametrize("code", [408, 429, 500, 503])
async def test_a_refusal_that_passes(rig: Rig, code: int) -> None:
    who = somebody(rig)
    await rig.client.message.send(to=rig.number(who), text="one")
    rig.sandbox.world.faults.message_errors = [code]
    await rig.client.message.send(to=rig.number(who), text="two", timeout_s=30)
    await rig.sandbox.until(lambda: "two" in texts(rig, who) or None, "the message")
    assert texts(rig, who) == ["one", "two"]


#: What the media hosts answer, and whether the message arrives.
HOSTS = {
    "one host fails": ([503], True),
    "the token is old": ([401], True),
    "all hosts fail": ([503] * 12, False),
    "the file is refused": ([415], False),
}


@pytest.mark.parametrize(("answers", "arrives"), HOSTS.values(), ids=HOSTS)
async def test_a_file_out(rig: Rig, answers: list[int], arrives: bool) -> None:
    who = somebody(rig)
    rig.sandbox.world.blobs.refuse = list(answers)
    data = f"the file of {who}".encode()
    send = rig.client.message.send(to=rig.number(who), document={"data": b64(data)}, timeout_s=30)
    if arrives:
        await send
        await rig.sandbox.until(lambda: rig.person(who).inbox or None, "the file")
        [read] = rig.person(who).inbox
        assert rig.person(who).open_media(read.message) == data
    else:
        with pytest.raises(WaconndError) as failed:
            await send
        assert (failed.value.kind, failed.value.data["status"]) == ("media_failed", "failed")
        assert str(answers[0]) in str(failed.value)
        assert (await rig.client.outbox.get(outbox_id=failed.value.data["outbox_id"]))["status"] == "failed"
        assert not rig.person(who).inbox
    # Whatever became of it, the chat goes on.
    rig.sandbox.mend()
    await rig.client.message.send(to=rig.number(who), text="and on")
    await rig.sandbox.until(lambda: "and on" in texts(rig, who) or None, "the next message")


async def test_a_line_cut_while_a_file_goes_up(rig: Rig) -> None:
    who = somebody(rig)
    rig.sandbox.fault("cut", tag="iq", user="me")
    await rig.client.message.send(to=rig.number(who), document={"data": b64(b"x" * 5000)}, timeout_s=30)
    await rig.sandbox.until(lambda: rig.person(who).inbox or None, "the file")
    assert len(rig.person(who).inbox) == 1


@pytest.mark.parametrize("kind", ["a person", "a group"])
async def test_one_slow_recipient_holds_up_nobody(rig: Rig, kind: str) -> None:
    """Keys that never come: others are written to meanwhile."""
    slow, quick = somebody(rig), somebody(rig)
    await rig.client.message.send(to=rig.number(quick), text="hello")
    to = rig.number(slow)
    if kind == "a group":
        to = str(rig.sandbox.group("me", "slow", [slow]).jid)
    rig.sandbox.fault("withhold", tag="iq", user="me", times=1)
    waiting = asyncio.create_task(rig.client.message.send(to=to, text="slow", timeout_s=60))
    await asyncio.sleep(0.2)
    for n in range(3):
        await rig.client.message.send(to=rig.number(quick), text=f"quick {n}", timeout_s=5)
    assert not waiting.done()
    rig.sandbox.release()
    await waiting
    await rig.sandbox.until(lambda: "slow" in texts(rig, slow) or None, "the slow one")
