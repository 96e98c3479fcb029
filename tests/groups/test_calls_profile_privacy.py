"""call.*, profile.*, privacy.*, contact.block, against a real daemon and the sandbox."""

import base64

import pytest

from protocol.jid import SERVER
from protocol.node import Node
from tests.support.daemons import Rig
from tests.support.pictures import JPEG
from waconnd.client.aio import WaconndError


async def test_a_call_is_told_and_refused_with_a_word(rig: Rig) -> None:
    ann, me = rig.person("ann"), rig.person("me")
    call_id = ann.call(me.jid, video=True)
    rig.sandbox.pump()
    offer = await rig.event("call.offer", lambda data: data["call_id"] == call_id)
    assert (offer["media"], offer["from"]["pn"]) == ("video", str(ann.jid))
    done = await rig.client.call("call.reject", call_id=call_id, message="Please write.")
    assert done["ok"] and done["message_id"]
    await rig.sandbox.until(
        lambda: [node for node in ann.calls if node.child("reject") is not None], "a rejection"
    )
    await rig.sandbox.expect("ann", text="Please write.")
    with pytest.raises(WaconndError) as unknown:
        await rig.client.call("call.reject", call_id="0" * 32)
    assert unknown.value.kind == "not_found"


async def test_a_call_that_nobody_took(rig: Rig) -> None:
    ann, me = rig.person("ann"), rig.person("me")
    call_id = ann.call(me.jid)
    rig.sandbox.pump()
    await rig.event("call.offer", lambda data: data["call_id"] == call_id)
    over = Node("terminate", {"call-id": call_id, "call-creator": ann.phone.device.lid, "reason": "timeout"})
    ann.phone.submit(Node("call", {"to": me.account.lid, "id": ann.phone.new_id()}, [over]))
    rig.sandbox.world.settle()
    rig.sandbox.pump()
    missed = await rig.event("call.missed", lambda data: data["call_id"] == call_id)
    assert missed["media"] == "voice"


async def test_a_call_taken_on_the_phone(rig: Rig) -> None:
    ann, me = rig.person("ann"), rig.person("me")
    call_id = ann.call(me.jid)
    rig.sandbox.pump()
    await rig.event("call.offer", lambda data: data["call_id"] == call_id)
    took = Node("accept", {"call-id": call_id, "call-creator": ann.phone.device.lid})
    me.phone.submit(Node("call", {"to": ann.phone.device.lid, "id": me.phone.new_id()}, [took]))
    rig.sandbox.world.settle()
    rig.sandbox.pump()
    ended = await rig.event("call.ended", lambda data: data["call_id"] == call_id)
    assert ended["reason"] == "accepted_elsewhere"


async def test_a_link_to_calls(rig: Rig) -> None:
    voice = await rig.client.call("call.link", kind="voice")
    video = await rig.client.call("call.link", kind="video")
    assert voice["link"].startswith("https://call.whatsapp.com/voice/")
    assert video["link"].startswith("https://call.whatsapp.com/video/")


async def test_our_own_profile(rig: Rig) -> None:
    data = base64.b64encode(JPEG).decode()
    shown = await rig.client.call("profile.set", about="At work", picture={"data": data})
    assert (shown["about"], bool(shown["picture_id"])) == ("At work", True)
    me = rig.person("me").account
    assert (me.about, me.picture is not None) == ("At work", True)
    assert shown["number"] == f"+{me.user}"
    named = await rig.client.call("profile.set", name="The daemon")
    assert named["name"] == "The daemon"
    kept = rig.person("me").phone.state.values("critical_block")[("setting_pushName",)]
    assert kept.pushNameSetting.name == "The daemon"
    rig.sandbox.pump()
    assert (await rig.client.account.get(account="main"))["me"]["name"] == "The daemon"
    gone = await rig.client.call("profile.set", remove_picture=True)
    assert "picture_id" not in gone


async def test_what_others_change_about_themselves(rig: Rig) -> None:
    ann = rig.person("ann")
    rig.sandbox.say("ann", "me", "hi")
    rig.sandbox.pump()
    await rig.event("message.received", lambda data: data["body"].get("text") == "hi")
    ann.set_picture(JPEG)
    rig.sandbox.pump()
    told = await rig.event("contact.updated", lambda data: "picture" in data)
    assert told["contact"]["pn"] == str(ann.jid)
    ann.phone.submit(
        Node(
            "iq",
            {"to": SERVER, "type": "set", "xmlns": "status", "id": ann.phone.new_id()},
            [Node("status", {}, b"On a boat")],
        )
    )
    rig.sandbox.world.settle()
    rig.sandbox.pump()
    await rig.event("contact.updated", lambda data: data.get("about") == "On a boat")
    theirs = await rig.client.call("profile.get", id=rig.number("ann"))
    assert (theirs["about"], bool(theirs["picture_id"])) == ("On a boat", True)
    assert (theirs["name"], theirs["number"]) == ("ann", rig.number("ann"))
    assert theirs["id"] == theirs["lid"] == str(ann.account.lid)


async def test_privacy_is_read_set_and_follows_the_phone(rig: Rig) -> None:
    before = await rig.client.call("privacy.get")
    assert before["last_seen"] in ("all", "contacts", "none")
    after = await rig.client.call(
        "privacy.set", last_seen="none", read_receipts="none", default_timer_s=86400
    )
    assert (after["last_seen"], after["read_receipts"], after["default_timer_s"]) == ("none", "none", 86400)
    assert rig.person("me").account.privacy["last"] == "none"
    me = rig.person("me")
    change = Node("category", {"name": "online", "value": "match_last_seen"})
    me.phone.submit(
        Node(
            "iq",
            {"to": SERVER, "type": "set", "xmlns": "privacy", "id": me.phone.new_id()},
            [Node("privacy", {}, [change])],
        )
    )
    rig.sandbox.world.settle()
    rig.sandbox.pump()
    await rig.event(
        "settings.changed", lambda data: data["name"] == "privacy" and data["value"]["online"] != "all"
    )
    assert (await rig.client.call("privacy.get"))["online"] == "match_last_seen"
    await rig.client.call("privacy.set", read_receipts="all")
    with pytest.raises(WaconndError) as refused:
        await rig.client.call("privacy.set", last_seen="friends")
    assert refused.value.kind == "invalid_params"


async def test_blocking(rig: Rig) -> None:
    bob = rig.person("bob")
    done = await rig.client.call("contact.block", id=rig.number("bob"), on=True)
    assert [one["pn"] for one in done["blocked"]] == [str(bob.jid)]
    told = await rig.event("blocklist.changed", lambda data: bool(data.get("blocked")))
    assert (told["blocked"][0]["pn"], told["size"]) == (str(bob.jid), 1)
    assert bob.account.user in rig.person("me").account.blocked
    listed = await rig.client.call("contact.block", refresh=True)
    assert listed["size"] == 1
    done = await rig.client.call("contact.block", id=rig.number("bob"), on=False)
    assert done["size"] == 0
    assert bob.account.user not in rig.person("me").account.blocked
