"""What the log makes of messages: content, changes that never go backwards, search, chats, people, media."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from protocol.events.message import (
    Chat,
    ChatTimer,
    MessageEdited,
    MessageReaction,
    MessageReceived,
    Person,
    Private,
    ReceiptReceived,
    Target,
)
from tests.archive.samples import ANN, BOB, DIRECT, GROUP, ME, NOW, Clock, change, message, own
from waconnd.store.archive import Archive, ArchiveError, BadPosition, NotFound
from waconnd.store.archive.events import Filter
from waconnd.store.archive.outbox import Draft

CHAT = DIRECT["id"]


def body(data: bytes) -> dict[str, object]:
    return msgspec.json.decode(data)["body"]


async def test_a_message_its_chat_and_its_sender(archive: Archive) -> None:
    await archive.events.append("main", [message("A", "good morning", chat=GROUP)])
    held = await archive.messages.get("main", "A")
    assert (held.chat, held.sender, held.kind, held.from_me, held.seq) == (
        GROUP["id"],
        ANN["id"],
        "text",
        False,
        1,
    )
    assert msgspec.json.decode(held.data)["from"]["name"] == "Ann"
    chat = await archive.chats.get("main", GROUP["id"])
    assert (chat.kind, chat.name, chat.unread, chat.last_id, chat.last_at) == (
        "group",
        "Book club",
        1,
        "A",
        NOW * 1000,
    )
    contact = await archive.contacts.get("main", ANN["pn"])
    assert (contact.id, contact.pn, contact.lid, contact.shown) == (ANN["lid"], ANN["pn"], ANN["lid"], "Ann")
    with pytest.raises(NotFound):
        await archive.messages.get("other", "A")


async def test_a_group_member_cannot_take_the_place_of_another_ones_message(archive: Archive) -> None:
    await archive.events.append("main", [message("A", "mine", chat=GROUP)])
    await archive.events.append("main", [message("A", "forged", chat=GROUP, who=BOB) | {"key": "other"}])
    assert body((await archive.messages.get("main", "A", GROUP["id"], ANN["id"])).data) == {
        "kind": "text",
        "text": "mine",
    }


async def test_pages_of_a_chat_in_both_directions(archive: Archive) -> None:
    await archive.events.append("main", [message(f"M{n:02}", at=NOW + n // 2) for n in range(20)])
    newest = await archive.messages.page("main", CHAT, limit=5)
    assert [m.id for m in newest] == ["M19", "M18", "M17", "M16", "M15"]
    older = await archive.messages.page("main", CHAT, before=newest[-1].position, limit=3)
    assert [m.id for m in older] == ["M14", "M13", "M12"]
    newer = await archive.messages.page("main", CHAT, after="M14", limit=3)
    assert [m.id for m in newer] == ["M15", "M16", "M17"]
    between = await archive.messages.page("main", CHAT, after="M10", before="M13")
    assert [m.id for m in between] == ["M12", "M11"]
    assert [m.id for m in await archive.messages.page("main", limit=1)] == ["M19"]
    assert await archive.messages.page("main", CHAT, kinds=("image",)) == []
    with pytest.raises(BadPosition):
        await archive.messages.page("main", CHAT, before="unknown")


async def test_search(archive: Archive) -> None:
    await archive.events.append(
        "main",
        [
            message("A", "Mañana a las nueve, en el café"),
            message("B", 'she said "see you" and left', chat=GROUP),
            message("C", "x", chat=GROUP, body={"kind": "image", "caption": "the café at night"}),
            message("D", "x", body={"kind": "poll", "name": "Where?", "options": ["Harbour", "Hills"]}),
        ],
    )
    await archive.events.append("other", [message("E", "café")])

    async def ids(typed: str, **more: object) -> list[str]:
        return [hit.message.id for hit in await archive.messages.search("main", typed, **more)]

    assert await ids("cafe") == ["C", "A"]
    assert await ids("manana nuev") == ["A"], "the last word may go on"
    assert await ids('"you see"') == []
    assert await ids('"see you"') == ["B"]
    assert await ids("harbour") == ["D"]
    assert await ids("cafe", chat=GROUP["id"]) == ["C"]
    assert await ids("cafe", limit=1) == ["C"]
    for odd in (
        "",
        "   ",
        "*",
        '"',
        "AND OR NOT (",
        "a:b",
        "text : x",
        "NEAR(",
        "'; drop table message",
        "-",
    ):
        await ids(odd)
    assert (await archive.messages.search("main", "nueve"))[0].snippet == "Mañana a las ‹nueve›, en el café"


async def test_edit_is_found_by_its_new_words_only(archive: Archive) -> None:
    await archive.events.append("main", [message("A", "first words")])
    new = {"kind": "text", "text": "second thoughts"}
    await archive.events.append("main", [change("message.edited", "A", at=NOW + 10, body=new)])
    await archive.events.append(
        "main", [change("message.edited", "A", at=NOW + 5, body={"kind": "text", "text": "old"})]
    )
    held = await archive.messages.get("main", "A")
    assert (body(held.data)["text"], held.edited_at) == ("second thoughts", round((NOW + 10) * 1000))
    assert not await archive.messages.search("main", "first")
    assert len(await archive.messages.search("main", "thoughts")) == 1
    await archive.events.append(
        "main", [change("message.edited", "A", at=NOW + 20, by=BOB, body={"text": "forged"})]
    )
    assert body((await archive.messages.get("main", "A")).data)["text"] == "second thoughts"
    by_number = {"id": ANN["pn"]}
    await archive.events.append(
        "main", [change("message.edited", "A", at=NOW + 30, by=by_number, body={"text": "third"})]
    )
    assert body((await archive.messages.get("main", "A")).data)["text"] == "third"


async def test_revoke_takes_the_content_along(archive: Archive) -> None:
    await archive.events.append(
        "main",
        [message("A", "secret words", media={"mimetype": "image/jpeg"}, private={"media": {"key": "k"}})],
    )
    assert (await archive.media.get("main", CHAT, "A")).reference == {"key": "k"}
    await archive.events.append("main", [change("message.revoked", "A", at=NOW + 1)])
    await archive.events.append("main", [change("message.edited", "A", at=NOW + 2, body={"text": "again"})])
    held = await archive.messages.get("main", "A")
    assert (held.kind, held.revoked_by, body(held.data)) == ("revoked", ANN["id"], {"kind": "revoked"})
    assert b"secret" not in held.data
    assert not await archive.messages.search("main", "secret")
    with pytest.raises(NotFound):
        await archive.media.get("main", CHAT, "A")


async def test_changes_that_come_before_their_message(archive: Archive) -> None:
    await archive.events.append(
        "main",
        [
            change("message.reaction", "A", at=NOW + 3, by=ME, emoji="👍"),
            change("message.edited", "A", at=NOW + 2, body={"text": "new"}),
            message("A", "old"),
        ],
    )
    assert body((await archive.messages.get("main", "A")).data)["text"] == "new"
    assert [a.who for a in await archive.messages.annotations("main", CHAT, ["A"])] == [ME["id"]]


async def test_the_newest_reaction_of_each_person_stands(archive: Archive) -> None:
    await archive.events.append(
        "main",
        [
            message("A", chat=GROUP),
            change("message.reaction", "A", chat=GROUP, at=NOW + 5, emoji="❤"),
            change("message.reaction", "A", chat=GROUP, at=NOW + 3, emoji="👍"),
            change("message.reaction", "A", chat=GROUP, at=NOW + 4, by=BOB, emoji="😂"),
            change("message.reaction", "A", chat=GROUP, at=NOW + 6, by=BOB, emoji=""),
            change("message.poll_vote", "A", chat=GROUP, at=NOW + 6, by=BOB, options=["x"]),
        ],
    )
    held = await archive.messages.annotations("main", GROUP["id"], ["A"])
    assert [(a.kind, a.who, msgspec.json.decode(a.value)) for a in held] == [
        ("reaction", ANN["id"], {"emoji": "❤"}),
        ("reaction", BOB["id"], {"emoji": ""}),
        ("vote", BOB["id"], {"options": ["x"]}),
    ]


async def test_votes_are_told_in_words_and_counted(archive: Archive) -> None:
    def vote(at: float, by: dict[str, str], *names: str) -> dict[str, object]:
        hashes = [hashlib.sha256(name.encode()).hexdigest() for name in names]
        return change("message.poll_vote", "P", chat=GROUP, at=NOW + at, by=by, hashes=hashes)

    poll = {"kind": "poll", "poll": {"name": "When?", "options": ["Mon", "Tue", "Wed"]}}
    early = vote(1, BOB, "Mon")
    await archive.events.append("main", [early])
    await archive.events.append("main", [message("P", chat=GROUP) | {"body": poll}])
    # One transaction: each knows the one before. A name that is no option counts for nothing.
    later = [vote(5, ANN, "Tue", "Sun"), vote(6, BOB, "Tue"), vote(4, BOB, "Wed"), vote(7, ANN)]
    await archive.events.append("main", later)
    page = await archive.events.read(0, Filter(types=("message.poll_vote",)))
    told: list[dict[str, Any]] = [msgspec.json.decode(row.body)["data"] for row in page.events]
    assert "options" not in told[0]
    assert [one["options"] for one in told[1:]] == [["Tue"], ["Tue"], ["Wed"], []]
    counts = [[result["votes"] for result in one["results"]] for one in told[1:]]
    assert counts == [[1, 1, 0], [0, 2, 0], [0, 2, 0], [0, 1, 0]]
    held = await archive.messages.annotations("main", GROUP["id"], ["P"])
    assert all("results" not in msgspec.json.decode(one.value) for one in held)


async def test_status_only_rises(archive: Archive) -> None:
    await archive.events.append("main", [own("A")])
    for n, (status, then) in enumerate(
        [
            ("server_ack", "server_ack"),
            ("failed", "server_ack"),
            ("read", "read"),
            ("delivered", "read"),
            ("played", "played"),
        ]
    ):
        event = {
            "type": "message.status",
            "key": f"s{n}",
            "at": NOW,
            "id": "A",
            "chat": CHAT,
            "status": status,
        }
        await archive.events.append("main", [event])
        assert (await archive.messages.get("main", "A")).status == then


async def test_receipts(archive: Archive) -> None:
    places = {"A": DIRECT, "G": GROUP}

    async def receipt(kind: str, id: str, who: dict[str, str], at: float, device: int = 0) -> None:
        data = {"ids": [id], "chat": places[id], "by": who, "receipt": kind, "device": device}
        event = {"type": "receipt.received", "key": f"{kind}/{id}/{who['id']}/{at}", "at": at, **data}
        status = {**event, "type": "message.status", "key": f"status/{event['key']}", "status": kind}
        await archive.events.append("main", [event] if who is ME else [event, status])

    await archive.events.append("main", [own("A"), own("G", chat=GROUP), message("B", at=NOW)])
    await receipt("read", "A", ANN, NOW + 2)
    await receipt("delivered", "A", ANN, NOW + 3)
    assert (await archive.messages.get("main", "A")).status == "read"
    await receipt("delivered", "G", ANN, NOW + 1)
    await receipt("read", "G", BOB, NOW + 2)
    assert (await archive.messages.get("main", "G")).status == "sent", (
        "a group's status is the protocol's to judge"
    )
    held = await archive.messages.receipts("main", GROUP["id"], "G")
    assert [(r.who, r.delivered_at > 0, r.read_at > 0) for r in held] == [
        (ANN["id"], True, False),
        (BOB["id"], False, True),
    ]
    await receipt("delivered", "G", ANN, NOW + 4, device=2)
    held = await archive.messages.receipts("main", GROUP["id"], "G")
    assert [(r.who, r.device) for r in held] == [(ANN["id"], 0), (ANN["id"], 2), (BOB["id"], 0)]
    await receipt("read-self", "A", ME, NOW + 5)
    assert (await archive.chats.get("main", CHAT)).unread == 0


async def test_a_group_s_message_is_read_when_all_have_read_it(archive: Archive) -> None:
    draft = Draft(chat=GROUP["id"], id="G", content=b"x", hash=b"h")
    entry, _ = await archive.outbox.add("main", draft)
    await archive.events.append("main", [own("G", chat=GROUP)])

    async def told(status: str, at: float, **more: Any) -> list[str]:
        event = {
            "type": "message.status",
            "key": f"s{at}",
            "at": NOW + at,
            "ids": ["G"],
            "chat": GROUP,
            "status": status,
        }
        await archive.events.append("main", [event | more])
        held = await archive.outbox.get("main", entry.outbox_id)
        return [(await archive.messages.get("main", "G")).status, held.status]

    landed = {"private": {"result": {"chat": GROUP["id"], "at": int(NOW), "people": 2}}}
    assert await told("server_ack", 1, **landed) == ["server_ack"] * 2
    assert await told("read", 2, by=ANN) == ["server_ack"] * 2
    assert await told("read", 3, by=ANN, device=1) == ["server_ack"] * 2
    assert await told("delivered", 4, by=BOB) == ["delivered"] * 2
    assert await told("read", 5, by=BOB, device=7) == ["read"] * 2
    assert await told("delivered", 6, by=BOB, device=8) == ["read"] * 2


async def test_unread_counts(archive: Archive) -> None:
    await archive.events.append(
        "main", [message(f"M{n}", at=NOW + n) for n in range(5)] + [own("O", at=NOW + 9)]
    )
    assert (await archive.chats.get("main", CHAT)).unread == 5
    assert [m.id for m in await archive.messages.unread("main", CHAT, "M2")] == ["M0", "M1", "M2"]
    await archive.chats.mark_read("main", CHAT, round((NOW + 2) * 1000))
    assert (await archive.chats.get("main", CHAT)).unread == 2
    await archive.chats.mark_read("main", CHAT, round(NOW * 1000))
    assert (await archive.chats.get("main", CHAT)).unread == 2, "what was read stays read"
    await archive.events.append("main", [message("late", at=NOW + 1)])
    assert (await archive.chats.get("main", CHAT)).unread == 2
    updated = {
        "type": "chat.updated",
        "key": "u",
        "at": NOW,
        "chat": DIRECT,
        "unread": False,
        "archived": True,
    }
    await archive.events.append("main", [updated])
    chat = await archive.chats.get("main", CHAT)
    assert (chat.unread, chat.archived) == (0, True)


async def test_history_makes_rows_without_events(archive: Archive) -> None:
    items = [message(f"H{n}", at=NOW - 1000 + n) | {"type": "history.message"} for n in range(600)]
    items.append({"type": "history.chat", "at": NOW, "chat": {**DIRECT, "name": "Ann at work"}, "unread": 3})
    assert await archive.messages.add_history("main", items) == 601
    assert (await archive.events.read(0)).events == []
    chat = await archive.chats.get("main", CHAT)
    assert (chat.unread, chat.name, chat.last_id) == (3, "Ann at work", "H599")
    await archive.events.append("main", [message("H1", "again")])
    assert len(await archive.messages.page("main", CHAT, limit=200, after="H598")) == 1, (
        "a message is one row"
    )


async def test_messages_of_one_second_keep_their_order(archive: Archive) -> None:
    await archive.events.append("main", [message("live", at=NOW)])
    newest_first = [message(f"H{n}", at=NOW) | {"type": "history.message"} for n in reversed(range(600))]
    for start in range(0, 600, 250):
        await archive.messages.add_history("main", newest_first[start : start + 250])
    await archive.events.append("main", [message("last", at=NOW)])
    page = await archive.messages.page("main", CHAT, limit=4)
    assert [one.id for one in page] == ["last", "live", "H599", "H598"]
    assert (await archive.chats.get("main", CHAT)).last_id == "last"
    further = await archive.messages.page("main", CHAT, before=page[-1].position, limit=2)
    assert [one.id for one in further] == ["H597", "H596"]
    oldest = await archive.messages.page("main", CHAT, after=page[-1].position, limit=9)
    assert [one.id for one in oldest] == ["H599", "live", "last"]


async def test_an_undecryptable_message_keeps_its_place(archive: Archive) -> None:
    blank = {**message("A"), "type": "message.undecryptable", "body": None, "reason": "no_session"}
    await archive.events.append("main", [blank])
    assert (await archive.messages.get("main", "A")).kind == "placeholder"
    await archive.events.append("main", [message("A", "at last") | {"type": "message.recovered", "key": "r"}])
    assert body((await archive.messages.get("main", "A")).data)["text"] == "at last"
    assert (await archive.chats.get("main", CHAT)).unread == 1
    assert len(await archive.messages.search("main", "last")) == 1


async def test_disappearing_messages_disappear(archive: Archive, clock: Clock) -> None:
    await archive.events.append(
        "main", [message("A", "gone soon", ephemeral={"ttl_s": 86_400}), message("B", "stays")]
    )
    clock.now += 86_500
    await archive.retention.sweep_all()
    assert [m.id for m in await archive.messages.page("main", CHAT)] == ["B"]
    assert not await archive.messages.search("main", "gone")


@pytest.mark.parametrize("store", ["meta", "none"])
async def test_privacy_modes_store_no_content(archive: Archive, store: str) -> None:
    await archive.accounts.set_store("main", store)  # type: ignore[arg-type]
    await archive.events.append(
        "main",
        [
            message("A", "canary", private={"media": {"key": "canary"}}),
            change("message.reaction", "A", emoji="canary"),
        ],
    )
    assert not await archive.messages.search("main", "canary")
    assert len((await archive.events.read(0)).events) == 2, "subscribers get them all the same"
    page = await archive.messages.page("main", CHAT)
    assert [(m.id, m.data) for m in page] == ([("A", b"")] if store == "meta" else [])
    with pytest.raises(NotFound):
        await archive.media.get("main", CHAT, "A")
    assert all(b"canary" not in a.value for a in await archive.messages.annotations("main", CHAT, ["A"]))


async def test_two_addresses_of_a_person_become_one_contact(archive: Archive) -> None:
    await archive.contacts.learn("main", {"pn": ANN["pn"], "push_name": "Annie"}, about="hey")
    await archive.contacts.note("main", ANN["pn"], {"crm": 7})
    await archive.contacts.learn("main", {"lid": ANN["lid"]}, name="Ann Smith")
    assert len(await archive.contacts.page("main")) == 2
    await archive.contacts.learn("main", ANN)
    [held] = await archive.contacts.page("main")
    assert (held.id, held.pn, held.name, held.local, held.info) == (
        ANN["lid"],
        ANN["pn"],
        "Ann Smith",
        {"crm": 7},
        {"about": "hey"},
    )
    assert [c.id for c in await archive.contacts.page("main", name="smith")] == [ANN["lid"]]
    await archive.contacts.learn("main", {"pn": ANN["pn"], "lid": "100000000000077@lid"})
    assert (await archive.contacts.get("main", ANN["lid"])).pn == "", "the number has another owner now"


async def test_a_chat_moves_with_its_person(archive: Archive) -> None:
    old = {"id": ANN["pn"], "kind": "user"}
    await archive.events.append("main", [message("A", chat=old), message("B", at=NOW + 1)])
    moved = {"type": "contact.moved", "key": "m", "at": NOW, "old": ANN["pn"], "new": ANN["lid"]}
    await archive.events.append("main", [moved])
    assert [m.id for m in await archive.messages.page("main", ANN["lid"])] == ["B", "A"]
    assert [(c.id, c.unread) for c in await archive.chats.page("main")] == [(ANN["lid"], 2)]


async def test_chat_list_pages_filters_and_notes(archive: Archive) -> None:
    for n in range(7):
        chat = {"id": f"12036300000000000{n}@g.us", "kind": "group", "name": f"Group {n}"}
        await archive.events.append("main", [message(f"M{n}", chat=chat, at=NOW + n // 2)])
    first = await archive.chats.page("main", limit=4)
    rest = await archive.chats.page("main", limit=9, after=first[-1].position)
    assert [c.name[-1] for c in first + rest] == ["6", "4", "5", "2", "3", "0", "1"]
    assert await archive.chats.note("main", first[0].id, {"ticket": 1, "who": "x"}) == {
        "ticket": 1,
        "who": "x",
    }
    assert await archive.chats.note("main", first[0].id, {"who": None}) == {"ticket": 1}
    assert [c.local for c in await archive.chats.page("main", name="group 6")] == [{"ticket": 1}]
    await archive.chats.update("main", first[0].id, {"muted_until": NOW, "pinned": True, "labels": ["1"]})
    chat = await archive.chats.get("main", first[0].id)
    assert (chat.muted_until, bool(chat.pinned_at), chat.labels) == (NOW * 1000, True, ["1"])
    assert len(await archive.chats.page("main", unread=True, archived=False)) == 7


async def test_deleting_a_message_a_chat_an_account(archive: Archive) -> None:
    await archive.events.append("main", [message(f"M{n}", f"word{n}", at=NOW + n) for n in range(5)])
    await archive.events.append("other", [message("M0", "word0")])
    await archive.messages.set_starred("main", "M3", CHAT, on=True)
    assert await archive.messages.delete("main", "M1", CHAT)
    assert not await archive.messages.search("main", "word1")
    gone = {"type": "chat.deleted", "key": "d", "at": NOW, "chat": DIRECT, "keep_starred": True}
    await archive.events.append("main", [gone])
    assert [m.id for m in await archive.messages.page("main", CHAT)] == ["M3"]
    await archive.accounts.forget("main")
    assert await archive.messages.page("main") == []
    assert await archive.contacts.page("main") == []
    assert {row.account for row in (await archive.events.read(0)).events} == {"other"}
    assert len(await archive.messages.search("other", "word0")) == 1
    assert await archive.verify() == []


async def test_an_alias_is_one_person(archive: Archive) -> None:
    await archive.contacts.learn("main", ANN, name="Überchefin")
    await archive.contacts.learn("main", BOB, name="Bob")
    assert await archive.contacts.by_alias("main", "überCHEFIN") == ANN["id"]
    assert await archive.contacts.by_alias("main", "nobody") is None
    await archive.contacts.note("main", BOB["id"], {"alias": "boss"})
    assert await archive.contacts.by_alias("main", "Boss") == BOB["id"]
    await archive.contacts.note("main", ANN["id"], {"alias": "boss"})
    with pytest.raises(ArchiveError, match="several contacts"):
        await archive.contacts.by_alias("main", "boss")


async def test_a_chat_without_a_name_has_its_persons(archive: Archive) -> None:
    await archive.events.append("main", [message("A"), message("C", chat=GROUP)])
    assert {chat.id: chat.name for chat in await archive.chats.page("main")} == {
        CHAT: "Ann",
        GROUP["id"]: "Book club",
    }
    assert {chat.id for chat in await archive.chats.page("main", name="aNN")} == {CHAT}


async def test_the_protocols_own_events(archive: Archive) -> None:
    """As they come from a live connection, and again as JSON out of a journal."""
    ann, where = (
        Person(id=ANN["id"], pn=ANN["pn"], lid=ANN["lid"], name="Ann"),
        Chat(id=GROUP["id"], kind="group"),
    )
    said = MessageReceived(
        at=NOW, key="message/X/A", id="A", sent_at=NOW, chat=where, from_=ann, body={"kind": "text", "text": "canary"},
        from_me=False, broadcast=False, retried=False, private=Private(media={"key": b"k"}, secret=b"\1" * 32),
    )  # fmt: skip
    target = Target(id="A", chat=where, from_=ann)
    changes = [
        MessageReaction(at=NOW, key="r", id="R", sent_at=NOW, chat=where, target=target, by=ann, from_me=False, emoji="👍"),
        MessageEdited(
            at=NOW, key="e", id="E", sent_at=NOW + 1, chat=where, target=target, by=ann, from_me=False,
            body={"kind": "text", "text": "changed"},
        ),
        ReceiptReceived(at=NOW, key="t", ids=["A"], chat=where, type_="read_self", by=ann),
        ChatTimer(at=NOW, key="c", chat=where, by=ann, timer_s=86_400),
    ]  # fmt: skip
    await archive.events.append("main", [said, *changes])
    await archive.drain("main", [msgspec.json.encode(event) for event in (said, *changes)])
    held = await archive.messages.get("main", "A")
    assert (body(held.data)["text"], held.sender) == ("changed", ANN["id"])
    assert await archive.messages.secret("main", GROUP["id"], "A") == b"\1" * 32
    assert (await archive.media.get("main", GROUP["id"], "A")).reference == {"key": "aw=="}
    assert len(await archive.messages.annotations("main", GROUP["id"], ["A"])) == 1
    chat = await archive.chats.get("main", GROUP["id"])
    assert (chat.unread, chat.timer_s) == (0, 86_400)
    page = await archive.events.read(0)
    assert len(page.events) == 5
    shown = msgspec.json.decode(page.events[0].body)
    assert shown["data"]["sent_at"].endswith("Z")
    assert "private" not in shown["data"]
    assert shown["data"]["from"]["name"] == "Ann"
