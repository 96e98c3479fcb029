"""The daemon as one of two who talk: a process of its own whose one account is linked to a person's phone."""

import asyncio
import time
from contextlib import asynccontextmanager

from tests.demo import Daemon
from waconnd.client.aio import AsyncClient

#: Who talks, in the rows of the table.
PAIR = "waconnd ↔ Baileys"
#: Both sides have their own waits; what has not come by then does not come.
PATIENCE = 20.0
#: Rows are no spam: the governor lets them pass.
CONFIG = """
[account.main]
messages_per_minute = 6000
"""


class Talker:
    """One daemon with one account."""

    def __init__(self, folder, sandbox, config=CONFIG):
        folder.mkdir()
        self.daemon, self.sandbox = Daemon(folder, sandbox), sandbox
        with self.daemon.config.open("a") as file:
            file.write(config)
        self.client = None
        self.jid = self.lid = ""

    async def __aenter__(self):
        self.client = await self.daemon.start()
        return self

    async def __aexit__(self, *_):
        await self.rest()

    async def pair(self, person):
        await self.call("account.create", account="main")
        code = await self.call("pair.qr", account="main")
        self.sandbox.scan(person, code["code"])
        return await self.ready()

    async def ready(self):
        """Wait until the account is; who it is then stands in `jid` and `lid`."""
        account = await self.call("account.wait", account="main", state="ready", timeout_s=20)
        self.jid = f"{account['me']['number'].lstrip('+')}@s.whatsapp.net"
        self.lid = account["me"]["lid"]
        return self

    async def rest(self):
        """The daemon ends in peace."""
        await self.client.close()
        await self.daemon.stop()

    async def wake(self):
        """It runs again."""
        self.client = await self.daemon.start()
        await self.ready()

    async def call(self, method, **params):
        return await self.client.call(method, **params)

    async def send(self, to, **said):
        """Send it and give what `message.send` answers, when the server has it."""
        return await self.call("message.send", to=to, wait="server", **said)

    async def say(self, to, text):
        return await self.send(to, text=text)

    async def newest(self):
        """The place in the log after which only new events stand."""
        return (await self.call("events.read", after=0, limit=1))["newest_seq"]

    async def event(self, types, match=lambda data: True, *, since=0, seconds=PATIENCE):
        """The data of the first event of these types that matches."""
        until, seen = time.monotonic() + seconds, since
        types = [types] if isinstance(types, str) else list(types)
        while (left := until - time.monotonic()) > 0:
            page = await self.call("events.read", after=seen, types=types, wait_s=min(left, 5.0))
            seen = page["next"]
            for event in page["events"]:
                if match(event["data"]):
                    return event["data"]
        everything = await self.call("events.read", after=since, limit=500)
        told = [event["type"] for event in everything["events"]][-30:]
        raise AssertionError(f"no matching {' or '.join(types)} within {seconds:g} s; the last were {told}")

    @asynccontextmanager
    async def live(self, *types):
        """Events that pass and stand in no log: gives a function that waits for the data of the first that matches."""
        async with AsyncClient(self.daemon.socket) as client:
            events = client.events(types=list(types), passing=True)
            first = asyncio.ensure_future(anext(events))
            # The subscription stands when the daemon answers what was asked after it.
            await client.call("daemon.info")

            async def told(match, seconds=PATIENCE):
                nonlocal first
                async with asyncio.timeout(seconds):
                    while True:
                        event = await first
                        first = asyncio.ensure_future(anext(events))
                        if match(event["data"]):
                            return event["data"]

            try:
                yield told
            finally:
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)

    async def message(self, id, types=("message.received", "message.recovered"), **where):
        """The event of the message with this id."""
        return await self.event(types, lambda data: data["id"] == id, **where)

    async def text(self, text, types="message.received", **where):
        """The event of a message with this text."""
        return await self.event(types, lambda data: data["body"].get("text") == text, **where)

    async def file(self, id, chat, folder):
        """The file of a message, downloaded."""
        path = folder / id
        await self.call("media.download", id=id, chat=chat, path=str(path))
        return path.read_bytes()
