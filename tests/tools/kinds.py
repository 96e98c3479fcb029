"""The reference half of docs/messages.md: every kind of message as events tell it, made from the vectors."""

from collections.abc import Iterator
from typing import Any

import msgspec

from protocol.content import tell
from protocol.flows.announce import MAKERS
from protocol.pb.e2e_pb2 import Message
from tests.support.vectors import load

#: Opened before they are told, as events of their own (their forms in the clear stand with those).
SEALED = frozenset({"poll_vote", "event_response", "secret_edit"})
#: Longer texts are shown by their beginning.
LONGEST = 60


def kinds() -> str:
    """One section a kind."""
    told: dict[str, list[dict[str, Any]]] = {}
    for vector in load("messages")["vectors"]:
        shown = tell(Message.FromString(bytes.fromhex(vector["hex"])))
        if shown is not None and shown["body"]["kind"] not in {*MAKERS, *SEALED}:
            told.setdefault(shown["body"]["kind"], []).append(shown)
    out = [" ".join(f"[{kind}](#{kind})" for kind in sorted(told))]
    for kind, samples in sorted(told.items()):
        richest = max(samples, key=lambda sample: len(msgspec.json.encode(sample)))
        members: dict[str, str] = {}
        for sample in samples:
            members |= dict(_members(sample))
        out += ["", f"### {kind}", "", "| member of `data` | type |", "|---|---|"]
        out += [f"| `{name}` | {type_} |" for name, type_ in sorted(members.items()) if name != "body.kind"]
        out += ["", "```json", msgspec.json.encode(_short(richest)).decode(), "```"]
    return "\n".join(out) + "\n"


def _members(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from _members(inner, f"{place}.{name}" if place else name)
        case [dict(), *_]:
            for one in value:
                yield from _members(one, f"{place}[]")
        case list():
            yield place, f"[{_word(value[0])}]" if value else "list"
        case _:
            yield place, _word(value)


def _word(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
    return "string"


def _short(value: Any) -> Any:
    match value:
        case dict():
            return {name: _short(inner) for name, inner in value.items()}
        case list():
            return [_short(inner) for inner in value[:8]]
        case str() if len(value) > LONGEST:
            return value[:LONGEST] + "…"
    return value
