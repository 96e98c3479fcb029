"""Two who have met: a daemon and Baileys, with a chat and a group, for all tests of a module."""

from contextlib import asynccontextmanager

from tests.interop.baileys import Baileys
from tests.interop.talker import Talker


class Stage:
    """Ada holds the daemon, Bob holds Baileys; Carl, a phone, is the third of the group. Ada and Bob are its admins."""

    def __init__(self, sandbox, ada, bob):
        self.sandbox, self.ada, self.bob = sandbox, ada, bob
        self.group = ""

    async def begin(self):
        await self.ada.pair("ada")
        await self.bob.pair("bob")
        others = [self.ada.jid, str(self.sandbox.address("carl"))]
        self.group = (await self.bob.call("groupCreate", "both", others))["id"]
        await self.bob.call("groupParticipantsUpdate", self.group, [self.ada.jid], "promote")

    def fits(self):
        """The server found nothing wrong with what the daemon says; Baileys has habits of its own."""
        baileys = self.bob.jid.partition("@")[0]
        assert [one for one in self.sandbox.world.complaints if not one.startswith(baileys)] == []

    async def tell(self, to, content, options=None):
        """Bob says it; its id. Under `relay` stands the Message itself."""
        if "relay" in content:
            return await self.bob.call("relayMessage", to, content["relay"], options or {})
        return (await self.bob.ask("send", to=to, content=content, options=options or {}))["key"]["id"]


@asynccontextmanager
async def staged(sandbox, folder):
    """A stage that is set."""
    async with Talker(folder / "waconnd", sandbox) as ada, Baileys("bob", sandbox, folder / "baileys") as bob:
        stage = Stage(sandbox, ada, bob)
        await stage.begin()
        yield stage
