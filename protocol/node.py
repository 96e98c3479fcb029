"""The one value that travels: a tag, attributes, and children, text or bytes (reference 01, 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from protocol.errors import RemoteProtocolError
from protocol.jid import Jid

Attr = str | Jid
Content = list["Node"] | str | bytes | None

#: So many digits fit into 64 bits, as everything does that is a number on the wire; Python would read thousands.
MAX_DIGITS: Final = 18


class BadNode(RemoteProtocolError):
    """A node lacks what its reader needs."""


class Node(msgspec.Struct, frozen=True, gc=False):
    """Immutable by convention: nobody changes `attrs` or a list of children after construction.

    So no node can hold itself, and the collector of cycles has nothing to look for in one.
    """

    tag: str
    attrs: dict[str, Attr] = {}
    content: Content = None

    @property
    def children(self) -> list[Node]:
        """All child nodes; none when the content is text or bytes."""
        return self.content if isinstance(self.content, list) else []

    def child(self, tag: str) -> Node | None:
        """The first child of that tag."""
        for node in self.children:
            if node.tag == tag:
                return node
        return None

    def need(self, tag: str) -> Node:
        """The first child of that tag, or BadNode."""
        found = self.child(tag)
        if found is None:
            raise BadNode(f"<{self.tag}> has no <{tag}>")
        return found

    def all(self, tag: str) -> Iterator[Node]:
        """Every child of that tag."""
        return (node for node in self.children if node.tag == tag)

    def text(self, name: str, default: str = "") -> str:
        """An attribute as text."""
        value = self.attrs.get(name)
        return default if value is None else str(value)

    def number(self, name: str, default: int = 0) -> int:
        """An attribute as an integer; what is no number counts as absent."""
        value = self.attrs.get(name)
        found = decimal(value) if isinstance(value, str) else None
        return default if found is None else found

    def jid(self, name: str) -> Jid | None:
        """An attribute as an address; text that was not sent as a JID is not taken for one."""
        value = self.attrs.get(name)
        return value if isinstance(value, Jid) else None

    def need_jid(self, name: str) -> Jid:
        """An attribute as an address, or BadNode."""
        value = self.jid(name)
        if value is None:
            raise BadNode(f"<{self.tag}> has no address in {name!r}")
        return value

    def content_bytes(self) -> bytes:
        """The content as bytes: on the wire text and bytes are one (reference 01, 3.7)."""
        if isinstance(self.content, bytes):
            return self.content
        return self.content.encode() if isinstance(self.content, str) else b""

    def content_text(self) -> str:
        """The content as text."""
        if isinstance(self.content, bytes):
            return self.content.decode("utf-8", "replace")
        return self.content if isinstance(self.content, str) else ""


def decimal(text: str) -> int | None:
    """The number that a text of the wire is; None for everything else, digits of other alphabets too."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        return None
    return int(text)
