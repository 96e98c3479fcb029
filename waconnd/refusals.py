"""The server's codes on a message, as kinds of error."""

from __future__ import annotations

from typing import Final

#: Codes that mean "you may not".
FORBIDDEN: Final = frozenset({401, 403, 405})
LIMITED: Final = frozenset({463, 475})
_TOO_FAST: Final = frozenset({420, 429})


def kind_of_refusal(code: int) -> str:
    """The kind of error that a code on a message is."""
    if code in LIMITED:
        return "account_limited"
    if code in _TOO_FAST:
        return "rate_limited"
    if code in FORBIDDEN:
        return "forbidden_by_whatsapp"
    return "not_on_whatsapp" if code == 404 else "server_error"
