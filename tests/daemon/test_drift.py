"""What WhatsApp sends that nobody here knows: acknowledged, counted, and told by the doctor with its shape."""

from pathlib import Path

from protocol.jid import SERVER
from protocol.node import Node
from tests.support.daemons import Rig


async def test_the_unknown_is_counted_and_kept_for_the_doctor(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        device = next(one for one in rig.person("me").account.devices.values() if one.number)
        world = rig.sandbox.world
        for _ in range(2):
            world.notify(device, "tarot", SERVER, [Node("card", {"secret": "the tower"}, b"\0" * 5)])
        # One that is left aside on purpose.
        world.notify(device, "psa", SERVER, [Node("campaign")])
        rig.sandbox.pump()
        rig.sandbox.say("ann", "me", "after all of that")
        await rig.event("message.received")
        # It goes on counting over connections.
        await rig.client.account.reconnect(account="main")
        await rig.ready()
        stats = await rig.client.daemon.stats()
        counts = {one["what"]: one["value"] for one in stats["metrics"]["waconnd_unhandled_stanzas"]}
        assert counts["unknown.notification.tarot"] == 2
        assert counts["ignored.psa"] == 1
        (finding,) = (await rig.client.daemon.doctor())["findings"]
        assert (finding["id"], finding["severity"]) == ("drift.unknown", "info")
        assert "notification.tarot (2)" in finding["what"]
        assert "card" in finding["what"]
        assert "tower" not in finding["what"]
