"""chat.*, contact.*, label.*, message.star and message.delete: from here to the phone, and from the phone to here."""

from pathlib import Path
from typing import Any

import pytest

from protocol.jid import Jid
from protocol.node import Node
from protocol.pb.sync_pb2 import SyncActionValue
from protocol.pb.vname_pb2 import VerifiedNameCertificate
from tests.support.daemons import Rig
from tests.support.pictures import JPEG
from waconnd.client.aio import WaconndError


def lid(rig: Rig, name: str = "ann") -> str:
    return str(rig.person(name).account.lid)


async def said(rig: Rig, text: str, name: str = "ann", told: str = "message.received") -> str:
    id = rig.sandbox.say(name, "me", text)
    await rig.event(told, lambda data: data["id"] == id)
    return id


def on_phone(rig: Rig, collection: str) -> dict[tuple[str, ...], SyncActionValue]:
    """What the user sees on the phone."""
    return rig.person("me").phone.state.values(collection)


def of(values: dict[tuple[str, ...], SyncActionValue], action: str, chat: Jid) -> SyncActionValue:
    """The record of a chat, under whichever of its names."""
    names = {index[1] for index in values if index[0] == action}
    return next(value for index, value in values.items() if index[0] == action and index[1] in names)


async def tapped(rig: Rig, collection: str, index: tuple[str, ...], version: int = 3, **fields: Any) -> None:
    """The user does something on the phone: `archiveChatAction={"archived": True}`."""
    value = SyncActionValue()
    for action, members in fields.items():
        held = getattr(value, action)
        held.SetInParent()
        for name, member in members.items():
            setattr(held, name, member)
    rig.person("me").phone.state.set(collection, index, value, version)
    rig.sandbox.pump()


async def test_the_list_is_what_a_person_sees(rig: Rig) -> None:
    await said(rig, "first")
    id = await said(rig, "second")
    found = (await rig.client.chat.list())["chats"]
    ann = next(one for one in found if one["id"] == lid(rig))
    assert ann["pn"] == str(rig.person("ann").account.pn)
    assert ann["unread"] >= 2
    assert (ann["last"]["id"], ann["last"]["text"]) == (id, "second")
    assert ann["last_at"]
    unread = (await rig.client.chat.list(unread=True, kinds=["user"]))["chats"]
    assert ann["id"] in {one["id"] for one in unread}
    assert (await rig.client.call("chat.get", chat=rig.number("ann")))["id"] == ann["id"]


async def test_what_is_set_here_is_seen_on_the_phone(rig: Rig) -> None:
    await said(rig, "about this chat")
    ann = rig.person("ann").account.lid
    call = rig.client.call
    await call("chat.update", chat=str(ann), pinned=True)
    assert of(on_phone(rig, "regular_low"), "pin_v1", ann).pinAction.pinned
    done = await call(
        "chat.update", chat=str(ann), archived=True, muted_until="forever", unread=True, locked=True
    )
    assert (done["archived"], done["muted"], done["marked_unread"], done["locked"]) == (
        True,
        True,
        True,
        True,
    )
    assert not done.get("pinned", False), "what is archived is not pinned, as in the apps"
    low = on_phone(rig, "regular_low")
    assert of(low, "archive", ann).archiveChatAction.archived
    assert not of(low, "pin_v1", ann).pinAction.pinned
    assert not of(low, "markChatAsRead", ann).markChatAsReadAction.read
    assert of(low, "lock", ann).lockChatAction.locked
    assert of(on_phone(rig, "regular_high"), "mute", ann).muteAction.muteEndTimestamp == -1
    done = await call(
        "chat.update", chat=str(ann), archived=False, muted_until="", unread=False, locked=False
    )
    assert not {"archived", "muted", "marked_unread", "locked"} & {
        name for name, on in done.items() if on is True
    }
    with pytest.raises(WaconndError) as refused:
        await call("chat.update", chat=str(ann), muted_until="tomorrow")
    assert (refused.value.kind, refused.value.data["path"]) == ("invalid_params", "$.muted_until")


async def test_what_is_set_on_the_phone_is_told_and_seen_here(rig: Rig) -> None:
    await said(rig, "look at the phone")
    ann = lid(rig)
    before = (await rig.client.call("events.read", after=0, limit=1))["newest_seq"]
    await tapped(rig, "regular_low", ("archive", ann), archiveChatAction={"archived": True})
    await tapped(rig, "regular_high", ("mute", ann), 2, muteAction={"muted": True, "muteEndTimestamp": -1})
    await tapped(rig, "regular_low", ("markChatAsRead", ann), markChatAsReadAction={"read": False})
    told: dict[str, Any] = {}
    while not {"archived", "muted", "unread"} <= told.keys():
        page = await rig.client.call("events.read", after=before, types=["chat.updated"], wait_s=10)
        assert page["events"], f"only {told}"
        before = page["next"]
        for event in page["events"]:
            assert event["data"]["chat"]["id"] == ann
            told |= event["data"]
    assert (told["archived"], told["muted"], told["unread"]) == (True, True, True)
    chat = await rig.client.call("chat.get", chat=ann)
    assert (chat["archived"], chat["muted"], chat["marked_unread"]) == (True, True, True)
    await tapped(rig, "regular_low", ("archive", ann), archiveChatAction={"archived": False})
    await tapped(
        rig, "regular_low", ("setting_unarchiveChats",), 4, unarchiveChatsSetting={"unarchiveChats": True}
    )
    changed = await rig.event("settings.changed", lambda data: "archive" in data["name"])
    assert changed["name"] in (await rig.client.call("settings.list"))["settings"]


async def test_a_timer_both_ways(rig: Rig) -> None:
    ann = rig.person("ann")
    done = await rig.client.call("chat.update", chat=rig.number("ann"), timer_s=86400)
    assert done["timer_s"] == 86400
    sent = await rig.client.message.send(to=rig.number("ann"), text="gone tomorrow", wait="server")
    read = await rig.sandbox.expect("ann", text="gone tomorrow")
    assert read.message.extendedTextMessage.contextInfo.expiration == 86400
    told = await rig.event("message.sent", lambda data: data["id"] == sent["id"])
    assert told["ephemeral"]["ttl_s"] == 86400
    await rig.client.call("chat.update", chat=rig.number("ann"), timer_s=0)
    with pytest.raises(WaconndError) as refused:
        await rig.client.call("chat.update", chat="120363000000000001@g.us", timer_s=86400)
    assert "group.update" in str(refused.value)
    assert ann.account.lid


async def test_clear_and_delete(rig: Rig) -> None:
    chat = rig.number("bob")
    starred, plain = await said(rig, "a star", "bob"), await said(rig, "plain", "bob")
    await rig.client.message.star(id=starred, chat=chat, on=True)
    await rig.client.call("chat.clear", chat=chat, keep_starred=True)
    await rig.event("chat.cleared")
    left = (await rig.client.message.list(chat=chat))["messages"]
    assert [one["id"] for one in left] == [starred]
    assert plain not in str(left)
    await rig.client.call("chat.delete", chat=chat)
    gone = await rig.event("chat.deleted")
    assert gone["chat"]["id"] == lid(rig, "bob")
    with pytest.raises(WaconndError) as missing:
        await rig.client.call("chat.get", chat=chat)
    assert missing.value.kind == "not_found"


async def test_stars_and_deleting_for_oneself_both_ways(rig: Rig) -> None:
    id = await said(rig, "shine")
    await rig.client.message.star(id=id, chat=rig.number("ann"), on=True)
    high = on_phone(rig, "regular_high")
    star = next(value for index, value in high.items() if index[0] == "star" and index[2] == id)
    assert star.starAction.starred
    await rig.client.call("message.delete", id=id, chat=rig.number("ann"))
    assert any(index[0] == "deleteMessageForMe" and index[2] == id for index in on_phone(rig, "regular_high"))
    with pytest.raises(WaconndError):
        await rig.client.message.get(id=id, chat=rig.number("ann"))
    other = await said(rig, "seen on the phone")
    await tapped(rig, "regular_high", ("star", lid(rig), other, "0", "0"), 2, starAction={"starred": True})
    told = await rig.event("message.starred", lambda data: data["target"]["id"] == other)
    assert told["on"] is True
    await tapped(
        rig,
        "regular_high",
        ("deleteMessageForMe", lid(rig), other, "0", "0"),
        deleteMessageForMeAction={"deleteMedia": False},
    )
    await rig.event("message.deleted", lambda data: data["target"]["id"] == other)


async def test_labels(rig: Rig) -> None:
    await said(rig, "a customer")
    made = (await rig.client.call("label.set", name="Customers", color=4))["labels"]
    label = next(one for one in made if one["name"] == "Customers")
    done = await rig.client.call("chat.update", chat=rig.number("ann"), labels=[label["id"]])
    assert done["labels"] == [label["id"]]
    found = (await rig.client.chat.list(label=label["id"]))["chats"]
    assert [one["id"] for one in found] == [lid(rig)]
    await rig.client.call("label.set", id=label["id"], name="Regulars")
    told = await rig.event("label.changed", lambda data: data.get("name") == "Regulars")
    assert told["label"] == label["id"]
    await tapped(
        rig, "regular", ("label_jid", label["id"], lid(rig)), labelAssociationAction={"labeled": False}
    )
    await rig.event("label.changed", lambda data: data.get("labeled") is False)
    assert (await rig.client.call("chat.get", chat=rig.number("ann"))).get("labels", []) == []
    await rig.client.call("label.set", id=label["id"], delete=True)
    assert label["id"] not in {one["id"] for one in (await rig.client.call("label.list"))["labels"]}
    with pytest.raises(WaconndError) as unknown:
        await rig.client.call("chat.update", chat=rig.number("ann"), labels=["77"])
    assert unknown.value.kind == "not_found"


async def test_members_of_ones_own_stay_here(rig: Rig) -> None:
    await said(rig, "note this")
    before = {name: len(on_phone(rig, name)) for name in ("regular", "regular_low", "regular_high")}
    done = await rig.client.call("chat.update", chat=rig.number("ann"), local={"bot": False, "stage": "lead"})
    assert done["local"] == {"bot": False, "stage": "lead"}
    done = await rig.client.call("chat.update", chat=rig.number("ann"), local={"stage": None, "n": 1})
    assert done["local"] == {"bot": False, "n": 1}
    saved = await rig.client.contact.save(id=rig.number("ann"), local={"crm": "4711"}, alias="boss")
    assert (saved["local"]["crm"], saved["alias"]) == ("4711", "boss")
    assert (await rig.client.contact.get(id="alias:boss"))["id"] == lid(rig)
    assert before == {name: len(on_phone(rig, name)) for name in before}, "WhatsApp never sees them"


async def test_the_address_book_both_ways(rig: Rig) -> None:
    await said(rig, "who am I")
    saved = await rig.client.contact.save(id=rig.number("ann"), name="Ann Other")
    assert (saved["saved_name"], saved["name"], saved["push_name"]) == ("Ann Other", "Ann Other", "ann")
    book = on_phone(rig, "critical_unblock_low")
    assert any(value.contactAction.fullName == "Ann Other" for value in book.values())
    listed = (await rig.client.contact.list(name="other"))["contacts"]
    assert [one["id"] for one in listed] == [lid(rig)]
    bob = rig.person("bob").account
    await tapped(
        rig,
        "critical_unblock_low",
        ("contact", str(bob.pn)),
        2,
        contactAction={"fullName": "Bob on the phone", "lidJid": str(bob.lid)},
    )
    told = await rig.event("contact.updated", lambda data: data.get("name") == "Bob on the phone")
    assert (told["contact"]["id"], told["contact"]["pn"]) == (str(bob.lid), str(bob.pn))
    assert (await rig.client.contact.get(id=str(bob.lid)))["saved_name"] == "Bob on the phone"


async def test_one_person_under_both_names(rig: Rig) -> None:
    await said(rig, "the same")
    ann = rig.person("ann").account
    by_number = await rig.client.contact.get(id=rig.number("ann"))
    by_hidden_id = await rig.client.contact.get(id=str(ann.lid))
    assert by_number == by_hidden_id
    assert (by_number["pn"], by_number["lid"]) == (str(ann.pn), str(ann.lid))


async def test_pictures_are_kept_until_they_change(rig: Rig) -> None:
    await said(rig, "smile")
    ann = rig.person("ann")
    assert (await rig.client.contact.picture(id=rig.number("ann")))["exists"] is False
    ann.set_picture(JPEG)
    rig.sandbox.pump()
    await rig.event("contact.updated", lambda data: "picture" in data)
    first = await rig.client.contact.picture(id=rig.number("ann"))
    assert first["exists"] is True
    file = Path(first["path"])
    assert file.read_bytes() == JPEG
    written = file.stat().st_mtime_ns
    again = await rig.client.contact.picture(id=rig.number("ann"))
    assert again == first
    assert file.stat().st_mtime_ns == written
    about = await rig.client.contact.about(id=rig.number("ann"))
    assert "text" in about or about == {}


async def test_a_changed_identity_is_told_and_trusted_again(rig: Rig) -> None:
    bob = rig.person("bob")
    await said(rig, "before", "bob")
    before = await rig.client.contact.identity(id=rig.number("bob"))
    assert before["known"] is True
    assert "changed_at" not in before
    bob.reinstall()
    rig.sandbox.pump()
    await rig.event("contact.identity_changed", lambda data: data["contact"]["id"] == str(bob.account.lid))
    await said(rig, "after", "bob")
    after = await rig.client.contact.identity(id=rig.number("bob"))
    assert after["fingerprint"] != before["fingerprint"]
    assert after["changed_at"]
    assert (await rig.client.contact.get(id=rig.number("bob")))["identity_changed_at"]
    trusted = await rig.client.contact.identity(id=rig.number("bob"), trust=True)
    assert "changed_at" not in trusted
    assert "identity_changed_at" not in await rig.client.contact.get(id=rig.number("bob"))


async def test_the_code_is_the_one_that_the_phones_compare(rig: Rig) -> None:
    mine = await rig.client.contact.identity(id=rig.number("ann"))
    assert len(mine["code"].split()) == 6
    assert len(mine["own_code"].split()) == 6


async def test_a_person_moves_to_another_hidden_id(rig: Rig) -> None:
    ann = rig.person("ann")
    await said(rig, "under the old id")
    old, new = str(ann.account.lid), "123450000000009"
    await rig.client.call("chat.update", chat=old, local={"kept": True})
    ann.change_lid(new)
    rig.sandbox.pump()
    # Their sessions are new, too: the first message is asked for once more.
    await said(rig, "under the new id", told="message.recovered")
    moved = await rig.event("contact.moved", lambda data: data["old"] == old)
    assert moved["new"] == f"{new}@lid"
    chat = await rig.client.call("chat.get", chat=rig.number("ann"))
    assert (chat["id"], chat["local"]["kept"]) == (f"{new}@lid", True)
    texts = [
        one["data"]["body"].get("text")
        for one in (await rig.client.message.list(chat=chat["id"]))["messages"]
    ]
    assert {"under the old id", "under the new id"} <= set(texts)


async def test_quick_replies_both_ways(rig: Rig) -> None:
    call = rig.client.call
    (made,) = (await call("reply.set", shortcut="hours", text="From nine to six."))["replies"]
    held = on_phone(rig, "regular")[("quick_reply", made["id"])].quickReplyAction
    assert (held.shortcut, held.message) == ("hours", "From nine to six.")
    await tapped(
        rig,
        "regular",
        ("quick_reply", "1700000000"),
        2,
        quickReplyAction={"shortcut": "hi", "message": "Hi!"},
    )
    await rig.event("settings.changed", lambda data: data["name"] == "quick_reply/1700000000")
    found = (await call("reply.list"))["replies"]
    assert {one["shortcut"]: one["text"] for one in found} == {"hours": "From nine to six.", "hi": "Hi!"}
    await call("reply.set", id=made["id"], text="From ten on.")
    left = (await call("reply.set", id="1700000000", delete=True))["replies"]
    assert [(one["shortcut"], one["text"]) for one in left] == [("hours", "From ten on.")]
    for params in ({"shortcut": "alone"}, {"text": "alone"}, {"id": "1", "text": "x"}):
        with pytest.raises(WaconndError):
            await call("reply.set", **params)


async def test_links_to_people(rig: Rig) -> None:
    call = rig.client.call
    own = (await call("contact.link"))["link"]
    assert own.startswith("https://wa.me/qr/")
    assert (await call("contact.link", link=own))["contact"]["pn"] == str(rig.person("me").account.pn)
    theirs = f"https://wa.me/qr/SANDBOX{rig.person('bob').account.user}?s=1"
    assert (await call("contact.link", link=theirs))["contact"]["id"] == lid(rig, "bob")
    with pytest.raises(WaconndError) as nobody:
        await call("contact.link", link="https://wa.me/qr/NOBODY")
    assert nobody.value.kind == "not_found"
    with pytest.raises(WaconndError) as none:
        await call("contact.link", link="https://example.org/?!")
    assert none.value.kind == "invalid_params"


async def test_what_a_business_tells(rig: Rig) -> None:
    rig.person("bob").account.business_name = "Bob's Books"
    told = await rig.client.call("contact.business", id=rig.number("bob"))
    assert (told["business"], told["profile"]["description"]) == (True, "Bob's Books")
    assert (await rig.client.call("contact.business", id=rig.number("ann")))["business"] is False


async def test_a_name_that_whatsapp_has_verified(rig: Rig) -> None:
    bob = rig.person("bob").account
    details = VerifiedNameCertificate.Details(verifiedName="Bob's Books Ltd")
    certificate = VerifiedNameCertificate(details=details.SerializeToString()).SerializeToString()
    world = rig.sandbox.world
    device = next(one for one in rig.person("me").account.devices.values() if one.number)
    world.notify(device, "business", bob.pn, [Node("verified_name", {"jid": bob.pn}, certificate)])
    rig.sandbox.pump()
    told = await rig.event("contact.updated", lambda data: data.get("business_name") == "Bob's Books Ltd")
    assert told["contact"]["lid"] == str(bob.lid)
    assert (await rig.client.contact.get(id=rig.number("bob")))["business_name"] == "Bob's Books Ltd"
    world.notify(device, "business", bob.pn, [Node("remove", {"jid": bob.pn})])
    rig.sandbox.pump()
    await rig.event("contact.updated", lambda data: data.get("business_name") == "")
    assert "business_name" not in await rig.client.contact.get(id=rig.number("bob"))
