"""What is built is read back as what was meant, with the stanza that it needs."""

from __future__ import annotations

import pytest

from protocol.content import BuildError, Options, Uploaded, acts, build, facts, media_ref, read
from protocol.content.media import AlbumHeader, Captioned
from protocol.content.outgoing import Preview, Quote, Style, key_of
from protocol.content.places import Card, Place
from protocol.pb.e2e_pb2 import Message

PLAIN = Options()
GROUP = "120363000000000001@g.us"
ANN = "15550002222@s.whatsapp.net"
PICTURE = Uploaded(
    mimetype="image/jpeg", size=10, file_sha256=b"\xa1" * 32, direct_path="/v/1", media_key=b"\xc3" * 32,
    file_enc_sha256=b"\xb2" * 32, media_key_timestamp=1, width=4, height=3,
)  # fmt: skip


def built(key, value, options=PLAIN):
    message = build(key, value, options)
    return Message.FromString(message.SerializeToString())


def test_plain_text_is_a_conversation():
    assert built("text", "hi").conversation == "hi"


def test_text_with_everything():
    quote = Quote("ID", ANN, message=Message(conversation="original").SerializeToString())
    options = Options(
        quote=quote,
        mentions=(ANN,),
        mention_all=True,
        ttl_s=86400,
        ttl_set_at=5,
        forward_score=7,
        preview=Preview(url="https://example.com", title="Example"),
        style=Style(background=0xFF112233, font=2),
        secret=b"s" * 32,
    )
    message = built("text", "see https://example.com", options)
    content = read(message)
    assert content["quoted"] == {
        "id": "ID", "participant": ANN, "content": {"type": "text", "text": "original"},
    }  # fmt: skip
    assert content["mentions"] == [ANN] and content["mentionAll"]
    assert content["ephemeral"] == {"expiration": 86400, "settingTimestamp": 5}
    assert content["forwarded"] == {"score": 7, "frequently": True}
    assert content["linkPreview"] == {"url": "https://example.com", "title": "Example"}
    assert content["style"] == {"backgroundArgb": 0xFF112233, "font": 2}
    assert content["hasMessageSecret"]
    assert (facts(message).type, facts(message).mediatype) == ("media", "url")


@pytest.mark.parametrize(
    ("key", "kind", "mediatype"),
    [("image", "image", "image"), ("video", "video", "video"), ("video_note", "videoNote", "ptv"),
     ("audio", "audio", "audio"), ("voice", "audio", "ptt"), ("document", "document", "document"),
     ("sticker", "sticker", "sticker")],
)  # fmt: skip
def test_media_of_every_kind(key, kind, mediatype):
    message = built(key, Captioned(PICTURE))
    assert read(message)["type"] == kind
    assert facts(message).mediatype == mediatype
    ref = media_ref(message)
    assert (ref.direct_path, ref.media_key, ref.size) == ("/v/1", b"\xc3" * 32, 10)


def test_document_with_caption_is_wrapped():
    content = read(built("document", Captioned(PICTURE, "read me")))
    assert content["caption"] == "read me"
    assert content["wrappers"] == ["documentWithCaptionMessage"]


def test_view_once_sets_the_flag_inside_and_the_wrapper_around():
    content = read(built("image", Captioned(PICTURE), Options(view_once=True)))
    assert content["viewOnce"] and content["wrappers"] == ["viewOnceMessageV2"]
    voice = read(built("voice", Captioned(PICTURE), Options(view_once=True)))
    assert voice["wrappers"] == ["viewOnceMessageV2Extension"]


def test_album_children_name_their_header():
    header = built("album", AlbumHeader(2, 0))
    assert read(header)["album"] == {"images": 2, "videos": 0}
    child = built("image", Captioned(PICTURE), Options(album=key_of(GROUP, "H", from_me=True)))
    assert read(child)["association"]["parent"] == {"chat": GROUP, "fromMe": True, "id": "H"}


def test_places_and_cards():
    where = read(built("location", Place(latitude=1.5, longitude=2.0, name="Here")))
    assert where["location"] == {"latitude": 1.5, "longitude": 2.0, "name": "Here"}
    assert read(built("location", Place(latitude=1, longitude=2, live=True)))["type"] == "liveLocation"
    one = read(built("contacts", [Card(name="A;b\nX:1", phone="+1 555 0003333")]))
    assert "waid=15550003333" in one["contacts"][0]["vcard"]
    assert "\nX:1" not in one["contacts"][0]["vcard"]
    assert (
        len(read(built("contacts", [Card(name="A", phone="1"), Card(name="B", phone="2")]))["contacts"]) == 2
    )


def test_polls_choose_their_version():
    single = read(built("poll", acts.Poll(name="Q", options=("a", "b"))))
    assert single["poll"]["version"] == 3
    many = built("poll", acts.Poll(name="Q", options=("a", "b"), selectable_count=0))
    assert read(many)["poll"]["version"] == 1
    assert facts(many).meta == {"polltype": "creation"}


def test_acts_on_other_messages():
    key = key_of(GROUP, "T", from_me=False, participant=ANN)
    reaction = built("reaction", acts.Reaction(key=key, emoji="👍", at_ms=1))
    assert read(reaction)["reaction"]["emoji"] == "👍"
    assert facts(built("reaction", acts.Reaction(key=key, emoji="", at_ms=1))).edit == "7"
    own = key_of(GROUP, "T", from_me=True)
    edit = built("edit", acts.Edit(key=own, message=Message(conversation="new"), at_ms=1))
    assert read(edit)["content"] == {"type": "text", "text": "new"}
    assert facts(edit).edit == "1" and facts(edit).hide
    assert facts(built("revoke", own)).edit == "7" and facts(built("revoke", key)).edit == "8"
    assert not facts(built("revoke", own)).hide
    pin = read(built("pin", acts.Pin(key=key, for_s=86400, at_ms=1)))
    assert (pin["pinned"], pin["duration"]) == (True, 86400)
    assert read(built("keep", acts.Keep(key=key, on=True, at_ms=1)))["kept"]
    vote = built("vote", acts.Sealed(key=key, payload=b"x", iv=b"i" * 12, at_ms=3))
    assert read(vote)["type"] == "pollVote" and facts(vote).meta == {"polltype": "vote"}
    assert read(built("rsvp", acts.Sealed(key=key, payload=b"x", iv=b"i" * 12)))["type"] == "eventResponse"
    assert read(built("comment", acts.Comment(key=key, text="c")))["content"]["text"] == "c"
    forward = read(built("forward", Message(conversation="x"), Options(forward_score=1)))
    assert forward["forwarded"] == {"score": 1}


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("poll", acts.Poll(name="Q", options=("a",)), "poll.options"),
        ("poll", acts.Poll(name="Q", options=("a", "a")), "poll.options"),
        ("poll", acts.Poll(name="", options=("a", "b")), "poll.name"),
        ("poll", acts.Poll(name="Q", options=("a", "b"), selectable_count=3), "poll.selectable_count"),
        ("event", acts.Event(name="E", start_at=5, end_at=4), "event.end_at"),
        ("location", Place(latitude=91, longitude=0), "location.latitude"),
        ("contacts", [], "contacts"),
        ("contacts", [Card(name="A")], "contacts[0]"),
        ("timer", acts.Timer(ttl_s=5, set_at=1), "timer_s"),
        ("pin", acts.Pin(key=key_of(GROUP, "T", from_me=True), for_s=5, at_ms=1), "for_s"),
        ("answer", acts.Answer(kind="text", choice="x"), "id"),
        ("raw", b"\xff\xff", "raw"),
    ],
)
def test_nonsense_is_refused_by_name(key, value, path):
    with pytest.raises(BuildError) as caught:
        build(key, value, PLAIN)
    assert caught.value.path == path
