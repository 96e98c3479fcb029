"""A send is durable before it is answered: restarts, kill -9, cut lines, refusals; exactly once, or said to have failed."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError


def copies(rig: Rig, who: str, text: str) -> int:
    """How often a person's phone has read this text."""
    return sum(read.message.conversation == text for read in rig.person(who).inbox)


async def test_a_key_means_the_same_message_over_a_restart(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        first = await rig.client.message.send(to=rig.number("ann"), text="once", key="k1")
        assert (await rig.client.message.send(to=rig.number("ann"), text="once", key="k1"))["id"] == first[
            "id"
        ]
        await rig.kill()
        await rig.restart()
        again = await rig.client.message.send(to=rig.number("ann"), text="once", key="k1")
        assert (again["id"], again["outbox_id"]) == (first["id"], first["outbox_id"])
        with pytest.raises(WaconndError) as conflict:
            await rig.client.message.send(to=rig.number("ann"), text="another", key="k1")
        assert conflict.value.kind == "idempotency_conflict"
        await rig.client.message.send(to=rig.number("ann"), text="last")
        await rig.sandbox.expect("ann", text="last")
        assert copies(rig, "ann", "once") == 1


async def test_what_is_queued_while_stopped_leaves_after_a_kill(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.client.account.stop(account="main")
        sent = await rig.client.message.send(to=rig.number("ann"), text="patience", timeout_s=0.3)
        assert sent["status"] == "queued"
        over = await rig.client.message.send(
            to=rig.number("ann"), text="too late", not_after="2026-01-01T00:00:00Z", wait="queued"
        )
        dropped = await rig.client.message.send(to=rig.number("ann"), text="never", wait="queued")
        await rig.client.outbox.cancel(outbox_id=dropped["outbox_id"])
        await rig.kill()
        await rig.start()
        await rig.client.account.start(account="main")
        assert (await rig.sandbox.expect("ann", text="patience")).id == sent["id"]
        await rig.event("message.status", lambda data: data.get("outbox_id") == over["outbox_id"])
        assert (await rig.client.outbox.get(outbox_id=over["outbox_id"]))["status"] == "expired"
        assert copies(rig, "ann", "too late") == copies(rig, "ann", "never") == 0


@pytest.mark.parametrize("skip", [0, 1, 2])
async def test_a_line_cut_around_the_ack_sends_nothing_twice(tmp_path: Path, skip: int) -> None:
    async with Rig(tmp_path) as rig:
        await rig.client.message.send(to=rig.number("ann"), text="hello")
        rig.sandbox.fault("cut", tag="ack", user="me", skip=skip)
        texts = [f"m{index}" for index in range(6)]
        sends = [rig.client.message.send(to=rig.number("ann"), text=text, wait="server") for text in texts]
        results = await asyncio.gather(*sends)
        assert {result["status"] for result in results} <= {"server_ack", "delivered"}
        await rig.sandbox.expect("ann", text=texts[-1])
        got = [read.message.conversation for read in rig.person("ann").inbox]
        for text in texts[:-1]:
            assert got.count(text) == 1


async def test_order_within_a_chat_outlasts_an_upload(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        file = tmp_path / "a.bin"
        file.write_bytes(bytes(4 * 1024 * 1024))
        await rig.client.message.send(to=rig.number("ann"), text="hello")
        await rig.client.message.send(to=rig.number("ann"), document={"path": str(file)}, wait="queued")
        await rig.client.message.send(to=rig.number("ann"), text="after the file")
        await rig.sandbox.expect("ann", text="after the file")
        assert len(rig.person("ann").inbox) == 2
        assert rig.person("ann").inbox[1].message.HasField("documentMessage")


async def test_a_file_queued_while_stopped_is_uploaded_after_a_kill(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.client.account.stop(account="main")
        sent = await rig.client.message.send(
            to=rig.number("ann"), document={"data": "aGVsbG8="}, wait="queued"
        )
        await rig.stop(signal.SIGKILL)
        await rig.start()
        await rig.client.account.start(account="main")
        got = await rig.sandbox.until(
            lambda: next((one for one in rig.person("ann").inbox if one.id == sent["id"]), None), "file"
        )
        assert rig.person("ann").open_media(got.message) == b"hello"
        assert not list((tmp_path / "state/outgoing").iterdir())


REFUSALS = {479: "server_error", 401: "forbidden_by_whatsapp", 404: "not_on_whatsapp"}


@pytest.mark.parametrize("code", REFUSALS)
async def test_a_refusal_is_an_error_with_its_kind(tmp_path: Path, code: int) -> None:
    async with Rig(tmp_path) as rig:
        rig.sandbox.world.faults.message_errors.append(code)
        with pytest.raises(WaconndError) as refused:
            await rig.client.message.send(to=rig.number("ann"), text="no", key="same")
        assert refused.value.kind == REFUSALS[code]
        with pytest.raises(WaconndError) as again:
            await rig.client.message.send(to=rig.number("ann"), text="no", key="same")
        assert again.value.kind == refused.value.kind
        row = await rig.client.outbox.retry(outbox_id=refused.value.data["outbox_id"])
        assert (await rig.sandbox.expect("ann", text="no")).id == row["id"]


async def test_a_busy_server_is_tried_again(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.sandbox.world.faults.message_errors.append(503)
        sent = await rig.client.message.send(to=rig.number("ann"), text="busy")
        assert sent["status"] in ("server_ack", "delivered")


async def test_a_time_lock_is_obeyed_and_reported(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        await rig.client.message.send(to=rig.number("bob"), text="we know each other")
        rig.sandbox.world.faults.message_errors.append(463)
        with pytest.raises(WaconndError) as locked:
            await rig.client.message.send(to=rig.number("ann"), text="stranger")
        assert locked.value.kind == "account_limited"
        assert locked.value.data["until"]
        await rig.event("account.limited", lambda data: data["kind"] == "time_lock")
        await rig.stop()
        await rig.restart()
        assert (await rig.client.account.limits(account="main"))["limit"] == "time_lock"
        with pytest.raises(WaconndError, match="no new chats"):
            await rig.client.message.send(to=rig.number("ann"), text="stranger")
        sent = await rig.client.message.send(to=rig.number("bob"), text="still friends")
        assert sent["status"] in ("server_ack", "delivered")


async def test_delivered_means_a_device_has_it(tmp_path: Path) -> None:
    async with Rig(tmp_path) as rig:
        rig.person("ann").go_offline()
        sent = await rig.client.message.send(
            to=rig.number("ann"), text="are you there", wait="delivered", timeout_s=0.5
        )
        assert sent["status"] == "server_ack"
        rig.person("ann").come_online()
        rig.sandbox.pump()
        await rig.event(
            "message.status", lambda data: data["status"] == "delivered" and sent["id"] in data["ids"]
        )
        assert (await rig.client.message.get(id=sent["id"]))["status"] == "delivered"
