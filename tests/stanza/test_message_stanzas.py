"""Message, receipt, device, prekey and retry stanzas: what is read from them, what is written, what is refused."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.creds import new_creds
from protocol.errors import RemoteProtocolError
from protocol.jid import LID, USER, Jid, parse
from protocol.node import BadNode, Node
from protocol.stanza import devices, groups, message, prekeys, receipt, retry
from protocol.stanza.devices import Device
from protocol.stanza.message import Facts, Sealed
from protocol.stanza.prekeys import BadBundle, Fetched

ME = [parse("15550001111:7@s.whatsapp.net"), parse("100000000000001:7@lid")]
ANN_LID, ANN_PN = parse("100000000000002:3@lid"), parse("15550002222:3@s.whatsapp.net")
GROUP = parse("120363000000000001@g.us")
RNG = random.Random(5)


def incoming(**attrs: object) -> message.Incoming:
    base: dict[str, object] = {"id": "A1", "t": "1760000000", "type": "text"}
    enc = Node("enc", {"v": "2", "type": "msg"}, b"x")
    return message.parse(Node("message", base | attrs, [enc]), ME)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attrs", "chat", "sender", "from_me", "alt"),
    [
        ({"from": ANN_LID, "sender_pn": ANN_PN.bare}, ANN_LID.bare, ANN_LID, False, ANN_PN),
        ({"from": ANN_PN, "sender_lid": ANN_LID.bare}, ANN_PN.bare, ANN_PN, False, ANN_LID),
        (
            {"from": GROUP, "participant": ANN_LID, "participant_pn": ANN_PN.bare},
            GROUP,
            ANN_LID,
            False,
            ANN_PN,
        ),
        ({"from": GROUP, "participant": ME[1].on(0)}, GROUP, ME[1].on(0), True, None),
        ({"from": ME[1].on(0), "recipient": ANN_LID.bare}, ANN_LID.bare, ME[1].on(0), True, None),
        ({"from": ME[0].on(2), "recipient": ANN_PN.bare}, ANN_PN.bare, ME[0].on(2), True, None),
        ({"from": ME[0].on(2)}, ME[0].bare, ME[0].on(2), True, None),
        (
            {"from": parse("status@broadcast"), "participant": ANN_PN},
            parse("status@broadcast"),
            ANN_PN,
            False,
            None,
        ),
        ({"from": parse("15550002222:99@hosted")}, ANN_PN.bare, parse("15550002222:99@hosted"), False, None),
    ],
)
def test_who_wrote_where(
    attrs: dict[str, object], chat: Jid, sender: Jid, from_me: bool, alt: Jid | None
) -> None:
    read = incoming(**attrs)
    assert (read.chat, read.sender, read.from_me, read.sender_alt) == (chat, sender, from_me, alt)


def test_a_copy_of_ours_names_the_other_side_twice() -> None:
    read = incoming(**{"from": ME[1].on(0), "recipient": ANN_LID.bare, "peer_recipient_pn": ANN_PN.bare})
    assert read.chat_alt == ANN_PN.bare


@pytest.mark.parametrize(
    "attrs",
    [
        {},
        {"from": "not a jid"},
        {"from": GROUP},
        {"from": ANN_LID, "id": ""},
        {"from": ANN_LID, "recipient": ME[1].bare},
    ],
)
def test_what_makes_no_sense_is_refused(attrs: dict[str, object]) -> None:
    with pytest.raises(BadNode):
        incoming(**attrs)


def test_too_many_ciphertexts_are_refused() -> None:
    encs = [Node("enc", {"type": "msg"}, b"x")] * (message.MAX_ENCS + 1)
    with pytest.raises(BadNode):
        message.parse(Node("message", {"id": "A1", "from": ANN_LID}, list(encs)), ME)


def test_a_fan_out() -> None:
    facts = Facts(type="media", mediatype="image", hide=True)
    sealed = [Sealed(ANN_LID, "pkmsg", b"a"), Sealed(ME[1].on(0), "msg", b"b")]
    shared = message.participants(sealed, facts, media=True, bare=[parse("9@lid")])
    first, second, third = shared.children
    assert first.attrs["jid"] == ANN_LID
    assert first.need("enc").attrs == {
        "v": "2",
        "type": "pkmsg",
        "mediatype": "image",
        "decrypt-fail": "hide",
    }
    assert second.need("enc").content_bytes() == b"b"
    assert third.content is None
    key_only = message.participants(sealed, facts, media=False).children[0].need("enc")
    assert "mediatype" not in key_only.attrs
    stanza = message.message(
        ANN_LID.bare, "A1", Facts(edit="1"), [shared], peer_recipient_pn=None, phash="2:x"
    )
    assert set(stanza.attrs) == {"id", "to", "type", "edit", "phash"}


def test_receipts_echo_the_envelope() -> None:
    own = incoming(**{"from": ME[1].on(0), "recipient": ANN_LID.bare})
    node = receipt.delivered(own, available=True)
    assert node.attrs == {"id": "A1", "to": ME[1].on(0), "recipient": ANN_LID.bare, "type": "sender"}
    peer = incoming(**{"from": ME[0].on(0), "category": "peer"})
    assert receipt.delivered(peer, available=True).attrs == {"id": "A1", "to": ME[0].bare, "type": "peer_msg"}
    status = incoming(**{"from": parse("status@broadcast"), "participant": ANN_LID})
    node = receipt.delivered(status, available=False)
    assert (node.text("context"), node.text("type"), node.attrs["participant"]) == ("status", "", ANN_LID)


def test_read_receipts_are_split() -> None:
    ids = [f"I{n}" for n in range(600)]
    nodes = list(receipt.read(GROUP, ids, 5, author=ANN_LID))
    assert [len(node.children[0].children) + 1 for node in nodes] == [256, 256, 88]
    read = [
        id
        for node in nodes
        for id in receipt.parse(Node("receipt", {**node.attrs, "from": ME[0]}, node.content))[0].ids
    ]
    assert read == ids
    assert nodes[0].attrs["participant"] == ANN_LID.bare
    (single,) = receipt.read(ANN_LID.bare, ["I"], 5, author=ANN_LID)
    assert single.content is None
    assert "participant" not in single.attrs


def test_device_lists() -> None:
    listed = Node(
        "device-list",
        {"hash": "2:abcdefgh"},
        [
            Node("device", {"id": "0"}),
            Node("device", {"id": "7", "key-index": "3"}),
            Node("device", {"id": "8"}),
            Node("device", {"id": "99", "key-index": "9", "is_hosted": "true"}),
        ],
    )
    users = [
        Node(
            "user", {"jid": ANN_PN.bare}, [Node("devices", {}, [listed]), Node("lid", {"val": ANN_LID.bare})]
        ),
        Node("user", {"jid": parse("1@lid")}, [Node("devices", {}, [Node("error", {"code": "404"})])]),
        Node("user", {"jid": parse("2@lid")}),
    ]
    first, second, third = devices.parse(Node("iq", {}, [Node("usync", {}, [Node("list", {}, list(users))])]))
    assert first.devices == (Device(0), Device(7, 3), Device(99, 9, True))
    assert [d.jid(ANN_PN.bare).server for d in first.devices] == [USER, USER, "hosted"]
    assert first.lid == ANN_LID.bare
    assert (second.error, third.unknown) == (404, True)


def bundle(**wrong: bytes) -> Node:
    parts = {"registration": bytes(4), "type": b"\x05", "identity": bytes(32)} | wrong
    skey = [
        Node("id", {}, wrong.get("id", bytes(3))),
        Node("value", {}, bytes(32)),
        Node("signature", {}, bytes(64)),
    ]
    children = [Node(tag, {}, value) for tag, value in parts.items() if tag != "id"]
    return Node("user", {"jid": ANN_LID}, [*children, Node("skey", {}, list(skey))])


def test_bundles_stand_or_fall_alone() -> None:
    other = Node("user", {"jid": parse("3@lid")}, [Node("error", {"code": "404", "text": "item-not-found"})])
    short = Node("user", {"jid": parse("4@lid")}, bundle(identity=bytes(31)).content)
    answer = prekeys.parse_bundles(Node("iq", {}, [Node("list", {}, [bundle(), other, short])]))
    good = answer[ANN_LID]
    assert isinstance(good, Fetched)
    assert good.bundle.pre_key is None
    assert isinstance(answer[parse("3@lid")], BadBundle)
    assert "identity" in str(answer[parse("4@lid")])


def test_retry_receipts_survive_the_way() -> None:
    creds = new_creds(RNG.randbytes, 0)
    keys = retry.Keys(creds.identity.public, 77, bytes(32), creds.signed_pre_key, b"identity")
    asked = incoming(**{"from": GROUP, "participant": ANN_LID})
    node = retry.ask(asked, 2, creds.registration_id, 7, keys)
    assert (node.attrs["to"], node.attrs["participant"]) == (GROUP, ANN_LID)
    request = retry.parse(Node("receipt", {**node.attrs, "from": GROUP, "participant": ME[1]}, node.content))
    assert (request.count, request.error, request.registration_id, request.requester) == (
        2,
        7,
        creds.registration_id,
        ME[1],
    )
    assert request.keys is not None
    assert request.keys.bundle.pre_key_id == 77
    assert request.keys.bundle.signed_pre_key == creds.signed_pre_key.pair.public
    first = retry.ask(asked, 1, 5, 0, None)
    assert first.child("keys") is None
    assert "error" not in first.need("retry").attrs


def test_rosters() -> None:
    group = Node(
        "group",
        {"addressing_mode": "lid"},
        [
            Node("participant", {"jid": ANN_LID.bare, "phone_number": ANN_PN.bare, "type": "admin"}),
            Node("participant", {"jid": parse("5@lid"), "error": "404"}),
        ],
    )
    read = groups.parse(Node("iq", {"from": GROUP}, [group]))
    assert read.addressing == LID
    assert [(m.jid, m.other, m.role) for m in read.participants] == [(ANN_LID.bare, ANN_PN.bare, "admin")]
    assert [m.error for m in read.refused] == [404]


nodes = st.recursive(
    st.builds(
        Node,
        st.sampled_from(
            ["enc", "user", "list", "devices", "device-list", "device", "error", "keys", "retry", "skey", "x"]
        ),
        st.dictionaries(
            st.sampled_from(
                ["id", "jid", "from", "participant", "type", "t", "count", "key-index", "recipient", "val"]
            ),
            st.one_of(st.text(max_size=6), st.sampled_from([ANN_LID, GROUP, ME[0]])),
            max_size=6,
        ),
        st.one_of(st.none(), st.binary(max_size=40)),
    ),
    lambda inner: st.builds(
        Node,
        st.sampled_from(
            ["usync", "list", "user", "devices", "receipt", "message", "participants", "group", "add"]
        ),
        st.dictionaries(
            st.sampled_from(["id", "from", "jid"]), st.sampled_from([ANN_LID, GROUP, "x"]), max_size=3
        ),
        st.lists(inner, max_size=5),
    ),
    max_leaves=12,
)


@given(nodes)
def test_no_stanza_raises_anything_but_what_it_may(node: Node) -> None:
    for read in (
        lambda: message.parse(node, ME),
        lambda: receipt.parse(node),
        lambda: retry.parse(node),
        lambda: devices.parse(node),
        lambda: devices.parse_change(node),
        lambda: prekeys.parse_bundles(node),
        lambda: prekeys.parse_digest(node),
        lambda: groups.parse(node),
    ):
        try:
            read()  # type: ignore[no-untyped-call]
        except RemoteProtocolError:
            pass
