from base64 import b64decode, b64encode

import pytest

from tests.interop.baileys import text_of
from tests.support.pictures import JPEG

PAIR = "Baileys ↔ Baileys"


def buffer(data):
    """Bytes as Baileys' own JSON form knows them."""
    return {"type": "Buffer", "data": b64encode(data).decode()}


@pytest.mark.row("direct messages both ways, by number", PAIR)
async def test_dm(sandbox, client):
    async with client("ada") as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        for turn in range(3):
            await ada.say(bob.jid, f"to bob {turn}")
            assert (await bob.text(f"to bob {turn}"))["key"]["remoteJid"] == ada.jid
            await bob.say(ada.jid, f"to ada {turn}")
            assert (await ada.text(f"to ada {turn}"))["key"]["remoteJid"] == bob.jid
        assert sandbox.world.complaints == []


@pytest.mark.row("direct messages both ways, by hidden id", PAIR)
async def test_dm_by_lid(sandbox, client):
    async with client("ada") as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        await ada.say(bob.lid, "to bob")
        key = (await bob.text("to bob"))["key"]
        assert (key["remoteJid"], key["remoteJidAlt"]) == (ada.lid, ada.jid)
        await bob.say(ada.lid, "to ada")
        await ada.text("to ada")
        # The same session under both names.
        await bob.say(ada.jid, "by number")
        await ada.text("by number")


@pytest.mark.row("multi-device: every device of both sides", PAIR)
async def test_multi_device(sandbox, client):
    async with client("ada") as ada, client("ada") as second, client("bob") as bob:
        await ada.pair("ada")
        await second.pair("ada")
        await bob.pair("bob")
        await bob.say(ada.jid, "to all of ada")
        for device in (ada, second):
            assert (await device.text("to all of ada"))["key"]["remoteJid"] == bob.jid
        await sandbox.expect("ada", text="to all of ada")
        await ada.say(bob.jid, "from one of ada")
        await bob.text("from one of ada")
        copy = await second.text("from one of ada")
        assert copy["key"]["fromMe"] is True
        assert copy["key"]["remoteJid"] == bob.jid
        assert sandbox.world.complaints == []


@pytest.mark.row("a message to oneself reaches the other own devices", PAIR)
async def test_note_to_self(sandbox, client):
    async with client("ada") as ada, client("ada") as second:
        await ada.pair("ada")
        await second.pair("ada")
        await ada.say(ada.jid, "note")
        assert (await second.text("note"))["key"]["fromMe"] is True


@pytest.mark.row("image, video, voice, document, sticker: uploaded, downloaded, equal", PAIR)
async def test_media(sandbox, client):
    async with client("ada") as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        thumb = {"jpegThumbnail": ""}
        contents = {
            "imageMessage": {"image": buffer(JPEG), "caption": "look", **thumb},
            "documentMessage": {"document": buffer(b"%PDF-1.4 " * 999), "mimetype": "application/pdf", "fileName": "a.pdf"},
            "audioMessage": {"audio": buffer(b"OggS" + bytes(4096)), "ptt": True, "mimetype": "audio/ogg; codecs=opus", "seconds": 2},
            "videoMessage": {"video": buffer(bytes(70000)), **thumb},
            "stickerMessage": {"sticker": buffer(b"RIFF" + bytes(500))},
        }  # fmt: skip
        for member, content in contents.items():
            sent = await ada.ask("send", to=bob.jid, content=content)
            id = sent["key"]["id"]
            got = await bob.message(lambda m, wanted=id: m["key"]["id"] == wanted and m["message"])
            assert member in got["message"]
            body = next(v["data"] for v in content.values() if isinstance(v, dict))
            assert await bob.ask("download", id=id) == body
        assert sandbox.world.blobs.uploads == len(contents)


@pytest.mark.row("a phone's image downloads; a Baileys image opens on the phone", "Baileys ↔ phone")
async def test_media_with_phone(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        id = sandbox.person("bob").send_media(sandbox.address("ada"), "image", JPEG, caption="hi")
        sandbox.pump()
        await ada.message(lambda m: m["key"]["id"] == id and m["message"]["imageMessage"]["caption"] == "hi")
        assert b64decode(await ada.ask("download", id=id)) == JPEG
        await ada.ask(
            "send", to=str(sandbox.address("bob")), content={"image": buffer(JPEG), "jpegThumbnail": ""}
        )
        read = await sandbox.expect("bob", kind="image")
        assert sandbox.person("bob").open_media(read.message) == JPEG


@pytest.mark.row("delivered, read and played receipts", PAIR)
async def test_receipts(sandbox, client):
    async with client("ada") as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        sent = await ada.say(bob.jid, "tick")
        id = sent["key"]["id"]
        got = await bob.text("tick")
        await ada.reached(id, 3)
        await bob.call("readMessages", [got["key"]])
        await ada.reached(id, 4)
        voice = await ada.ask(
            "send", to=bob.jid, content={"audio": buffer(b"OggS" + bytes(900)), "ptt": True, "seconds": 1}
        )
        id = voice["key"]["id"]
        heard = await bob.message(lambda m: m["key"]["id"] == id)
        await bob.call("sendReceipt", heard["key"]["remoteJid"], None, [id], "played")
        await ada.reached(id, 5)


@pytest.mark.row("reaction, edit, revoke, poll", PAIR)
async def test_kinds(sandbox, client):
    async with client("ada") as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        sent = await ada.say(bob.jid, "first")
        got = await bob.text("first")
        await bob.ask("send", to=ada.jid, content={"react": {"text": "👍", "key": got["key"]}})
        await ada.event("messages.reaction", lambda d: d[0]["reaction"]["text"] == "👍")
        await ada.ask("send", to=bob.jid, content={"text": "second", "edit": sent["key"]})
        await bob.event("messages.update", lambda d: "second" in str(d))
        await ada.ask("send", to=bob.jid, content={"delete": sent["key"]})
        await bob.event("messages.update", lambda d: d[0]["update"]["messageStubType"] == 1)
        poll = {"name": "Lunch?", "values": ["yes", "no"], "selectableCount": 1}
        await ada.ask("send", to=bob.jid, content={"poll": poll})
        await bob.message(lambda m: "pollCreationMessageV3" in m["message"])


@pytest.mark.row("a quoted reply and a mention", PAIR)
async def test_quote(sandbox, client):
    async with client("ada") as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        await ada.say(bob.jid, "question")
        got = await bob.text("question")
        await bob.ask(
            "send", to=ada.jid, content={"text": "answer", "mentions": [ada.jid]}, options={"quoted": got}
        )
        reply = await ada.text("answer")
        context = reply["message"]["extendedTextMessage"]["contextInfo"]
        assert context["stanzaId"] == got["key"]["id"]
        assert context["mentionedJid"] == [ada.jid]


@pytest.mark.row("retries after the receiver lost its session", PAIR)
async def test_retry(sandbox, client):
    async with client("ada") as ada, client("bob") as bob:
        await ada.pair("ada")
        await bob.pair("bob")
        for turn in range(2):
            await ada.say(bob.jid, f"a{turn}")
            await bob.text(f"a{turn}")
            await bob.say(ada.jid, f"b{turn}")
            await ada.text(f"b{turn}")
        device = sandbox.people["ada"].account.devices[1]
        await bob.ask("forget", addresses=[f"{device.lid.user}_1.1"])
        await ada.say(bob.jid, "again, please")
        await bob.text("again, please")


@pytest.mark.row("answers a retry that a phone asks for", "Baileys ↔ phone")
async def test_retry_for_phone(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        bob = sandbox.person("bob")
        await ada.say(str(bob.jid), "opens")
        await sandbox.expect("bob", text="opens")
        bob.phone.demand_retries = 1
        await ada.say(str(bob.jid), "comes twice")
        await sandbox.expect("bob", text="comes twice")


@pytest.mark.row("a ciphertext that was changed on its way is sent again", "Baileys ← phone")
async def test_corrupted(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        sandbox.say("bob", "ada", "warm up")
        await ada.text("warm up")
        sandbox.fault("corrupt", tag="message", user=sandbox.people["ada"].account.user)
        sandbox.say("bob", "ada", "healed")
        await ada.text("healed")


@pytest.mark.row("a contact's new identity does not end the talk", "Baileys ↔ phone")
async def test_identity_change(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        sandbox.say("bob", "ada", "old phone")
        await ada.text("old phone")
        sandbox.person("bob").reinstall()
        sandbox.pump()
        sandbox.say("bob", "ada", "new phone")
        await ada.text("new phone")
        await ada.say(str(sandbox.address("bob")), "welcome back")
        await sandbox.expect("bob", text="welcome back")


@pytest.mark.row("presence and typing", "Baileys ↔ phone")
async def test_presence(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        bob = sandbox.person("bob")
        await ada.call("sendPresenceUpdate", "available")
        await ada.call("presenceSubscribe", str(bob.jid))
        bob.appear()
        sandbox.pump()
        await ada.event("presence.update", lambda d: "available" in str(d["presences"]))
        bob.type_to(sandbox.address("ada"))
        sandbox.pump()
        await ada.event("presence.update", lambda d: "composing" in str(d["presences"]))


@pytest.mark.row("a call rings and is rejected", "Baileys ↔ phone")
async def test_call(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        call_id = sandbox.person("bob").call(sandbox.address("ada"))
        sandbox.pump()
        offer = (await ada.event("call", lambda d: d[0]["id"] == call_id and d[0]["status"] == "offer"))[0]
        await ada.call("rejectCall", offer["id"], offer["from"])
        await sandbox.until(lambda: sandbox.person("bob").calls or None, "the rejection")


@pytest.mark.row("a status reaches contacts", "Baileys ↔ phone")
async def test_status(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        sandbox.person("bob").post_status("all well")
        sandbox.pump()
        got = await ada.text("all well")
        assert got["key"]["remoteJid"] == "status@broadcast"
        everyone = [str(sandbox.address(name)) for name in ("bob", "carl")]
        await ada.ask(
            "send", to="status@broadcast", content={"text": "me too"}, options={"statusJidList": everyone}
        )
        for name in ("bob", "carl"):
            await sandbox.expect(name, text="me too")


@pytest.mark.row("a person answers by itself", "Baileys ↔ phone")
async def test_scripted(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        sandbox.rule("bob", r"^ping (\w+)$", answer=r"pong \1", react="🏓", read=True)
        await ada.say(str(sandbox.address("bob")), "ping one")
        assert text_of(await ada.text("pong one"))
        await ada.event("messages.reaction", lambda d: d[0]["reaction"]["text"] == "🏓")
