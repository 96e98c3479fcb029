"""Every type of event: declared, shown by an example, and told by a real daemon in just the declared shape."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.jid import GROUP_SERVER
from protocol.node import Node
from protocol.pb.e2e_pb2 import Message
from tests.support.daemons import Rig
from tests.support.pictures import JPEG
from waconnd.api.event_types import EventType, event_types
from waconnd.client.aio import AsyncClient
from waconnd.sandbox import channels
from waconnd.sandbox.people import Person

ROOT = Path(__file__).parents[2]
TYPES = event_types()

#: What an ordinary day does not bring: the test that does.
ELSEWHERE = {
    "account.auth_damaged": "tests/daemon/test_account_life.py::test_damage_stops_one_account_and_no_other",
    "account.phone_unseen": "tests/daemon/test_chronicle.py::test_an_absent_phone_is_told_in_time_and_once_a_day",
    "daemon.config_changed": "tests/daemon/test_chronicle.py::test_a_reload_is_told",
    "daemon.disk_low": "tests/daemon/test_disk.py::test_media_wait_and_messages_go_on",
    "account.client_outdated": "tests/daemon/test_account_life.py::test_an_outdated_client_waits_and_says_so",
    "account.conflict": "tests/daemon/test_account_life.py::test_another_holder_is_not_fought",
    "account.limited": "tests/daemon/test_sends_survive.py::test_a_time_lock_is_obeyed_and_reported",
    "account.logged_out": "tests/daemon/test_account_life.py::test_logout_tells_the_server_and_fails_what_waits",
    "connection.deaf": "tests/flows/test_login.py::test_a_deaf_connection_is_healed_and_then_replaced",
    "connection.stanza_failed": "tests/engine/test_connection_faults.py::test_a_handler_that_fails_is_named_and_the_rest_goes_on",
    "event.damaged": "tests/archive/test_archive_drain.py::test_an_event_that_makes_no_sense_neither_blocks_nor_vanishes",
    "events.dropped": "tests/rpc/test_rpc_events.py::test_events_without_a_row_and_those_that_were_dropped",
    "events.gap": "tests/rpc/test_rpc_events.py::test_what_retention_took_is_told",
    "hook.dead": "tests/rpc/test_rpc_hooks.py::test_what_never_works_ends_with_the_dead_letters",
    "hook.failed": "tests/rpc/test_rpc_hooks.py::test_what_never_works_ends_with_the_dead_letters",
    "media.expired": "tests/api/test_media_api.py::test_what_the_phone_has_lost_too_is_gone",
    "pair.code": "tests/flows/test_pairing.py::test_link_code",
    "pair.failed": "tests/flows/test_pairing.py::test_the_wrong_phone_is_refused",
    "pair.passkey_required": "tests/flows/test_pairing.py::test_passkey_is_passed_on_and_confirmed_by_the_handoff",
}


class Day:
    """What happens to an account, and all that is told of it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.ann, self.me = rig.person("ann"), rig.person("me")
        self.chat = rig.number("ann")

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self.rig.client.call(method, **params)
        return found

    async def pump(self) -> None:
        self.rig.sandbox.world.settle()
        self.rig.sandbox.pump()

    async def received(self, message: Message) -> str:
        id = self.ann._send(self.me.jid, message)
        await self.pump()
        await self.rig.event("message.received", lambda data: data["id"] == id)
        return id

    async def messages(self) -> None:
        id = await self.received(Message(conversation="hello"))
        sent = await self.call("message.send", to=self.chat, text="hi", wait="server")
        await self.rig.event("message.status", lambda data: data["status"] == "delivered")
        read = await self.rig.sandbox.expect("ann", text="hi")
        self.ann.react(read, "👍")
        self.ann.edit(self.me.jid, id, "hello you")
        await self.pump()
        await self.rig.event("message.edited")
        await self.call("message.mark_read", chat=self.chat)
        await self.call("message.pin", id=id, chat=self.chat, on=True, for_s=86400)
        await self.call("message.keep", id=id, chat=self.chat, on=True)
        await self.call("message.star", id=id, chat=self.chat, on=True)
        self.ann.revoke(self.me.jid, id)
        self.me.say(self.ann.jid, "from my phone")
        self.ann.mark_read(read)
        await self.pump()
        await self.rig.event("message.revoked")
        await self.call("message.delete", id=sent["id"], chat=self.chat)
        file = self.ann.send_media(self.me.jid, "document", b"%PDF-1.4")
        await self.pump()
        await self.rig.event("message.received", lambda data: data["id"] == file)
        await self.call("media.download", id=file, chat=self.chat)

    async def answers(self) -> None:
        poll = Message()
        poll.pollCreationMessageV3.name = "When?"
        for name in ("Tuesday", "Friday"):
            poll.pollCreationMessageV3.options.add().optionName = name
        await self.call("message.vote", id=await self.received(poll), chat=self.chat, options=["Friday"])
        dinner = Message()
        dinner.eventMessage.name, dinner.eventMessage.startTime = "Dinner", 1_800_000_000
        await self.call("message.rsvp", id=await self.received(dinner), chat=self.chat, response="going")

    async def people(self) -> None:
        await self.call("presence.watch", ids=[self.chat])
        self.ann.appear()
        self.ann.type_to(self.me.jid)
        self.ann.set_picture(JPEG)
        await self.pump()
        await self.call("contact.save", id=self.chat, name="Ann Other")
        await self.call("contact.block", id=self.rig.number("bob"), on=True)
        self.ann.reinstall()
        await self.pump()
        self.ann.say(self.me.jid, "a new phone")
        await self.pump()
        await self.rig.event("contact.identity_changed")
        self.ann.change_lid("123450000000001")
        await self.pump()
        self.ann.say(self.me.jid, "another id")
        await self.pump()
        await self.rig.event("contact.moved")

    async def chats(self) -> None:
        label = (await self.call("label.set", name="Customers", color=3))["labels"][0]["id"]
        await self.call("chat.update", chat=self.chat, archived=True, labels=[label], timer_s=86400)
        await self.call("privacy.set", last_seen="none")
        await self.call("chat.clear", chat=self.chat)
        await self.call("chat.delete", chat=self.chat)

    async def calls(self) -> None:
        for signal, by in (("terminate", self.ann), ("accept", self.me)):
            self._signal(by, await self.ring(), signal)
            await self.pump()
        await self.rig.event("call.missed")
        await self.rig.event("call.ended")
        id = await self.ring()
        # What an own device hears of another that took the call.
        self._signal(self.ann, id, "accept")
        await self.pump()
        await self.rig.event("call.accepted")

    async def ring(self) -> str:
        id = self.ann.call(self.me.jid)
        await self.pump()
        await self.rig.event("call.offer", lambda data: data["call_id"] == id)
        return id

    def _signal(self, by: Person, id: str, signal: str) -> None:
        to = self.me.account.lid if by is self.ann else self.ann.phone.device.lid
        attrs = {"call-id": id, "call-creator": self.ann.phone.device.lid}
        said = Node(signal, {**attrs, "reason": "timeout"} if signal == "terminate" else attrs)
        by.phone.submit(Node("call", {"to": to, "id": by.phone.new_id()}, [said]))

    async def groups(self) -> None:
        made = await self.call("group.create", subject="Readers", participants=[self.chat])
        id = made["group"]["id"]
        await self.call("group.update", id=id, subject="Writers", approval=True)
        code = (await self.call("group.invite", id=id))["link"].rpartition("/")[2]
        self.rig.person("bob").group_iq(GROUP_SERVER, "set", Node("invite", {"code": code}))
        await self.pump()
        await self.rig.event("group.join_request")
        await self.call("group.members", id=id, op="promote", who=[self.chat])
        await self.rig.event("group.members")
        await self.call("group.leave", id=id)
        await self.rig.event("group.left")

    async def channels(self) -> None:
        made = channels.create(self.rig.sandbox.world, self.ann.account, "Ann's", "")
        await self.call("channel.update", op="follow", id=str(made.jid))
        self.ann.phone.submit(
            Node(
                "message",
                {"to": made.jid, "type": "text", "id": self.ann.phone.new_id()},
                [Node("plaintext", {}, Message(conversation="extra").SerializeToString())],
            )
        )
        await self.pump()
        await self.rig.event("channel.message")
        await self.call("channel.update", op="mute", id=str(made.jid))
        await self.rig.event("channel.updated")
        await self.call("channel.update", op="unfollow", id=str(made.jid))
        await self.rig.event("channel.left")


@pytest.fixture(scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[dict[str, Any]]]:
    """All events of such a day, those without a row too."""
    seen: list[dict[str, Any]] = []
    async with Rig(tmp_path_factory.mktemp("day"), pair=False) as rig:
        for number in range(3):
            rig.person("ann").say(rig.person("me").jid, f"long ago {number}")

        async def follow() -> None:
            async with AsyncClient(rig.socket) as client:
                async for event in client.events(after=0):
                    # One by one: the connection ends with an error.
                    seen.append(event)  # noqa: PERF401

        follower = asyncio.create_task(follow())
        await rig.client.account.create(account="main")
        qr = await rig.client.pair.qr(account="main")
        rig.sandbox.scan("me", qr["code"])
        await rig.ready()
        day = Day(rig)
        await rig.event("sync.app_state", lambda data: data["collection"] == "regular")
        for part in (day.messages, day.answers, day.calls, day.groups, day.channels, day.chats, day.people):
            await part()
        await rig.client.account.reconnect(account="main")
        await rig.ready()
        rig.person("me").lock(499)
        await rig.client.account.reconnect(account="main")
        await rig.event("account.refused")
        await rig.stop()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(follower, 5)
    yield seen


def check(type: EventType, data: Any) -> str:
    """Why the data are not of this shape, or nothing."""
    try:
        msgspec.json.decode(msgspec.json.encode(data), type=type.wire)
    except msgspec.ValidationError as error:
        return f"{type.name}: {error}: {data}"
    return ""


async def test_a_day_is_told_in_the_declared_shapes(told: list[dict[str, Any]]) -> None:
    unknown = {event["type"] for event in told} - TYPES.keys()
    assert not unknown
    wrong = [why for event in told if (why := check(TYPES[event["type"]], event["data"]))]
    assert not wrong, "\n".join(wrong)
    passing = [event["type"] for event in told if (event.get("seq") is None) == TYPES[event["type"]].durable]
    assert not passing, "these have a row, or none, against what is declared"


async def test_every_type_happens_here_or_is_shown_elsewhere(told: list[dict[str, Any]]) -> None:
    seen = {event["type"] for event in told}
    assert not TYPES.keys() - seen - ELSEWHERE.keys()
    assert not ELSEWHERE.keys() - TYPES.keys()
    for place in ELSEWHERE.values():
        path, _, function = place.partition("::")
        assert f"def {function}(" in (ROOT / path).read_text(), place


@pytest.mark.parametrize("name", sorted(TYPES))
def test_examples_have_the_declared_shape(name: str) -> None:
    assert TYPES[name].example, f"{name} has no example"
    assert not check(TYPES[name], TYPES[name].example)
