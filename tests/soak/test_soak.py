"""Real time, real processes: many accounts in one daemon, a fault every few seconds, and nothing wears out.

`make soak` takes ten minutes and twenty accounts: memory at minute ten within five per cent of minute three, no task and no
descriptor more, every account ready at the end, every message there once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError
from waconnd.sandbox.session import stream_error
from waconnd.store.authdir import IDLE_SECONDS

#: A line that is dead without a word is found out after at most that long, and made anew after a pause.
HEAL_SECONDS = 90.0
#: Files of twenty new accounts are written within this, once each was quiet for IDLE_SECONDS.
SETTLE_SECONDS = 10.0


class Soak:
    """Accounts `s00`, `s01`, … of as many people; Ann writes to all of them and they to her."""

    def __init__(self, rig: Rig, accounts: int, seed: int, *, half_open: bool) -> None:
        self.rig, self.random = rig, Random(seed)
        self.names = [f"s{number:02}" for number in range(accounts)]
        self.faults = Counter[str]()
        self.said: list[str] = []
        self.sent: list[str] = []
        self.read: set[tuple[str, str]] = set()
        self.half_open = half_open
        self.over = False
        rig.person("ann").on_message = lambda read: self.read.add((read.id, read.message.conversation))

    async def link(self) -> None:
        for name in self.names:
            self.rig.sandbox.person(name)
            await self.rig.client.call("account.create", account=name)
            code = await self.rig.client.call("pair.qr", account=name)
            self.rig.sandbox.scan(name, code["code"])
        await self.all_ready()

    async def all_ready(self, seconds: float = HEAL_SECONDS) -> None:
        for name in self.names:
            await self.rig.client.call("account.wait", account=name, state="ready", timeout_s=seconds)

    async def talk(self) -> None:
        while not self.over:
            name = self.random.choice(self.names)
            text = f"to {name} {len(self.said)}"
            self.said.append(text)
            self.rig.sandbox.say("ann", name, text)
            name = self.random.choice(self.names)
            text = f"from {name} {len(self.sent)}"
            with contextlib.suppress(TimeoutError):
                await self.rig.client.message.send(
                    account=name, to=self.rig.number("ann"), text=text, key=text, wait="queued"
                )
                self.sent.append(text)
            await asyncio.sleep(self.random.uniform(0.0, 0.2))

    async def trouble(self, every: float) -> None:
        while not self.over:
            await asyncio.sleep(self.random.uniform(0.0, 2 * every))
            self.one_fault()

    def one_fault(self) -> None:
        sandbox, world = self.rig.sandbox, self.rig.sandbox.world
        links = [link for link in world.links.values() if link.device and link.device.number]
        if not links:
            return
        link = self.random.choice(links)
        user = link.device.pn.user
        kinds = ["cut", "cut", "unavailable", "restart", "duplicate", "corrupt", "delay", "lost answer"]
        kind = self.random.choice([*kinds, "half open"] if self.half_open else kinds)
        self.faults[kind] += 1
        match kind:
            case "cut":
                sandbox.listener.cut(link)
            case "half open":
                world.faults.silent.add(link.id)
            case "unavailable" | "restart":
                stream_error(world, link, 503 if kind == "unavailable" else 515)
            case "lost answer":
                sandbox.fault("cut", tag="ack", user=user)
            case _:
                sandbox.fault(kind, tag="message", user=user, seconds=2.0)
        sandbox.pump()

    # --- what must not grow ---------------------------------------------------------------------------------------------

    async def measure(self) -> dict[str, int]:
        """At rest, with everybody ready: memory, descriptors, tasks."""
        process = Path(f"/proc/{self.rig.process.pid}")
        before = len(self.rig.log())
        os.kill(self.rig.process.pid, signal.SIGQUIT)
        while True:
            await asyncio.sleep(0.5)
            tasks = len(re.findall(r"^Stack for <Task", self.rig.log()[before:], re.MULTILINE))
            if tasks:
                break
        resident = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())
        threads = len(list((process / "task").iterdir()))
        return {
            "kib": int(resident[1]),
            "descriptors": len(list((process / "fd").iterdir())),
            "tasks": tasks,
            "threads": threads,
        }

    async def rest(self) -> dict[str, int]:
        await self.all_ready()
        await asyncio.sleep(2.0)
        return await self.measure()

    async def check_messages(self) -> None:
        until = time.monotonic() + HEAL_SECONDS
        while True:
            rows = await self.rig.events("message.received", "message.recovered")
            got = Counter(row["data"]["body"]["text"] for row in rows)
            read = Counter(text for _, text in self.read)
            absent = [text for text in self.said if not got[text]]
            missing = [text for text in self.sent if not read[text]]
            if not absent and not missing:
                break
            assert time.monotonic() < until, f"never received: {absent[:5]}; never arrived: {missing[:5]}"
            await asyncio.sleep(0.5)
        assert not [text for text, count in got.items() if count > 1]
        assert not [text for text, count in read.items() if count > 1]


async def soak(
    folder: Path, *, accounts: int, warm: float, end: float, every: float, half_open: bool
) -> tuple[dict[str, int], dict[str, int], str]:
    # Ten minutes are judged by memory, so by the daemon that users run; the short form keeps Python's development mode.
    async with Rig(folder, people={"ann": ""}, pair=False, measured=half_open) as rig:
        world = Soak(rig, accounts, seed=accounts, half_open=half_open)
        await world.link()
        if half_open:
            # The keys of a new account become files, with an index in memory, when it is first quiet for so long. That
            # is one step of its life, which would else be taken for growth.
            await asyncio.sleep(IDLE_SECONDS + SETTLE_SECONDS)
        began = time.monotonic()
        busy = [asyncio.create_task(world.talk()), asyncio.create_task(world.trouble(every))]
        await asyncio.wait(busy, timeout=warm)
        early = await _pause(world, busy)
        world.over = False
        busy = [asyncio.create_task(world.talk()), asyncio.create_task(world.trouble(every))]
        await asyncio.wait(busy, timeout=max(1.0, end - (time.monotonic() - began)))
        late = await _pause(world, busy)
        await world.check_messages()
        assert "Traceback" not in rig.log()
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(world.faults.items()))
        summary = (
            f"{accounts} accounts, {time.monotonic() - began:.0f} s, faults: {told}; {len(world.said)} received and"
            f" {len(world.sent)} sent, each once; early {early}, late {late}"
        )
        return early, late, summary


async def _pause(world: Soak, busy: list[asyncio.Task[None]]) -> dict[str, int]:
    world.over = True
    for task in busy:
        try:
            await asyncio.wait_for(task, HEAL_SECONDS)
        except WaconndError as error:
            raise AssertionError(f"a send was refused: {error}") from error
    return await world.rest()


def nothing_leaked(early: dict[str, int], late: dict[str, int]) -> None:
    assert late["tasks"] <= early["tasks"], (early, late)
    assert late["descriptors"] <= early["descriptors"], (early, late)


@pytest.mark.timeout(170)
async def test_a_short_soak(tmp_path):
    early, late, told = await soak(tmp_path, accounts=4, warm=8.0, end=18.0, every=0.7, half_open=False)
    print(f"\n{told}")
    nothing_leaked(early, late)
    # Twenty seconds are no time to judge memory by; a flood would show.
    assert late["kib"] < early["kib"] * 1.3


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_ten_minutes_of_faults(tmp_path):
    early, late, told = await soak(tmp_path, accounts=20, warm=180.0, end=600.0, every=2.0, half_open=True)
    print(f"\n{told}")
    nothing_leaked(early, late)
    assert late["kib"] <= early["kib"] * 1.05, told
