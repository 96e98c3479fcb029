"""The whole state directory put back from an older copy, while only the cache remembers: nothing is used twice, all go on."""

import shutil

from tests.support.daemons import Rig


async def test_an_older_state_is_noticed_and_everybody_goes_on(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.sandbox.say("ann", "me", "before the copy")
        await rig.event("message.received", lambda data: data["body"]["text"] == "before the copy")
        await rig.stop()
        shutil.copytree(tmp_path / "state", tmp_path / "copy")
        await rig.start()
        await rig.ready()
        for n in range(5):
            rig.sandbox.say("ann", "me", f"after the copy {n}")
            await rig.client.message.send(to=rig.number("ann"), text=f"answer {n}", wait="server")
        await rig.event("message.received", lambda data: data["body"]["text"] == "after the copy 4")
        told = (await rig.client.call("events.read", after=0, limit=500))["next"]
        await rig.stop()

        shutil.rmtree(tmp_path / "state")
        (tmp_path / "copy").rename(tmp_path / "state")
        await rig.start()
        await rig.ready(30)
        assert "restored from an older copy: its sessions were dropped" in rig.log()
        assert "events.db is an older copy" in rig.log()
        # A consumer that stood where the newer log was misses nothing of what comes.
        rig.sandbox.say("ann", "me", "after the restore")
        # Its session is gone, so the text comes by a retry.
        await rig.event("message.recovered", lambda data: data["body"]["text"] == "after the restore", 20)
        page = await rig.client.call("events.read", after=told, limit=500)
        assert "after the restore" in str(page["events"])
        assert "daemon.restored" in [event["type"] for event in page["events"]]
        await rig.client.message.send(to=rig.number("ann"), text="hello again", wait="server")
        await rig.sandbox.expect("ann", text="hello again")
