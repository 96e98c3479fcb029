"""Stanzas without what they say and whom they name: structure, kinds, order and sizes stay.

What is not known to be harmless is replaced. A pseudonym is the same wherever the same thing stands in one recording, so
that threads can be followed; contents of n bytes become n zeros, texts of n letters n dots.
"""

from __future__ import annotations

import hmac
import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from protocol.jid import Jid, parse
from protocol.node import Attr, Node

#: Attributes whose values are the protocol's own words and numbers.
HARMLESS: Final = frozenset(
    [
        "action",
        "addressing_mode",
        "class",
        "code",
        "count",
        "decrypt-fail",
        "edit",
        "encoding",
        "error",
        "expiration",
        "full",
        "has_more_patches",
        "key-index",
        "mediatype",
        "mode",
        "offline",
        "order",
        "passive",
        "phash_version",
        "platform",
        "prev_v_id",
        "reason",
        "recipient_type",
        "return_snapshot",
        "smax_id",
        "stage",
        "state",
        "subtype",
        "t",
        "ts",
        "ttl",
        "type",
        "v",
        "v_id",
        "version",
        "xmlns",
    ]
)
#: And these are such: an invite's code, an emoji or a name would be none.
WORD: Final = re.compile(r"[a-z][a-z0-9_:.-]{0,31}|\d{0,10}")
#: Addresses that name nobody.
PUBLIC: Final = frozenset(("", "status", "server", "0"))
#: Letters of a pseudonym.
MARK: Final = 12


class Shown(msgspec.Struct, frozen=True):
    """A stanza as it may be shown: `node` is [tag, attributes, content], content another list of such, {"bytes": n},
    {"text": n} or null.
    """

    at: float
    way: Annotated[str, Meta(description="`in` or `out`.")]
    node: list[Any]


def redacted(node: Node, *, at: float, way: str, salt: bytes) -> Shown:
    """Without contents."""
    return Shown(at, way, _node(node, salt))


def _node(node: Node, salt: bytes) -> list[Any]:
    content: object = None
    if isinstance(node.content, list):
        content = [_node(child, salt) for child in node.content]
    elif node.content is not None:
        kind = "bytes" if isinstance(node.content, bytes) else "text"
        content = {kind: len(node.content)}
    return [node.tag, {name: _value(name, value, salt) for name, value in node.attrs.items()}, content]


def _value(name: str, value: Attr, salt: bytes) -> str:
    if isinstance(value, Jid):
        if value.user in PUBLIC:
            return str(value)
        user = str(int(_mark(value.user, salt), 16)).zfill(MARK)[:MARK]
        return str(Jid(user, value.server, value.device))
    text = str(value)
    return text if name in HARMLESS and WORD.fullmatch(text) else f"~{_mark(text, salt)}"


def _mark(text: str, salt: bytes) -> str:
    return hmac.digest(salt, text.encode(), "sha256").hex()[:MARK]


def stanza(shown: list[Any]) -> Node:
    """The reverse, as far as there is one: a stanza of the same shape, to be sent to whoever met the first one."""
    tag, attrs, content = shown
    return Node(
        tag,
        {name: _attr(value) for name, value in attrs.items()},
        [stanza(child) for child in content] if isinstance(content, list) else _filler(content),
    )


def _attr(value: str) -> Attr:
    if "@" not in value:
        return value
    try:
        return parse(value)
    except ValueError:
        return value


def _filler(content: dict[str, int] | None) -> bytes | str | None:
    if content is None:
        return None
    return bytes(content["bytes"]) if "bytes" in content else "." * content["text"]
