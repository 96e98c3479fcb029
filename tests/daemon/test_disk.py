"""A disk that fills up: people are told before it hurts, media stop first, messages go on as long as they can."""

import logging

import pytest

from tests.api.test_media_api import http_
from tests.support.daemons import Rig
from waconnd import disk
from waconnd.client.aio import WaconndError
from waconnd.disk import MIB, Disk
from waconnd.rpc.errors import RpcError
from waconnd.store.space import LOW_FILES, RESERVE_BYTES, RESERVE_FILES, Level, Space

ROOMY = Space(1000 * MIB, 10 * LOW_FILES)


async def test_each_change_for_the_worse_is_told_once(tmp_path, monkeypatch, caplog):
    left = {"space": ROOMY}
    monkeypatch.setattr(disk, "measure", lambda folder: left["space"])
    told = []

    async def tell(kind, data):
        told.append((kind, data["free_mib"], data["full"]))

    watched = Disk((tmp_path, tmp_path), lambda: 256, tell)
    for space in (ROOMY, Space(200 * MIB, None), Space(199 * MIB, None), Space(RESERVE_BYTES - 1, None)):
        left["space"] = space
        await watched.look()
    assert told == [("daemon.disk_low", 200, False), ("daemon.disk_low", 31, True)]
    assert "nothing is written" in watched.full()
    with pytest.raises(RpcError, match="is full"):
        disk.require_room(tmp_path, 256)
    with caplog.at_level(logging.INFO):
        left["space"] = ROOMY
        await watched.look()
    assert "room again" in caplog.text
    assert watched.full() == ""
    disk.require_room(tmp_path, 256)
    # Inodes count as bytes do.
    for files in (LOW_FILES - 1, RESERVE_FILES - 1):
        left["space"] = Space(1000 * MIB, files)
        await watched.look()
    assert [full for _, _, full in told] == [False, True, False, True]
    assert Space(10 * MIB, None).level(5 * MIB) is Level.FULL


async def test_media_wait_and_messages_go_on(tmp_path):
    config = "[retention]\nmin_free_mb = 1000000000\n[account.main]\nmessages_per_minute = 6000"
    async with Rig(tmp_path, config=config) as rig:
        told = await rig.event("daemon.disk_low")
        assert told["folder"].endswith("state")
        assert not told["full"]
        status, body = await http_(rig, "PUT", "/media?name=menu.pdf", b"%PDF-1.4")
        assert status == 503
        assert b"disk_full" in body
        assert b"nearly full" in body
        id = rig.person("ann").send_media(rig.person("me").jid, "document", b"%PDF-1.4", caption="menu")
        rig.sandbox.pump()
        await rig.event("message.received", lambda data: data["id"] == id)
        with pytest.raises(WaconndError, match="nearly full"):
            await rig.client.call("media.download", account="main", chat=rig.number("ann"), id=id)
        await rig.client.message.send(to=rig.number("ann"), text="words are small")
        await rig.sandbox.expect("ann", text="words are small")
        found = await rig.client.call("daemon.doctor")
        assert "disk.space" in [one["id"] for one in found["findings"]]
