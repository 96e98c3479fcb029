"""Large files: how fast a gigabyte goes up and comes back, and what it costs in memory.

A path of this machine goes in and another comes out, through the daemon, over HTTP to the sandbox' media hosts: read,
encrypted, hashed and sent; fetched, checked, decrypted and written. The hosts hold it in memory on the other core.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.harness import Row
from tests.bench.talkers import Daemon, Stage
from tests.support.memory import most_memory
from waconnd.client.sync import Connection

MIB = 1024 * 1024
#: MiB of the file.
SIZE = 1024
#: With padding and hash it is a little larger.
LARGEST = (SIZE + 1) * MIB
SECONDS = 600.0


class Scene:
    """One account, one file, up and down once."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._stage = stack, Stage(stack)

    @cached_property
    def took(self) -> tuple[float, float, float]:
        """Seconds up, seconds down, and MiB that the daemon held at most beyond what a small file takes."""
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="waconnd-bench-")))
        daemon = Daemon(self._stage, "mover")
        daemon.start()
        daemon.link()
        box = self._stage.box
        box.ask("take_files", up_to=LARGEST)
        friend, large, back = str(box.ask("person", who="friend")), folder / "large", folder / "back"
        piece = os.urandom(MIB)
        with large.open("wb") as out:
            for number in range(SIZE):
                out.write(number.to_bytes(4, "big") + piece[4:])
        with Connection(daemon.path, timeout=SECONDS) as connection:
            small = {"document": {"data": "aGVsbG8="}, "to": friend, "wait": "server"}
            first = connection.call("message.send", **small)
            connection.call("media.download", id=first["id"], path=str(back))
            before = most_memory(daemon.pid)
            begun = time.perf_counter()
            sent = connection.call(
                "message.send", to=friend, document={"path": str(large)}, wait="server", timeout_s=SECONDS
            )
            up = time.perf_counter() - begun
            begun = time.perf_counter()
            done = connection.call("media.download", id=sent["id"], path=str(back))
            down = time.perf_counter() - begun
        if done["size"] != SIZE * MIB or back.read_bytes() != large.read_bytes():
            raise RuntimeError("another file came back")
        return up, down, (most_memory(daemon.pid) - before) / MIB


def rows(stack: ExitStack) -> list[Row]:
    scene = Scene(stack)
    return [
        Row("media/1-GiB/upload", "MiB/s", lambda: SIZE / scene.took[0], rounds=1),
        Row("media/1-GiB/download", "MiB/s", lambda: SIZE / scene.took[1], rounds=1),
        Row("media/1-GiB/extra-memory", "MiB", lambda: scene.took[2], better="lower", rounds=1),
    ]
