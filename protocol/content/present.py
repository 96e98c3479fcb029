"""From the wire's spelling to the socket's: the members of `message.received` that a content brings.

One mechanical rule (camelCase to snake_case, for keys and kinds) and the few exceptions of reference 03, 10.2.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from protocol.content.keys import Fields

#: Not for clients.
_INTERNAL: Final = frozenset({"deviceSent", "hasMessageSecret", "wrappers"})
#: These stand beside the body, not in it.
_BESIDE: Final = {"media": "media", "mentionAll": "mention_all", "association": "association"}
_TIMES: Final = {"startTime": "start_at", "endTime": "end_at", "expiration": "expires_at"}


def present(content: Fields) -> Fields:
    """`{"body": {...}, "media": …, "reply_to": …, …}`: all that the event's data takes from the content."""
    body: Fields = {"kind": snake(str(content["type"]))}
    out: Fields = {"body": body}
    for name, value in content.items():
        if name == "type" or name in _INTERNAL:
            continue
        if name == "quoted":
            out["reply_to"] = _quoted(value)
        elif name == "mentions":
            out["mentions"] = [{"id": jid} for jid in value]
        elif name == "groupMentions":
            out["group_mentions"] = [{"id": m.get("group"), "name": m.get("subject")} for m in value]
        elif name == "ephemeral":
            out["ephemeral"] = _ephemeral(value)
        elif name == "target":
            out["target"] = _target(value)
        elif name == "media":
            out["media"] = _media(value)
        elif name in _BESIDE:
            out[_BESIDE[name]] = _deep(value)
        elif name == "timestampMs":
            body["at"] = rfc3339(value / 1000)
        elif name == "duration" and content["type"] == "pin":
            body["for_s"] = value
        elif name == "expiration" and content["type"] == "ephemeralSetting":
            body["ttl_s"] = value
        elif name == "settingTimestamp":
            body["set_at"] = rfc3339(value)
        elif name == "content":
            body["content"] = present(value)
        else:
            body[snake(name)] = _deep(value)
    return out


def _quoted(quoted: Fields) -> Fields:
    out: Fields = {"id": quoted["id"]}
    if "participant" in quoted:
        out["from"] = {"id": quoted["participant"]}
    if "chat" in quoted:
        out["chat"] = {"id": quoted["chat"]}
    if "content" in quoted:
        out |= present(quoted["content"])
    return out


def _ephemeral(timer: Fields) -> Fields:
    out: Fields = {"ttl_s": timer["expiration"]}
    if "settingTimestamp" in timer:
        out["set_at"] = rfc3339(timer["settingTimestamp"])
    return out


def _target(key: Fields) -> Fields:
    out: Fields = {"id": key.get("id", "")}
    if "chat" in key:
        out["chat"] = {"id": key["chat"]}
    if "participant" in key:
        out["from"] = {"id": key["participant"]}
    if "fromMe" in key:
        out["from_me"] = key["fromMe"]
    return out


def _media(media: Fields) -> Fields:
    return {("duration_s" if name == "seconds" else snake(name)): value for name, value in media.items()}


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        out: Fields = {}
        for name, inner in value.items():
            if name == "timestampMs":
                out["at"] = rfc3339(inner / 1000)
            elif name in _TIMES and isinstance(inner, int):
                out[_TIMES[name]] = rfc3339(inner)
            else:
                out[snake(name)] = _deep(inner)
        return out
    if isinstance(value, list):
        return [_deep(inner) for inner in value]
    return value


@lru_cache(maxsize=512)
def snake(name: str) -> str:
    """`fileName` to `file_name`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def rfc3339(seconds: float) -> str:
    """Unix seconds as the socket writes times; what no calendar holds becomes the epoch."""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        at = datetime.fromtimestamp(0, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
