"""A real daemon whose connections end, or go silent, wherever they can: it says so, and is back when all is mended."""

import asyncio
import contextlib

import pytest
from websockets.asyncio.client import connect

from tests.support.bare_client import BareDevice
from tests.support.daemons import Rig
from tests.support.flooding import link_device
from waconnd.sandbox.sandbox import Sandbox


@pytest.fixture
async def rig(tmp_path):
    async with Rig(tmp_path) as rig:
        yield rig


def link_of(rig):
    """The daemon's connection at the server."""
    return rig.person("me").account.devices[1].link


async def told(rig, word):
    return await rig.client.account.wait(account="main", state=word, timeout_s=20)


@pytest.mark.parametrize("stage", ["upgrade", "hello", "login"])
async def test_dropped_at_a_stage(rig, stage):
    rig.sandbox.listener.stop_at = stage
    await rig.client.account.reconnect(account="main")
    state = await told(rig, "waiting")
    assert state["next_retry_at"]
    rig.sandbox.mend()
    await rig.ready(30)
    rig.sandbox.say("ann", "me", "still there?")
    await rig.event("message.received", lambda data: data["body"]["text"] == "still there?")


async def test_kept_without_a_word():
    """The connection stands, and nothing comes (what a client makes of it: tests/engine/test_connection_faults.py)."""
    box = Sandbox(1)
    key, _ = link_device(box.person("ada"))
    async with box.serving():
        for stage, silent in (("", False), ("hello", True), ("login", True)):
            box.listener.stop_at, box.listener.stop_silently = stage, silent
            device = BareDevice(box.root.public.hex(), *key.split())
            async with connect(box.url, compression=None) as socket:
                await socket.send(device.hello())
                heard = b""
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1 if silent else 10):
                        while not device.caught_up:
                            data = await socket.recv()
                            heard += data
                            if answers := device.receive(data, box.clock()):
                                await socket.send(answers)
                assert device.caught_up is not silent
                assert bool(heard) is (stage != "hello")
                assert box.people["ada"].account.devices[1].login_count == 1


async def test_a_frame_that_does_not_open_ends_the_connection_alone(rig):
    link = link_of(rig)
    rig.sandbox.listener.garble(link)
    await rig.sandbox.until(lambda: link.closed, "end of the connection")
    await rig.ready(30)
    assert rig.sandbox.world.complaints == []


async def test_slow_and_withheld(rig):
    rig.sandbox.fault("withhold", tag="message", times=1)
    rig.sandbox.say("ann", "me", "first")
    rig.sandbox.say("ann", "me", "second")
    await rig.event("message.received", lambda data: data["body"]["text"] == "second")
    rig.sandbox.release()
    await rig.event("message.received", lambda data: data["body"]["text"] == "first")
    rig.sandbox.world.faults.slow[link_of(rig).id] = 4000.0
    rig.sandbox.say("ann", "me", "over a thin line")
    await rig.event("message.received", lambda data: data["body"]["text"] == "over a thin line")
