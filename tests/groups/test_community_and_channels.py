"""community.* and channel.*, against a real daemon and the sandbox."""

import pytest

from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError


async def test_a_community_and_its_groups(rig: Rig) -> None:
    made = await rig.client.call("community.update", op="create", subject="Village", description="All of us")
    id = made["community"]["id"]
    assert made["community"]["community"] is True
    group = (await rig.client.call("group.create", subject="Cooks"))["group"]["id"]
    linked = await rig.client.call(
        "community.update", op="link", id=id, groups=[group, "120363000000000009@g.us"]
    )
    assert [(one["group"], one["done"]) for one in linked["links"]] == [
        (group, True),
        ("120363000000000009@g.us", False),
    ]
    await rig.event("group.updated", lambda data: data["changed"].get("parent") == id)
    listed = await rig.client.call("community.update", op="list", id=id)
    assert group in {one["id"] for one in listed["groups"]}
    assert sum(bool(one.get("announcement_group")) for one in listed["groups"]) == 1
    assert (await rig.client.call("group.get", id=group))["parent"] == id
    members = await rig.client.call("community.update", op="members", id=id)
    assert str(rig.person("me").jid) in {one["pn"] for one in members["members"]}
    await rig.client.call("community.update", op="unlink", id=id, groups=[group])
    await rig.event("group.updated", lambda data: data["changed"].get("parent") == "")
    assert "parent" not in await rig.client.call("group.get", id=group)
    await rig.client.call("community.update", op="dissolve", id=id)
    await rig.event("group.left", lambda data: data["group"]["id"] == id and data["reason"] == "deleted")


async def test_a_channel_of_ones_own(rig: Rig) -> None:
    made = await rig.client.call("channel.update", op="create", name="News", description="of the day")
    channel = made["channel"]
    assert (channel["name"], channel["role"]) == ("News", "owner")
    await rig.event("channel.joined", lambda data: data["chat"]["id"] == channel["id"])
    sent = await rig.client.call("message.send", to=channel["id"], text="extra, extra", wait="server")
    assert sent["server_id"]
    read = await rig.client.call("channel.update", op="messages", id=channel["id"])
    assert read["messages"][-1]["body"] == {"kind": "text", "text": "extra, extra"}
    assert read["messages"][-1]["server_id"] == sent["server_id"]
    await rig.client.call(
        "channel.update", op="react", id=channel["id"], server_id=sent["server_id"], emoji="👍"
    )
    counted = await rig.event("channel.updated", lambda data: data["keys"] == ["posts"])
    assert counted["posts"] == [{"server_id": sent["server_id"], "reactions": {"👍": 1}}]
    read = await rig.client.call("channel.update", op="messages", id=channel["id"])
    assert read["messages"][-1]["reactions"] == {"👍": 1}
    await rig.client.call("channel.update", op="viewed", id=channel["id"], server_ids=[sent["server_id"]])
    listed = await rig.client.call("channel.list")
    assert channel["id"] in {one["id"] for one in listed["channels"]}
    by_link = await rig.client.call("channel.get", link=channel["link"])
    assert by_link["id"] == channel["id"]
    assert (await rig.client.call("channel.update", op="watch", id=channel["id"]))["for_s"] == 300
    await rig.client.call("channel.update", op="delete", id=channel["id"])
    assert (await rig.event("channel.left", lambda data: data["chat"]["id"] == channel["id"]))["reason"]


async def test_following(rig: Rig) -> None:
    from waconnd.sandbox import channels

    theirs = channels.create(rig.sandbox.world, rig.person("ann").account, "Ann's", "")
    id = str(theirs.jid)
    followed = await rig.client.call("channel.update", op="follow", id=id)
    assert (followed["channel"]["role"], followed["channel"].get("muted", False)) == ("subscriber", False)
    await rig.client.call("channel.update", op="mute", id=id)
    await rig.event("channel.updated", lambda data: data.get("changed", {}).get("muted") is True)
    found = next(one for one in (await rig.client.call("channel.list"))["channels"] if one["id"] == id)
    assert found["muted"] is True
    await rig.client.call("channel.update", op="unmute", id=id)
    await rig.client.call("channel.update", op="unfollow", id=id)
    left = await rig.event("channel.left", lambda data: data["chat"]["id"] == id)
    assert left["reason"] == "unfollowed"
    with pytest.raises(WaconndError) as missing:
        await rig.client.call("channel.get", id="120363999999999999@newsletter")
    assert missing.value.kind == "not_found"
