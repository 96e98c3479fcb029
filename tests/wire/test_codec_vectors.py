"""The codec against what Baileys' codec writes and what everybody must refuse."""

from typing import Any

import pytest

from protocol.jid import Jid
from protocol.node import Node
from protocol.wire.codec import CodecError, decode, encode
from tests.support.plain_node import from_plain
from tests.support.vectors import case_name, load

pytestmark = pytest.mark.vectors

VECTORS = load("binary_nodes")


def meaning(node: Node) -> Any:
    """What must agree. An empty list is no content, and an unknown domain byte is kept beside the address."""
    content: Any = node.content
    if isinstance(content, list):
        content = [meaning(child) for child in content] or None
    attrs = {
        key: (value.user, value.server, value.device, value.integrator) if isinstance(value, Jid) else value
        for key, value in node.attrs.items()
    }
    return node.tag, attrs, content


def writes_otherwise(plain: dict[str, Any]) -> bool:
    """Where we follow the reference and not Baileys: device 0, hosted without device, empty attributes, and text
    with an at sign, which Baileys takes for an address.
    """
    for value in plain["attrs"].values():
        user, at, server = value.partition("@")
        if value == "" or (at and user.endswith(":0")) or (server.startswith("hosted") and ":" not in user):
            return True
    content = plain["content"]
    if isinstance(content, list):
        return any(writes_otherwise(child) for child in content)
    return isinstance(content, str) and "@" in content


@pytest.mark.parametrize("case", VECTORS["valid"], ids=case_name)
def test_writes_the_same_bytes(case: dict[str, Any]) -> None:
    node, expected = from_plain(case["node"]), bytes.fromhex(case["encoded_hex"])
    written = encode(node)
    if writes_otherwise(case["node"]):
        assert meaning(decode(written)) == meaning(decode(encode(decode(written))))
    else:
        assert written == expected


@pytest.mark.parametrize("case", VECTORS["valid"], ids=case_name)
def test_reads_what_was_meant(case: dict[str, Any]) -> None:
    expected = from_plain(case.get("decoded", case["node"]))
    assert meaning(decode(bytes.fromhex(case["encoded_hex"]))) == meaning(expected)


@pytest.mark.parametrize("case", [*VECTORS["compressed"], *VECTORS["decode_only"]], ids=case_name)
def test_reads_what_it_never_writes(case: dict[str, Any]) -> None:
    assert meaning(decode(bytes.fromhex(case["encoded_hex"]))) == meaning(from_plain(case["decoded"]))


@pytest.mark.parametrize("case", VECTORS["malformed"], ids=case_name)
def test_refuses_malformed(case: dict[str, Any]) -> None:
    assert case["expect"] == "error"
    with pytest.raises(CodecError):
        decode(bytes.fromhex(case["encoded_hex"]))


@pytest.mark.parametrize("case", VECTORS["lenient"], ids=case_name)
def test_follows_the_recommendation(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["encoded_hex"])
    if case["recommended"] == "error":
        with pytest.raises(CodecError):
            decode(data)
    else:
        assert meaning(decode(data)) == meaning(from_plain(case["recommended"]))
