"""`waconnd pair --history`, as a person at a terminal sees it."""

import asyncio
import os
import pty
import sys
from pathlib import Path

import pytest

from protocol.pb.e2e_pb2 import Message
from tests.support.daemons import ROOT, Rig


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_bar_until_the_history_is_here(tmp_path: Path) -> None:
    async with Rig(tmp_path, pair=False) as rig:
        me, ann = rig.person("me"), rig.person("ann")
        for number in range(20):
            text = Message(conversation=f"long ago {number}")
            at = int(rig.sandbox.world.now) - 1000 + number
            me.phone.history.remember(ann.jid, f"H{number}", text, at=at, sender=ann.jid)
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "waconnd", "--socket", str(rig.socket), "pair", "main", "--history"),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=theirs,
            env=dict(os.environ, PYTHONPATH=str(ROOT)),
        )
        os.close(theirs)
        assert process.stdout is not None
        code = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
        rig.sandbox.scan("me", code)
        said = (await asyncio.wait_for(process.stdout.read(), 30)).decode()
        assert await process.wait() == 0
        assert "ready" in said
        drawn = b""
        # The terminal ends with an error once nobody holds its other side.
        while b"100%" not in drawn:
            drawn += os.read(ours, 4096)
        os.close(ours)
        assert "history" in drawn.decode()
        told = [event["data"] for event in await rig.events("sync.history")]
        assert any(one["kind"] == "recent" and one["percent"] == 100 for one in told)
