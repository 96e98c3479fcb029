"""Small promises of the socket, one test each; docs/coverage.md names them."""

import array
import base64
import socket
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from protocol.pb.e2e_pb2 import Message
from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError
from waconnd.sandbox.party import Read
from waconnd.sandbox.state import Device

VIDEO = base64.b64encode(b"\0\0\0\x18ftypmp42" + bytes(40)).decode()


def device(rig: Rig) -> Device:
    """The daemon's device, as the server knows it."""
    return next(one for one in rig.person("me").account.devices.values() if one.number)


async def read_of(rig: Rig, who: str, id: str) -> Read:
    return await rig.sandbox.until(
        lambda: next((one for one in rig.person(who).inbox if one.id == id), None), f"message {id}"
    )


async def sent(rig: Rig, **content: Any) -> Message:
    done = await rig.client.message.send(to=rig.number("ann"), **content)
    return (await read_of(rig, "ann", done["id"])).message


async def test_a_note_to_oneself(rig: Rig) -> None:
    done = await rig.client.message.send(to=rig.number("me"), text="milk", wait="server")
    assert (await read_of(rig, "me", done["id"])).message.conversation == "milk"


async def test_a_document_keeps_its_name(rig: Rig) -> None:
    message = await sent(
        rig, document={"data": "aGVsbG8=", "file_name": "menu.pdf", "mimetype": "application/pdf"}
    )
    assert (message.documentMessage.fileName, message.documentMessage.mimetype) == (
        "menu.pdf",
        "application/pdf",
    )


async def test_a_gif_plays_by_itself(rig: Rig) -> None:
    assert (await sent(rig, video={"data": VIDEO, "gif": True})).videoMessage.gifPlayback
    assert not (await sent(rig, video={"data": VIDEO})).videoMessage.gifPlayback


async def test_where_somebody_is_now(rig: Rig) -> None:
    message = await sent(rig, location={"latitude": 4.5, "longitude": -74.0, "live": True})
    assert message.liveLocationMessage.degreesLatitude == 4.5


async def test_all_of_a_group_are_mentioned(rig: Rig) -> None:
    group = rig.sandbox.group("ann", "Everybody", ["me", "bob"])
    done = await rig.client.message.send(to=str(group.jid), text="@all dinner", mention_all=True)
    read = await read_of(rig, "bob", done["id"])
    assert read.message.extendedTextMessage.contextInfo.nonJidMentions


async def test_an_admin_takes_back_what_another_wrote(rig: Rig) -> None:
    made = await rig.client.call(
        "group.create", subject="Ours", participants=[rig.number("ann"), rig.number("bob")]
    )
    id = rig.sandbox.say("bob", "Ours", "not nice")
    await rig.event("message.received", lambda data: data["id"] == id)
    done = await rig.client.message.revoke(id=id, chat=made["group"]["id"])
    key = (await read_of(rig, "ann", done["id"])).message.protocolMessage.key
    assert (key.id, key.fromMe) == (id, False)
    assert key.participant.split("@")[0] in (
        rig.person("bob").account.user,
        rig.person("bob").account.lid.user,
    )


async def test_a_file_by_descriptor(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"through a descriptor")
    params = {"to": rig.number("ann"), "document": {"fd": 0}, "key": "by-fd"}
    line = msgspec.json.encode({"id": 1, "method": "message.send", "params": params}) + b"\n"

    def ask() -> bytes:
        with (tmp_path / "f").open("rb") as file, socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(rig.socket))
            sock.sendmsg([line], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))])
            return sock.makefile("rb").readline()

    answer = msgspec.json.decode(await anyio.to_thread.run_sync(ask))
    read = await read_of(rig, "ann", answer["result"]["id"])
    assert rig.person("ann").open_media(read.message) == b"through a descriptor"


async def test_a_person_by_every_name(rig: Rig) -> None:
    ann = rig.person("ann").account
    spaced = f"+{ann.user[:1]} ({ann.user[1:4]}) {ann.user[4:7]}-{ann.user[7:]}"
    for name in (f"+{ann.user}", spaced, f"00{ann.user}", str(ann.pn), str(ann.lid), f"{ann.user}@c.us"):
        done = await rig.client.message.send(to=name, text="hello", wait="server")
        assert done["chat"]["id"] == str(ann.lid), name
    with pytest.raises(WaconndError, match="can't be written to"):
        await rig.client.message.send(to="ann", text="hello")


async def test_numbers_are_found_in_the_form_that_is_registered(rig: Rig) -> None:
    rig.sandbox.person("bia", "551187654321")
    given = ["+55 11 98765-4321", rig.number("bob"), "+15559990000", "nonsense"]
    found = (await rig.client.contact.check(numbers=given))["results"]
    assert [one["registered"] for one in found] == [True, True, False, False]
    assert found[0]["id"] == "551187654321@s.whatsapp.net"
    assert "can't be written to" in found[3]["error"]
    done = await rig.client.message.send(to=given[0], text="oi", wait="server")
    assert (await read_of(rig, "bia", done["id"])).message.conversation == "oi"


async def test_a_wait_ends_with_what_is_the_matter(rig: Rig) -> None:
    assert (await rig.client.account.wait(account="main"))["state"] == "ready"
    with pytest.raises(WaconndError, match="'main' is ready, not stopped") as late:
        await rig.client.call("account.wait", account="main", state="stopped", timeout_s=0.1)
    assert late.value.kind == "timeout"


async def test_who_we_are(rig: Rig) -> None:
    me = (await rig.client.account.get(account="main"))["me"]
    own = rig.person("me").account
    assert (me["number"], me["lid"].split("@")[0].split(":")[0]) == (f"+{own.user}", own.lid.user)
    assert me["platform"] == "android"


async def test_the_daemon_names_both_versions(rig: Rig) -> None:
    info = await rig.client.daemon.info()
    assert info["version"][0].isdigit()
    assert info["wa_version"]["value"].startswith("2.3000.")
    assert info["wa_version"]["source"] == "builtin"


async def test_nobody_sees_us_online_before_we_say_so(rig: Rig) -> None:
    await rig.client.account.reconnect(account="main")
    await rig.ready()
    await rig.client.message.send(to=rig.number("ann"), text="quiet", wait="server")
    assert not device(rig).available
    for online in (True, False):
        await rig.client.presence.set(online=online)
        await rig.sandbox.until(lambda online=online: device(rig).available is online or None, "presence")


async def test_nothing_listens_on_the_network(rig: Rig) -> None:
    assert rig.process is not None
    of_process = Path(f"/proc/{rig.process.pid}")
    own = {path.readlink().name for path in (of_process / "fd").iterdir() if path.is_symlink()}
    listening = [
        line.split()[9]
        for table in ("tcp", "tcp6")
        for line in (of_process / "net" / table).read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    assert listening, "the sandbox listens, so the table can be read"
    assert not own & {f"socket:[{inode}]" for inode in listening}


async def test_old_connections_leave_nothing_behind(rig: Rig) -> None:
    assert rig.process is not None
    descriptors = Path(f"/proc/{rig.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        last = (await rig.client.account.get(account="main"))["last_connect_at"]
        await rig.client.account.reconnect(account="main")
        while (await rig.client.account.get(account="main"))["last_connect_at"] == last:
            await anyio.sleep(0.01)
        await rig.ready()
    id = rig.sandbox.say("bob", "me", "only once")
    await rig.event("message.received", lambda data: data["id"] == id)
    told = [one for one in await rig.events("message.received") if one["data"]["id"] == id]
    assert len(told) == 1
    assert len(list(descriptors.iterdir())) <= before + 2


async def test_a_burst_is_told_whole_and_in_order(rig: Rig) -> None:
    wanted = [rig.sandbox.say("bob", "me", f"burst {n}") for n in range(300)]
    await rig.event("message.received", lambda data: data["id"] == wanted[-1], seconds=30)
    ids = [one["data"]["id"] for one in await rig.events("message.received")]
    assert [id for id in ids if id in set(wanted)] == wanted


async def test_an_audit_knows_what_was_healed(rig: Rig) -> None:
    await rig.client.message.send(to=rig.number("bob"), text="hello", wait="server")
    rig.sandbox.fault("corrupt", tag="message", user="me")
    rig.sandbox.say("bob", "me", "changed on its way")
    await rig.event("message.undecryptable")
    await rig.event("message.recovered", lambda data: data["body"]["text"] == "changed on its way")
    audit = await rig.client.account.audit(account="main")
    assert (audit["undecryptable"], audit["recovered"], audit["failed"]) == ([], 1, 0)


async def test_what_the_numbers_say(rig: Rig) -> None:
    await rig.client.message.send(to=rig.number("ann"), text="counted", wait="server")
    numbers = (await rig.client.daemon.stats(account="main"))["metrics"]
    assert sum(one["value"] for one in numbers["waconnd_sends_total"]) >= 1
    assert numbers["waconnd_send_seconds"][0]["count"] >= 1
    assert {"account": "main", "state": "ready", "value": 1} in numbers["waconnd_account_state"]
    assert (await rig.client.daemon.stats())["metrics"]["waconnd_resident_bytes"][0]["value"] > 2**20


async def test_a_check_without_a_send(rig: Rig) -> None:
    params = {"to": rig.number("ann"), "text": "x"}
    assert (await rig.client.rpc.check(method="message.send", params=params))["ok"]
    bad = await rig.client.rpc.check(method="message.send", params={"to": rig.number("ann"), "txt": "x"})
    assert not bad["ok"]
