import pytest

from tests.interop.baileys import bare

BAILEYS = "Baileys ← sandbox"


@pytest.mark.row("pairs by QR code", BAILEYS)
async def test_qr(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        person = sandbox.people["ada"]
        assert ada.jid == str(person.account.pn)
        assert ada.lid == str(person.account.lid)
        device = person.account.devices[1]
        assert device.registration_id == (await ada.ask("me"))["registrationId"]
        # 812 uploaded; its phone took one to send it keys and history.
        assert len(device.pre_keys) == 811
        assert sandbox.world.complaints == []


@pytest.mark.row("pairs by link code", BAILEYS)
async def test_link_code(sandbox, client):
    async with client("ada") as ada:
        await ada.start()
        await ada.qr()
        code = await ada.ask("code", number=sandbox.people["ada"].account.user)
        await sandbox.enter_code("ada", code)
        await ada.opened()
        assert ada.jid == str(sandbox.people["ada"].account.pn)


@pytest.mark.row("is refused with a wrong link code", BAILEYS)
async def test_wrong_code(sandbox, client):
    async with client("ada") as ada:
        await ada.start()
        await ada.qr()
        code = await ada.ask("code", number=sandbox.people["ada"].account.user)
        wrong = ("1" if code[0] != "1" else "2") + code[1:]
        await sandbox.enter_code("ada", wrong)
        await sandbox.until(lambda: sandbox.people["ada"].phone.failures, "the phone's refusal")
        assert list(sandbox.people["ada"].account.devices) == [0]


@pytest.mark.row("rotates its QR codes; an old code is refused", BAILEYS)
async def test_expired_qr(sandbox, client):
    sandbox.world.knobs.first_ref, sandbox.world.knobs.next_ref, sandbox.world.knobs.refs = 1.0, 0.2, 2
    async with client("ada") as ada:
        await ada.start()
        old = await ada.qr()
        await ada.event("connection.update", lambda d: d.get("connection") == "close")
        with pytest.raises(Exception, match="scan a fresh one"):
            sandbox.scan("ada", old)


@pytest.mark.row("restarts from its own folder", BAILEYS)
async def test_restart(sandbox, client, tmp_path):
    async with client("ada", tmp_path / "auth") as ada:
        await ada.pair("ada")
        sandbox.say("bob", "ada", "before")
        await ada.text("before")
    async with client("ada", tmp_path / "auth") as ada:
        await ada.start()
        await ada.opened()
        sandbox.say("bob", "ada", "after")
        await ada.text("after")
        await ada.say(str(sandbox.people["bob"].jid), "still me")
        await sandbox.expect("bob", text="still me")


@pytest.mark.row("receives what was sent while it was offline, in order", BAILEYS)
async def test_offline(sandbox, client, tmp_path):
    async with client("ada", tmp_path / "auth") as ada:
        await ada.pair("ada")
    for number in range(30):
        sandbox.say("bob", "ada", f"missed {number}")
    async with client("ada", tmp_path / "auth") as ada:
        await ada.start()
        await ada.caught_up()
        await ada.text("missed 29")
        got = [
            (m.get("message") or {}).get("conversation")
            for event, data in ada.events
            if event == "messages.upsert"
            for m in data["messages"]
        ]
        assert [text for text in got if text] == [f"missed {n}" for n in range(30)]
        device = sandbox.people["ada"].account.devices[1]
        await sandbox.until(lambda: not device.queue or None, "an empty queue")


@pytest.mark.row("gets its offline queue in pieces, on request", BAILEYS)
async def test_pieces(sandbox, client, tmp_path):
    async with client("ada", tmp_path / "auth") as ada:
        await ada.pair("ada")
    sandbox.world.knobs.primer, sandbox.world.knobs.strict_batches = 5, True
    for number in range(40):
        sandbox.say("bob", "ada", f"piece {number}")
    async with client("ada", tmp_path / "auth") as ada:
        await ada.start()
        await ada.text("piece 39")
        await ada.caught_up()


@pytest.mark.row("is logged out by its phone", BAILEYS)
async def test_unlinked(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        sandbox.people["ada"].unlink(1)
        sandbox.pump()
        closed = await ada.event(
            "connection.update", lambda d: d.get("connection") == "close" and d["code"] != 515
        )
        assert closed["code"] == 401


@pytest.mark.row("logs itself out", BAILEYS)
async def test_logout(sandbox, client):
    async with client("ada") as ada:
        await ada.pair("ada")
        await ada.call("logout")
        account = sandbox.people["ada"].account
        await sandbox.until(lambda: list(account.devices) == [0] or None, "the device's removal")


@pytest.mark.row("is replaced by a second login", BAILEYS)
async def test_replaced(sandbox, client, tmp_path):
    async with client("ada", tmp_path / "auth") as ada, client("ada", tmp_path / "auth") as twin:
        await ada.pair("ada")
        await twin.start()
        await twin.opened()
        await ada.event("connection.update", lambda d: d.get("connection") == "close" and d["code"] == 440)
        assert bare(twin.jid) == ada.jid


@pytest.mark.row("hears each login failure as its code", BAILEYS)
async def test_failures(sandbox, client, tmp_path):
    async with client("ada", tmp_path / "auth") as ada:
        await ada.pair("ada")
    for reason in (402, 403, 405, 503):
        sandbox.people["ada"].lock(reason)
        async with client("ada", tmp_path / "auth") as ada:
            await ada.start()
            await ada.event("connection.update", lambda d, reason=reason: d.get("code") == reason)
    sandbox.people["ada"].lock(0)
    async with client("ada", tmp_path / "auth") as ada:
        await ada.start()
        await ada.opened()
