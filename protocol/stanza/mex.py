"""GraphQL over iq: questions are known by number, answers are JSON (reference 04, 5.1, 5.3).

The numbers change with releases of WhatsApp Web, old ones live on for months: each operation has several, each with the
variables that belong to it, and the next is tried when the server does not know one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from protocol.errors import RemoteProtocolError
from protocol.node import BadNode, Node, decimal
from protocol.stanza import iq

Fields = dict[str, Any]
#: What the caller has → what one version of the operation wants.
Variables = Callable[[Fields], Fields]

#: The server does not know the operation, or its variables.
_UNKNOWN: Final = frozenset({400, 404})


class MexError(RemoteProtocolError):
    """The server refused. `outdated`: it may know the operation by another number."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}".strip())
        self.code, self.text = code, text
        self.outdated = code in _UNKNOWN


class Operation(msgspec.Struct, frozen=True):
    """Its numbers with their variables, the newest first; and where the answer stands in `data`."""

    versions: tuple[tuple[str, Variables], ...]
    keys: tuple[str, ...]


def query(id: str, variables: Mapping[str, Any]) -> Node:
    """A question, or a change: both are asked."""
    content = msgspec.json.encode({"variables": variables})
    return iq.get("w:mex", Node("query", {"query_id": id}, content))


def parse(reply: Node) -> Fields:
    """The `data` of an answer. Raises MexError."""
    result = reply.need("result")
    if result.text("format") == "argo":
        raise BadNode("the answer is in a format for other clients")
    return read(result.content_bytes())


def read(raw: bytes) -> Fields:
    """The `data` of an answer's text. Raises MexError, BadNode."""
    try:
        answer = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadNode("the answer is no JSON object") from error
    errors = answer.get("errors")
    if isinstance(errors, list) and errors:
        first = errors[0] if isinstance(errors[0], dict) else {}
        about = first.get("extensions")
        code = number(about.get("error_code")) if isinstance(about, dict) else 0
        raise MexError(code or 500, str(first.get("message", ""))[:200])
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def picked(data: Fields, keys: tuple[str, ...]) -> Any:
    """The part of an answer that an operation is about; None when it is not there."""
    return next((data[key] for key in keys if data.get(key) is not None), None)


def updates(notification: Node) -> list[tuple[str, Fields]]:
    """What a `mex` notification tells: (name, data) of each update, in either form. Unreadable ones are left out."""
    found: list[tuple[str, Fields]] = []
    for child in notification.children:
        if child.tag == "update":
            data = _quiet(child.content_bytes())
            if data:
                found += [(key, value) for key, value in data.items() if isinstance(value, dict)] or [
                    (child.text("op_name"), data)
                ]
        elif child.tag == "mex":
            found += _older(child.content_bytes())
    return found


def _quiet(raw: bytes) -> Fields:
    try:
        return read(raw)
    except RemoteProtocolError:
        return {}


def _older(raw: bytes) -> list[tuple[str, Fields]]:
    try:
        said = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    listed = said.get("updates")
    name = str(said.get("operation", ""))
    return [(name, one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def number(value: Any) -> int:
    """Numbers are often texts here; 0 for what is none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    return (decimal(value) or 0) if isinstance(value, str) else 0


def part(value: Any, *names: str) -> Any:
    """A member of a member; None when anything on the way is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
