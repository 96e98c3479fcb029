"""message.send: every kind of content and every option, as a person's phone reads it."""

from typing import Any

import pytest

from protocol.content import present, read
from protocol.pb.e2e_pb2 import Message
from tests.support.daemons import Rig
from tests.support.files import b64, ogg, png, webp
from waconnd.client.aio import WaconndError


async def sent(rig: Rig, to: str = "ann", **content: Any) -> tuple[dict[str, Any], Message]:
    """Send it and give what the phone of `to` reads."""
    result = await rig.client.message.send(to=rig.number(to), **content)
    got = await rig.sandbox.until(
        lambda: next((one for one in rig.person(to).inbox if one.id == result["id"]), None), "message"
    )
    return present(read(got.message)), got.message


PLAIN = [
    ({"text": "plain"}, {"kind": "text", "text": "plain"}),
    (
        {"location": {"latitude": 4.6, "longitude": -74.1, "name": "Bogotá"}},
        {"kind": "location", "location": {"latitude": 4.6, "longitude": -74.1, "name": "Bogotá"}},
    ),
    ({"poll": {"name": "When?", "options": ["Mon", "Tue"]}}, {"kind": "poll"}),
    ({"event": {"name": "Dinner", "start_at": "2027-01-01T19:00:00Z"}}, {"kind": "event"}),
    ({"contacts": [{"name": "Bob", "phone": "+15550003333"}]}, {"kind": "contact"}),
    (
        {"contacts": [{"name": "A", "phone": "+15550001"}, {"name": "B", "phone": "+15550002"}]},
        {"kind": "contact"},
    ),
    (
        {"group_invite": {"group": "120363000000000001@g.us", "code": "abcd", "name": "G"}},
        {"kind": "group_invite"},
    ),
    ({"product": {"id": "p1", "title": "Cup", "currency": "EUR", "price_1000": 5000}}, {"kind": "product"}),
    (
        {"raw": b64(Message(conversation="raw words").SerializeToString())},
        {"kind": "text", "text": "raw words"},
    ),
]


@pytest.mark.parametrize(("content", "body"), PLAIN, ids=[next(iter(content)) for content, _ in PLAIN])
async def test_what_needs_no_file(rig: Rig, content: dict[str, Any], body: dict[str, Any]) -> None:
    shown, _ = await sent(rig, **content)
    assert body.items() <= shown["body"].items()


MEDIA = [
    ("image", png(), {"caption": "look"}, {"mimetype": "image/png", "width": 3, "height": 2}),
    ("document", b"%PDF-1.4 hello", {}, {"mimetype": "application/pdf"}),
    ("audio", ogg(), {}, {"mimetype": "audio/ogg; codecs=opus", "duration_s": 3}),
    ("voice", ogg(4), {}, {"duration_s": 4}),
    ("sticker", webp(), {}, {"mimetype": "image/webp", "width": 512, "height": 512}),
    ("video", b"\0\0\0\x18ftypmp42" + bytes(40), {"caption": "film"}, {"mimetype": "video/mp4"}),
]


@pytest.mark.parametrize(("kind", "data", "more", "known"), MEDIA, ids=[one[0] for one in MEDIA])
async def test_files_byte_by_byte(
    rig: Rig, kind: str, data: bytes, more: dict[str, Any], known: dict[str, Any]
) -> None:
    shown, message = await sent(rig, **{kind: {"data": b64(data)}}, **more)
    assert shown["body"]["kind"] == ("audio" if kind == "voice" else kind)
    assert known.items() <= shown["media"].items()
    assert shown["body"].get("caption", "") == more.get("caption", "")
    assert rig.person("ann").open_media(message) == data


async def test_a_round_video(rig: Rig) -> None:
    shown, _ = await sent(rig, video_note={"data": b64(b"\0\0\0\x18ftypmp42" + bytes(40))})
    assert shown["body"]["kind"] == "video_note"


async def test_a_sticker_pack(rig: Rig) -> None:
    pack = {"name": "Cats", "stickers": [{"media": {"data": b64(webp())}, "emojis": ["🐱"]}]}
    shown, message = await sent(rig, sticker_pack=pack)
    assert shown["body"]["sticker_pack"]["name"] == "Cats"
    assert list(message.stickerPackMessage.stickers[0].emojis) == ["🐱"]
    assert message.stickerPackMessage.directPath


async def test_an_album_is_a_header_and_its_items(rig: Rig) -> None:
    album = [{"image": {"data": b64(png())}, "caption": "one"}, {"image": {"data": b64(png(4, 4))}}]
    result = await rig.client.message.send(to=rig.number("ann"), album=album)
    assert len(result["ids"]) == 3
    wanted = set(result["ids"])
    await rig.sandbox.until(lambda: wanted <= {read.id for read in rig.person("ann").inbox}, "whole album")
    got = {read.id: read.message for read in rig.person("ann").inbox}
    header, first, second = (got[id] for id in result["ids"])
    assert header.albumMessage.expectedImageCount == 2
    for child in (first, second):
        assert child.messageContextInfo.messageAssociation.parentMessageKey.id == result["id"]


async def test_options_stand_beside_the_content(rig: Rig) -> None:
    first = await rig.client.message.send(to=rig.number("ann"), text="the original")
    user = rig.person("bob").account.user
    shown, message = await sent(
        rig,
        text=f"answer to @{user}",
        reply_to=first["id"],
        mentions=[f"+{user}"],
        ttl_s=86400,
        forwarded=3,
        link_preview={"url": "answer", "title": "T"},
    )
    context = message.extendedTextMessage.contextInfo
    assert context.stanzaId == first["id"]
    assert context.quotedMessage.conversation == "the original"
    assert list(context.mentionedJid) == [f"{user}@s.whatsapp.net"]
    assert (context.expiration, context.forwardingScore) == (86400, 3)
    assert shown["body"]["link_preview"]["title"] == "T"


async def test_view_once(rig: Rig) -> None:
    result = await rig.client.message.send(to=rig.number("ann"), image={"data": b64(png())}, view_once=True)
    read_ = await rig.sandbox.until(
        lambda: next((one for one in rig.person("ann").inbox if one.id == result["id"]), None), "message"
    )
    assert read_.message.viewOnceMessageV2.message.imageMessage.viewOnce


REFUSED = [
    ({}, "says nothing"),
    ({"text": "a", "poll": {"name": "x", "options": ["a", "b"]}}, "2 contents"),
    ({"text": "a", "caption": "b"}, "caption"),
    ({"text": "a", "view_once": True}, "view once"),
    ({"text": "a", "mention_all": True}, "groups only"),
    ({"text": "hi", "mentions": ["+15550009999"]}, "does not hold"),
    ({"poll": {"name": "x", "options": ["a", "a"]}}, "differ"),
    ({"image": {}}, "names no file"),
    ({"image": {"data": "AAAA", "url": "https://example.org/x"}}, "names 2 files"),
    ({"image": {"upload": "u_nothing"}}, "no upload"),
    ({"image": {"url": "https://example.org/x.png"}}, "not fetched"),
    ({"voice": {"data": b64(png())}}, "Ogg Opus"),
    ({"album": [{"image": {"data": "AAAA"}}, {}]}, "image or a video"),
    ({"text": "a", "link_preview": True}, "not read for previews"),
    ({"text": "a", "reply_to": "3EB0NOTHING"}, "not in the archive"),
    ({"text": "a", "not_before": "tomorrow"}, "not a time"),
]


@pytest.mark.parametrize(("content", "why"), REFUSED, ids=[why for _, why in REFUSED])
async def test_what_makes_no_sense_is_refused_in_words(rig: Rig, content: dict[str, Any], why: str) -> None:
    with pytest.raises(WaconndError, match=why):
        await rig.client.message.send(to=rig.number("ann"), **content)


async def test_a_number_that_nobody_has(rig: Rig) -> None:
    with pytest.raises(WaconndError) as refused:
        await rig.client.message.send(to="+15559999999", text="hello?")
    assert refused.value.kind == "not_on_whatsapp"
    assert refused.value.data["status"] == "failed"


async def test_a_dry_run_checks_and_sends_nothing(rig: Rig) -> None:
    before = len(rig.person("ann").inbox)
    result = await rig.client.message.send(to=rig.number("ann"), text="not really", dry_run=True)
    assert result["status"] == "checked"
    with pytest.raises(WaconndError) as refused:
        await rig.client.message.send(to="+15559999998", text="hello?", dry_run=True)
    assert refused.value.kind == "not_on_whatsapp"
    assert len(rig.person("ann").inbox) == before
