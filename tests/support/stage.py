"""The sandbox as a process of its own, for measurements: one JSON command a line in, one answer a line out.

    python -m tests.support.stage

What is delivered under the clock is encrypted and encoded before it starts (`waconnd.sandbox.flood`).
"""

import asyncio
import sys
import time

import msgspec

from waconnd.sandbox.flood import deliver, prepare, shoot
from waconnd.sandbox.sandbox import Sandbox


class Stage:
    """The commands."""

    def __init__(self):
        self.sandbox = Sandbox("bench")
        self._ready = []

    async def hello(self):
        box = self.sandbox
        return {"url": box.url, "root": box.root.public.hex(), "media": box.world.blobs.hosts[0]}

    async def scan(self, who, qr):
        self.sandbox.scan(who, qr)

    async def person(self, who):
        return f"+{self.sandbox.person(who).account.user}"

    async def take_files(self, up_to):
        """Of this size at most, in bytes."""
        self.sandbox.world.blobs.largest = up_to

    async def answer(self, who, to):
        """One person writes to another, who has written before."""
        self.sandbox.person(who).say(self.sandbox.person(to).jid, "yes")
        self.sandbox.pump()

    async def prepare(self, who, count, senders, crowd):
        """Encrypt for the linked devices of one person."""
        self._ready = prepare(self.sandbox, who, count, senders=senders, size=40, crowd=crowd)

    async def go(self):
        """Deliver what is prepared as fast as it is answered."""
        started = time.time()
        told = await deliver(self.sandbox, self._ready)
        return {"started": started, "seconds": told.seconds, "cpu": told.cpu}

    async def pace(self, per_second):
        """Deliver it one by one, evenly; when each left, by its id."""
        sent = {}
        begun = time.perf_counter()
        for place, shot in enumerate(self._ready):
            await asyncio.sleep(begun + place / per_second - time.perf_counter())
            sent[shot.key.id] = time.time()
            shoot(self.sandbox, shot)
            self.sandbox.listener.flush()
        return sent

    async def group(self, who, size):
        """A group of so many, its members the same each time."""
        members = [self.sandbox.person(f"member {n}").account for n in range(size - 1)]
        group = self.sandbox.person(who).create_group("Large", members)
        self.sandbox.pump()
        return str(group.jid)

    async def cut(self, who):
        """The link of a person's companion is gone."""
        for device in self.sandbox.person(who).account.companions():
            if device.link is not None:
                self.sandbox.listener.cut(device.link)
        return time.time()

    async def cpu(self):
        return time.process_time()


async def main():
    stage = Stage()
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async with stage.sandbox.serving():
        while line := await reader.readline():
            asked = msgspec.json.decode(line)
            answer = {"result": await getattr(stage, asked.pop("op"))(**asked)}
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(main())
