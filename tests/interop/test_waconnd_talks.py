"""The daemon and Baileys, each as a process of its own: what one says the other reads."""

import asyncio
import contextlib

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


@pytest.mark.row("groups of five both ways, with members who come and go, and fresh keys for who stays", PAIR)
async def test_groups(sandbox, client, waconnd):
    keys_given = []

    def see(what, device, node):
        if (
            what == "message"
            and device.account is sandbox.person("ada").account
            and node.need_jid("to").is_group
        ):
            keys_given.append(len([to for list in node.all("participants") for to in list.all("to")]))

    async with contextlib.AsyncExitStack() as stack:
        ada = await stack.enter_async_context(waconnd())
        others = [await stack.enter_async_context(client(name)) for name in ("bob", "carl", "dora", "eve")]
        await asyncio.gather(ada.pair("ada"), *(other.pair(other.name) for other in others))
        bob, carl, dora, eve = others
        group = (await bob.call("groupCreate", "talk", [ada.jid, carl.jid, dora.jid]))["id"]
        await bob.say(group, "welcome")
        await ada.text("welcome")
        sandbox.watch(see)
        for turn in range(3):
            await ada.say(group, f"ada {turn}")
            for other in (bob, carl, dora):
                await other.text(f"ada {turn}")
                await other.say(group, f"{other.name} {turn}")
                await ada.text(f"{other.name} {turn}")
        # Each device got the key once.
        assert keys_given[0] >= 6
        assert keys_given[1:] == [0, 0]
        await bob.call("groupParticipantsUpdate", group, [eve.jid], "add")
        await ada.event("group.members", lambda data: data["op"] == "add")
        await ada.say(group, "with eve")
        await eve.text("with eve")
        await eve.say(group, "thanks")
        await ada.text("thanks")
        # Who comes gets the key alone: her phone and her companion.
        assert keys_given[3] == 2
        await bob.call("groupParticipantsUpdate", group, [carl.jid], "remove")
        await ada.event("group.members", lambda data: data["op"] == "remove")
        await ada.say(group, "without carl")
        for other in (bob, dora, eve):
            await other.text("without carl")
        # Carl knows the old key: everybody who stays gets another.
        assert keys_given[4] >= 7
        assert not any("without carl" in str(data) for _, data in carl.events)
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
