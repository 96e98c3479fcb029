"""A large file goes up and down in the memory of a small one."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.daemons import Rig
from tests.support.memory import most_memory

MIB = 1024 * 1024
#: Large against the allowance, small against a test's time.
SIZE = 96 * MIB
#: The bar for a gigabyte, and so for anything.
ALLOWED = 32 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_large_file_needs_no_memory(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        assert rig.process is not None
        await rig.client.message.send(to=rig.number("ann"), document={"data": "aGVsbG8="})
        before = most_memory(rig.process.pid)
        file = tmp_path / "large"
        with file.open("wb") as out:
            piece = os.urandom(MIB)
            for _ in range(SIZE // MIB):
                out.write(piece)
        sent = await rig.client.message.send(to=rig.number("ann"), document={"path": str(file)})
        await rig.event("message.sent", lambda data: data["id"] == sent["id"])
        back = tmp_path / "back"
        done = await rig.client.media.download(id=sent["id"], path=str(back))
        assert done["size"] == SIZE
        assert most_memory(rig.process.pid) - before < ALLOWED
