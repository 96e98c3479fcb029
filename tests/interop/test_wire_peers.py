"""Baileys' codec and its half of the handshake say the same bytes as ours: what the measurements compare is one thing."""

import random
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from protocol.wire.codec import encode
from tests.bench.bench_wire import Meeting, samples
from tests.bench.harness import NodePeer
from tests.support.plain_node import to_plain
from tests.tools import npm

pytestmark = pytest.mark.interop
SAMPLES = samples(random.Random(7))


@pytest.fixture(scope="module")
def node() -> Iterator[NodePeer]:
    why = npm.why_not()
    if why:
        pytest.skip(why)
    with ExitStack() as stack:
        yield NodePeer("Baileys' codec under node", "codec.mjs", stack)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_stanza_has_the_same_bytes(node: NodePeer, name: str) -> None:
    assert node.result("encoded", to_plain(SAMPLES[name])) == encode(SAMPLES[name]).hex()


def test_the_handshake_ends_with_the_same_message(node: NodePeer) -> None:
    meeting = Meeting()
    assert node.result("handshake", meeting.facts()) == meeting.client().hex()
