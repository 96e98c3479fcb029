"""How an event becomes the bytes that subscribers get: encoded once here, copied ever after."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from protocol.events.base import Event

Fields = dict[str, Any]

#: Members of an event that are the envelope, and the one that only the archive may see (keys, paths, raw bytes).
ENVELOPE: Final = ("type", "at", "key", "v")
PRIVATE: Final = "private"
#: Names whose numbers are times: `sent_at`, `until`, …; on the socket all times are text.
_TIMES: Final = frozenset({"at", "until", "muted_until", "upto", "read_upto"})
#: 9999-12-31: no clock of ours goes past it, and `datetime` can't.
_LAST_SECOND: Final = 253_402_300_799

_encode = msgspec.json.Encoder().encode


class Encoded(msgspec.Struct, frozen=True):
    """An event ready for its row."""

    account: str
    type: str
    key: str
    at: int
    chat: str
    body: bytes
    #: What the projection reads: the public members, and the private ones.
    data: Fields
    private: Fields


def encode(account: str, event: Event | Mapping[str, Any] | bytes) -> Encoded:
    """From a struct, from its fields, or from its JSON as the journal keeps it."""
    fields = _fields(event)
    kind = str(fields.pop("type"))
    at = millis(fields.pop("at"))
    key = fields.pop("key", "") or f"{kind}/{secrets.token_hex(8)}"
    version = fields.pop("v", 1)
    private = fields.pop(PRIVATE, None) or {}
    data: Fields = presented(fields)
    head = {"type": kind, "v": version, "account": account, "at": text_of(at)}
    return Encoded(account, kind, str(key), at, chat_of(data), _encode(head | {"data": data}), data, private)


def reworded(row: Encoded, **more: Any) -> Encoded:
    """The same event with more members, which only the archive could find out."""
    data = row.data | more
    body: Fields = msgspec.json.decode(row.body, type=dict[str, Any])
    return msgspec.structs.replace(row, data=data, body=_encode(body | {"data": data}))


def spliced(head: Mapping[str, Any], body: bytes) -> bytes:
    """The event object with more members in front (`seq`, `sub`, `backlog`): no decoding."""
    return _encode(head)[:-1] + b"," + body[1:]


def chat_of(data: Mapping[str, Any]) -> str:
    """The chat that an event belongs to, for filters."""
    for name in ("chat", "group"):
        value = data.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, dict):
            return str(value.get("id", ""))
    return ""


def text_of(ms: int) -> str:
    """Milliseconds to RFC 3339, UTC."""
    seconds, rest = divmod(min(max(ms, 0), _LAST_SECOND * 1000), 1000)
    return f"{_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    """What comes at one time has one time, two or three times over."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def millis(when: object) -> int:
    """Seconds, or RFC 3339, to milliseconds; 0 for what is neither."""
    if isinstance(when, (int, float)) and not isinstance(when, bool):
        return round(when * 1000)
    if isinstance(when, str) and when:
        try:
            return round(datetime.fromisoformat(when).timestamp() * 1000)
        except ValueError:
            return 0
    return 0


def is_time(name: str) -> bool:
    """Whether numbers under this name are times."""
    return name.endswith("_at") or name in _TIMES


def presented(value: Any) -> Any:
    """Numbers under the name of a time become text, absent members vanish; all else stays."""
    kind = type(value)
    if kind is dict:
        out: Fields = {}
        # By exact type: whatever comes here was made of builtins by msgspec, and this runs for every event.
        for name, held in value.items():
            kind = type(held)
            if kind is str or kind is bool:
                out[name] = held
            elif kind is int or kind is float:
                out[name] = text_of(millis(held)) if is_time(name) else held
            elif held is not None:
                out[name] = presented(held)
        return out
    if kind is list or kind is tuple:
        return [presented(item) for item in value]
    return value


def _fields(event: Event | Mapping[str, Any] | bytes) -> Fields:
    if isinstance(event, Event):
        fields: Fields = msgspec.to_builtins(event)
        return fields
    if isinstance(event, bytes):
        decoded: Fields = msgspec.json.decode(event, type=dict[str, Any])
        return decoded
    return dict(event)
