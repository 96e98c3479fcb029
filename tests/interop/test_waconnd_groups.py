"""Groups and calls between the daemon and Baileys: what one decides the other is told, both ways."""

import contextlib

import pytest

from tests.interop.talker import PAIR


async def enter(stack, waconnd, client):
    """The daemon is Ada, Baileys is Bob."""
    ada, bob = await stack.enter_async_context(waconnd()), await stack.enter_async_context(client("bob"))
    await ada.pair("ada")
    await bob.pair("bob")
    return ada, bob


@pytest.mark.row("a group of the daemon, from creation to leaving", PAIR)
async def test_a_group_of_the_daemon(sandbox, client, waconnd):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, waconnd, client)
        carl = str(sandbox.address("carl"))
        made = await ada.call(
            "group.create", subject="Before", participants=[bob.jid, carl], description="We read."
        )
        id = made["group"]["id"]
        assert [one["status"] for one in made["results"]] == ["done", "done"]
        await bob.event("groups.upsert", lambda d: d[0]["id"] == id and d[0]["desc"] == "We read.")
        await ada.call("group.update", id=id, subject="After", announce=True, timer_s=86400)
        # Baileys tells several changes at once when they come at once.
        await bob.event("groups.update", lambda d: any(one.get("subject") == "After" for one in d))
        await bob.event("groups.update", lambda d: any(one.get("announce") is True for one in d))
        await ada.call("group.members", id=id, op="promote", who=[bob.jid])
        await bob.event("group-participants.update", lambda d: d["action"] == "promote")
        await ada.call("group.members", id=id, op="remove", who=[carl])
        await bob.event("group-participants.update", lambda d: d["action"] == "remove")
        found = await bob.call("groupMetadata", id)
        assert (found["subject"], found["announce"], found["ephemeralDuration"]) == ("After", True, 86400)
        mark = bob.mark
        await ada.call("group.leave", id=id)
        await bob.event("group-participants.update", lambda d: d["action"] == "remove", since=mark)
        assert sandbox.world.complaints == []


@pytest.mark.row("a group of Baileys, from creation to leaving, seen by the daemon", PAIR)
async def test_a_group_of_baileys(sandbox, client, waconnd):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, waconnd, client)
        id = (await bob.call("groupCreate", "Before", [ada.jid]))["id"]
        await ada.event(
            "group.joined", lambda d: d["group"]["id"] == id and d["about"]["subject"] == "Before"
        )
        await bob.call("groupUpdateSubject", id, "After")
        await ada.event("group.updated", lambda d: d["changed"].get("subject") == "After")
        await bob.call("groupUpdateDescription", id, "What we do")
        await ada.event("group.updated", lambda d: d["changed"].get("description") == "What we do")
        await bob.call("groupSettingUpdate", id, "announcement")
        await ada.event("group.updated", lambda d: d["changed"].get("announce") is True)
        await bob.call("groupToggleEphemeral", id, 86400)
        await ada.event("group.updated", lambda d: d["changed"].get("timer_s") == 86400)
        await bob.call("groupParticipantsUpdate", id, [ada.lid], "promote")
        await ada.event("group.members", lambda d: d["op"] == "promote" and d["who"][0]["lid"] == ada.lid)
        held = await ada.call("group.get", id=id)
        assert (held["subject"], held["description"], held["role"]) == ("After", "What we do", "admin")
        await bob.call("groupLeave", id)
        gone = await ada.event("group.members", lambda d: d["op"] == "remove")
        assert (gone["left"], gone["who"][0]["pn"]) == (True, bob.jid)
        assert sandbox.world.complaints == []


@pytest.mark.row("join requests, asked for and decided on, both ways", PAIR)
async def test_join_requests(sandbox, client, waconnd):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, waconnd, client)
        ours = (await ada.call("group.create", subject="Ours"))["group"]["id"]
        await ada.call("group.update", id=ours, approval=True)
        link = (await ada.call("group.invite", id=ours))["link"]
        await bob.call("groupAcceptInvite", link.rpartition("/")[2])
        asked = await ada.event("group.join_request", lambda d: d["group"]["id"] == ours)
        assert asked["who"][0]["pn"] == bob.jid
        await ada.call("group.members", id=ours, op="approve", who=[bob.jid])
        await bob.event("groups.upsert", lambda d: d[0]["id"] == ours)
        theirs = (await bob.call("groupCreate", "Theirs", []))["id"]
        await bob.call("groupJoinApprovalMode", theirs, "on")
        code = await bob.call("groupInviteCode", theirs)
        joining = await ada.call("group.invite", op="join", link=f"https://chat.whatsapp.com/{code}")
        assert joining["pending"] is True
        waiting = await bob.call("groupRequestParticipantsList", theirs)
        assert [one["jid"] for one in waiting] == [ada.lid]
        await bob.call("groupRequestParticipantsUpdate", theirs, [ada.lid], "approve")
        await ada.event("group.joined", lambda d: d["group"]["id"] == theirs)
        assert sandbox.world.complaints == []


@pytest.mark.row("a community, and a group linked to it", PAIR)
async def test_a_community(sandbox, client, waconnd):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, waconnd, client)
        made = await ada.call("community.update", op="create", subject="Village", participants=[bob.jid])
        id = made["community"]["id"]
        group = (await ada.call("group.create", subject="Cooks", participants=[bob.jid]))["group"]["id"]
        await bob.event("groups.upsert", lambda d: d[0]["id"] == group)
        linked = await ada.call("community.update", op="link", id=id, groups=[group])
        assert linked["links"][0]["done"] is True
        found = await bob.call("groupMetadata", group)
        assert found["linkedParent"] == id
        listed = await bob.call("communityFetchLinkedGroups", id)
        assert group in {one["id"] for one in listed["linkedGroups"]}
        assert sandbox.world.complaints == []


@pytest.mark.row("a call refused, by the daemon and on another device", PAIR)
async def test_calls(sandbox, client, waconnd):
    async with contextlib.AsyncExitStack() as stack:
        ada, bob = await enter(stack, waconnd, client)
        other = await stack.enter_async_context(client("ada"))
        await other.pair("ada")
        first = sandbox.person("bob").call(sandbox.address("ada"))
        sandbox.pump()
        await ada.event("call.offer", lambda d: d["call_id"] == first)
        await ada.call("call.reject", call_id=first, message="Please write.")
        await bob.event("call", lambda d: d[0]["id"] == first and d[0]["status"] == "reject")
        await bob.text("Please write.")
        second = sandbox.person("bob").call(sandbox.address("ada"), video=True)
        sandbox.pump()
        await ada.event("call.offer", lambda d: d["call_id"] == second and d["media"] == "video")
        await other.event("call", lambda d: d[0]["id"] == second and d[0]["status"] == "offer")
        await other.call("rejectCall", second, bob.lid)
        ended = await ada.event("call.ended", lambda d: d["call_id"] == second)
        assert ended["reason"] == "rejected_elsewhere"
        assert sandbox.world.complaints == []
