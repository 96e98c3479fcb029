"""Everything that reads foreign bytes: one function each, which raises only when there is a bug.

`TARGETS` names them with their corpus: a few well-formed inputs to start from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from protocol.noise.certificate import verify_chain
from protocol.noise.errors import NoiseError
from protocol.wire.codec import CodecError, EncodeError, decode, encode
from protocol.wire.framing import FrameError, FrameReader, IntroReader
from tests.fuzz import envelopes, lines, stanzas
from tests.support.vectors import load
from waconnd.store.errors import AuthDamaged
from waconnd.store.journal import Record, decode_records, encode_frame, encode_header, encode_records, parse


def fuzz_framing(data: bytes) -> None:
    """The first byte says how large the pieces are; any pieces give the same frames."""
    size, stream = (data[0] or 1, data[1:]) if data else (1, b"")
    whole, cut = FrameReader(), FrameReader()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert whole.feed(stream) == [payload for piece in pieces for payload in cut.feed(piece)]


def fuzz_intro(data: bytes) -> None:
    reader = IntroReader(limit=1 << 16)
    try:
        for byte in data:
            reader.feed(bytes((byte,)))
    except FrameError:
        pass


def fuzz_codec(data: bytes) -> None:
    """What decodes must encode, and then decode to the same."""
    try:
        node = decode(data)
    except CodecError:
        return
    try:
        again = encode(node)
    except EncodeError:
        # Readers are more lenient than writers: an empty key, an address with a device on the wrong server.
        return
    # An attribute without value is read, and left out when written.
    assert encode(decode(again)) == again


def fuzz_certificate(data: bytes) -> None:
    try:
        verify_chain(data, bytes(32), bytes(32), 0)
    except NoiseError:
        return
    raise AssertionError("a certificate of nobody was accepted")


def fuzz_journal(data: bytes) -> None:
    """Any bytes are a journal or damage with a name; whole frames are never invented, their records never crash."""
    try:
        layout = parse(data)
    except AuthDamaged:
        return
    again = encode_header(layout.epoch, layout.base, layout.store, layout.key)
    again += b"".join(
        encode_frame(layout.epoch, layout.base + 1 + i, body) for i, body in enumerate(layout.bodies)
    )
    assert data.startswith(again)
    for body in layout.bodies:
        try:
            decode_records(body)
        except ValueError:
            pass


@dataclass(frozen=True)
class Target:
    run: Callable[[bytes], None]
    #: Called when the target is first fuzzed.
    corpus: Callable[[], list[bytes]]


def _frames() -> list[bytes]:
    streams = [bytes.fromhex(m["wire"]) for case in load("noise")["handshakes"] for m in case["messages"]]
    return [b"\x03" + stream for stream in streams]


def _intros() -> list[bytes]:
    return [bytes.fromhex(case["messages"][0]["wire"]) for case in load("noise")["handshakes"]]


def _nodes() -> list[bytes]:
    vectors: dict[str, Any] = load("binary_nodes")
    cases = [case for group in ("valid", "compressed", "decode_only", "malformed") for case in vectors[group]]
    return [data for case in cases if len(data := bytes.fromhex(case["encoded_hex"])) < 2000]


def _chains() -> list[bytes]:
    return [bytes.fromhex(case["chain"]) for case in load("noise")["certificates"]]


def _journals() -> list[bytes]:
    epoch, store = b"epoch-01", b"store-0123456789"
    records = [
        Record("session", "1.0", b"{}"),
        Record("pre-key", "7", None),
        Record("inbox", "", b"{}", 1 << 20),
    ]
    frames = [encode_frame(epoch, n, encode_records(records[: n % 4 or 1])) for n in range(1, 5)]
    head = encode_header(epoch, 0, store)
    return [head, head + frames[0], head + b"".join(frames), head + b"".join(frames) + bytes(100)]


TARGETS: dict[str, Target] = {
    "framing": Target(fuzz_framing, _frames),
    "intro": Target(fuzz_intro, _intros),
    "codec": Target(fuzz_codec, _nodes),
    "certificate": Target(fuzz_certificate, _chains),
    "stanzas": Target(stanzas.fuzz_stanzas, stanzas.corpus),
    "session": Target(envelopes.fuzz_session, envelopes.letters),
    "group": Target(envelopes.fuzz_group, envelopes.group_messages),
    "signal-records": Target(envelopes.fuzz_records, envelopes.stored),
    "foreign-stores": Target(envelopes.fuzz_foreign, envelopes.foreign),
    "rpc-lines": Target(lines.fuzz_lines, lines.requests),
    "reporting": Target(envelopes.fuzz_reporting, envelopes.contents),
    "journal": Target(fuzz_journal, _journals),
}
