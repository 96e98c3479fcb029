"""A real daemon killed with SIGKILL at random moments, while everybody writes: each message arrives once, and all go on.

The sandbox lives on, as WhatsApp would. Nobody may meet a Bad MAC, a message that can't be read, or a second copy.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from random import Random

import pytest

from tests.support.daemons import Rig
from waconnd.client.aio import AsyncClient, Unreachable, WaconndError
from waconnd.sandbox.people import text_of

#: After the last kill, for whatever is still on its way.
SETTLE_SECONDS = 60.0
#: Unanswered sends of the script; a person's phone is never so fast.
WRITERS = 3
#: One kill of four comes while the process starts, within so many seconds.
LONGEST_START = 1.2


class World:
    """Everybody who writes, and what they wrote."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig, self.random = rig, Random(seed)
        self.said: list[str] = []
        self.sent: dict[str, list[str]] = {"ann": [], "bob": [], "Team": []}
        self.group = rig.sandbox.group("ann", "Team", ["me", "bob"])
        self.retries: list[str] = []
        #: Person → (id, text) of what their phone has read: a phone keeps only its last messages.
        self.read: dict[str, set[tuple[str, str]]] = {"ann": set(), "bob": set()}
        for name, read in self.read.items():
            rig.person(name).on_message = lambda one, read=read: read.add((one.id, text_of(one.message)))
        self.over = False
        rig.sandbox.watch(self._watch)

    def _watch(self, what, device, node) -> None:
        if node.tag == "receipt" and node.text("type") == "retry":
            self.retries.append(f"{device.pn}: {node.text('id')}")

    async def people(self) -> None:
        """Ann and Bob write to us and into the group."""
        while not self.over:
            name = self.random.choice(("ann", "bob"))
            to = self.random.choice(("me", "me", "Team"))
            text = f"{name} to {to} {len(self.said)}"
            self.said.append(text)
            self.rig.sandbox.say(name, to, text)
            await asyncio.sleep(self.random.uniform(0.0, 0.1))

    async def script(self, which: int) -> None:
        """Sends with keys: what it does not know to be accepted it sends again, as every script should."""
        number = 0
        while not self.over:
            to = self.random.choice(list(self.sent))
            text = f"script {which} to {to} {number}"
            number += 1
            await self._insist(self._address(to), text)
            self.sent[to].append(text)
            await asyncio.sleep(self.random.uniform(0.0, 0.1))

    def _address(self, to: str) -> str:
        return str(self.group.jid) if to == "Team" else self.rig.number(to)

    async def _insist(self, to: str, text: str) -> None:
        while True:
            try:
                async with AsyncClient(self.rig.socket) as client:
                    await client.message.send(to=to, text=text, key=text, wait="queued")
                    return
            except (Unreachable, ConnectionError, WaconndError, TimeoutError) as error:
                if isinstance(error, WaconndError) and not error.retryable:
                    raise
                await asyncio.sleep(0.02)

    def got(self, name: str) -> Counter[str]:
        """Text → how many different messages with it this person's phone has read."""
        return Counter(text for _, text in self.read[name])

    def missing(self) -> list[str]:
        """What we sent and somebody has not read."""
        found = []
        for to, texts in self.sent.items():
            for name in ("ann", "bob") if to == "Team" else (to,):
                got = self.got(name)
                found += [f"{name}: {text}" for text in texts if not got[text]]
        return found

    async def received(self) -> tuple[Counter[str], list[dict]]:
        """What the event log holds; and what could not be read."""
        rows = await self.rig.events("message.received", "message.recovered")
        lost = await self.rig.events("message.undecryptable")
        return Counter(row["data"]["body"]["text"] for row in rows), lost


async def lives(folder, kills: int, seed: int) -> str:
    async with Rig(folder, seed=seed) as rig:
        world = World(rig, seed)
        writers = [asyncio.create_task(world.people())]
        writers += [asyncio.create_task(world.script(which)) for which in range(WRITERS)]
        stages: Counter[str] = Counter()
        try:
            for kill in range(kills):
                stages[await _life(rig, world, kill)] += 1
                for task in writers:
                    if task.done():
                        task.result()
        finally:
            world.over = True
        await rig.start()
        await rig.ready(30)
        await asyncio.wait_for(asyncio.gather(*writers), SETTLE_SECONDS)
        await _settled(world)
        await _all_go_on(world)
        got, unread = await world.received()
        total = sum(map(len, world.sent.values()))
        return (
            f"{kills} kills ({', '.join(f'{n} {stage}' for stage, n in sorted(stages.items()))}): {len(got)} received,"
            f" {total} sent, each once; {len(world.retries)} retries, {len(unread)} unreadable"
        )


async def _life(rig: Rig, world: World, kill: int) -> str:
    """Begin (unless it runs already), live for a while, die. Tells how far it came."""
    if rig.process is None:
        early = world.random.random() < 0.25
        starting = asyncio.create_task(rig.start())
        await asyncio.wait([starting], timeout=world.random.uniform(0.0, LONGEST_START) if early else None)
        if not starting.done():
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            await rig.kill()
            return "while starting"
        starting.result()
    # From now on it is at work: some die while they connect, the others in the middle of traffic.
    seconds = world.random.uniform(0.0, 0.8)
    word = "while connecting"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await rig.ready()
            word = "while ready"
            await asyncio.sleep(world.random.uniform(0.0, 0.5))
    await rig.kill()
    return word


async def _settled(world: World) -> None:
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        got, _ = await world.received()
        absent = [text for text in world.said if not got[text]]
        missing = world.missing()
        if not absent and not missing:
            return
        assert time.monotonic() < until, f"never received: {absent[:9]}; never arrived: {missing[:9]}"
        await asyncio.sleep(0.1)


async def _all_go_on(world: World) -> None:
    rig = world.rig
    for name in ("ann", "bob"):
        rig.sandbox.say(name, "me", f"{name} goes on")
        world.said.append(f"{name} goes on")
        await rig.client.message.send(to=rig.number(name), text=f"on with {name}", wait="server")
        await rig.sandbox.expect(name, text=f"on with {name}")
        await rig.event("message.received", lambda data, name=name: data["body"]["text"] == f"{name} goes on")
    got, unread = await world.received()
    assert Counter(world.said) == got, f"twice or unasked: {(got - Counter(world.said)).most_common(9)}"
    for name in ("ann", "bob"):
        twice = [text for text, count in world.got(name).items() if count > 1]
        assert not twice, f"{name} read under two ids: {twice[:9]}"
    assert not unread
    assert world.retries == []
    for name in ("me", "ann", "bob"):
        assert list(rig.person(name).phone.failures) == []
    assert list(rig.sandbox.world.complaints) == []


@pytest.mark.timeout(180)
async def test_a_killed_daemon_loses_and_doubles_nothing(tmp_path):
    await lives(tmp_path, 8, seed=11)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_killed_three_hundred_times(tmp_path):
    print(f"\n{await lives(tmp_path, 300, seed=300)}")
