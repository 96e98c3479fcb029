import contextlib

import pytest

from tests.interop.test_baileys_messages import buffer
from tests.support.pictures import JPEG
from waconnd.sandbox.history import RECENT_MESSAGES

PHONE = "Baileys ↔ phone"


@pytest.mark.row("history: chats, messages, names, mappings; inline and as media", "Baileys ← phone")
async def test_history(sandbox, client):
    bob = sandbox.person("bob")
    for number in range(12):
        bob.say(sandbox.address("ada"), f"long ago {number}")
    async with client("ada") as ada:
        await ada.pair("ada")
        await ada.event(
            "messaging-history.set", lambda d: d["syncType"] == 0 and "long ago 11" in str(d["messages"])
        )
        await ada.event(
            "messaging-history.set", lambda d: d["syncType"] == 3 and "long ago 0" in str(d["messages"])
        )
        await ada.event("messaging-history.set", lambda d: "carl" in str(d["contacts"]))


@pytest.mark.row("older messages on demand", "Baileys ← phone")
async def test_on_demand(sandbox, client):
    bob = sandbox.person("bob")
    # So many that the phone keeps the first ones back: Baileys tells no message of history twice.
    ids = [bob.say(sandbox.address("ada"), f"old {number}") for number in range(RECENT_MESSAGES + 20)]
    async with client("ada") as ada:
        await ada.pair("ada")
        oldest = {"remoteJid": str(bob.account.lid), "id": ids[8], "fromMe": False}
        await ada.call("fetchMessageHistory", 3, oldest, int(sandbox.clock()))
        found = await ada.event("messaging-history.set", lambda d: d["syncType"] == 6)
        assert [m["key"]["id"] for m in found["messages"]] == [ids[7], ids[6], ids[5]]


@pytest.mark.row("app state from the phone: name, contacts, a mute", "Baileys ← phone")
async def test_state_from_phone(sandbox, client):
    from protocol.pb.sync_pb2 import SyncActionValue

    async with client("ada") as ada:
        await ada.pair("ada")
        await ada.event("contacts.upsert", lambda d: "carl" in str(d))
        phone = sandbox.person("ada").phone
        value = SyncActionValue()
        value.muteAction.muted = True
        value.muteAction.muteEndTimestamp = int(sandbox.clock() + 3600) * 1000
        phone.state.set("regular_high", ("mute", str(sandbox.address("bob"))), value)
        sandbox.pump()
        await ada.event("chats.update", lambda d: d[0]["muteEndTime"])


@pytest.mark.row("app state to the phone and to the other device", "Baileys ↔ Baileys")
async def test_state_to_phone(sandbox, client):
    async with contextlib.AsyncExitStack() as stack:
        ada = await stack.enter_async_context(client("ada"))
        second = await stack.enter_async_context(client("ada"))
        await ada.pair("ada")
        await second.pair("ada")
        bob = str(sandbox.address("bob"))
        await ada.call("chatModify", {"pin": True}, bob)
        await second.event("chats.update", lambda d: d[0]["id"] == bob and d[0]["pinned"])
        phone = sandbox.person("ada").phone
        pinned = phone.state.values("regular_low")
        assert pinned["pin_v1", bob].pinAction.pinned is True
        # Both write at once: the second meets a conflict, takes the first's patch and writes again.
        await ada.call("chatModify", {"mute": 8 * 3600 * 1000}, bob)
        await second.call("chatModify", {"mute": None}, bob)
        assert ("mute", bob) in phone.state.values("regular_high")


@pytest.mark.row("privacy settings, block list, default timer", PHONE)
async def test_privacy(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        account = sandbox.person("ada").account
        await ada.call("updateLastSeenPrivacy", "contacts")
        assert account.privacy["last"] == "contacts"
        assert (await ada.call("fetchPrivacySettings", True))["last"] == "contacts"
        await ada.call("updateBlockStatus", str(sandbox.address("bob")), "block")
        assert list(account.blocked) == [sandbox.address("bob").user]
        assert await ada.call("fetchBlocklist") == [str(sandbox.person("bob").account.lid)]
        sandbox.say("bob", "ada", "unheard")
        await ada.call("updateBlockStatus", str(sandbox.address("bob")), "unblock")
        sandbox.say("bob", "ada", "heard")
        await ada.text("heard")
        assert "unheard" not in [t for _, d in ada.events for t in [str(d)] if "unheard" in t]
        await ada.call("updateDefaultDisappearingMode", 86400)
        assert account.default_timer == 86400


@pytest.mark.row("profile picture and about text", PHONE)
async def test_profile(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        await ada.call("updateProfileStatus", "at work")
        assert sandbox.person("ada").account.about == "at work"
        sandbox.person("bob").set_picture(JPEG)
        sandbox.pump()
        await ada.event("contacts.update", lambda d: d[0]["imgUrl"] == "changed")
        url = await ada.call("profilePictureUrl", str(sandbox.address("bob")), "image")
        assert sandbox.world.blobs.hosts[0] in url
        found = await ada.call("onWhatsApp", sandbox.address("bob").user, "19990000000")
        assert [f["exists"] for f in found][:1] == [True]


@pytest.mark.row("a contact's hidden id changes", PHONE)
async def test_new_lid(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        bob = sandbox.person("bob")
        bob.change_lid("100000000009999")
        sandbox.pump()
        sandbox.say("bob", "ada", "new name")
        got = await ada.text("new name")
        assert got["key"]["remoteJid"] == "100000000009999@lid"


@pytest.mark.row("prekeys run low: it uploads more", PHONE)
async def test_prekeys_low(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        device = sandbox.person("ada").account.devices[1]
        for id in list(device.pre_keys)[:-3]:
            del device.pre_keys[id]
        sandbox.say("bob", "ada", "takes one")
        await ada.text("takes one")
        await sandbox.until(lambda: len(device.pre_keys) > 3 or None, "fresh prekeys")


@pytest.mark.row("media: the first host fails, an old auth is refused", "Baileys → sandbox")
async def test_hosts(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        sandbox.world.blobs.refuse = [503]
        await ada.ask(
            "send", to=str(sandbox.address("bob")), content={"image": buffer(JPEG), "jpegThumbnail": ""}
        )
        await sandbox.expect("bob", kind="image")


@pytest.mark.row("a file is gone: the phone uploads it again", "Baileys ← phone")
async def test_media_retry(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        id = sandbox.person("bob").send_media(sandbox.address("ada"), "image", JPEG)
        sandbox.pump()
        got = await ada.message(lambda m: m["key"]["id"] == id and m["message"])
        sandbox.world.blobs.drop(got["message"]["imageMessage"]["directPath"])
        fresh = await ada.ask("upload_again", id=id)
        assert fresh["message"]["imageMessage"]["url"]
        assert await ada.ask("download", id=id) == buffer(JPEG)["data"]
