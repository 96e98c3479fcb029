"""Two hundred connections, and a flood to one of them."""

import pytest

from tests.support.flooding import bare_clients, link_device
from waconnd.sandbox.flood import flood
from waconnd.sandbox.sandbox import Sandbox

CLIENTS = 200
MESSAGES = 2000


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_flood_among_two_hundred_clients():
    sandbox = Sandbox(1)
    async with sandbox.serving():
        keys = [link_device(sandbox.person(f"person {n}"))[0] for n in range(CLIENTS)]
        async with bare_clients(sandbox, keys):
            sandbox.say("person 1", "person 0", "still served")
            told = await flood(sandbox, "person 0", MESSAGES)
            assert told.messages == MESSAGES
            device = sandbox.person("person 0").account.devices[1]
            assert not [key for key in device.queue if key.cls == "message"]
            assert sandbox.world.complaints == []
