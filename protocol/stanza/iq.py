"""Requests and answers: ids, the common shapes, and pings both ways (reference 01, 7.2 and 7.6)."""

from __future__ import annotations

from typing import Final

from protocol.crypto.curve import Entropy
from protocol.jid import SERVER, Jid
from protocol.node import Node

PING: Final = "w:p"
SERVER_PING: Final = "urn:xmpp:ping"


class Ids:
    """Stanza ids, unique per connection: a random prefix and a counter. Call it for the next one."""

    def __init__(self, entropy: Entropy) -> None:
        first, second = entropy(2)
        self._prefix = f"{first}.{second}-"
        self._count = 0

    def __call__(self) -> str:
        self._count += 1
        return f"{self._prefix}{self._count}"


def get(xmlns: str, *children: Node, to: Jid = SERVER) -> Node:
    """A question. The runner gives it its id."""
    return _request("get", xmlns, children, to)


def set(xmlns: str, *children: Node, to: Jid = SERVER) -> Node:
    """A command. The runner gives it its id."""
    return _request("set", xmlns, children, to)


def result(request: Node, *children: Node) -> Node:
    """The good answer to the server's request; an id only where the request has one."""
    return Node("iq", {"to": _back(request), "type": "result", **_id(request)}, list(children) or None)


def error(request: Node, code: int, text: str) -> Node:
    """The bad answer to the server's request."""
    problem = Node("error", {"code": str(code), "text": text})
    return Node("iq", {"to": _back(request), "type": "error", **_id(request)}, [problem])


def ping(id: str) -> Node:
    """Our keepalive. It goes past everything that waits for the disk, so it brings its own id."""
    return Node("iq", {"to": SERVER, "type": "get", "xmlns": PING, "id": id})


def is_ping(node: Node) -> bool:
    """The server asks whether we live, with or without a type, an id and a child."""
    if node.tag != "iq" or node.text("type") in ("result", "error"):
        return False
    return node.text("xmlns") in (SERVER_PING, PING) or node.child("ping") is not None


def _request(type: str, xmlns: str, children: tuple[Node, ...], to: Jid) -> Node:
    return Node("iq", {"to": to, "type": type, "xmlns": xmlns}, list(children) or None)


def _back(request: Node) -> Jid:
    return request.jid("from") or SERVER


def _id(request: Node) -> dict[str, str]:
    return {"id": request.text("id")} if "id" in request.attrs else {}
