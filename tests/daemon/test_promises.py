"""Promises of the daemon that are small enough for one test each; docs/coverage.md names them."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from protocol.engine.closes import verdict
from tests.support.daemons import Rig
from waconnd import versions
from waconnd.client.aio import AsyncClient
from waconnd.config import Config
from waconnd.fleet import Fleet
from waconnd.http_client import PrivateAddress, Route, request
from waconnd.media.fetch import Fetcher
from waconnd.policy import CAP_SECONDS, STABLE_SECONDS, Backoff


def fleet(tmp_path: Path, **sections: Any) -> Fleet:
    """Nobody lives in it."""
    daemon: dict[str, Any] = {
        "state_dir": str(tmp_path / "state"),
        "cache_dir": str(tmp_path / "cache"),
    } | sections.pop("daemon", {})
    config = msgspec.convert({"daemon": daemon, **sections}, Config)
    nothing: Any = None
    known = SimpleNamespace(current=(2, 3000, 7))
    return Fleet(lambda: config, nothing, nothing, nothing, known, nothing)  # type: ignore[arg-type]


def test_tries_grow_apart_up_to_a_bound_and_never_end() -> None:
    backoff = Backoff(lambda: 1.0)
    lost = verdict("silent")
    delays = [backoff.delay(lost, ready_seconds=0.0, now=0.0) for _ in range(500)]
    assert delays[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, CAP_SECONDS]
    assert set(delays[9:]) == {CAP_SECONDS}
    assert backoff.attempts == 500
    assert Backoff(lambda: 0.25).delay(lost, ready_seconds=0.0, now=0.0) == 0.25, "the whole of it is jitter"
    assert backoff.delay(lost, ready_seconds=STABLE_SECONDS, now=0.0) == 0
    assert backoff.attempts == 0


def test_a_server_that_asks_for_a_restart_again_and_again_is_slowed_down() -> None:
    backoff = Backoff(lambda: 1.0)
    again = verdict("restart_required")
    delays = [backoff.delay(again, ready_seconds=1.0, now=0.0) for _ in range(6)]
    assert delays == [0, 0, 0, 1, 2, 4]


def test_an_account_may_have_a_proxy_and_a_look_of_its_own(tmp_path: Path) -> None:
    shop = {"proxy": "socks5://10.0.0.1:1080", "device_name": "Shop", "platform": "firefox"}
    made = fleet(tmp_path, endpoint={"proxy": "http://p:1"}, account={"shop": shop, "direct": {"proxy": ""}})
    assert [made.endpoint(name).proxy for name in ("shop", "direct", "other")] == [
        shop["proxy"],
        "",
        "http://p:1",
    ]
    settings = made.settings("shop")
    assert (settings.device_name, settings.platform_type, settings.version) == ("Shop", 2, (2, 3000, 7))
    assert made.settings("other").device_name == "waconnd"


async def test_all_accounts_start_by_themselves_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fleet(tmp_path, daemon={"start_interval_ms": 250}, account={"configured": {}})
    for name in ("b", "a", ".aside-a-1"):
        (made.folder / name).mkdir(parents=True)
    seen: list[tuple[str, bool, float]] = []

    async def opening(name: str, *, create: bool = False, delay: float = 0.0) -> None:
        seen.append((name, create, delay))

    monkeypatch.setattr(made, "open", opening)
    await made.open_all()
    assert seen == [("a", False, 0.0), ("b", False, 0.25), ("configured", True, 0.5)]


async def test_an_outdated_version_is_looked_up_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = versions.BUILT_IN[2] + 1
    hotel = b"<html>Log in to this hotel's network</html>"
    # The second page is asked when the first says nothing.
    pages = [hotel, b'"client_revision":%d' % newer, hotel, hotel]

    async def fetch(url: str) -> bytes:
        assert url.startswith("https://web.whatsapp.com")
        return pages.pop(0)

    monkeypatch.setattr(versions, "_fetch", fetch)
    held = versions.Versions(Config, tmp_path / "version.json")
    assert held.current == versions.BUILT_IN
    assert await held.renew()
    again = versions.Versions(Config, tmp_path / "version.json")
    assert (again.current, again.source) == ((2, 3000, newer), "fetched")
    assert not await again.renew()
    assert again.current == (2, 3000, newer)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:192.168.0.1]", "localhost"]
)
async def test_a_strangers_url_never_reaches_into_our_network(host: str) -> None:
    with pytest.raises(PrivateAddress, match="private network"):
        async with request("GET", f"http://{host}:9/x", route=Route(public_only=True)):
            pass


def test_fetched_files_have_a_quota_and_the_oldest_go(tmp_path: Path) -> None:
    fetcher = Fetcher(None, tmp_path / "fetched", 1)  # type: ignore[arg-type]
    fetcher.open()
    for number in range(4):
        path = tmp_path / "fetched" / str(number)
        path.write_bytes(bytes(400_000))
        os.utime(path, (number, number))
    fetcher._sweep(tmp_path / "fetched" / "3")
    assert sorted(path.name for path in (tmp_path / "fetched").iterdir()) == ["2", "3"]


async def test_pairing_is_told_and_drawn(tmp_path: Path) -> None:
    async with Rig(tmp_path, pair=False) as rig:
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
        await rig.client.account.create(account="main")
        told: list[dict[str, Any]] = []

        async def listen() -> None:
            async with AsyncClient(rig.socket) as other:
                async for event in other.events(types=["pair.*", "account.state"]):
                    told.append(event)
                    if event["data"].get("to") == "ready":
                        return

        task = asyncio.create_task(listen())
        await asyncio.sleep(0.2)
        code = await rig.client.pair.qr(account="main", ascii=True)
        lines = code["ascii"].splitlines()
        assert len({len(line) for line in lines}) == 1
        assert set(code["ascii"]) == set("█▀▄ \n")
        assert (code["index"], code["of"]) == (1, 6)
        assert code["expires_at"].endswith("Z")
        rig.sandbox.scan("me", code["code"])
        await asyncio.wait_for(task, 10)
        shown = next(event for event in told if event["type"] == "pair.qr")
        assert (shown["data"]["code"], "expires_at" in shown["data"]) == (code["code"], True)
        assert [event["type"] for event in told].count("pair.succeeded") == 1


async def test_a_hook_goes_on_after_a_kill(tmp_path: Path) -> None:
    bot = tmp_path / "bot"
    bot.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/up ] || exit 1\ncat >> {tmp_path}/seen\necho >> {tmp_path}/seen\n"
    )
    bot.chmod(0o755)
    async with Rig(tmp_path / "rig") as rig:
        await rig.client.call("hook.set", hook="crm", exec=[str(bot)], types=["message.received"])
        await asyncio.sleep(0.1)
        first = rig.sandbox.say("ann", "me", "while its system is down")
        await rig.event("hook.failed")
        await rig.kill()
        second = rig.sandbox.say("ann", "me", "while we are down")
        (tmp_path / "up").touch()
        await rig.start()
        end = time.monotonic() + 20
        seen: list[str] = []
        while len(seen) < 2:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
            if (tmp_path / "seen").exists():
                lines = (tmp_path / "seen").read_bytes().splitlines()
                seen = [msgspec.json.decode(line)["data"]["id"] for line in lines if line.endswith(b"}")]
        assert seen == [first, second]
        backlog = {
            one["data"]["id"]: one["data"].get("backlog", False)
            for one in await rig.events("message.received")
        }
        assert backlog == {first: False, second: True}


async def test_what_is_not_well_is_said(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        assert (await rig.client.daemon.health())["ok"]
        assert (await rig.client.daemon.doctor())["findings"] == []
        rig.person("me").lock(403)
        await rig.client.account.reconnect(account="main")
        await rig.client.account.wait(account="main", state="logged_out", timeout_s=10)
        health = await rig.client.daemon.health()
        assert not health["ok"]
        (sick,) = [check for check in health["checks"] if not check["ok"]]
        assert sick["name"] == "account main"
        (tmp_path / "state").chmod(0o755)
        findings = {one["id"]: one for one in (await rig.client.daemon.doctor(deep=True))["findings"]}
        assert findings.keys() == {"account.logged_out", "rights.state"}
        rig.sandbox.listener.refuse_upgrade = 503
        findings = {one["id"]: one for one in (await rig.client.daemon.doctor(deep=True))["findings"]}
        assert "can't be reached" in findings["network"]["what"]
        assert findings["rights.state"]["fix"].startswith("chmod 700")


async def test_a_logout_takes_its_own_keys_out_of_use_and_no_others(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.client.account.create(account="other")
        accounts = tmp_path / "state/accounts"
        await rig.stop()
        others = (accounts / "other/creds.json").read_bytes()
        await rig.restart()
        await rig.client.account.logout(account="main")
        assert (await rig.client.account.get(account="main"))["state"] == "unlinked"
        assert [path.name[:11] for path in accounts.iterdir() if path.name.startswith(".")] == [".aside-main"]
        await rig.stop()
        now = (accounts / "main/creds.json").read_bytes()
        aside = next(path for path in accounts.iterdir() if path.name.startswith("."))
        old = msgspec.json.decode((aside / "creds.json").read_bytes())
        assert msgspec.json.decode(now)["identity"] != old["identity"]
        assert (accounts / "other/creds.json").read_bytes() == others


async def test_small_files_are_fetched_unasked_and_large_ones_are_not(tmp_path: Path) -> None:
    async with Rig(tmp_path, config="[account.main]\ndownload_mb = 1") as rig:
        for size in (1_500_000, 5000):
            rig.person("ann").send_media(rig.person("me").jid, "document", bytes(size))
            rig.sandbox.pump()
        await rig.event("media.ready", lambda data: data["size"] == 5000)
        assert [path.stat().st_size for path in (tmp_path / "cache/fetched").iterdir()] == [5000]


async def test_a_large_group_is_written_to_within_seconds_and_holds_up_nobody(tmp_path: Path) -> None:
    members = {f"p{n}": "" for n in range(250)}
    async with Rig(tmp_path, people={"ann": "", **members}) as rig:
        group = rig.sandbox.group("ann", "All", ["me", *members])
        await rig.event("group.joined")
        started = time.monotonic()
        large = asyncio.create_task(
            rig.client.message.send(to=str(group.jid), text="to all", wait="server", timeout_s=30)
        )
        await asyncio.sleep(0.01)
        await rig.client.message.send(to=rig.number("ann"), text="beside it", wait="server", timeout_s=30)
        print(await large)
        took = time.monotonic() - started
        again = time.monotonic()
        await rig.client.message.send(to=str(group.jid), text="again", wait="server", timeout_s=30)
        print(f"first {took:.2f} s, second {time.monotonic() - again:.2f} s")
        assert took < 15
        for name in members:
            await rig.sandbox.expect(name, text="again")
