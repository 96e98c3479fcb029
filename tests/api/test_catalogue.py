"""Every method of the socket is called as its own example says, against a linked account. None is left out in silence.

An example speaks of things that do not exist (a message, a row, a group): `NEEDS` makes them. A method whose call would
end what the others need stands in `ELSEWHERE` with its reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import fields

from protocol.pb.e2e_pb2 import Message
from tests.support.daemons import Rig
from waconnd.api import catalogue
from waconnd.client.aio import WaconndError
from waconnd.sandbox import channels

Params = dict[str, Any]
Need = Callable[[Rig, Params], Awaitable[Params]]

#: Numbers of the examples.
PEOPLE = {"ann": "15550002222", "bob": "15550003333"}

ELSEWHERE = {
    "account.change_number": "unlinks the account that all others need",
    "account.export": "writes the account away: tests/transfer",
    "account.import": "needs a folder of another library: tests/transfer",
    "account.logout": "unlinks the account that all others need: tests/daemon",
    "account.stop": "disconnects the account that all others need: tests/daemon",
    "account.reconnect": "disconnects the account that all others need: tests/daemon",
    "daemon.shutdown": "ends the daemon: tests/daemon",
    "media.upload": "its example is the beginning of a picture only; tests/api/test_media_api.py sends whole ones",
    "pair.code": "the account is linked: tests/daemon pairs",
    "pair.passkey": "nobody asks for one here: tests/flows/test_pairing.py",
    "pair.qr": "the account is linked; the fixture itself has called it",
    "hook.replay": "needs a hook that has run: tests/rpc/test_rpc_hooks.py",
    "events.unsubscribe": "needs the subscription of this very connection: tests/rpc",
}


@pytest.fixture(scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with Rig(tmp_path_factory.mktemp("catalogue"), people=PEOPLE) as rig:
        yield rig


async def own(rig: Rig, params: Params) -> Params:
    """A message of ours."""
    sent = await rig.client.message.send(to=rig.number("ann"), text="for an example")
    await rig.event("message.sent", lambda data: data["id"] == sent["id"])
    return params | {"id": sent["id"]}


async def hers(rig: Rig, params: Params) -> Params:
    """A message of Ann's."""
    return await said(rig, params, Message(conversation="for an example"))


async def said(rig: Rig, params: Params, message: Message) -> Params:
    id = rig.person("ann")._send(rig.person("me").jid, message)
    rig.sandbox.pump()
    await rig.event("message.received", lambda data: data["id"] == id)
    return params | {"id": id}


async def poll(rig: Rig, params: Params) -> Params:
    message = Message()
    message.pollCreationMessageV3.name = "When?"
    for name in ("Tuesday", "Friday"):
        message.pollCreationMessageV3.options.add().optionName = name
    return await said(rig, params, message)


async def invitation(rig: Rig, params: Params) -> Params:
    message = Message()
    message.eventMessage.name, message.eventMessage.startTime = "Dinner", 1_800_000_000
    return await said(rig, params, message)


async def buttons(rig: Rig, params: Params) -> Params:
    message = Message()
    button = message.buttonsMessage.buttons.add()
    button.buttonId, button.buttonText.displayText = "yes", "Yes"
    return await said(rig, params, message)


async def file(rig: Rig, params: Params) -> Params:
    id = rig.person("ann").send_media(rig.person("me").jid, "document", b"%PDF-1.4")
    rig.sandbox.pump()
    await rig.event("message.received", lambda data: data["id"] == id)
    return params | {"id": id}


async def waiting(rig: Rig, params: Params) -> Params:
    """A row that waits for its time."""
    row = await rig.client.message.send(
        to=rig.number("ann"), text="later", not_before="2040-01-01T00:00:00Z", wait="queued"
    )
    return params | {"outbox_id": row["outbox_id"]}


async def cancelled(rig: Rig, params: Params) -> Params:
    params = await waiting(rig, params)
    await rig.client.outbox.cancel(outbox_id=params["outbox_id"])
    return params


async def shop(rig: Rig, params: Params) -> Params:
    await rig.client.account.create(account="shop")
    return params


async def hook(rig: Rig, params: Params) -> Params:
    await rig.client.call("hook.set", hook="crm", exec=["/bin/true"])
    return params


async def plain_hook(rig: Rig, params: Params) -> Params:
    """The example names a credential, which systemd would give."""
    return {name: value for name, value in params.items() if name != "secret"}


async def cursor(rig: Rig, params: Params) -> Params:
    await rig.client.call("events.ack", cursor="bot", seq=1)
    return params | ({"seq": 1} if "seq" in params else {})


async def cron(rig: Rig, params: Params) -> Params:
    await rig.client.call("events.ack", cursor="cron", seq=1)
    return params


async def taken(rig: Rig, params: Params) -> Params:
    """Work that was taken from the queue."""
    await rig.client.call("events.take", queue=params["queue"])
    await hers(rig, params)
    got = await rig.client.call("events.take", queue=params["queue"], wait_s=10)
    assert got["events"]
    return params | {"seqs": [event["seq"] for event in got["events"]]}


async def token(rig: Rig, params: Params) -> Params:
    made = await rig.client.call("token.create", scopes=["read"])
    return params | {"id": made["id"]}


async def chat(rig: Rig, params: Params) -> Params:
    """A chat that somebody has begun."""
    await hers(rig, params)
    return params


async def ringing(rig: Rig, params: Params) -> Params:
    call_id = rig.person("ann").call(rig.person("me").jid)
    rig.sandbox.pump()
    await rig.event("call.offer", lambda data: data["call_id"] == call_id)
    return params | {"call_id": call_id}


async def channel(rig: Rig, params: Params) -> Params:
    made = channels.create(rig.sandbox.world, rig.person("ann").account, "Ann's", "")
    return params | {"id": str(made.jid)}


async def group(rig: Rig, params: Params) -> Params:
    """A group of ours in which Ann is."""
    made = await rig.client.call("group.create", subject="Readers", participants=[PEOPLE["ann"]])
    return params | {"id": made["group"]["id"]}


async def community(rig: Rig, params: Params) -> Params:
    made = await rig.client.call("community.update", op="create", subject="Village")
    return params | {"id": made["community"]["id"]}


async def unblock(rig: Rig) -> None:
    await rig.client.call("contact.block", id=PEOPLE["ann"], on=False)


NEEDS: dict[str, Need] = {
    "account.remove": shop,
    "call.reject": ringing,
    "channel.get": channel,
    "channel.update": channel,
    "chat.clear": chat,
    "chat.delete": chat,
    "chat.fetch_history": chat,
    "chat.get": chat,
    "chat.update": chat,
    "community.update": community,
    "events.ack": cursor,
    "events.cursor_delete": cursor,
    "events.done": taken,
    "events.read": cron,
    "events.subscribe": cursor,
    "group.get": group,
    "group.invite": group,
    "group.leave": group,
    "group.members": group,
    "group.update": group,
    "hook.remove": hook,
    "hook.set": plain_hook,
    "media.download": file,
    "message.answer": buttons,
    "message.delete": hers,
    "message.edit": own,
    "message.forward": hers,
    "message.get": own,
    "message.keep": hers,
    "message.pin": hers,
    "message.react": hers,
    "message.request": hers,
    "message.revoke": own,
    "message.rsvp": invitation,
    "message.star": hers,
    "message.trace": own,
    "message.vote": poll,
    "outbox.cancel": waiting,
    "outbox.get": waiting,
    "outbox.retry": cancelled,
    "token.create": shop,
    "token.revoke": token,
}

#: Takes back what would be in the way of the others.
AFTER: dict[str, Callable[[Rig], Awaitable[None]]] = {"contact.block": unblock}

METHODS = {one.name: one for one in catalogue()}


@pytest.mark.parametrize("name", sorted(METHODS.keys() - ELSEWHERE.keys()))
async def test_the_example_works(rig: Rig, name: str) -> None:
    method = METHODS[name]
    params = dict(method.example)
    if method.account and "account" not in params:
        params["account"] = "main"
    if need := NEEDS.get(name):
        params = await need(rig, params)
    try:
        result = await rig.client.call(name, **params)
    except WaconndError as error:
        pytest.fail(f"{name} refused its own example: {error.kind}: {error}")
    finally:
        if undo := AFTER.get(name):
            await undo(rig)
    assert isinstance(result, dict)


def test_whatever_is_excused_exists() -> None:
    assert not (ELSEWHERE.keys() | NEEDS.keys() | AFTER.keys()) - METHODS.keys()
    assert not ELSEWHERE.keys() & NEEDS.keys()


def test_everything_that_takes_parameters_shows_how() -> None:
    required = [
        name
        for name, method in METHODS.items()
        if not method.example and any(field.required for field in fields(method.types[0]))
    ]
    assert not required
