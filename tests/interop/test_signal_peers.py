"""libsignal-node and the official library read what we write, from records that we hand them, and we what they write."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from protocol.signal import groups
from protocol.signal.foreign import baileys
from protocol.signal.records import SENDER_KEYS, sender_key_id
from tests.bench.bench_signal import ANN, BEN, GROUP, TEXT, facts, group_moment, moments, text
from tests.bench.harness import NodePeer
from tests.signal.people import Letter
from tests.tools import npm

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    why = npm.why_not()
    if why:
        pytest.skip(why)
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def node(stack: ExitStack) -> NodePeer:
    return NodePeer("libsignal-node", "signal.mjs", stack)


@pytest.fixture(scope="module")
def rust(stack: ExitStack) -> NodePeer:
    return NodePeer("the official library", "official.mjs", stack)


def reading(name: str, *, official: bool) -> dict:
    moment = moments()[name]
    assert moment.letter
    sent = {"from": ANN, "type": moment.letter.type, "data": text(moment.letter.data)}
    return facts(moment, [ANN], official=official) | sent


@pytest.mark.parametrize("name", ["same-chain", "ratchet", "pkmsg"])
def test_libsignal_node_reads_us(node: NodePeer, name: str) -> None:
    assert node.result("decrypt", reading(name, official=False)) == text(TEXT)


@pytest.mark.parametrize("name", ["same-chain", "ratchet"])
def test_the_official_library_reads_us(rust: NodePeer, name: str) -> None:
    assert rust.result("decrypt", reading(name, official=True)) == text(TEXT)


@pytest.mark.parametrize("official", [False, True])
def test_we_read_them(node: NodePeer, rust: NodePeer, official: bool) -> None:
    peer = rust if official else node
    input = facts(moments()["writer"], [BEN], official=official) | {"to": [BEN], "plaintext": text(TEXT)}
    data = b64decode(peer.result("encrypt", input))
    assert moments()["same-chain"].read(Letter(ANN, BEN, TEXT, "msg", data))() == TEXT


def test_baileys_reads_our_skipped_group_keys(node: NodePeer) -> None:
    """It can't read its own: they come back from its disk in a form that its cipher refuses."""
    writer, reader, first = group_moment()
    store = reader.store()
    txn = writer.store().txn()
    for _ in range(3):
        last = groups.encrypt(txn, GROUP, ANN, TEXT, entropy=writer.device.me.entropy)
    late = store.txn()
    groups.decrypt(late, GROUP, ANN, last)
    record = SENDER_KEYS.get(late, sender_key_id(GROUP, ANN))
    assert record
    assert record.states[0].skipped
    input = {"group": GROUP, "record": baileys.export_sender_key(record), "data": text(first)}
    assert node.result("groupDecrypt", input) == text(TEXT)
