"""What an ending means for the account, as an event with a row."""

from __future__ import annotations

from typing import Final

from protocol.engine.closes import Verdict
from protocol.events.account import (
    AccountConflict,
    AccountLimited,
    AccountLoggedOut,
    AccountRefused,
    ClientOutdated,
)
from protocol.events.base import Durable
from protocol.flows.context import Context
from protocol.stanza.version import show

#: Who ended the link.
_BY: Final = {"device_removed": "phone", "banned": "ban", "account_locked": "ban"}


def of(verdict: Verdict, ctx: Context) -> Durable | None:
    """None for what is only about the connection."""
    at, advice = ctx.now, verdict.advice
    key = f"{verdict.reason}-{at:.3f}"
    if verdict.state == "logged_out":
        by = _BY.get(verdict.reason, "server")
        return AccountLoggedOut(
            at=at, key=key, by=by, reason=verdict.reason, code=verdict.code, advice=advice
        )
    match verdict.reason:
        case "replaced":
            return AccountConflict(at=at, key=key, advice=advice)
        case "temporary_ban":
            return AccountLimited(
                at=at, key=key, kind="temp_ban", code=verdict.code, until=verdict.until, advice=advice
            )
        case "client_outdated":
            return ClientOutdated(at=at, key=key, version=show(ctx.settings.version), advice=advice)
        case "login_rejected" | "bad_user_agent" | "login_refused":
            return AccountRefused(
                at=at, key=key, reason=verdict.reason, code=verdict.code, advice=advice, said=verdict.said
            )
    return None
