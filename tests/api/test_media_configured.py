"""What the configuration allows about files: fetching them at once, reading URLs and pages; what pipes and descriptors give."""

import array
import asyncio
import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError

CONFIG = """[account.main]
messages_per_minute = 6000
download_mb = 1
media_urls = true
link_previews = true
"""


async def test_files_are_fetched_at_once_where_that_is_wanted(tmp_path: Path) -> None:
    async with Rig(tmp_path, config=CONFIG) as rig:
        small, large = os.urandom(1000), os.urandom(2 * 1024 * 1024)
        ann, me = rig.person("ann"), rig.person("me")
        skipped = ann.send_media(me.jid, "document", large)
        id = ann.send_media(me.jid, "image", small)
        rig.sandbox.pump()
        ready = await rig.event("media.ready", lambda data: data["id"] == id)
        assert ready["sha256"] == hashlib.sha256(small).hexdigest()
        await rig.kill()
        away = ann.send_media(me.jid, "image", small + b"2")
        rig.sandbox.pump()
        await rig.restart()
        await rig.event("media.ready", lambda data: data["id"] == away)
        assert all(event["data"]["id"] != skipped for event in await rig.events("media.ready"))


async def test_urls_lead_to_public_addresses_only(tmp_path: Path) -> None:
    async with Rig(tmp_path, config=CONFIG) as rig:
        for url in (
            f"http://127.0.0.1:{rig.sandbox.hosts[0].port}/x",
            "http://169.254.169.254/",
            "http://localhost/",
        ):
            with pytest.raises(WaconndError) as refused:
                await rig.client.message.send(to=rig.number("ann"), image={"url": url})
            assert refused.value.kind == "permission_denied"
        # A page that can't be read has no preview; the message goes all the same.
        sent = await rig.client.message.send(
            to=rig.number("ann"), text="see http://127.0.0.1/ now", link_preview=True
        )
        got = await rig.sandbox.expect("ann", text="see http://127.0.0.1/ now")
        assert (got.id, got.message.extendedTextMessage.matchedText) == (sent["id"], "")


def call_with(socket_path: Path, fd: int, params: dict[str, Any]) -> dict[str, Any]:
    """A line with a descriptor beside it."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(20)
        line.connect(str(socket_path))
        text = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, **params}) + b"\n"
        line.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
        answer = b""
        while not answer.endswith(b"\n"):
            answer += line.recv(65536)
        return msgspec.json.decode(answer)


async def test_descriptors_both_ways(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        reading, writing = os.pipe()
        data = os.urandom(200_000)

        def feed() -> None:
            with os.fdopen(writing, "wb") as out:
                out.write(data)

        feeding = asyncio.create_task(asyncio.to_thread(feed))
        params = {"to": rig.number("ann"), "document": {"fd": 0, "file_name": "piped.bin"}}
        sent = await asyncio.to_thread(
            call_with, rig.socket, reading, {"method": "message.send", "params": params}
        )
        await feeding
        os.close(reading)
        id = sent["result"]["id"]
        got = await rig.sandbox.until(
            lambda: next((one for one in rig.person("ann").inbox if one.id == id), None), "file"
        )
        assert got.message.documentMessage.fileName == "piped.bin"
        assert rig.person("ann").open_media(got.message) == data
        await rig.event("message.sent", lambda event: event["id"] == id)
        with (tmp_path / "back.bin").open("w+b") as file:
            ask = {"method": "media.download", "params": {"id": id, "fd": 0}}
            answer = await asyncio.to_thread(call_with, rig.socket, file.fileno(), ask)
            assert answer["result"]["size"] == len(data)
            assert (tmp_path / "back.bin").read_bytes() == data
