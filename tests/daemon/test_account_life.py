"""The life of an account, with a real daemon process and a sandbox that misbehaves on demand."""

from __future__ import annotations

import asyncio
import time

import pytest

from protocol.node import Node
from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError
from waconnd.sandbox.session import stream_error


@pytest.fixture
async def rig(tmp_path):
    async with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture
async def bare(tmp_path):
    async with Rig(tmp_path, pair=False) as rig:
        yield rig


def links(rig):
    """The daemon's connections at the server."""
    return [link for link in rig.sandbox.world.links.values() if link.device and link.device.number]


async def state(rig, word, seconds=15):
    return await rig.client.call("account.wait", account="main", state=word, timeout_s=seconds)


async def test_create_is_idempotent_and_names_have_a_grammar(bare):
    first = await bare.client.call("account.create", account="shop", labels={"tenant": "7"})
    again = await bare.client.call("account.create", account="shop", labels={"tenant": "7"})
    assert first["account"] == again["account"] == "shop" and again["labels"] == {"tenant": "7"}
    with pytest.raises(WaconndError, match="other labels"):
        await bare.client.call("account.create", account="shop", labels={"tenant": "8"})
    for name in ("", "Shop", "../x", "a" * 40, "-x", "ü"):
        with pytest.raises(WaconndError, match="is no name"):
            await bare.client.call("account.create", account=name)


async def test_a_window_ends_harmlessly_and_can_be_asked_for_again(bare):
    await bare.client.call("account.create", account="main")
    first = await bare.client.call("pair.qr", account="main")
    joined = await bare.client.call("pair.qr", account="main", svg=True, png=True, ascii=True, data_url=True)
    assert joined["code"] == first["code"], "a second call joins the open window"
    assert joined["svg"].startswith("<svg") and joined["data_url"].startswith("data:image/png;base64,iVBOR")
    assert (await bare.client.call("pair.cancel", account="main"))["state"] == "unlinked"
    await state(bare, "unlinked")
    second = await bare.client.call("pair.qr", account="main")
    assert second["code"] != first["code"]
    bare.sandbox.scan("me", second["code"])
    await bare.ready()


async def test_the_wrong_phone_is_refused(bare):
    await bare.client.call("account.create", account="main")
    wanted = bare.number("ann")
    code = await bare.client.call("pair.qr", account="main", expect=wanted)
    bare.sandbox.scan("me", code["code"])
    failed = await bare.event("account.state", lambda data: data.get("reason") == "wrong_phone")
    assert "Another phone" in failed["advice"]
    code = await bare.client.call("pair.qr", account="main", expect=wanted)
    bare.sandbox.scan("ann", code["code"])
    await bare.ready()


async def test_by_link_code(bare):
    await bare.client.call("account.create", account="main")
    shown = await bare.client.call("pair.code", account="main", phone=bare.number("me"))
    again = await bare.client.call("pair.code", account="main", phone=bare.number("me"))
    assert again["code"] == shown["code"], "a second request would kill the first code"
    await bare.sandbox.enter_code("me", shown["code"])
    await bare.ready()


async def test_paired_twice_needs_fresh_and_keeps_the_old_keys(rig):
    with pytest.raises(WaconndError, match="linked already"):
        await rig.client.call("pair.qr", account="main")
    code = await rig.client.call("pair.qr", account="main", fresh=True)
    aside = [
        path for path in (rig.folder / "state/accounts").iterdir() if path.name.startswith(".aside-main")
    ]
    assert len(aside) == 1 and (aside[0] / "creds.json").exists()
    rig.sandbox.scan("me", code["code"])
    await rig.ready()


async def test_change_number_in_one_call(rig):
    code = await rig.client.call("account.change_number", account="main")
    rig.sandbox.scan("bob", code["code"])
    await rig.ready()
    account = await rig.client.call("account.get", account="main")
    assert account["me"]["number"] == rig.number("bob")


async def test_stop_is_remembered_over_a_restart(rig):
    stopped = await rig.client.call("account.stop", account="main")
    assert stopped["state"] == "stopped"
    await rig.kill()
    await rig.start()
    await asyncio.sleep(0.5)
    assert (await rig.client.call("account.get", account="main"))["state"] == "stopped"
    assert not links(rig)
    await rig.client.call("account.start", account="main")
    await rig.ready()


async def test_a_send_while_stopped_waits_and_leaves_when_started(rig):
    await rig.client.call("account.stop", account="main")
    sent = await rig.client.call(
        "message.send", account="main", to=rig.number("ann"), text="later", wait="queued"
    )
    assert sent["status"] == "queued"
    await rig.client.call("account.start", account="main")
    await rig.sandbox.expect("ann", text="later")


async def test_killed_right_after_its_login_it_needs_no_new_code(bare):
    await bare.client.call("account.create", account="main")
    code = await bare.client.call("pair.qr", account="main")
    bare.sandbox.scan("me", code["code"])
    await bare.sandbox.until(lambda: links(bare), "login", 10)
    await bare.kill()
    await bare.start()
    await bare.ready()
    rows = await bare.events("pair.succeeded")
    assert len(rows) == 1


async def test_another_holder_is_not_fought(rig):
    [link] = links(rig)
    stream_error(rig.sandbox.world, link, None, Node("conflict", {"type": "replaced"}))
    rig.sandbox.pump()
    account = await state(rig, "conflict")
    assert (
        account["reason"] == "replaced"
        and not account["transient"]
        and "Another program" in account["advice"]
    )
    await asyncio.sleep(1.0)
    assert not links(rig), "it stays away"
    await rig.kill()
    await rig.start()
    await asyncio.sleep(0.5)
    assert (await rig.client.call("account.get", account="main"))["state"] == "conflict"
    await rig.client.call("account.start", account="main")
    await rig.ready()


async def test_a_ban_is_waited_for(rig):
    me = rig.person("me")
    me.lock(402, code="101", expire="3600")
    await rig.client.call("account.reconnect", account="main")
    account = await state(rig, "limited")
    assert account["reason"] == "temporary_ban" and "until" in account and "address book" in account["advice"]
    await rig.kill()
    await rig.start()
    assert (await rig.client.call("account.get", account="main"))["state"] == "limited"


async def test_an_outdated_client_waits_and_says_so(rig):
    rig.person("me").lock(405)
    await rig.client.call("account.reconnect", account="main")
    account = await state(rig, "waiting")
    assert account["reason"] == "client_outdated" and not account["transient"] and "next_retry_at" in account
    rig.person("me").lock(0)
    await rig.client.call("account.start", account="main")
    await rig.ready()


async def test_unlinked_by_the_phone_it_asks_for_a_new_code_and_keeps_the_keys(rig):
    device = links(rig)[0].device
    rig.person("me").unlink(device.number)
    rig.sandbox.pump()
    account = await state(rig, "logged_out")
    assert account["reason"] == "device_removed" and "Pair the account again" in account["advice"]
    assert (rig.folder / "state/accounts/main").is_dir()
    assert (await rig.event("account.logged_out"))["by"] == "phone"
    code = await rig.client.call("pair.qr", account="main")
    rig.sandbox.scan("me", code["code"])
    await rig.ready()


async def test_logout_tells_the_server_and_fails_what_waits(rig):
    later = "2099-01-01T00:00:00Z"
    row = await rig.client.call(
        "message.send", account="main", to=rig.number("ann"), text="never", wait="queued", not_before=later
    )
    result = await rig.client.call("account.logout", account="main")
    assert result == {"unlinked": True, "confirmed": True}
    assert not [d for d in rig.person("me").account.devices.values() if d.number]
    assert (await rig.client.call("account.get", account="main"))["state"] == "unlinked"
    entry = await rig.client.call("outbox.get", account="main", outbox_id=row["outbox_id"])
    assert entry["status"] == "failed"


async def test_a_refused_upgrade_is_tried_again(rig):
    rig.sandbox.listener.refuse_upgrade = 503
    await rig.client.call("account.reconnect", account="main")
    account = await state(rig, "waiting")
    assert account["reason"] == "upgrade_failed" and account["code"] == 503
    rig.sandbox.listener.refuse_upgrade = 0
    await rig.client.call("account.reconnect", account="main")
    await rig.ready()


async def test_a_lost_link_is_back_at_once(rig):
    before = (await rig.client.call("account.get", account="main"))["last_connect_at"]
    [link] = links(rig)
    rig.sandbox.listener.cut(link)
    started = time.monotonic()
    while (await rig.client.call("account.get", account="main"))["last_connect_at"] == before:
        assert time.monotonic() - started < 5
        await asyncio.sleep(0.01)
    await rig.ready()


async def test_damage_stops_one_account_and_no_other(rig):
    await rig.client.call("account.create", account="other")
    await rig.stop()
    creds = rig.folder / "state/accounts/main/creds.json"
    kept = creds.read_bytes()
    creds.write_bytes(kept[: len(kept) // 2])
    await rig.start()
    broken = await rig.client.call("account.get", account="main")
    assert (
        broken["state"] == "failed"
        and broken["reason"] == "auth_damaged"
        and "creds.json" in broken["advice"]
    )
    assert (await rig.client.call("account.get", account="other"))["state"] == "unlinked"
    assert creds.read_bytes() == kept[: len(kept) // 2], "not a byte was changed"
    with pytest.raises(WaconndError):
        await rig.client.call("message.send", account="main", to=rig.number("ann"), text="x")
    told = await rig.event("account.auth_damaged")
    assert (told["file"], told["advice"]) == ("creds.json", broken["advice"])
    creds.write_bytes(kept)
    await rig.client.call("account.start", account="main")
    await rig.ready()


async def test_damage_that_nothing_repairs_ends_with_a_new_link(rig):
    """History and outbox stay the account's; the damaged files are kept, whole."""
    rig.sandbox.say("ann", "me", "before")
    await rig.event("message.received", lambda data: data["body"]["text"] == "before")
    await rig.stop()
    (rig.folder / "state/accounts/main/manifest.json").write_bytes(b"{")
    await rig.start()
    with pytest.raises(WaconndError, match="waconnd pair --fresh"):
        await rig.client.call("pair.qr", account="main")
    shown = await rig.client.call("pair.qr", account="main", fresh=True)
    rig.sandbox.scan("me", shown["code"])
    await rig.ready()
    [kept] = (rig.folder / "state/accounts").glob(".aside-main-*")
    assert (kept / "manifest.json").read_bytes() == b"{"
    assert (kept / "creds.json").exists()
    assert (await rig.events("message.received"))[0]["data"]["body"]["text"] == "before"


async def test_remove_keeps_the_keys_aside(rig):
    with pytest.raises(WaconndError, match="confirm"):
        await rig.client.call("account.remove", account="main", confirm="mian")
    gone = await rig.client.call("account.remove", account="main", confirm="main")
    assert gone["removed"] and ".aside-main" in gone["kept"]
    assert (await rig.client.call("account.list"))["accounts"] == []


async def test_the_log_tells_the_story_without_numbers_or_texts(rig):
    canary = "the cat sat on the mat 8841"
    await rig.client.call("message.send", account="main", to=rig.number("ann"), text=canary)
    rig.sandbox.say("ann", "me", canary)
    await rig.event("message.received", lambda data: data["body"].get("text") == canary)
    log = rig.log()
    assert canary not in log
    assert rig.number("ann").lstrip("+") not in log and rig.number("me").lstrip("+") not in log
