"""Files up and down: every source, handles, hosts that fail, files that expired, limits of trust and of memory."""

import asyncio
import base64
import hashlib
import http.client
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError

PDF = b"%PDF-1.4 " + bytes(range(256)) * 40


class Unix(http.client.HTTPConnection):
    """HTTP over the daemon's socket, as any script does it."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


async def http_(rig: Rig, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    def ask() -> tuple[int, bytes]:
        connection = Unix(rig.socket)
        try:
            connection.request(method, path, body, {"Content-Type": "application/pdf"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def arrived(rig: Rig, id: str) -> bytes:
    """The file of a document that ann got."""
    got = await rig.sandbox.until(
        lambda: next((one for one in rig.person("ann").inbox if one.id == id), None), "document"
    )
    return rig.person("ann").open_media(got.message)


async def send(rig: Rig, **source: Any) -> str:
    return (await rig.client.message.send(to=rig.number("ann"), document=source))["id"]


async def from_ann(rig: Rig, data: bytes, kind: str = "document") -> str:
    id = rig.person("ann").send_media(rig.person("me").jid, kind, data)
    rig.sandbox.pump()
    await rig.event("message.received", lambda event: event["id"] == id)
    return id


async def test_by_path_and_by_upload(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "menu.pdf"
    file.write_bytes(PDF)
    assert await arrived(rig, await send(rig, path=str(file))) == PDF
    status, body = await http_(rig, "PUT", "/media?name=menu.pdf", PDF)
    assert status == 200
    handle = body.decode().split('"upload":"')[1].split('"')[0]
    for _ in range(2):
        assert await arrived(rig, await send(rig, upload=handle)) == PDF


async def test_a_handle_uploads_once_and_sends_often(rig: Rig) -> None:
    data = os.urandom(3000)
    before = rig.sandbox.world.blobs.uploads
    made = await rig.client.media.upload(
        kind="document", data=base64.b64encode(data).decode(), file_name="a.bin"
    )
    assert made["sha256"] == hashlib.sha256(data).hexdigest()
    for _ in range(3):
        assert await arrived(rig, await send(rig, upload=made["upload"])) == data
    with pytest.raises(WaconndError, match="uploaded as document"):
        await rig.client.message.send(to=rig.number("ann"), image={"upload": made["upload"]})
    assert rig.sandbox.world.blobs.uploads == before + 1


async def test_the_same_file_is_not_uploaded_twice(rig: Rig) -> None:
    data = base64.b64encode(os.urandom(500)).decode()
    before = rig.sandbox.world.blobs.uploads
    ids = [await send(rig, data=data) for _ in range(2)]
    assert await arrived(rig, ids[0]) == await arrived(rig, ids[1]) == base64.b64decode(data)
    assert rig.sandbox.world.blobs.uploads == before + 1


async def test_a_host_that_fails_gives_way_to_the_next(rig: Rig) -> None:
    rig.sandbox.hosts[0].broken = True
    try:
        data = os.urandom(700)
        assert await arrived(rig, await send(rig, data=base64.b64encode(data).decode())) == data
        id = await from_ann(rig, PDF + b"1")
        assert (await rig.client.media.download(id=id))["sha256"] == hashlib.sha256(PDF + b"1").hexdigest()
    finally:
        rig.sandbox.hosts[0].broken = False


async def test_all_hosts_failing_names_each_of_them(rig: Rig) -> None:
    for host in rig.sandbox.hosts:
        host.broken = True
    try:
        with pytest.raises(WaconndError) as failed:
            await send(rig, data=base64.b64encode(os.urandom(600)).decode())
    finally:
        for host in rig.sandbox.hosts:
            host.broken = False
    assert failed.value.kind == "media_failed"
    assert str(failed.value).count("HTTP 503") == 2


async def test_an_expired_token_is_renewed_once(rig: Rig) -> None:
    await send(rig, data=base64.b64encode(os.urandom(100)).decode())
    rig.sandbox.world.blobs.expire_auths()
    data = os.urandom(900)
    assert await arrived(rig, await send(rig, data=base64.b64encode(data).decode())) == data


async def test_a_large_file_is_resumed(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    data = os.urandom(6 * 1024 * 1024)
    file.write_bytes(data)
    assert await arrived(rig, await send(rig, path=str(file), mimetype="application/x-large")) == data


async def test_a_download_to_path_and_to_a_handle(rig: Rig, tmp_path: Path) -> None:
    id = await from_ann(rig, PDF)
    target = tmp_path / "out.pdf"
    done = await rig.client.media.download(id=id, path=str(target))
    assert target.read_bytes() == PDF
    assert done["mimetype"] == "application/pdf"
    assert [path.name for path in tmp_path.iterdir()] == ["out.pdf"]
    held = await rig.client.media.download(id=id)
    assert await http_(rig, "GET", f"/media/{held['upload']}") == (200, PDF)
    assert await arrived(rig, await send(rig, upload=held["upload"])) == PDF


async def test_what_the_hosts_have_lost_the_phone_uploads_again(rig: Rig) -> None:
    data = os.urandom(2000)
    id = await from_ann(rig, data)
    rig.sandbox.world.blobs.files.clear()
    await asyncio.sleep(0.2)
    done = await rig.client.media.download(id=id)
    assert done["sha256"] == hashlib.sha256(data).hexdigest()
    await rig.event("media.ready", lambda event: event["id"] == id)


async def test_what_the_phone_has_lost_too_is_gone(rig: Rig) -> None:
    id = await from_ann(rig, os.urandom(2100))
    rig.sandbox.world.blobs.files.clear()
    rig.person("me").phone.history.__init__(rig.person("me").phone)  # type: ignore[misc]
    with pytest.raises(WaconndError) as gone:
        await rig.client.media.download(id=id)
    assert gone.value.kind == "media_expired"
    await rig.event("media.expired", lambda event: event["id"] == id)


async def test_a_file_that_was_changed_is_never_handed_out(rig: Rig, tmp_path: Path) -> None:
    id = await from_ann(rig, os.urandom(5000))
    files = rig.sandbox.world.blobs.files
    name, data = next(reversed(files.items()))
    files[name] = data[:100] + bytes([data[100] ^ 1]) + data[101:]
    target = tmp_path / "bad.bin"
    with pytest.raises(WaconndError) as failed:
        await rig.client.media.download(id=id, path=str(target))
    assert failed.value.kind == "media_failed"
    assert not target.exists()


async def test_a_message_without_a_file(rig: Rig) -> None:
    id = rig.sandbox.say("ann", "me", "no file here")
    await rig.event("message.received", lambda event: event["id"] == id)
    with pytest.raises(WaconndError) as failed:
        await rig.client.media.download(id=id)
    assert failed.value.kind == "not_found"


async def test_what_is_too_large_is_said_before_anything_is_read_or_uploaded(
    rig: Rig, tmp_path: Path
) -> None:
    limits = (await rig.client.daemon.hello())["limits"]
    file = tmp_path / "huge"
    with file.open("wb") as sparse:
        sparse.truncate(limits["upload_bytes"] + 1)
    before = rig.sandbox.world.blobs.bytes_up
    with pytest.raises(WaconndError, match=str(limits["upload_bytes"])) as refused:
        await send(rig, path=str(file))
    assert (refused.value.kind, refused.value.data["cause"]) == ("media_failed", "too_large")
    assert rig.sandbox.world.blobs.bytes_up == before
