"""Nodes in the plain form of the vectors: text for addresses, {"hex"} or {"utf8"} for bytes. Baileys' form, too."""

from typing import Any

from protocol.jid import Jid, parse
from protocol.node import Content, Node


def from_plain(plain: dict[str, Any]) -> Node:
    attrs = {key: _value(value) for key, value in plain["attrs"].items()}
    content = plain["content"]
    inner: Content = content
    if isinstance(content, dict):
        inner = content["utf8"].encode() if "utf8" in content else bytes.fromhex(content["hex"])
    elif isinstance(content, list):
        inner = [from_plain(child) for child in content]
    return Node(plain["tag"], attrs, inner)


def to_plain(node: Node) -> dict[str, Any]:
    content: Any = node.content
    if isinstance(content, bytes):
        content = {"hex": content.hex()}
    elif isinstance(content, list):
        content = [to_plain(child) for child in content]
    return {"tag": node.tag, "attrs": {k: _text(v) for k, v in node.attrs.items()}, "content": content}


def _value(text: str) -> str | Jid:
    try:
        return parse(text) if "@" in text else text
    except ValueError:
        # An at sign alone makes no address.
        return text


def _text(value: str | Jid) -> str:
    # Baileys' form of the server itself.
    return f"@{value}" if isinstance(value, Jid) and not value.user else str(value)
