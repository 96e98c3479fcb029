"""Pairing stanzas at their edges: what is malformed is refused by a typed error, never half read."""

from __future__ import annotations

import random

import pytest

from protocol.creds import new_creds
from protocol.crypto.curve import generate
from protocol.jid import SERVER, Jid
from protocol.node import BadNode, Node
from protocol.pb.login_pb2 import ClientPayload
from protocol.stanza import admission, linkcode, login, pairing, passkey, session
from protocol.stanza.version import BUILT_IN

RNG = random.Random(11)
CREDS = new_creds(RNG.randbytes, 0.0)
DEVICE = Jid("15550001111", "s.whatsapp.net", 7)


def registration(**change: bytes) -> bytes:
    payload = ClientPayload.FromString(
        login.registration(
            CREDS, BUILT_IN, device_name="waconnd", platform_type=1, full_history=True, history_days=90
        )
    )
    for name, value in change.items():
        setattr(payload.devicePairingData, name, value)
    return payload.SerializeToString()


def test_a_registration_is_admitted_with_all_that_it_shows():
    newcomer = admission.admit(registration(), oldest=BUILT_IN)
    assert isinstance(newcomer, admission.Newcomer)
    assert (newcomer.name, newcomer.platform_type, newcomer.version) == ("waconnd", 1, BUILT_IN)
    assert newcomer.signed_pre_key == CREDS.signed_pre_key.pair.public


@pytest.mark.parametrize(
    "change",
    [
        {"eRegid": b"123"},
        {"eKeytype": b"\x06"},
        {"eIdent": bytes(33)},
        {"eSkeyId": bytes(4)},
        {"eSkeyVal": bytes(31)},
        {"eSkeySig": bytes(64)},
        {"eSkeySig": bytes(63)},
        {"eSkeyVal": generate(RNG.randbytes).public},
        {"buildHash": bytes(16)},
        {"deviceProps": b"\xff"},
    ],
)
def test_a_registration_with_a_bad_field_is_not(change):
    with pytest.raises(admission.NotAdmitted) as caught:
        admission.admit(registration(**change))
    assert caught.value.reason == 400


def test_a_payload_is_one_of_two():
    both = ClientPayload.FromString(registration())
    both.username = 15550001111
    for bad in (both.SerializeToString(), b"", b"\xff\xff", ClientPayload(username=1).SerializeToString()):
        with pytest.raises(admission.NotAdmitted):
            admission.admit(bad)
    with pytest.raises(admission.NotAdmitted) as caught:
        admission.admit(registration(), oldest=(BUILT_IN[0], BUILT_IN[1], BUILT_IN[2] + 1))
    assert caught.value.reason == 405


@pytest.mark.parametrize(
    "refs", [[], [Node("ref")], [Node("ref", {}, b"2@a"), Node("ref", {}, b"")], [Node("other", {}, b"x")]]
)
def test_references_have_to_be_there(refs):
    with pytest.raises(BadNode):
        pairing.refs_of(Node("iq", {}, [Node("pair-device", {}, refs)]))


def test_a_flood_of_references_is_cut():
    node = pairing.pair_device("1", [f"2@{n}" for n in range(1000)])
    assert len(pairing.refs_of(node)) == pairing.MAX_REFS


@pytest.mark.parametrize(
    "device",
    [
        Jid("15550001111", "s.whatsapp.net"),
        Jid("100000000000001", "lid", 7),
        Jid("not-a-number", "s.whatsapp.net", 7),
        Jid("120363000000000001", "g.us"),
    ],
)
def test_a_pair_success_names_one_device_of_a_person(device):
    success = pairing.PairSuccess(b"c", device, None, "", "", False, 0)
    with pytest.raises(BadNode):
        pairing.read_pair_success(pairing.pair_success("1", success))


def test_what_pair_success_says_is_read_back():
    success = pairing.PairSuccess(b"c", DEVICE, Jid("1", "lid", 7), "iphone", "A shop", True, 1234)
    assert pairing.read_pair_success(pairing.pair_success("1", success)) == success
    node = pairing.pair_success("1", success)
    bent = [
        Node("client-props", {}, b"\xff") if c.tag == "client-props" else c for c in node.children[0].children
    ]
    read = pairing.read_pair_success(Node("iq", node.attrs, [Node("pair-success", {}, bent)]))
    assert not read.lid_migrated, "a wish that can't be read is no reason to refuse"


def test_the_answer_to_pair_success():
    with pytest.raises(BadNode):
        pairing.read_signed(Node("iq", {"type": "error", "id": "1"}))
    for text in ("2@r,%%%%,AAAA,AAAA,1", "2@r,AAAA,AAAA,AAAA,1"):
        with pytest.raises(pairing.BadQr):
            pairing.parse_qr(text)


def test_link_code_keys_have_their_lengths():
    for size in (0, linkcode.WRAPPED - 1, linkcode.WRAPPED + 1):
        with pytest.raises(linkcode.LinkCodeError):
            linkcode.unwrap(bytes(32), bytes(size))
    keys = generate(RNG.randbytes)
    with pytest.raises(linkcode.LinkCodeError):
        linkcode.open_bundle(bytes(10), keys, keys, keys.public, keys.public)
    with pytest.raises(linkcode.LinkCodeError):
        linkcode.finish(keys, keys, bytes(32), keys.public, RNG.randbytes)
    hello = linkcode.PrimaryHello(b"ref", bytes(80), bytes(31))
    with pytest.raises(BadNode):
        linkcode.read_primary_hello(linkcode.primary_hello("1", 0, hello))
    for display in ("", "x" * 101):
        with pytest.raises(BadNode):
            linkcode.read_companion_hello(
                linkcode.companion_hello(linkcode.Hello("15550001111", bytes(80), keys.public, "1", display))
            )


def test_a_stage_that_nobody_names_is_the_phones_answer():
    reg = Node(linkcode.TYPE, {}, [Node("link_code_pairing_ref", {}, b"ref")])
    attrs = {"from": SERVER, "type": linkcode.TYPE, "id": "1"}
    assert linkcode.stage_of(Node("notification", attrs, [reg])) == linkcode.PRIMARY_HELLO
    assert linkcode.stage_of(Node("notification", attrs)) == ""
    assert linkcode.stage_of(Node("notification", {**attrs, "from": DEVICE}, [reg])) == ""


def test_passkey_parts_have_their_lengths():
    for raw in (b"", b"\xff", b"\x0a\x01x\x12\x01y"):
        with pytest.raises(passkey.PasskeyError):
            passkey.read_primary_identity(raw)
    with pytest.raises(passkey.PasskeyError):
        passkey.encryption_key(generate(RNG.randbytes), bytes(32), 1, "ref")
    with pytest.raises(BadNode):
        passkey.read_ref(Node("iq", {}, [Node("ref", {}, b"")]))
    options = Node("iq", {}, [Node("passkey_request_options", {}, b"[1]")])
    assert passkey.options_of(options) == b"", "options are an object"


def test_success_failure_and_the_end_are_read_whatever_they_lack():
    assert session.read_success(Node("success")).time == 0
    assert session.read_failure(Node("failure")).reason == 0
    assert session.read_failure(session.failure(402, expire="soon")).expires_in is None
    assert session.read_stream_error(Node("stream:error")) == session.StreamError(0)
    assert session.read_routing_info(Node("edge_routing", {}, [Node("routing_info", {}, bytes(1025))])) == b""
