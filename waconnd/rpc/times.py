"""Times as the socket writes them: RFC 3339, UTC, milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """Unix seconds as text, `2026-11-20T11:52:03.120Z`."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse_time(text: str) -> float:
    """The Unix seconds of an RFC 3339 text. A time without zone is UTC. Raises ValueError."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not a time: {text!r}; write it like 2026-11-20T11:52:03Z") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
