"""What an account does by itself, as its section of the configuration says: read, refuse calls, ignore chats."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.daemons import Rig

RULES = """
[account.main]
messages_per_minute = 6000
auto_read = true
reject_calls = true
reject_text = "Please write to us."
ignore = ["status", "+15550003333"]
"""


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    people = {"ann": "15550002222", "bob": "15550003333"}
    async with Rig(tmp_path, people=people, config=RULES) as rig:
        yield rig


async def test_messages_are_read_by_themselves(rig: Rig) -> None:
    ann = rig.person("ann")
    id = rig.sandbox.say("ann", "me", "hello")
    await rig.sandbox.until(
        lambda: any((one.id, one.type) == (id, "read") for one in ann.phone.ticks), "blue ticks"
    )
    told = await rig.event("chat.updated", lambda data: "read_upto" in data)
    assert told["via"] == "rule"
    assert (await rig.client.call("chat.get", chat=rig.number("ann"))).get("unread", 0) == 0


async def test_calls_are_refused_with_a_word(rig: Rig) -> None:
    ann, me = rig.person("ann"), rig.person("me")
    call_id = ann.call(me.jid)
    await rig.sandbox.until(
        lambda: [node for node in ann.calls if node.child("reject") is not None], "a rejection"
    )
    await rig.sandbox.expect("ann", text="Please write to us.")
    offers = await rig.events("call.offer")
    assert [event["data"]["call_id"] for event in offers] == [call_id]


async def test_ignored_chats_cost_nothing_and_are_told_nobody(rig: Rig) -> None:
    rig.sandbox.say("bob", "me", "unheard")
    rig.person("ann").post_status("unseen")
    rig.sandbox.group("bob", "Heard", ["me"])
    rig.sandbox.say("ann", "me", "heard")
    await rig.event("message.received", lambda data: data["body"].get("text") == "heard")
    texts = [event["data"]["body"].get("text") for event in await rig.events("message.received")]
    assert texts == ["heard"]
    # Both were taken off the server's queue: nothing comes again.
    await rig.client.account.reconnect(account="main")
    await rig.ready()
    assert len(await rig.events("message.received")) == 1
