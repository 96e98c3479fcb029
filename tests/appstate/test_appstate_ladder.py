"""What goes wrong with app state climbs a ladder: missing keys, wrong MACs, wrong snapshots, a phone that is silent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.pb.sync_pb2 import ExternalBlobReference, SyncActionValue, SyncdPatch
from tests.support.daemons import Rig
from waconnd.client.aio import WaconndError
from waconnd.sandbox.state import Collection

NAME = "regular_low"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path) as rig:
        await synced(rig)
        yield rig


async def synced(rig: Rig) -> None:
    await rig.event("sync.app_state", lambda data: data["collection"] == NAME and data["result"] == "synced")


def held(rig: Rig) -> Collection:
    return rig.person("me").account.collections[NAME]


def pin(rig: Rig, name: str = "ann", on: bool = True) -> None:
    """The user pins a chat on the phone; the daemon hears of it with the next `pump`."""
    value = SyncActionValue()
    value.pinAction.pinned = on
    rig.person("me").phone.state.set(NAME, ("pin_v1", str(rig.person(name).account.lid)), value, 5)


def spoil_patch(rig: Rig) -> None:
    """The newest patch on the server is no longer what the phone signed."""
    collection = held(rig)
    patch = SyncdPatch.FromString(collection.patches[collection.version])
    patch.patchMac = bytes(32)
    collection.patches[collection.version] = patch.SerializeToString()


def spoil_snapshot(rig: Rig) -> None:
    """The snapshot lies where nobody finds it."""
    collection = held(rig)
    assert collection.snapshot is not None
    version, raw = collection.snapshot
    reference = ExternalBlobReference.FromString(raw)
    reference.fileEncSha256 = bytes(32)
    collection.snapshot = version, reference.SerializeToString()


async def pinned(rig: Rig, name: str = "ann") -> bool:
    chats = (await rig.client.chat.list())["chats"]
    lid = str(rig.person(name).account.lid)
    return any(one["id"] == lid and one.get("pinned", False) for one in chats)


async def greeted(rig: Rig, name: str = "ann") -> None:
    """There is a chat, and messages flow."""
    rig.sandbox.say(name, "me", f"hello of {name}")
    await rig.event("message.received", lambda data: data["body"].get("text") == f"hello of {name}")


async def test_a_wrong_mac_fetches_the_whole_anew(rig: Rig) -> None:
    await greeted(rig)
    pin(rig)
    rig.sandbox.pump()
    await rig.event("chat.updated", lambda data: data.get("pinned") is True)
    pin(rig, "bob")
    spoil_patch(rig)
    rig.person("me").phone.state.snapshot(NAME)
    rig.sandbox.pump()
    told = await rig.event(
        "sync.app_state",
        lambda data: data["collection"] == NAME and data.get("full", False) and data["version"] > 0,
    )
    assert (told["result"], told["version"]) == ("synced", held(rig).version)
    assert await pinned(rig)
    # It is a sound base: what comes next is a patch on it, and writing works.
    await rig.client.call("chat.update", chat=rig.number("ann"), pinned=False)
    assert not await pinned(rig)


async def test_when_nothing_on_the_server_can_be_read_the_phone_gives_its_copy(rig: Rig) -> None:
    await greeted(rig)
    pin(rig)
    rig.person("me").phone.state.snapshot(NAME)
    pin(rig, "bob")
    spoil_patch(rig)
    rig.sandbox.pump()
    degraded = await rig.event("sync.app_state", lambda data: data["result"] == "degraded")
    assert (degraded["collection"], degraded["reason"]) == (NAME, "patch_mac_mismatch")
    told = await rig.event("sync.app_state", lambda data: data.get("recovery", False))
    assert (told["result"], told["version"]) == ("synced", held(rig).version)
    assert await pinned(rig)
    await rig.client.call("chat.update", chat=rig.number("ann"), pinned=False)
    assert not await pinned(rig)


async def test_a_silent_phone_leaves_it_readable_and_messages_go_on(rig: Rig) -> None:
    await greeted(rig)
    pin(rig)
    rig.sandbox.pump()
    await rig.event("chat.updated", lambda data: data.get("pinned") is True)
    rig.person("me").go_offline()
    rig.person("me").phone.state.snapshot(NAME)
    pin(rig, "bob")
    spoil_patch(rig)
    rig.sandbox.pump()
    await rig.event("sync.app_state", lambda data: data["result"] == "degraded")
    assert await pinned(rig), "what is known stays visible"
    with pytest.raises(WaconndError) as refused:
        await rig.client.call("chat.update", chat=rig.number("ann"), pinned=False)
    assert refused.value.kind in ("not_ready", "server_error")
    assert NAME in str(refused.value)
    await greeted(rig, "bob")
    # Not at each connection anew: one request a day.
    await rig.client.account.reconnect(account="main")
    await rig.ready()
    rig.person("me").come_online()
    rig.sandbox.pump()
    told = await rig.event("sync.app_state", lambda data: data.get("recovery", False))
    assert told["version"] == held(rig).version


async def test_a_missing_key_is_asked_for_and_nothing_is_lost(rig: Rig) -> None:
    await greeted(rig)
    rig.person("me").go_offline()
    rig.person("me").phone.state.rotate()
    pin(rig)
    rig.sandbox.pump()
    blocked = await rig.event("sync.app_state", lambda data: data["result"] == "blocked")
    assert (blocked["collection"], blocked["reason"]) == (NAME, "missing_keys")
    assert not await pinned(rig)
    await greeted(rig, "bob")
    rig.person("me").come_online()
    rig.sandbox.pump()
    await rig.event("chat.updated", lambda data: data.get("pinned") is True)
    assert await pinned(rig)


@pytest.mark.parametrize("code", [400, 404])
async def test_a_refusal_for_good_starts_over(rig: Rig, code: int) -> None:
    await greeted(rig)
    rig.person("me").phone.state.snapshot(NAME)
    rig.sandbox.world.faults.collection_errors[NAME] = [code]
    pin(rig)
    rig.sandbox.pump()
    await rig.event(
        "sync.app_state", lambda data: data["collection"] == NAME and data["version"] == held(rig).version
    )
    assert await pinned(rig)


async def test_a_refusal_that_passes_and_a_conflict(rig: Rig) -> None:
    await greeted(rig)
    rig.sandbox.world.faults.collection_errors[NAME] = [503]
    pin(rig)
    rig.sandbox.pump()
    await rig.event("chat.updated", lambda data: data.get("pinned") is True)
    rig.sandbox.world.faults.collection_errors[NAME] = [409, 409]
    await rig.client.call("chat.update", chat=rig.number("ann"), pinned=False)
    assert not await pinned(rig)
