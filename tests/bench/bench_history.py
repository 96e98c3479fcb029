"""A new link's history: how long until it is in the archive, what it costs, and what live messages notice of it.

The daemon is a process of its own; the phone and its server are this one.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import tempfile
import time
from functools import cache
from pathlib import Path

import msgspec

from protocol.jid import Jid
from protocol.pb.e2e_pb2 import Message
from tests.bench.harness import Row
from tests.support.daemons import Rig
from waconnd.sandbox.people import Person

CHATS = 1_000
MESSAGES = 50_000
LIST_CHATS = 5_000
#: A person writes all the while, this often.
DM_SECONDS = 0.1
PATIENCE = 180.0
WORDS = [
    "the",
    "table",
    "is",
    "ready",
    "at",
    "nine",
    "please",
    "bring",
    "your",
    "cat",
    "and",
    "the",
    "blue",
    "umbrella",
    "tomorrow",
]


class Told(msgspec.Struct, frozen=True):
    """Of one import."""

    seconds: float
    peak_mib: float
    dm_p99_ms: float


def rows(stack: object) -> list[Row]:
    return [
        Row(f"history of {MESSAGES} in {CHATS} chats", "s", lambda: run().seconds, better="lower", rounds=1),
        Row("history, memory of the daemon", "MiB", lambda: run().peak_mib, better="lower", rounds=1),
        Row("history, live messages p99", "ms", lambda: run().dm_p99_ms, better="lower", rounds=1),
        Row(f"chat.list, a page of {LIST_CHATS} chats", "ms", listing, better="lower", rounds=1),
    ]


@cache
def run() -> Told:
    """One import serves all rows."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(Path(folder)))


def fill(person: Person, chats: int, messages: int) -> None:
    """What a phone remembers after some years; some chats are groups."""
    rng = random.Random(1)
    history = person.phone.history
    start = int(person.world.now) - 86_400 * 365
    for chat in range(chats):
        group = chat % 5 == 0
        jid = Jid(f"12036300000{chat:06d}", "g.us") if group else Jid(f"1777{chat:07d}", "s.whatsapp.net")
        for number in range(messages // chats):
            message = Message(conversation=" ".join(rng.choices(WORDS, k=12)))
            message.messageContextInfo.messageSecret = rng.randbytes(32)
            sender = Jid(f"1777{rng.randrange(chats):07d}", "s.whatsapp.net") if rng.random() < 0.7 else None
            id = f"3EB0{chat:08X}{number:08X}"
            history.remember(jid, id, message, at=start + number * 600 + chat, sender=sender)


async def _run(folder: Path) -> Told:
    async with Rig(folder, pair=False, measured=True) as rig:
        fill(rig.person("me"), CHATS, MESSAGES)
        await rig.client.account.create(account="main")
        qr = await rig.client.pair.qr(account="main")
        rig.sandbox.scan("me", qr["code"])
        await rig.ready(60)
        started = time.monotonic()
        late: list[float] = []
        speaker = asyncio.create_task(_speak(rig, late))
        end = started + PATIENCE
        while not any(e["data"]["kind"] == "recent" for e in await rig.events("sync.history")):
            if time.monotonic() > end:
                raise TimeoutError("the history did not come")
            await asyncio.sleep(0.1)
        seconds = time.monotonic() - started
        speaker.cancel()
        return Told(seconds, _peak(rig), _p99(late))


def listing() -> float:
    """Milliseconds for a page of a long list."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_listing(Path(folder)))


async def _listing(folder: Path) -> float:
    async with Rig(folder, pair=False, measured=True) as rig:
        fill(rig.person("me"), LIST_CHATS, LIST_CHATS)
        await rig.client.account.create(account="main")
        qr = await rig.client.pair.qr(account="main")
        rig.sandbox.scan("me", qr["code"])
        await rig.ready(60)
        await rig.event("sync.history", lambda data: data["kind"] == "recent", 60)
        return await _list(rig)


async def _speak(rig: Rig, late: list[float]) -> None:
    number = after = 0
    while True:
        number += 1
        text = f"live {number}"
        sent = time.monotonic()
        rig.sandbox.say("ann", "me", text)
        while True:
            page = await rig.client.call(
                "events.read", after=after, types=["message.received"], limit=200, wait_s=5
            )
            after = page["next"]
            if any(event["data"]["body"].get("text") == text for event in page["events"]):
                break
        late.append((time.monotonic() - sent) * 1000)
        await asyncio.sleep(DM_SECONDS)


async def _list(rig: Rig) -> float:
    """A screen of a long list, as the daemon answers it."""
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        await rig.client.call("chat.list", limit=200)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def _peak(rig: Rig) -> float:
    assert rig.process is not None
    status = Path(f"/proc/{rig.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def _p99(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
