"""What a stanza looks like, without what it says: for a report on something that nobody knows yet."""

from __future__ import annotations

from typing import Final

from protocol.jid import Jid
from protocol.node import Node

#: Attributes whose values are words of the protocol, never of people.
_WORDS: Final = frozenset({"type", "op_name", "action", "reason", "class", "mode", "v", "xmlns"})
MAX_DEPTH: Final = 4
MAX_CHILDREN: Final = 8
MAX_CHARACTERS: Final = 400
MAX_LABEL: Final = 40


def label(name: str) -> str:
    """A server's word as the name of a counter: short, and no free text."""
    plain = name.replace("_", "").replace(":", "").replace("-", "")
    return name[:MAX_LABEL] if plain.isalnum() and plain.isascii() and not plain.isdigit() else "?"


def shape(node: Node) -> str:
    """Tags, names of attributes, sizes of contents."""
    return _shape(node, 0)[:MAX_CHARACTERS]


def _shape(node: Node, depth: int) -> str:
    head = " ".join([label(node.tag), *(_attr(name, value) for name, value in node.attrs.items())])
    if isinstance(node.content, (bytes, str)):
        return f"<{head}>{len(node.content)} {type(node.content).__name__}</>"
    if not node.children:
        return f"<{head}/>"
    if depth == MAX_DEPTH:
        return f"<{head}>…</>"
    inner = "".join(_shape(child, depth + 1) for child in node.children[:MAX_CHILDREN])
    more = len(node.children) - MAX_CHILDREN
    return f"<{head}>{inner}{f'+{more}' if more > 0 else ''}</>"


def _attr(name: str, value: str | Jid) -> str:
    if isinstance(value, Jid):
        return f"{label(name)}=@{value.server}"
    return f"{label(name)}={label(value)}" if name in _WORDS and value else label(name)
