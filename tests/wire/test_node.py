"""What a node says, whatever the other end wrote into it."""

from __future__ import annotations

import pytest

from protocol.effects import iq_error
from protocol.jid import SERVER
from protocol.node import BadNode, Node, decimal

#: Texts that Python would read as numbers, or that its own limits would make it stumble over.
NO_NUMBERS = ["", "-", "--5", "5-", "+5", " 5", "1_000", "1.5", "0x10", "²", "٣", "9" * 19, "9" * 5000]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_counts_as_absent(text: str) -> None:
    assert decimal(text) is None
    assert Node("a", {"n": text}).number("n", 7) == 7
    assert iq_error(Node("iq", {}, [Node("error", {"code": text, "backoff": text})])).backoff is None


def test_numbers() -> None:
    node = Node("a", {"n": "-12", "most": "9" * 18, "who": SERVER})
    assert (node.number("n"), node.number("most"), node.number("who", 3)) == (-12, 10**18 - 1, 3)
    error = iq_error(Node("iq", {}, [Node("error", {"code": "429", "text": "slow", "backoff": "12"})]))
    assert (error.code, error.text, error.backoff) == (429, "slow", 12.0)
    assert iq_error(Node("iq")).code == 0


def test_text_and_bytes_are_one_on_the_wire() -> None:
    assert Node("a", {}, "é").content_bytes() == "é".encode()
    assert Node("a", {}, b"\xff").content_text() == "\ufffd"
    assert Node("a", {}, [Node("b")]).content_bytes() == b""
    assert Node("a").content_text() == ""
    assert Node("a", {}, b"x").children == []


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BadNode, match="<a> has no <b>"):
        Node("a").need("b")
    with pytest.raises(BadNode, match="<a> has no address in 'from'"):
        Node("a", {"from": "s.whatsapp.net"}).need_jid("from")
