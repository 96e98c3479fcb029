"""The codec's own rules: round trips of anything, and no bytes that hurt it."""

import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.jid import BROADCAST, DOMAINS, GROUP, HOSTED, INTEROP, MESSENGER, SERVER, USER, Jid
from protocol.node import Node
from protocol.wire import tags
from protocol.wire.codec import CodecError, EncodeError, decode, encode
from protocol.wire.tokens import DOUBLE, SINGLE

WORDS = [word for word in SINGLE if word] + [word for words in DOUBLE for word in words]
texts = st.one_of(
    st.sampled_from(WORDS),
    st.text(alphabet="0123456789-.", min_size=1, max_size=140),
    st.text(alphabet="0123456789ABCDEF", min_size=1, max_size=140),
    st.text(min_size=1, max_size=300),
)
users = st.one_of(st.from_regex(r"[0-9]{5,15}", fullmatch=True), st.text(min_size=1, max_size=40))
jids = st.one_of(
    st.builds(Jid, users, st.sampled_from([*DOMAINS, USER]), st.integers(0, 255)),
    st.builds(Jid, users, st.sampled_from([GROUP, BROADCAST, "newsletter", "bot", "elsewhere"])),
    st.builds(Jid, users, st.just(MESSENGER), st.integers(0, 65535)),
    st.builds(Jid, users, st.just(INTEROP), st.integers(0, 65535), st.integers(0, 65535)),
    st.just(SERVER),
)
attributes = st.dictionaries(texts, st.one_of(texts, jids), max_size=5)
nodes = st.recursive(
    st.builds(Node, texts, attributes, st.one_of(st.none(), st.binary(max_size=400))),
    lambda inner: st.builds(Node, texts, attributes, st.lists(inner, min_size=1, max_size=4)),
    max_leaves=12,
)


@given(nodes)
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_is_read_again(node: Node) -> None:
    data = encode(node)
    assert decode(data) == node
    assert decode(b"\x02" + zlib.compress(data[1:])) == node


@given(nodes, st.data())
@settings(max_examples=200, deadline=None)
def test_damage_is_an_error_or_another_node_and_never_worse(node: Node, data: st.DataObject) -> None:
    raw = bytearray(encode(node))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(raw))
    except CodecError:
        return
    assert isinstance(found, Node)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_noise_is_an_error_or_a_node(data: bytes) -> None:
    try:
        decode(data)
    except CodecError:
        pass


@given(nodes)
@settings(max_examples=40, deadline=None)
def test_every_cut_is_an_error(node: Node) -> None:
    data = encode(node)
    for end in {*range(0, len(data), max(1, len(data) // 40))}:
        with pytest.raises(CodecError):
            decode(data[:end])


@given(st.one_of(texts, st.just("")))
def test_text_content_comes_back_as_text_or_bytes(text: str) -> None:
    node = decode(encode(Node("body", {}, text)))
    assert node.content_text() == text
    assert node.content_bytes() == text.encode()


def nested(depth: int) -> bytes:
    # Each level is a list of two: a tag, and a list of one.
    return b"\x00" + b"\xf8\x02\x19\xf8\x01" * (depth - 1) + b"\xf8\x01\x19"


def test_depth_is_limited_both_ways() -> None:
    deepest = decode(nested(tags.MAX_DEPTH))
    assert encode(deepest) == nested(tags.MAX_DEPTH)
    with pytest.raises(CodecError, match="deeper"):
        decode(nested(tags.MAX_DEPTH + 1))
    with pytest.raises(CodecError, match="deeper"):
        decode(nested(100_000))
    with pytest.raises(EncodeError, match="deeper"):
        encode(Node("iq", {}, [deepest]))


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    body = b"\xf8\x02\x1d\xfe" + (17 * 2**20).to_bytes(4, "big") + bytes(17 * 2**20)
    bomb = b"\x02" + zlib.compress(body)
    assert len(bomb) < 20_000
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match="inflates to more"):
            decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < tags.MAX_INFLATED + 3 * tags.INFLATE_PIECE
    finally:
        tracemalloc.stop()


def list_of(count: int, node: bytes) -> bytes:
    return b"\xf8\x02\x19\xf9" + count.to_bytes(2, "big") + node * count


def test_nodes_of_a_frame_are_counted() -> None:
    inner = list_of(60_000, b"\xf8\x01\x19")
    assert len(decode(b"\x00\xf8\x02\x19\xf8\x03" + inner * 3).children) == 3
    with pytest.raises(CodecError, match="more than fit"):
        decode(b"\x00\xf8\x02\x19\xf8\x04" + inner * 4)


def test_attributes_of_a_frame_are_counted() -> None:
    # 32767 times type="type" in each of 16 nodes.
    node = b"\xf9\xff\xff\x19" + b"\x04\x04" * 32767
    assert decode(b"\x00" + node) == Node("iq", {"type": "type"})
    with pytest.raises(CodecError, match="attributes"):
        decode(b"\x00\xf8\x02\x19\xf8\x10" + node * 16)


def test_a_list_promises_no_more_than_the_frame_holds() -> None:
    with pytest.raises(CodecError, match="more than fit"):
        decode(b"\x00\xf8\x02\x19\xf9\xff\xff" + b"\xf8\x01\x19" * 100)


@pytest.mark.parametrize("packed", ["ff80", "fb80"])
def test_packed_text_shorter_than_nothing(packed: str) -> None:
    with pytest.raises(CodecError):
        decode(bytes.fromhex("00f8031308" + packed))


def test_hex_filler_is_a_digit_in_every_other_place() -> None:
    assert decode(bytes.fromhex("00f8031308fb02ffff")).text("id") == "FFFF"


def test_unknown_domain_is_kept_beside_the_address() -> None:
    data = bytes.fromhex("00f8031306f70203ff8615550001111f")
    assert decode(data).jid("from") == Jid("15550001111", USER, 3, agent=2)
    assert encode(decode(data)) == data


def test_an_empty_attribute_is_left_out() -> None:
    assert encode(Node("iq", {"id": "", "type": "get"})) == encode(Node("iq", {"type": "get"}))


def test_text_is_never_taken_for_an_address() -> None:
    node = Node("message", {"notify": "a@b"})
    assert decode(encode(node)) == node
    assert encode(Node("iq", {"to": "s.whatsapp.net"}))[-1:] == b"\x03"


def test_hosted_always_names_its_device() -> None:
    assert encode(Node("iq", {"to": Jid("15550001111", HOSTED)}))[5:8] == b"\xf7\x80\x00"


@pytest.mark.parametrize(
    "node",
    [
        Node(""),
        Node("iq", {"to": Jid("1", USER, 256)}),
        Node("iq", {"to": Jid("1", GROUP, 3)}),
        Node("iq", {"to": Jid("", USER, 3)}),
        Node("iq", {"to": Jid("1", "")}),
        Node("iq", {"to": Jid("1", MESSENGER, 65536)}),
        Node("iq", {"id": "\ud800"}),
        Node("iq", {"id": 5}),  # type: ignore[dict-item]
        Node("iq", {}, [Node("item")] * 65536),
        Node("iq", {str(n): "1" for n in range(32768)}),
    ],
    ids=lambda node: str(node)[:60],
)
def test_what_the_wire_cannot_carry_is_refused(node: Node) -> None:
    with pytest.raises(EncodeError):
        encode(node)


@pytest.mark.parametrize("size", [255, 256, 2**20 - 1, 2**20])
def test_content_of_every_length_class(size: int) -> None:
    node = Node("enc", {}, bytes(size))
    assert decode(encode(node)) == node
