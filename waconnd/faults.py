"""What goes wrong below, in the words of the socket: exceptions to error kinds, in one place."""

from __future__ import annotations

from protocol.content import BuildError
from protocol.errors import IqError, LinkLost, LocalProtocolError, TimedOut
from protocol.flows.appstate import Refused
from protocol.flows.appstate_push import CantWrite, Contended
from protocol.flows.send import NoCiphertext, SendRefused
from waconnd.account import NotReady
from waconnd.config import ConfigError
from waconnd.fleet import UnknownAccount
from waconnd.refusals import FORBIDDEN, kind_of_refusal
from waconnd.rpc.errors import RpcError
from waconnd.standing import Report
from waconnd.store.archive.errors import (
    ArchiveError,
    BadPosition,
    IdempotencyConflict,
    NotFound,
    OutboxFull,
    QueryTooLong,
    UnknownCursor,
)
from waconnd.store.errors import DiskFull, StoreError


def translate(error: Exception) -> RpcError | None:
    """None: a fault of ours."""
    match error:
        case NotReady():
            return not_ready(error.report)
        case UnknownAccount():
            return RpcError("account_not_found", str(error.args[0]))
        case BuildError():
            return RpcError("invalid_params", error.why, path=f"$.{error.path}")
        case NotFound() | UnknownCursor():
            return RpcError("not_found", str(error))
        case BadPosition():
            return RpcError("invalid_params", str(error))
        case QueryTooLong():
            return RpcError("timeout", str(error), advice="ask for less: a chat, a shorter time, fewer rows")
        case IdempotencyConflict():
            return RpcError("idempotency_conflict", str(error))
        case OutboxFull():
            return RpcError("outbox_full", str(error))
        case DiskFull():
            return RpcError("disk_full", str(error))
        case StoreError():
            return RpcError("auth_damaged", str(error))
        case TimedOut() | LinkLost():
            return RpcError("timeout", f"{error}; nothing is known about the outcome")
        case NoCiphertext():
            return RpcError("recipient_unreachable", str(error))
        case SendRefused():
            return refused(error.code, str(error), error.backoff)
        case IqError():
            return of_iq(error)
        case CantWrite():
            return RpcError("not_ready", str(error))
        case Contended():
            return RpcError("server_error", str(error), retryable=True)
        case Refused():
            return RpcError("server_error", str(error))
        case LocalProtocolError():
            return RpcError("not_linked", str(error)) if "not linked" in str(error) else None
        case ConfigError():
            return RpcError("invalid_params", str(error))
        case ArchiveError():
            return RpcError("internal", str(error))
    return None


def not_ready(report: Report) -> RpcError:
    """Why an account can't do it now, with the kind that tells whether a human is needed."""
    kinds = {
        "unlinked": "not_linked",
        "pairing": "not_linked",
        "logged_out": "logged_out",
        "conflict": "conflict",
        "failed": "auth_damaged",
        "limited": "account_limited",
    }
    kind = kinds.get(report.state, "not_ready")
    text = f"account {report.account!r} is {report.state}"
    return RpcError(kind, text, account=report.account, advice=report.advice)


def refused(code: int, text: str, backoff: float | None = None) -> RpcError:
    """The server's code on a message."""
    kind = kind_of_refusal(code)
    return RpcError(kind, text, retry_after_s=backoff if kind == "rate_limited" else None)


def of_iq(error: IqError) -> RpcError:
    """The server's code on a request."""
    text = f"WhatsApp answered {error.code} {error.text}".strip()
    if error.code in FORBIDDEN:
        return RpcError("forbidden_by_whatsapp", text)
    if error.code == 404:
        return RpcError("not_found", text)
    if error.code == 429:
        return RpcError("rate_limited", text, retry_after_s=error.backoff)
    return RpcError("server_error", text)
