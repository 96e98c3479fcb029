"""group.*: what a script can do in groups, against a real daemon and the sandbox."""

import base64
from typing import Any

import pytest

from protocol.jid import GROUP_SERVER
from protocol.node import Node
from tests.support.daemons import Rig
from tests.support.pictures import JPEG
from waconnd.client.aio import WaconndError


async def made(rig: Rig, subject: str, *people: str, **more: Any) -> dict[str, Any]:
    return await rig.client.call(
        "group.create", subject=subject, participants=[rig.number(name) for name in people], **more
    )


async def test_a_life_from_making_to_leaving(rig: Rig) -> None:
    done = await made(rig, "Readers", "ann", "bob", description="We read.", announce=True, timer_s=86400)
    group = done["group"]
    id = group["id"]
    assert [one["status"] for one in done["results"]] == ["done", "done"]
    assert (group["subject"], group["description"], group["announce"]) == ("Readers", "We read.", True)
    assert (group["role"], group["timer_s"], group["size"]) == ("superadmin", 86400, 3)
    joined = await rig.event("group.joined", lambda data: data["group"]["id"] == id and data["new"])
    assert joined["about"]["subject"] == "Readers"

    await rig.client.call("message.send", to=id, text="hello all", wait="server")
    await rig.sandbox.expect("ann", text="hello all")

    changed = await rig.client.call(
        "group.update", id=id, subject="Writers", description="We write.", announce=False, locked=True,
        member_add="admins", approval=True, timer_s=0,
    )  # fmt: skip
    assert (changed["subject"], changed["description"], changed["locked"]) == ("Writers", "We write.", True)
    assert (changed["member_add"], changed["approval"], changed.get("timer_s", 0)) == ("admins", True, 0)
    told = await rig.event("group.updated", lambda data: data["changed"].get("subject") == "Writers")
    assert told["keys"] == ["subject"]
    assert told["by"]["pn"] == str(rig.person("me").jid)

    promoted = await rig.client.call("group.members", id=id, op="promote", who=[rig.number("ann")])
    assert promoted["results"][0]["status"] == "done"
    removed = await rig.client.call("group.members", id=id, op="remove", who=[rig.number("bob")])
    assert removed["results"][0]["who"]["pn"] == str(rig.person("bob").jid)
    event = await rig.event("group.members", lambda data: data["op"] == "remove")
    assert event["who"][0]["pn"] == str(rig.person("bob").jid)
    held = await rig.client.call("group.get", id=id)
    assert {one["pn"]: one.get("role", "member") for one in held["members"]} == {
        str(rig.person("me").jid): "superadmin",
        str(rig.person("ann").jid): "admin",
    }
    again = await rig.client.call("group.members", id=id, op="add", who=[rig.number("bob")])
    assert (again["results"][0]["code"], again["results"][0]["status"]) == (200, "done")

    await rig.client.call("group.leave", id=id)
    assert (await rig.event("group.left", lambda data: data["group"]["id"] == id))["reason"] == "left"
    with pytest.raises(WaconndError) as refused:
        await rig.client.call("group.get", id=id)
    assert refused.value.kind == "not_found"


async def test_a_picture_of_the_group(rig: Rig) -> None:
    id = (await made(rig, "Faces", "ann"))["group"]["id"]
    await rig.client.call("group.update", id=id, picture={"data": base64.b64encode(JPEG).decode()})
    group = rig.sandbox.world.groups[id.partition("@")[0]]
    assert group.picture is not None
    assert (await rig.client.contact.picture(id=id))["exists"] is True
    await rig.client.call("group.update", id=id, remove_picture=True)
    assert group.picture is None
    assert (await rig.client.contact.picture(id=id))["exists"] is False


async def test_the_same_key_makes_one_group(rig: Rig) -> None:
    first = await made(rig, "Once", "ann", key="once-1")
    second = await made(rig, "Once", "ann", key="once-1")
    assert first["group"]["id"] == second["group"]["id"]


async def test_who_can_not_be_added_is_invited(rig: Rig) -> None:
    rig.person("bob").account.privacy["groupadd"] = "none"
    try:
        done = await made(rig, "Shy", "ann")
        id = done["group"]["id"]
        added = await rig.client.call(
            "group.members", id=id, op="add", who=[rig.number("bob"), rig.number("ann"), "+15559998888"]
        )
        states = {one["who"].get("pn", one["who"]["id"]): one for one in added["results"]}
        bob = states[str(rig.person("bob").jid)]
        assert (bob["status"], bob["code"]) == ("invited", 403)
        assert states[str(rig.person("ann").jid)]["code"] == 409
        assert states["15559998888@s.whatsapp.net"]["code"] == 404
        read = await rig.sandbox.until(
            lambda: next(
                (r for r in rig.person("bob").inbox if r.message.HasField("groupInviteMessage")), None
            ),
            "an invitation",
        )
        assert read.message.groupInviteMessage.inviteCode == bob["invite_code"]
        assert read.message.groupInviteMessage.groupName == "Shy"
        back = await rig.client.call("group.members", id=id, op="revoke_invite", who=[rig.number("bob")])
        assert back["results"][0]["status"] == "done"
    finally:
        rig.person("bob").account.privacy["groupadd"] = "all"


async def test_links_and_join_requests(rig: Rig) -> None:
    done = await made(rig, "Door", "ann", approval=True)
    id = done["group"]["id"]
    await rig.client.call("group.update", id=id, approval=True)
    link = (await rig.client.call("group.invite", id=id))["link"]
    fresh = (await rig.client.call("group.invite", id=id, op="reset"))["link"]
    assert link != fresh
    code = fresh.rpartition("/")[2]
    info = await rig.client.call("group.invite", op="info", link=f"{fresh}?mode=x")
    assert info["group"]["subject"] == "Door"
    bob = rig.person("bob")
    bob.group_iq(GROUP_SERVER, "set", Node("invite", {"code": code}))
    rig.sandbox.pump()
    asked = await rig.event("group.join_request", lambda data: data["group"]["id"] == id)
    assert (asked["op"], asked["who"][0]["pn"]) == ("requested", str(bob.jid))
    waiting = await rig.client.call("group.members", id=id, op="requests")
    assert waiting["requests"][0]["who"]["pn"] == str(bob.jid)
    done = await rig.client.call("group.members", id=id, op="approve", who=[rig.number("bob")])
    assert done["results"][0]["status"] == "done"
    held = await rig.client.call("group.get", id=id)
    assert str(bob.jid) in {one["pn"] for one in held["members"]}
    with pytest.raises(WaconndError) as dead:
        await rig.client.call("group.invite", op="join", link=link)
    assert dead.value.kind == "not_found"


async def test_the_list_is_kept_and_nothing_is_asked_for_a_message(rig: Rig) -> None:
    theirs = rig.sandbox.group("ann", "From Ann", ["me", "bob"])
    await rig.event("group.joined", lambda data: data["group"]["id"] == str(theirs.jid))
    asked: list[Node] = []
    rig.sandbox.watch(lambda what, device, node: asked.append(node))
    found = (await rig.client.call("group.list", members=True))["groups"]
    shown = next(one for one in found if one["id"] == str(theirs.jid))
    assert {one["pn"] for one in shown["members"]} == {
        str(rig.person(name).jid) for name in ("ann", "me", "bob")
    }
    for turn in range(3):
        await rig.client.call("message.send", to=str(theirs.jid), text=f"turn {turn}", wait="server")
    assert not [node for node in asked if node.text("xmlns") == "w:g2"]


async def test_a_server_that_wants_fewer_questions_fails_no_send(rig: Rig) -> None:
    theirs = rig.sandbox.group("ann", "Busy", ["me"])
    await rig.event("group.joined", lambda data: data["group"]["id"] == str(theirs.jid))
    rig.sandbox.world.notify(
        next(d for d in rig.person("me").account.devices.values() if d.number),
        "w:gp2",
        theirs.jid,
        [Node("missing_participant_identification")],
    )
    rig.sandbox.world.faults.iq_errors["w:g2"] = [429] * 9
    sent = await rig.client.call("message.send", to=str(theirs.jid), text="still", wait="server")
    rig.sandbox.world.faults.iq_errors.clear()
    assert sent["status"] in ("server_ack", "delivered")


async def test_a_label_of_ones_own(rig: Rig) -> None:
    theirs = rig.sandbox.group("ann", "Labels", ["me"])
    id = str(theirs.jid)
    await rig.event("group.joined", lambda data: data["group"]["id"] == id)
    view = await rig.client.call("group.update", id=id, label="the daemon")
    mine = next(one for one in view["members"] if one["pn"] == str(rig.person("me").jid))
    assert mine["label"] == "the daemon"


async def test_words_that_are_no_group(rig: Rig) -> None:
    for params in (
        {"id": "+15550001111"},
        {"id": "x@newsletter"},
        {},
        {"invite": "https://chat.whatsapp.com/?"},
    ):
        with pytest.raises(WaconndError) as refused:
            await rig.client.call("group.get", **params)
        assert refused.value.kind == "invalid_params"
