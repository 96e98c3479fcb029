"""The daemon and Baileys, each as a process of its own: what one says the other reads."""

import pytest

from tests.demo import events
from tests.interop.talker import PAIR


@pytest.mark.row("direct messages both ways, by number and by hidden id", PAIR)
async def test_direct(sandbox, client, waconnd):
    async with waconnd() as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        for turn in range(3):
            await ada.say(bob.jid, f"to bob {turn}")
            await bob.text(f"to bob {turn}")
            await bob.say(ada.jid, f"to ada {turn}")
            data = await ada.text(f"to ada {turn}")
            assert data["chat"]["id"] == bob.lid
        await ada.say(bob.lid, "by hidden id")
        await bob.text("by hidden id")
        assert sandbox.world.complaints == []


@pytest.mark.row("every device of both sides", PAIR)
async def test_devices(sandbox, client, waconnd):
    async with waconnd() as ada, client("ada") as other, client("bob") as bob, client("bob") as tablet:
        await ada.pair("ada")
        await other.pair("ada")
        await bob.pair("bob")
        await tablet.pair("bob")
        await ada.say(bob.jid, "to all of bob")
        for device in (bob, tablet, other):
            await device.text("to all of bob")
        await bob.say(ada.jid, "to all of ada")
        await ada.text("to all of ada")
        await other.text("to all of ada")
        await other.say(bob.jid, "from my other device")
        await ada.text("from my other device", "message.sent_elsewhere")
        assert sandbox.world.complaints == []


@pytest.mark.row("groups both ways, with members who come and go", PAIR)
async def test_groups(sandbox, client, waconnd):
    async with waconnd() as ada, client("bob") as bob, client("carl") as carl:
        await ada.pair("ada")
        await bob.pair("bob")
        await carl.pair("carl")
        group = (await bob.call("groupCreate", "talk", [ada.jid, carl.jid]))["id"]
        await bob.say(group, "welcome")
        await ada.text("welcome")
        for turn in range(3):
            await ada.say(group, f"ada {turn}")
            await bob.text(f"ada {turn}")
            await carl.text(f"ada {turn}")
            await carl.say(group, f"carl {turn}")
            await ada.text(f"carl {turn}")
        await bob.call("groupParticipantsUpdate", group, [carl.jid], "remove")
        await ada.say(group, "without carl")
        await bob.text("without carl")
        assert sandbox.world.complaints == []


@pytest.mark.row("sessions lost on either side heal, and say so", PAIR)
async def test_healing(sandbox, client, waconnd):
    async with waconnd() as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        await ada.say(bob.jid, "before")
        await bob.text("before")
        await bob.say(ada.jid, "before too")
        await ada.text("before too")
        device = (await ada.client.call("account.get", account="main"))["me"]
        address = ada.lid.partition("@")[0] + "_1"
        await bob.ask("forget", addresses=[f"{address}.{n}" for n in range(4)])
        await ada.say(bob.jid, "after bob forgot us")
        await bob.text("after bob forgot us")
        await bob.say(ada.jid, "and back")
        await ada.text("and back")
        assert device["lid"] == ada.lid


@pytest.mark.row("killed and restarted between messages: nothing lost, nothing twice", PAIR)
async def test_kill(sandbox, client, waconnd):
    async with waconnd() as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        for turn in range(5):
            await bob.say(ada.jid, f"a {turn}")
            await ada.client.close()
            await ada.daemon.kill()
            await bob.say(ada.jid, f"b {turn}")
            ada.client = await ada.daemon.start()
            await ada.client.call("account.wait", account="main", state="ready", timeout_s=20)
            await ada.say(bob.jid, f"c {turn}")
            await bob.text(f"c {turn}")
        wanted = sorted(f"{letter} {turn}" for turn in range(5) for letter in "ab")
        await ada.text("b 4")
        got = await events(ada.client, 0, "message.received", "message.recovered", want=10)
        assert sorted(event["data"]["body"]["text"] for event in got) == wanted


@pytest.mark.row("a group by numbers (not hidden ids)", PAIR)
async def test_number_group(sandbox, client, waconnd):
    async with waconnd() as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        people = [sandbox.person(name).account for name in ("bob", "carl")]
        group = sandbox.person("ada").create_group("Old", people, addressing="s.whatsapp.net")
        sandbox.pump()
        await ada.say(str(group.jid), "by number")
        assert (await bob.text("by number"))["key"]["participant"].startswith(ada.jid.split("@")[0])
        await sandbox.expect("carl", text="by number")
        await bob.say(str(group.jid), "me too")
        await ada.text("me too")
        await ada.say(str(group.jid), "again")
        await bob.text("again")
        assert sandbox.world.complaints == []
