import contextlib

import pytest

FIVE = ("ada", "bob", "carl", "dora", "eve")
PAIR = "Baileys ↔ Baileys"


async def enter(stack, client, names):
    found = []
    for name in names:
        one = await stack.enter_async_context(client(name))
        await one.pair(name)
        found.append(one)
    return found


@pytest.mark.row("a group of five: everybody writes, everybody reads", PAIR)
async def test_group_of_five(sandbox, client):
    async with contextlib.AsyncExitStack() as stack:
        clients = await enter(stack, client, FIVE)
        ada = clients[0]
        group = await ada.call("groupCreate", "Five", [one.lid for one in clients[1:]])
        for one in clients[1:]:
            await one.event("groups.upsert", lambda d: d[0]["id"] == group["id"])
        for one in clients:
            text = f"from {one.name}"
            await one.say(group["id"], text)
            for other in clients:
                if other is not one:
                    got = await other.text(text)
                    assert got["key"]["participant"].split("@")[0].split(":")[0] == one.lid.split("@")[0]
        for name in FIVE:
            await sandbox.expect(name, text="from eve")
        assert sandbox.world.complaints == []


@pytest.mark.row("a group by numbers (not hidden ids)", PAIR)
async def test_pn_group(sandbox, client):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, client, FIVE[:2])
        people = [sandbox.person(name).account for name in ("bob", "carl")]
        group = sandbox.person("ada").create_group("Old", people, addressing="s.whatsapp.net")
        sandbox.pump()
        await ada.event("groups.upsert", lambda d: d[0]["id"] == str(group.jid))
        await ada.say(str(group.jid), "by number")
        assert (await bob.text("by number"))["key"]["participant"].startswith(ada.jid.split("@")[0])
        await sandbox.expect("carl", text="by number")


@pytest.mark.row("who was removed reads nothing more; who is added reads on", PAIR)
async def test_rotation(sandbox, client):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob, carl = await enter(stack, client, FIVE[:3])
        group = (await ada.call("groupCreate", "Three", [bob.lid, carl.lid]))["id"]
        await carl.event("groups.upsert")
        await ada.say(group, "all three")
        await carl.text("all three")
        assert (await ada.call("groupParticipantsUpdate", group, [carl.lid], "remove"))[0]["status"] == "200"
        await bob.event("group-participants.update", lambda d: d["action"] == "remove")
        mark = carl.mark
        await ada.say(group, "only two")
        await bob.text("only two")
        await ada.call("groupParticipantsUpdate", group, [str(sandbox.person("dora").account.lid)], "add")
        await ada.say(group, "with dora")
        await sandbox.expect("dora", text="with dora")
        assert "only two" not in str(carl.events[mark:])


@pytest.mark.row("subject, description, settings, roles, links", "Baileys ↔ phone")
async def test_administration(sandbox, client):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, client, FIVE[:2])
        id = (await ada.call("groupCreate", "Before", [bob.lid]))["id"]
        await bob.event("groups.upsert")
        await ada.call("groupUpdateSubject", id, "After")
        await bob.event("groups.update", lambda d: d[0]["subject"] == "After")
        await ada.call("groupUpdateDescription", id, "What we do")
        await ada.call("groupSettingUpdate", id, "announcement")
        await bob.event("groups.update", lambda d: d[0]["announce"] is True)
        await ada.call("groupParticipantsUpdate", id, [bob.lid], "promote")
        await bob.event("group-participants.update", lambda d: d["action"] == "promote")
        await ada.call("groupToggleEphemeral", id, 86400)
        found = await bob.call("groupMetadata", id)
        assert (found["subject"], found["desc"], found["announce"]) == ("After", "What we do", True)
        assert found["ephemeralDuration"] == 86400
        assert {p["admin"] for p in found["participants"]} == {"superadmin", "admin"}
        code = await ada.call("groupInviteCode", id)
        async with client("carl") as carl:
            await carl.pair("carl")
            assert (await carl.call("groupGetInviteInfo", code))["subject"] == "After"
            assert await carl.call("groupAcceptInvite", code) == id
            await bob.event("group-participants.update", lambda d: d["action"] == "add")
            assert id in await carl.call("groupFetchAllParticipating")
            await carl.call("groupLeave", id)
            await bob.event("group-participants.update", lambda d: d["action"] == "remove")


@pytest.mark.row("joining needs approval", "Baileys ↔ Baileys")
async def test_approval(sandbox, client):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, client, FIVE[:2])
        id = (await ada.call("groupCreate", "Closed", []))["id"]
        await ada.call("groupJoinApprovalMode", id, "on")
        await bob.call("groupAcceptInvite", await ada.call("groupInviteCode", id))
        waiting = await ada.call("groupRequestParticipantsList", id)
        assert [w["jid"] for w in waiting] == [bob.lid]
        await ada.call("groupRequestParticipantsUpdate", id, [bob.lid], "approve")
        await bob.event("groups.upsert", lambda d: d[0]["id"] == id)


@pytest.mark.row("a community with its announcement group", "Baileys ↔ Baileys")
async def test_community(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        made = await ada.call("communityCreate", "Village", "All of us")
        linked = await ada.call("communityFetchLinkedGroups", made["id"])
        assert len(linked["linkedGroups"]) == 1


@pytest.mark.row("a channel: created, followed, posted to", "Baileys ↔ Baileys")
async def test_channel(sandbox, client):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, client, FIVE[:2])
        made = await ada.call("newsletterCreate", "News", "of the day")
        await bob.call("newsletterFollow", made["id"])
        await ada.say(made["id"], "extra, extra")
        assert (await bob.text("extra, extra"))["key"]["remoteJid"] == made["id"]
