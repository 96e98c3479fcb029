"""Every vector of messages.json: what is read, what the stanza says, and byte-exact re-encoding."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from protocol.content.facts import facts, is_peer
from protocol.content.reading import read
from protocol.pb.e2e_pb2 import Message

FILE = msgspec.json.decode((Path(__file__).parents[1] / "vectors/messages.json").read_bytes())
VECTORS = FILE["vectors"]
pytestmark = pytest.mark.vectors


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_reads_the_content(vector):
    message = Message.FromString(bytes.fromhex(vector["hex"]))
    assert read(message) == vector["content"]


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_round_trips(vector):
    message = Message.FromString(bytes.fromhex(vector["hex"]))
    again = Message.FromString(message.SerializeToString())
    assert again == message


STANZAS = [v for v in VECTORS if "stanza" in v]


@pytest.mark.parametrize("vector", STANZAS, ids=[v["name"] for v in STANZAS])
def test_says_what_the_stanza_needs(vector):
    message = Message.FromString(bytes.fromhex(vector["hex"]))
    found = facts(message)
    said = {
        "type": found.type,
        "mediatype": found.mediatype,
        "edit": found.edit,
        "decryptFail": "hide" if found.hide else "",
        "category": "peer" if is_peer(message) else "",
        "meta": found.meta,
    }
    assert {name: value for name, value in said.items() if value} == vector["stanza"]
