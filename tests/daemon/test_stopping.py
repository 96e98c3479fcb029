"""The end of the daemon: asked to stop at any moment it does, soon and clean; and it knows when it does not."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from random import Random

import pytest

from tests.support.daemons import Rig
from waconnd.client.aio import Unreachable, WaconndError


async def stopped(rig: Rig) -> None:
    assert await rig.stop(signal.SIGTERM) == 0
    log = rig.log()
    assert "Traceback" not in log, log[-3000:]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "call", [("pair.qr", {"fresh": True}), ("account.change_number", {}), ("account.logout", {})]
)
async def test_while_keys_are_set_aside(tmp_path, call):
    random = Random(repr(call))
    for turn in range(3):
        async with Rig(tmp_path / str(turn)) as rig:

            async def ask(rig=rig) -> None:
                with contextlib.suppress(WaconndError, Unreachable, ConnectionError):
                    await rig.client.call(call[0], account="main", **call[1])

            asked = asyncio.create_task(ask())
            await asyncio.sleep(random.uniform(0.0, 0.3))
            await stopped(rig)
            await asked
            await rig.start()
            # However far it came: the account is there.
            accounts = await rig.client.call("account.list")
            assert [one["account"] for one in accounts["accounts"]] == ["main"]
            assert accounts["accounts"][0]["state"] != "failed"


async def test_whoever_asked_may_go_away(tmp_path):
    async with Rig(tmp_path) as rig:
        asked = asyncio.create_task(rig.client.call("account.logout", account="main"))
        await asyncio.sleep(0.05)
        await rig.client.close()
        with contextlib.suppress(Exception):
            await asked
        await rig.client.open()
        await rig.sandbox.until(lambda: not rig.person("me").account.devices.get(1), "end of the link", 10)
        while True:
            report = await rig.client.call("account.get", account="main")
            if report["state"] == "unlinked":
                break
            assert report["reason"] in ("", "new_keys", "stopped"), report
            await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_twice_at_once(tmp_path):
    async with Rig(tmp_path) as rig:
        calls = [rig.client.call("pair.qr", account="main", fresh=True) for _ in range(3)]
        codes = [one for one in await asyncio.gather(*calls, return_exceptions=True) if isinstance(one, dict)]
        assert codes
        shown = await rig.client.call("pair.qr", account="main")
        rig.sandbox.scan("me", shown["code"])
        await rig.ready()
        await stopped(rig)
