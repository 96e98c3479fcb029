"""Every error that a client can meet: its kind (the contract), its number, whether trying again helps, its exit code."""

from __future__ import annotations

from typing import Any, Final

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """What all errors of one kind share."""

    code: int
    exit: int
    http: int
    retryable: bool = False
    #: What to do, when the place that raises it knows nothing better.
    advice: str = ""


#: The kind is what a program should look at; numbers are for shells.
KINDS: Final[dict[str, Kind]] = {
    "parse": Kind(-32700, 64, 400, advice="send one JSON text per line, UTF-8"),
    "invalid_request": Kind(-32600, 64, 400),
    "method_not_found": Kind(-32601, 64, 404, advice="`rpc.discover` lists all methods"),
    "invalid_params": Kind(-32602, 64, 400),
    "internal": Kind(-32603, 70, 500, advice="this is a bug in the daemon: its log has the details"),
    "cancelled": Kind(-32800, 130, 499),
    "permission_denied": Kind(
        -32001, 77, 403, advice="the section [access] of the configuration grants rights"
    ),
    "account_required": Kind(-32002, 66, 400, advice="say which `account` (`-a NAME` on the command line)"),
    "account_not_found": Kind(-32002, 66, 404, advice="`account.list` shows the accounts"),
    "account_exists_differs": Kind(-32002, 66, 409, advice="`account.configure` changes an existing account"),
    "not_linked": Kind(-32003, 3, 409, advice="pair it first: `waconnd pair ACCOUNT`"),
    "not_ready": Kind(
        -32004, 75, 503, retryable=True, advice="it reconnects by itself; `account.wait` waits"
    ),
    "logged_out": Kind(-32005, 4, 409, advice="pair it again: `waconnd pair ACCOUNT`"),
    "auth_damaged": Kind(-32005, 4, 409, advice="`waconnd state verify ACCOUNT` tells which file"),
    "conflict": Kind(
        -32005, 4, 409, advice="another program holds this session; stop it, then `account.start`"
    ),
    "client_outdated": Kind(-32005, 4, 409, advice="upgrade waconnd"),
    "timeout": Kind(
        -32006, 75, 504, retryable=True, advice="the outcome is not known; repeat it with a `key`"
    ),
    "not_on_whatsapp": Kind(-32010, 5, 404),
    "recipient_unreachable": Kind(-32011, 5, 503, retryable=True),
    "untrusted_identity": Kind(-32012, 5, 409),
    "not_found": Kind(-32013, 66, 404),
    "forbidden_by_whatsapp": Kind(-32014, 5, 403),
    "rate_limited": Kind(-32020, 6, 429, retryable=True),
    "account_limited": Kind(-32021, 6, 429, retryable=True),
    "idempotency_conflict": Kind(-32030, 65, 409, advice="use a new `key` for a new request"),
    "outbox_full": Kind(-32031, 74, 503, retryable=True),
    "disk_full": Kind(-32031, 74, 503, retryable=True),
    "media_failed": Kind(-32040, 74, 502, retryable=True),
    "media_expired": Kind(-32041, 75, 503, retryable=True),
    "cursor_expired": Kind(-32050, 65, 410, advice="read again from `oldest_seq`"),
    "slow_consumer": Kind(
        -32051, 75, 503, retryable=True, advice="subscribe again from the last seq you handled"
    ),
    "server_error": Kind(-32060, 69, 502),
    "unsupported": Kind(-32070, 69, 501),
}

#: Exit codes of the command line that stand for no error of the socket.
EXIT_OK: Final = 0
EXIT_REFUSED: Final = 1
EXIT_UNREACHABLE: Final = 2
EXIT_NOT_LINKED: Final = 3
EXIT_HUMAN: Final = 4
EXIT_USAGE: Final = 64
EXIT_DATA: Final = 65
EXIT_BUG: Final = 70
EXIT_IO: Final = 74
EXIT_LATER: Final = 75
EXIT_DENIED: Final = 77
EXIT_CONFIG: Final = 78
EXIT_INTERRUPTED: Final = 130


class RpcError(Exception):
    """A clear answer to a client. Raise it anywhere below a method."""

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        account: str | None = None,
        advice: str | None = None,
        cause: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        known = KINDS[kind]
        self.kind = kind
        self.code = known.code
        self.message = message
        self.data: dict[str, Any] = {
            "kind": kind,
            "retryable": known.retryable if retryable is None else retryable,
        }
        optional = {
            "retry_after_s": retry_after_s,
            "account": account,
            "advice": advice or known.advice or None,
            "cause": cause,
            **more,
        }
        self.data |= {name: value for name, value in optional.items() if value is not None}

    @property
    def http_status(self) -> int:
        """The status line's number when the answer goes out by HTTP."""
        return KINDS[self.kind].http

    @property
    def exit_code(self) -> int:
        """What the command line exits with."""
        return KINDS[self.kind].exit

    def as_object(self) -> dict[str, Any]:
        """The `error` member of a response."""
        return {"code": self.code, "message": self.message, "data": self.data}
