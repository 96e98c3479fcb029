"""The journal's bytes: what is written is read, what is torn is dropped, what is damaged is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waconnd.store.errors import AuthDamaged, Harm, WrongSequence
from waconnd.store.files import OsDirectory
from waconnd.store.journal import (
    HEADER_SIZE,
    FileJournal,
    Record,
    decode_records,
    encode_frame,
    encode_header,
    encode_records,
    frame_limits,
    parse,
)
from waconnd.store.seal import Plain

EPOCH, STORE = b"epoch-01", b"store-0123456789"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
records = st.builds(
    Record,
    st.text("abcdefgh-", min_size=1, max_size=20),
    texts,
    st.none() | st.binary(max_size=300),
    st.integers(0, 2**64 - 1),
)
bodies = st.lists(records, min_size=1, max_size=5).map(lambda r: encode_records(r))


def journal(frames: list[bytes], *, base: int = 0, epoch: bytes = EPOCH) -> bytes:
    head = encode_header(epoch, base, STORE)
    return head + b"".join(encode_frame(epoch, base + 1 + i, body) for i, body in enumerate(frames))


@given(st.lists(records, max_size=8))
def test_records_come_back(some: list[Record]) -> None:
    assert list(decode_records(encode_records(some))) == some


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_a_value_error(data: bytes) -> None:
    try:
        found = decode_records(data)
    except ValueError:
        return
    assert all(isinstance(record, Record) for record in found)


@given(st.lists(bodies, max_size=5), st.integers(0, 2**63), st.integers(0, 500))
def test_frames_come_back(frames: list[bytes], base: int, padding: int) -> None:
    data = journal(frames, base=base)
    layout = parse(data + bytes(padding))
    assert layout.bodies == tuple(frames)
    assert (layout.base, layout.store, layout.end, layout.torn) == (base, STORE, len(data), False)


@settings(max_examples=60)
@given(st.lists(bodies, min_size=1, max_size=4), st.data())
def test_cut_anywhere_only_the_last_frame_is_lost(frames: list[bytes], data: Any) -> None:
    whole = journal(frames)
    start = len(journal(frames[:-1]))
    cut = data.draw(st.integers(start, len(whole) - 1))
    left = whole[:cut] + bytes(data.draw(st.integers(0, 300)))
    layout = parse(left)
    # A frame that ends in zeros, cut within them, is whole again by the zeros that pad a journal.
    kept = frames if left.startswith(whole) else frames[:-1]
    assert layout.bodies == tuple(kept)
    assert layout.end == (len(whole) if left.startswith(whole) else start)


@settings(max_examples=60)
@given(st.lists(bodies, min_size=2, max_size=5), st.data())
def test_a_flipped_bit_before_whole_frames_is_damage(frames: list[bytes], data: Any) -> None:
    whole = bytearray(journal(frames))
    at = data.draw(st.integers(HEADER_SIZE, len(journal(frames[:-1])) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(AuthDamaged, match="no torn end") as caught:
        parse(bytes(whole))
    assert caught.value.harm is Harm.WRONG_DIGEST
    limits = frame_limits(bytes(whole))
    assert limits is not None
    assert limits[2] == len(frames)


@given(st.integers(0, HEADER_SIZE - 1), st.integers(0, 7))
def test_every_bit_of_the_header_counts(at: int, bit: int) -> None:
    data = bytearray(journal([b"\0\1k\0\0\0\0\0\0\0\0"]))
    data[at] ^= 1 << bit
    with pytest.raises(AuthDamaged):
        parse(bytes(data))


def test_frames_of_an_earlier_journal_never_pass() -> None:
    """The same place, the right number, but another epoch: stale bytes of a reused block."""
    old = journal([b"first", b"second"], epoch=b"epoch-00")
    layout = parse(journal([]) + old[HEADER_SIZE:])
    assert layout.bodies == ()
    assert layout.torn


def test_a_gap_in_the_numbers_ends_the_journal() -> None:
    data = journal([b"one"]) + encode_frame(EPOCH, 3, b"three")
    with pytest.raises(AuthDamaged, match="frame 2"):
        parse(data)


def test_a_newer_version_is_refused_with_advice() -> None:
    import hashlib

    head = bytearray(encode_header(EPOCH, 0, STORE)[:-16])
    head[5] = 9
    digest = hashlib.blake2b(bytes(head), digest_size=16).digest()
    with pytest.raises(AuthDamaged, match=r"version 9.*upgrade"):
        parse(bytes(head) + digest)


def test_numbers_across_a_prefix_are_found() -> None:
    base = 0xFFFF - 2
    data = bytearray(journal([b"a" * 50, b"b" * 50, b"c" * 50, b"d" * 50], base=base))
    data[HEADER_SIZE + 40] ^= 1
    with pytest.raises(AuthDamaged, match="no torn end"):
        parse(bytes(data))
    assert frame_limits(bytes(data)) == (HEADER_SIZE, base, base + 4)


def test_append_needs_the_next_number(tmp_path: Any) -> None:
    written = FileJournal(OsDirectory(str(tmp_path)), Plain(), lambda n: b"r" * n)
    written.create(STORE)
    written.append(1, [Record("a", "b", b"c")])
    with pytest.raises(WrongSequence):
        written.append(1, [Record("a", "b", b"c")])
    with pytest.raises(WrongSequence):
        written.append(3, [Record("a", "b", b"c")])
    written.append(2, [Record("a", "b", None)])
    again = FileJournal(OsDirectory(str(tmp_path)), Plain(), lambda n: b"r" * n)
    assert again.scan().frames == ((Record("a", "b", b"c"),), (Record("a", "b", None),))
