"""Handshakes with keys that are given: every state, every byte."""

from typing import Any

import pytest

from protocol.crypto.curve import KeyPair
from protocol.noise.certificate import issue_chain, verify_chain
from protocol.noise.errors import CertificateError
from protocol.noise.handshake import ClientHandshake, ServerHandshake
from protocol.noise.symmetric import Symmetric
from protocol.noise.transport import Transport
from protocol.wire.framing import FrameReader, IntroReader, frame, intro
from tests.support.vectors import case_name, load

pytestmark = pytest.mark.vectors

VECTORS = load("noise")
HANDSHAKES = [*VECTORS["handshakes"], *VECTORS["resumption"]]


def pair(case: dict[str, Any], name: str) -> KeyPair:
    keys = case["keys"][name]
    return KeyPair(bytes.fromhex(keys["private"]), bytes.fromhex(keys["public"]))


def both_ends(case: dict[str, Any]) -> tuple[ClientHandshake, ServerHandshake]:
    certificate = case["certificate"]
    root, chain = bytes.fromhex(certificate["root_public"]), bytes.fromhex(certificate["chain"])
    stored = b""
    if "cached_server_static" in case["keys"]:
        cached = pair(case, "cached_server_static").public
        stored = chain
        if cached != pair(case, "server_static").public:
            now = certificate["now"]
            private = bytes.fromhex(VECTORS["test_root"]["private"])
            stored = issue_chain(private, cached, not_before=now - 9, not_after=now + 9, entropy=bytes)
    ephemeral, other = pair(case, "client_ephemeral"), pair(case, "server_ephemeral")
    client = ClientHandshake(
        pair(case, "client_static"), root, lambda _: ephemeral.private, server_chain=stored
    )
    return client, ServerHandshake(pair(case, "server_static"), chain, lambda _: other.private)


def exchange(case: dict[str, Any]) -> tuple[Transport, Transport]:
    """The whole conversation, each message compared. Gives the client's and the server's transport."""
    client, server = both_ends(case)
    payload = bytes.fromhex(case["client_payload"])
    messages = [bytes.fromhex(message["proto"]) for message in case["messages"]]
    hello = client.hello(payload)
    assert hello == messages[0]
    answer = server.respond(hello)
    assert answer == messages[1]
    finish, transport = client.finish(answer, payload, case["certificate"]["now"])
    if finish is None:
        assert len(messages) == 2
    else:
        assert finish == messages[2]
        server.accept(finish)
    assert client.pattern == server.pattern
    assert server.payload == payload
    assert server.client_static == pair(case, "client_static").public
    assert client.server_chain.hex() == case["certificate"]["chain"]
    assert server.transport is not None
    return transport, server.transport


@pytest.mark.parametrize("case", HANDSHAKES, ids=case_name)
def test_both_ends_speak_these_bytes(case: dict[str, Any]) -> None:
    client, server = exchange(case)
    lanes = ((client, server, "client_to_server"), (server, client, "server_to_client"))
    for sender, receiver, lane in lanes:
        for sent in case["transport"][lane]:
            plaintext, ciphertext = bytes.fromhex(sent["plaintext"]), bytes.fromhex(sent["ciphertext"])
            assert sender.seal(plaintext) == ciphertext
            assert receiver.open(ciphertext) == plaintext
            assert frame(ciphertext).hex() == sent["wire"]


@pytest.mark.parametrize("case", HANDSHAKES, ids=case_name)
def test_messages_are_framed_like_this(case: dict[str, Any]) -> None:
    routing = bytes.fromhex(case.get("routing_info") or "")
    incoming, outgoing = IntroReader(), FrameReader()
    for index, message in enumerate(case["messages"]):
        proto, wire = bytes.fromhex(message["proto"]), bytes.fromhex(message["wire"])
        assert (intro(routing) if index == 0 else b"") + frame(proto) == wire
        reader = incoming if message["dir"] == "client" else outgoing
        assert [p for byte in wire for p in reader.feed(bytes((byte,)))] == [proto]
    assert incoming.routing_info == routing


@pytest.mark.parametrize(
    ("case", "pattern", "states"),
    [(case, "pattern", "states") for case in HANDSHAKES if "ik_states" not in case]
    + [(case, "pattern", "ik_states") for case in HANDSHAKES if "ik_states" in case]
    + [(case, "pattern_fallback", "states") for case in HANDSHAKES if "ik_states" in case],
    ids=case_name,
)
def test_every_state_on_the_way(case: dict[str, Any], pattern: str, states: str) -> None:
    symmetric: Symmetric | None = None
    for step in case[states]:
        if symmetric is None:
            # The vectors show the state before the prologue, too; ours starts behind it.
            symmetric = Symmetric(bytes.fromhex(case[pattern]), bytes.fromhex(case["prologue"]))
            continue
        if "shared_secret" in step:
            symmetric.mix_key(bytes.fromhex(step["shared_secret"]))
        elif "plaintext" in step:
            assert symmetric.encrypt(bytes.fromhex(step["plaintext"])).hex() == step["ciphertext"]
        elif step["step"] != "MixHash(prologue)":
            symmetric.mix_hash(bytes.fromhex(step["data"]))
        found = (symmetric.h.hex(), symmetric.ck.hex(), symmetric.k.hex(), symmetric.n)
        assert found == (step["h"], step["ck"], step["k"], step["n"]), step["step"]
    assert symmetric is not None
    if states == "states":
        assert symmetric.h.hex() == case["handshake_hash"]
        assert [key.hex() for key in symmetric.split()] == [case["client_write_key"], case["client_read_key"]]


@pytest.mark.parametrize("case", VECTORS["certificates"], ids=case_name)
def test_certificates(case: dict[str, Any]) -> None:
    chain, static, root = (bytes.fromhex(case[name]) for name in ("chain", "server_static", "root_public"))
    if case["expect"] == "valid":
        verify_chain(chain, static, root, case["now"])
        with pytest.raises(CertificateError):
            verify_chain(chain, static, bytes.fromhex(VECTORS["production_root_public"]), case["now"])
    else:
        with pytest.raises(CertificateError, match=r"^The server's .*\.$"):
            verify_chain(chain, static, root, case["now"])
