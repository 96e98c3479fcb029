"""Two linked devices of one person, the daemon and Baileys: what one sets in its chats, the other sees."""

import time

import pytest

from tests.interop.talker import PAIR


async def both(stack_waconnd, stack_client):
    await stack_waconnd.pair("ada")
    await stack_client.pair("ada")
    await stack_waconnd.event(
        "sync.app_state",
        lambda d: d["collection"] == "regular_low" and d["result"] == "synced",
    )


@pytest.mark.row("archive, mute, pin set by the daemon, seen by Baileys", PAIR)
async def test_chats_from_waconnd(sandbox, client, waconnd):
    async with waconnd() as ada, client("ada") as other:
        await both(ada, other)
        lid = str(sandbox.person("bob").account.lid)
        names = (lid, str(sandbox.address("bob")))
        call = ada.client.call
        await call("chat.update", chat=lid, pinned=True)
        await other.event("chats.update", lambda d: d[0]["id"] in names and d[0]["pinned"])
        await call("chat.update", chat=lid, muted_until="2027-01-01T00:00:00Z")
        await other.event(
            "chats.update", lambda d: d[0]["id"] in names and d[0]["muteEndTime"] == 1798761600000
        )
        mark = other.mark
        await call("chat.update", chat=lid, archived=True)
        await other.event(
            "chats.update", lambda d: d[0]["id"] in names and d[0]["archived"] is True, since=mark
        )
        await other.event(
            "chats.update", lambda d: d[0]["id"] in names and d[0]["pinned"] is None, since=mark
        )
        mark = other.mark
        await call("chat.update", chat=lid, archived=False, muted_until="")
        await other.event("chats.update", lambda d: d[0]["archived"] is False, since=mark)
        await other.event("chats.update", lambda d: d[0]["muteEndTime"] is None, since=mark)
        assert sandbox.world.complaints == []


@pytest.mark.row("archive, mute, pin, unread set by Baileys, seen by the daemon", PAIR)
async def test_chats_from_baileys(sandbox, client, waconnd):
    async with waconnd() as ada, client("ada") as other:
        await both(ada, other)
        bob = str(sandbox.address("bob"))
        sandbox.say("bob", "ada", "hello")
        got = await other.text("hello")
        await ada.text("hello")
        last = [{"key": got["key"], "messageTimestamp": got["messageTimestamp"]}]
        await other.call("chatModify", {"pin": True}, bob)
        await ada.event("chat.updated", lambda d: d.get("pinned") is True)
        # Baileys takes a time here, not a duration.
        await other.call("chatModify", {"mute": round(time.time() + 8 * 3600) * 1000}, bob)
        await ada.event("chat.updated", lambda d: d.get("muted") is True)
        await other.call("chatModify", {"archive": True, "lastMessages": last}, bob)
        await ada.event("chat.updated", lambda d: d.get("archived") is True)
        await other.call("chatModify", {"markRead": False, "lastMessages": last}, bob)
        await ada.event("chat.updated", lambda d: d.get("unread") is True)
        chat = await ada.client.call("chat.get", chat=bob)
        assert chat["id"] == str(sandbox.person("bob").account.lid)
        assert (chat["archived"], chat["muted"], chat["marked_unread"]) == (True, True, True)
        # Both write to one collection: whoever is late meets a conflict and writes on top.
        await ada.client.call("chat.update", chat=bob, pinned=False)
        await other.call("chatModify", {"archive": False, "lastMessages": last}, bob)
        await ada.event("chat.updated", lambda d: d.get("archived") is False)
        assert sandbox.world.complaints == []


@pytest.mark.row("a contact saved, a label made and hung on a chat, both ways", PAIR)
async def test_contacts_and_labels(sandbox, client, waconnd):
    async with waconnd() as ada, client("ada") as other:
        await both(ada, other)
        bob, carl = (str(sandbox.address(name)) for name in ("bob", "carl"))
        call = ada.client.call
        await call("contact.save", id=bob, name="Robert B")
        await other.event("contacts.upsert", lambda d: d[0]["name"] == "Robert B")
        await other.call("addOrEditContact", carl, {"fullName": "Karl K", "firstName": "Karl"})
        seen = await ada.event("contact.updated", lambda d: d.get("name") == "Karl K")
        assert seen["contact"]["pn"] == carl
        assert (await call("contact.get", id=carl))["saved_name"] == "Karl K"
        [label] = (await call("label.set", name="Regulars", color=4))["labels"]
        await other.event("labels.edit", lambda d: d["name"] == "Regulars" and d["color"] == 4)
        await call("chat.update", chat=bob, labels=[label["id"]])
        await other.event(
            "labels.association", lambda d: d["type"] == "add" and d["association"]["labelId"] == label["id"]
        )
        await other.call("addChatLabel", carl, label["id"])
        await ada.event(
            "label.changed",
            lambda d: d.get("labeled") and d["chat"]["id"] == str(sandbox.person("carl").account.lid),
        )
        assert (await call("label.list"))["labels"][0]["chats"] == 2
        assert sandbox.world.complaints == []


@pytest.mark.row("a message starred and deleted, both ways", PAIR)
async def test_messages(sandbox, client, waconnd):
    async with waconnd() as ada, client("ada") as other:
        await both(ada, other)
        bob = str(sandbox.address("bob"))
        id = sandbox.say("bob", "ada", "a star")
        await ada.text("a star")
        got = await other.text("a star")
        await ada.client.call("message.star", id=id, chat=bob, on=True)
        await other.event(
            "messages.update", lambda d: d[0]["key"]["id"] == id and d[0]["update"]["starred"] is True
        )
        star = {"messages": [{"id": id, "fromMe": False}], "star": False}
        await other.call("chatModify", {"star": star}, got["key"]["remoteJid"])
        seen = await ada.event("message.starred", lambda d: d["on"] is False)
        assert seen["target"]["id"] == id
        await ada.client.call("message.delete", id=id, chat=bob)
        await other.event("messages.delete", lambda d: d["keys"][0]["id"] == id)
        assert sandbox.world.complaints == []


@pytest.mark.row("history: chats, messages and names; older ones on demand", "waconnd ← phone")
async def test_history(sandbox, waconnd):
    bob = sandbox.person("bob")
    for number in range(12):
        bob.say(sandbox.address("ada"), f"long ago {number}")
    async with waconnd() as ada:
        await ada.pair("ada")
        await ada.event("sync.history", lambda d: d["kind"] == "recent" and d["percent"] == 100)
        found = await ada.client.call("message.list", chat=str(bob.account.pn), limit=50)
        texts = [message["data"]["body"]["text"] for message in found["messages"]]
        assert texts == [f"long ago {number}" for number in reversed(range(12))]
        contact = await ada.client.call("contact.get", id=str(bob.account.pn))
        assert (contact["push_name"], contact["lid"]) == ("bob", str(bob.account.lid))
        oldest = found["messages"][5]
        await ada.client.call("message.get", id=oldest["id"], chat=oldest["chat"])
        asked = await ada.client.call(
            "chat.fetch_history", chat=str(bob.account.pn), before=oldest["id"], count=3
        )
        done = await ada.event("sync.history", lambda d: d.get("request") == asked["request"])
        assert (done["kind"], done["messages"]) == ("on_demand", 3)
