"""App state in the tables: whole collections in silence, labels, settings, chats emptied up to a moment, persons found to be one."""

from __future__ import annotations

from typing import Any

import anyio

from tests.archive.samples import ANN, DIRECT, NOW, message
from waconnd.store.archive import Archive

CHAT = ANN["id"]
AT = 1_790_000_000.0


def event(type: str, key: str = "", **data: Any) -> dict[str, Any]:
    return {"type": type, "key": key or f"{type}/{data}", "at": AT, **data}


async def test_a_whole_collection_is_one_event(archive: Archive) -> None:
    changes = [
        event("contact.updated", contact=dict(ANN), name="Anna"),
        event("chat.updated", chat={"id": CHAT, "kind": "user"}, pinned=True, pinned_at=AT, muted=True, muted_until=AT + 60),
        event("label.changed", label="1", name="New", color=3, deleted=False),
        event("label.changed", label="1", chat={"id": CHAT, "kind": "user"}, labeled=True),
    ]  # fmt: skip
    synced = event("sync.app_state", collection="regular", version=1, result="synced", full=True)
    await archive.events.append("main", [{**synced, "private": {"changes": changes}}])
    page = await archive.events.read(0)
    assert [row.type for row in page.events] == ["sync.app_state"]
    assert b"Anna" not in page.events[0].body
    chat = await archive.chats.get("main", CHAT)
    assert (chat.name, chat.pinned_at, chat.muted_until, chat.labels) == (
        "Anna",
        AT * 1000,
        (AT + 60) * 1000,
        ["1"],
    )
    [label] = await archive.settings.labels("main")
    assert (label.id, label.name, label.color, label.chats) == ("1", "New", 3, 1)
    off = [
        event("chat.updated", "a", chat={"id": CHAT, "kind": "user"}, pinned=False),
        event("chat.updated", "b", chat={"id": CHAT, "kind": "user"}, muted=False),
        event("label.changed", label="1", deleted=True),
    ]
    await archive.events.append("main", off)
    chat = await archive.chats.get("main", CHAT)
    assert (chat.pinned_at, chat.muted_until, chat.labels) == (0, 0, [])
    assert await archive.settings.labels("main") == []


async def test_settings_come_and_go(archive: Archive) -> None:
    await archive.events.append("main", [event("settings.changed", name="locale", value="de_DE")])
    await archive.events.append(
        "main", [event("settings.changed", name="quick_reply/7", value={"text": "hi"})]
    )
    assert await archive.settings.all("main") == {"locale": "de_DE", "quick_reply/7": {"text": "hi"}}
    assert await archive.settings.all("main", "quick_reply/") == {"quick_reply/7": {"text": "hi"}}
    await archive.events.append("main", [event("settings.changed", name="quick_reply/7")])
    assert await archive.settings.all("main") == {"locale": "de_DE"}
    assert await archive.settings.all("other") == {}


async def test_only_what_the_user_saw_is_emptied(archive: Archive) -> None:
    first = message("A")
    await archive.events.append("main", [first, message("B")])
    newest = (await archive.messages.page("main", CHAT))[0].sent_at
    await archive.events.append("main", [message("C", key="later") | {"sent_at": newest / 1000 + 100}])
    chat = {"id": CHAT, "kind": "user"}
    await archive.events.append("main", [event("chat.deleted", chat=chat, upto=newest / 1000 + 1)])
    assert [m.id for m in await archive.messages.page("main", CHAT)] == ["C"]
    assert (await archive.chats.get("main", CHAT)).id == CHAT, "a newer message keeps the chat"
    await archive.events.append("main", [event("chat.cleared", chat=chat, upto=newest / 1000 + 200)])
    assert await archive.messages.page("main", CHAT) == []
    assert (await archive.chats.get("main", CHAT)).last_id == ""


async def test_one_person_is_one_chat(archive: Archive) -> None:
    by_number = {"id": ANN["pn"], "kind": "user"}
    sender = {"id": ANN["pn"], "pn": ANN["pn"], "name": "Ann"}
    await archive.events.append("main", [message("A", chat=by_number) | {"from": sender}])
    assert [chat.id for chat in await archive.chats.page("main")] == [ANN["pn"]]
    await archive.chats.note("main", ANN["pn"], {"ticket": 7})
    seen = archive.events.newest
    await archive.events.append("main", [message("B")])
    [chat] = await archive.chats.page("main")
    assert (chat.id, chat.local) == (CHAT, {"ticket": 7})
    assert [m.id for m in await archive.messages.page("main", CHAT)] == ["B", "A"]
    told = (await archive.events.read(seen)).events
    assert [row.type for row in told] == ["message.received", "contact.moved"]
    assert archive.events.newest == told[-1].seq, "followers are woken for it"
    await archive.events.append("main", [message("C")])
    assert (await archive.events.read(told[-1].seq)).events[-1].type == "message.received"


async def test_a_timer_that_changed_is_known_as_soon_as_it_is_told(archive: Archive) -> None:
    await archive.events.append("main", [message("A")])
    assert await archive.chats.timer("main", CHAT) == 0
    changed = {"type": "chat.updated", "key": "t", "at": NOW, "chat": DIRECT, "timer_s": 86_400}
    told: list[int] = []

    async def follow() -> None:
        await archive.events.wait(1)
        told.append(await archive.chats.timer("main", CHAT))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await archive.events.append("main", [changed])
    assert told == [86_400]
    await archive.chats.update("main", CHAT, {"timer_s": 0})
    assert await archive.chats.timer("main", CHAT) == 0
