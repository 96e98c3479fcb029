"""The stream comes in any pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.wire.framing import MAGIC, MAX_PAYLOAD, FrameError, FrameReader, IntroReader, frame, intro

payloads = st.lists(st.binary(max_size=300), max_size=6)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream cut at the given places."""
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(places)]


@given(payloads, st.lists(st.integers(0), max_size=12))
def test_frames_survive_every_chunking(wanted: list[bytes], cuts: list[int]) -> None:
    reader = FrameReader()
    stream = b"".join(map(frame, wanted))
    assert [p for piece in pieces(stream, cuts) for p in reader.feed(piece)] == wanted


def test_byte_by_byte() -> None:
    wanted = [b"", b"a", bytes(1000), b""]
    reader = FrameReader()
    stream = b"".join(map(frame, wanted))
    assert [p for byte in stream for p in reader.feed(bytes((byte,)))] == wanted


def test_a_cut_tail_waits() -> None:
    reader = FrameReader()
    assert reader.feed(frame(b"one") + frame(b"two")[:-1]) == [b"one"]
    assert reader.feed(b"") == []
    assert reader.feed(b"o") == [b"two"]


def test_the_largest_frame_and_one_byte_more() -> None:
    largest = bytes(MAX_PAYLOAD)
    assert FrameReader().feed(frame(largest)) == [largest]
    with pytest.raises(LocalProtocolError):
        frame(largest + b"\x00")


def test_a_limit_is_enforced_before_the_body_comes() -> None:
    reader = FrameReader(limit=10)
    with pytest.raises(FrameError, match="11 bytes"):
        reader.feed(frame(bytes(11))[:3])


@given(st.binary(max_size=50), payloads, st.lists(st.integers(0), max_size=12))
def test_intro_and_frames_survive_every_chunking(info: bytes, wanted: list[bytes], cuts: list[int]) -> None:
    stream = intro(info) + b"".join(map(frame, wanted))
    for chunks in (pieces(stream, cuts), [bytes((byte,)) for byte in stream]):
        reader = IntroReader()
        assert [p for chunk in chunks for p in reader.feed(chunk)] == wanted
        assert reader.routing_info == info


def test_intro_forms() -> None:
    assert intro() == bytes.fromhex("57410603")
    assert intro(b"\x08\x02") == bytes.fromhex("45440001 000002 0802 57410603")
    assert intro(bytes(MAX_PAYLOAD + 1)) == MAGIC


@pytest.mark.parametrize(
    "stream", [b"G", b"WB", b"WA\x05", b"WA\x06\x02", b"EA", b"ED\x00\x01\x00\x00\x01xX"]
)
def test_a_foreign_intro_is_refused_at_its_first_wrong_byte(stream: bytes) -> None:
    reader = IntroReader()
    reader.feed(stream[:-1])
    with pytest.raises(FrameError):
        reader.feed(stream[-1:])


def test_routing_info_is_limited() -> None:
    with pytest.raises(FrameError):
        IntroReader(limit=100).feed(intro(bytes(101))[:8])
