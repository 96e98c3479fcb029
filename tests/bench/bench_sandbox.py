"""The sandbox' flood: it must never be the bottleneck of what is measured against it."""

import asyncio
import sys

from tests.bench.harness import Row
from tests.support.flooding import bare_clients, link_device
from waconnd.sandbox.flood import flood
from waconnd.sandbox.sandbox import Sandbox

MESSAGES = 20_000


def rows(stack):
    return [
        Row("sandbox flood, 1 client", "DMs/s", lambda: measured(1), rounds=3),
        Row("sandbox flood, 200 clients connected", "DMs/s", lambda: measured(200), rounds=3),
    ]


def measured(clients):
    told = asyncio.run(run(clients))
    print(f"    the sandbox took {told.cpu_share:.0%} of a core", file=sys.stderr)
    return told.per_second


async def run(clients):
    sandbox = Sandbox(1)
    async with sandbox.serving():
        keys = [link_device(sandbox.person(f"person {n}"))[0] for n in range(clients)]
        async with bare_clients(sandbox, keys):
            return await flood(sandbox, "person 0", MESSAGES)
