"""What goes wrong in a handshake, and how each end takes it."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto.curve import KeyPair, generate
from protocol.crypto.xeddsa import sign
from protocol.errors import LocalProtocolError
from protocol.noise import certificate
from protocol.noise.certificate import issue_chain, leaf_key, resumable, verify_chain
from protocol.noise.errors import CertificateError, NoiseError
from protocol.noise.handshake import ClientHandshake, ServerHandshake
from protocol.noise.transport import MAX_PLAINTEXT, Transport
from protocol.pb.noise_pb2 import CertChain, HandshakeMessage

NOW = 1_767_225_600
entropy = random.Random(3).randbytes
ROOT, SERVER, CLIENT = generate(entropy), generate(entropy), generate(entropy)


def chain_for(server: KeyPair, root: KeyPair = ROOT, *, start: int = NOW - 60, end: int = NOW + 60) -> bytes:
    return issue_chain(root.private, server.public, not_before=start, not_after=end, entropy=entropy)


CHAIN = chain_for(SERVER)


def client(**more: Any) -> ClientHandshake:
    return ClientHandshake(CLIENT, ROOT.public, entropy, **more)


def server(**more: Any) -> ServerHandshake:
    return ServerHandshake(SERVER, CHAIN, entropy, **more)


def test_first_contact_then_resumption() -> None:
    first, there = client(), server()
    finish, _ = first.finish(there.respond(first.hello(b"login")), b"login", NOW)
    assert finish
    assert there.payload == b""
    there.accept(finish)
    assert (first.pattern, there.payload) == ("XX", b"login")

    again, there = client(server_chain=first.server_chain), server()
    answer = there.respond(again.hello(b"again"))
    assert (there.pattern, there.payload, there.client_static) == ("IK", b"again", CLIENT.public)
    finish, transport = again.finish(answer, b"again", NOW)
    assert finish is None
    assert again.server_chain == CHAIN
    assert there.transport
    assert there.transport.open(transport.seal(b"ping")) == b"ping"
    assert transport.open(there.transport.seal(b"pong")) == b"pong"


def test_a_server_that_wants_no_resumption_gets_the_login_in_the_end() -> None:
    ours, there = client(server_chain=CHAIN), server(resume="fallback")
    answer = there.respond(ours.hello(b"login"))
    assert there.payload == b""
    finish, transport = ours.finish(answer, b"login", NOW)
    assert finish
    there.accept(finish)
    assert (ours.pattern, there.pattern, there.payload) == ("XXfallback", "XXfallback", b"login")
    assert there.transport
    assert there.transport.open(transport.seal(b"x")) == b"x"


def test_a_server_with_a_new_key_falls_back_and_its_new_chain_is_kept() -> None:
    old = generate(entropy)
    ours, there = client(server_chain=chain_for(old)), server()
    finish, _ = ours.finish(there.respond(ours.hello(b"login")), b"login", NOW)
    assert finish
    there.accept(finish)
    assert (ours.pattern, ours.server_chain) == ("XXfallback", CHAIN)


def test_an_expired_stored_chain_is_not_accepted_even_by_a_right_answer() -> None:
    ours, there = client(server_chain=chain_for(SERVER, end=NOW - 1)), server()
    with pytest.raises(CertificateError, match="expired"):
        ours.finish(there.respond(ours.hello(b"")), b"", NOW)
    assert ours.pattern == "IK"


def test_a_stored_chain_that_cannot_be_read_means_xx() -> None:
    assert client(server_chain=b"\xff").pattern == "XX"
    assert client(server_chain=b"").pattern == "XX"


def test_resumable() -> None:
    assert resumable(CHAIN, ROOT.public, NOW)
    assert not resumable(CHAIN, ROOT.public, NOW + 61)
    assert not resumable(CHAIN, SERVER.public, NOW)
    assert not resumable(b"", ROOT.public, NOW)
    assert leaf_key(CHAIN) == SERVER.public


@pytest.mark.parametrize(
    ("chain", "says"),
    [
        (chain_for(SERVER, generate(entropy)), "not signed by the root"),
        (chain_for(SERVER, end=NOW - 1), "expired"),
        (chain_for(SERVER, start=NOW + 1), "not valid yet"),
        (chain_for(generate(entropy)), "for another key"),
        (b"\xff\xff", "malformed"),
        (b"", "missing"),
    ],
)
def test_a_server_that_cannot_prove_itself_never_sees_the_login(chain: bytes, says: str) -> None:
    ours, there = client(), ServerHandshake(SERVER, chain, entropy)
    answer = there.respond(ours.hello(b"secret"))
    with pytest.raises(CertificateError, match=says):
        ours.finish(answer, b"secret", NOW)
    assert ours.server_chain == b""


def resigned(chain: bytes, part: str, signer: KeyPair | None = None, **fields: int) -> bytes:
    """The chain with one certificate's details changed, signed again or with the signature it had."""
    parsed = CertChain.FromString(chain)
    target = getattr(parsed, part)
    details = CertChain.NoiseCertificate.Details.FromString(target.details)
    for name, value in fields.items():
        setattr(details, name, value)
    target.details = details.SerializeToString()
    if signer is not None:
        target.signature = sign(signer.private, target.details, entropy)
    return parsed.SerializeToString()


@pytest.mark.parametrize(
    ("chain", "says"),
    [
        (resigned(CHAIN, "leaf", serial=77), "leaf certificate is not signed by its issuer"),
        (resigned(CHAIN, "leaf", ROOT, serial=77), "leaf certificate is not signed by its issuer"),
        (resigned(CHAIN, "intermediate", serial=77), "not signed by the root"),
        (resigned(CHAIN, "intermediate", ROOT, serial=77), "leaf certificate names another issuer"),
        (
            resigned(CHAIN, "intermediate", ROOT, issuerSerial=1),
            "intermediate certificate names another issuer",
        ),
        (
            resigned(CHAIN, "intermediate", ROOT, notBefore=NOW + 1),
            "intermediate certificate is not valid yet",
        ),
        (resigned(CHAIN, "intermediate", ROOT, notAfter=NOW - 1), "intermediate certificate has expired"),
    ],
)
def test_each_check_has_its_sentence(chain: bytes, says: str) -> None:
    with pytest.raises(CertificateError, match=says):
        verify_chain(chain, SERVER.public, ROOT.public, NOW)


def test_a_wrong_clock_is_named_with_all_three_times() -> None:
    with pytest.raises(
        CertificateError, match=r"2026-01-01 00:01:01.*2025-12-31|2025-12-31.*2026-01-01 00:01:01"
    ):
        verify_chain(CHAIN, SERVER.public, ROOT.public, NOW + 61)


def test_dates_beyond_the_calendar_are_still_a_sentence() -> None:
    chain = chain_for(SERVER, start=2**63, end=2**64 - 1)
    with pytest.raises(CertificateError, match="not valid yet"):
        verify_chain(chain, SERVER.public, ROOT.public, NOW)


def changed(raw: bytes, part: str, **fields: bytes) -> bytes:
    message = HandshakeMessage.FromString(raw)
    for name, value in fields.items():
        setattr(getattr(message, part), name, value)
    return message.SerializeToString()


LOW_ORDER = [bytes(32), (1).to_bytes(32, "little"), (2**255 - 20).to_bytes(32, "little")]


@pytest.mark.parametrize("point", LOW_ORDER, ids=["zero", "one", "minus-one"])
def test_low_order_points_are_refused_by_both_ends(point: bytes) -> None:
    ours = client()
    hello = ours.hello(b"")
    with pytest.raises(NoiseError):
        server().respond(changed(hello, "clientHello", ephemeral=point))
    with pytest.raises(NoiseError):
        ours.finish(changed(server().respond(hello), "serverHello", ephemeral=point), b"", NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {"ephemeral": b"short"},
        {"ephemeral": b""},
        {"static": b""},
        {"static": bytes(47)},
        {"static": bytes(48)},
        {"payload": b""},
        {"payload": bytes(16)},
    ],
    ids=str,
)
@pytest.mark.parametrize("stored", [b"", chain_for(generate(entropy))], ids=["XX", "XXfallback"])
def test_a_malformed_answer_ends_the_handshake(fields: dict[str, bytes], stored: bytes) -> None:
    ours = client(server_chain=stored)
    answer = server().respond(ours.hello(b""))
    with pytest.raises(NoiseError):
        ours.finish(changed(answer, "serverHello", **fields), b"", NOW)


def test_a_wrong_answer_to_a_resumption_is_noticed() -> None:
    ours = client(server_chain=CHAIN)
    answer = server().respond(ours.hello(b""))
    with pytest.raises(NoiseError):
        ours.finish(changed(answer, "serverHello", ephemeral=generate(entropy).public), b"", NOW)
    assert ours.pattern == "IK"


@pytest.mark.parametrize("fields", [{"static": b""}, {"static": bytes(48)}, {"payload": bytes(40)}], ids=str)
def test_a_malformed_proof_is_refused_by_the_server(fields: dict[str, bytes]) -> None:
    ours, there = client(), server()
    finish, _ = ours.finish(there.respond(ours.hello(b"")), b"login", NOW)
    assert finish
    with pytest.raises(NoiseError):
        there.accept(changed(finish, "clientFinish", **fields))
    assert there.transport is None


def test_a_proof_that_is_not_due() -> None:
    with pytest.raises(LocalProtocolError):
        server().accept(b"")


@given(st.binary(max_size=120))
@settings(max_examples=150, deadline=None)
def test_noise_instead_of_a_message(data: bytes) -> None:
    ours = client()
    ours.hello(b"")
    calls: list[Callable[[], object]] = [
        lambda: ours.finish(data, b"", NOW),
        lambda: server().respond(data),
        lambda: verify_chain(data, SERVER.public, ROOT.public, NOW),
    ]
    for call in calls:
        with pytest.raises(NoiseError):
            call()


def test_frames_have_an_order_and_a_tag() -> None:
    one, other = Transport(bytes(32), bytes(range(32))), Transport(bytes(range(32)), bytes(32))
    first, second = one.seal(b"a"), one.seal(b"")
    for wrong in (second, b"", bytes(15), first[:-1], first + b"\x00"):
        with pytest.raises(NoiseError):
            other.open(wrong)
    assert other.open(first) == b"a"
    assert other.open(second) == b""


def test_too_much_for_a_frame_is_refused_before_the_counter_moves() -> None:
    one, other = Transport(bytes(32), bytes(32)), Transport(bytes(32), bytes(32))
    with pytest.raises(LocalProtocolError):
        one.seal(bytes(MAX_PLAINTEXT + 1))
    assert other.open(one.seal(b"next")) == b"next"


def test_the_root_of_real_servers_is_the_published_one() -> None:
    assert certificate.ROOT.hex().startswith("142375574d0a5871")
