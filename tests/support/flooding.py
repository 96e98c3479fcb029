"""Linked devices for a sandbox without a pairing, and bare clients behind them in another process."""

import asyncio
import contextlib
import sys
from pathlib import Path

from protocol.crypto.curve import generate

ROOT = Path(__file__).parents[2]


def link_device(person):
    """A companion that a bare client can log in as; its keys are real, so that others can encrypt for it."""
    party = person.add_companion()
    pair = generate(party.random)
    party.disconnect()
    party.device.noise = pair.public
    return f"{person.account.user} {party.device.number} {pair.private.hex()}", party


@contextlib.asynccontextmanager
async def bare_clients(sandbox, keys):
    """A process with one connection for each line of keys, all of them logged in."""
    # What two hundred births brought with them is none of the measurement's.
    for person in sandbox.people.values():
        for device in person.account.companions():
            device.queue.clear()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.bare_client", sandbox.url, sandbox.root.public.hex(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    process.stdin.write("".join(f"{key}\n" for key in keys).encode())
    process.stdin.close()
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
        yield process
    finally:
        process.kill()
        await process.wait()
        process._transport.close()
