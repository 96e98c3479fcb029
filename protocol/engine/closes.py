"""The one policy table: for every way in which a connection can end, what to do about it, and what to tell people.

Transient and terminal never look alike. Whatever is transient is tried again for ever while the credentials are
good; what needs a human says so, and says what to do. Credentials are never thrown away here: `logged_out` means that
the host sets them aside before the next pairing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from protocol.stanza.session import Failure, StreamError


class Then(StrEnum):
    """What follows a close."""

    AT_ONCE = "retry_at_once"
    BACK_OFF = "back_off"
    WAIT = "wait"
    STOP = "stop"


class Rule(msgspec.Struct, frozen=True):
    """One row: what to do, what the account is then, and the advice."""

    then: Then
    advice: str
    #: The word for the outside while this is the newest that happened.
    state: str = "waiting"
    transient: bool = True
    #: Seconds until the next try, at least.
    least: float = 0.0
    #: More than a bad network: it goes into the log as a warning.
    loud: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """A rule applied to what happened."""

    reason: str
    then: Then
    state: str
    transient: bool
    advice: str
    code: int = 0
    #: Not before this moment (Unix seconds).
    until: float | None = None
    least: float = 0.0
    loud: bool = False
    #: All that the server said with it, once only: texts for the user, an appeal's token.
    said: dict[str, str] = {}


DAY: Final = 86400.0
#: After "too many requests" (reference 01, 1.1).
RATE_LIMIT_SECONDS: Final = 60.0
#: What will not change soon by itself is not asked every few seconds.
STUBBORN_SECONDS: Final = 60.0
#: A refused version is tried again after this: by then a newer one may be known.
OUTDATED_SECONDS: Final = 6 * 3600.0
#: A ban without an end is looked at again after this.
UNKNOWN_BAN_SECONDS: Final = DAY

_RESCAN: Final = "Pair the account again."


def _retry(advice: str, *, least: float = 0.0, loud: bool = False) -> Rule:
    return Rule(Then.BACK_OFF, advice, least=least, loud=loud)


def _logged_out(advice: str) -> Rule:
    return Rule(Then.STOP, advice, "logged_out", transient=False, loud=True)


def _failed(advice: str) -> Rule:
    return Rule(Then.STOP, advice, "failed", transient=False, loud=True)


_NETWORK: Final = "Nothing to do: it is tried again by itself. If it stays so, check this machine's network."
_SERVER: Final = "Nothing to do: the server asks to come back later."
_OURS: Final = (
    "Nothing to do now. If it repeats, report it with the log: the server rejects something we sent."
)

RULES: Final[dict[str, Rule]] = {
    # --- wanted ---
    "restart_required": Rule(
        Then.AT_ONCE, "Nothing to do: the server asks for a new connection.", "connecting"
    ),
    "resumption_refused": Rule(
        Then.AT_ONCE, "Nothing to do: the short handshake failed, the full one follows.", "connecting"
    ),
    "reconnect": Rule(Then.AT_ONCE, "Nothing to do: a new connection was asked for.", "connecting"),
    "stopped": Rule(Then.STOP, "Start the account to connect again.", "stopped", transient=False),
    # --- the phone or WhatsApp ended the link ---
    "device_removed": _logged_out(f"The device was unlinked, on the phone or by WhatsApp. {_RESCAN}"),
    "logged_out": _logged_out(f"WhatsApp no longer knows this device. {_RESCAN}"),
    "forced_logout": _logged_out(f"WhatsApp ended the link. {_RESCAN}"),
    "account_locked": _logged_out(
        f"WhatsApp has locked the account or its main device is gone: look at the phone, then {_RESCAN.lower()}"
    ),
    "banned": _logged_out("WhatsApp has banned the account: the phone shows how to appeal. Then pair again."),
    # --- needs a human ---
    "replaced": Rule(
        Then.STOP,
        "Another program connected with this account's keys. Stop it (a copied state directory?), "
        "then start the account.",
        "conflict",
        transient=False,
        loud=True,
    ),
    "login_rejected": _failed(
        "WhatsApp refused the login and gave no reason. See the log, then start the account."
    ),
    "bad_user_agent": _failed(
        "WhatsApp refuses the kind of client we say we are: check the configured version."
    ),
    "login_refused": _failed(
        "WhatsApp refused the login for a reason unknown to us. See the event's fields, then start the account."
    ),
    "store_failed": _failed(
        "The account's state could not be written. Check space and rights of the state directory; "
        "the account is opened again by recovery."
    ),
    # --- wait ---
    "temporary_ban": Rule(
        Then.WAIT,
        "WhatsApp has locked the account for a time. Send less and to people who know you; "
        "it is tried again when the lock ends.",
        "limited",
        transient=False,
        loud=True,
    ),
    "client_outdated": Rule(
        Then.WAIT,
        "WhatsApp refuses this version of the client. The current one is looked up by itself; "
        "if that fails, set it in the configuration or upgrade.",
        "waiting",
        transient=False,
        least=OUTDATED_SECONDS,
        loud=True,
    ),
    # --- pairing ---
    "pairing_expired": Rule(
        Then.STOP, "Nobody scanned the code in time. Ask for a new one.", "unlinked", transient=False
    ),
    "pairing_failed": Rule(
        Then.STOP,
        "The phone's answer did not fit, so it was refused. Ask for a new code.",
        "unlinked",
        transient=False,
        loud=True,
    ),
    "wrong_phone": Rule(
        Then.STOP,
        "Another phone scanned the code than the one expected. Scan with the right one, or expect none.",
        "unlinked",
        transient=False,
        loud=True,
    ),
    # --- the server's side ---
    "server_error": _retry(_SERVER),
    "server_restarting": _retry(_SERVER),
    "server_closed": _retry(_NETWORK),
    "rate_limited": _retry(
        "WhatsApp asks for fewer connections; it is tried again more slowly.",
        least=RATE_LIMIT_SECONDS,
        loud=True,
    ),
    "experimental": _retry(_SERVER, least=STUBBORN_SECONDS),
    "token_refused": _retry(_OURS, least=STUBBORN_SECONDS, loud=True),
    "unclear_logout": _retry(
        "The server may have unlinked this device; the next login will tell.", loud=True
    ),
    "answer_owed": _retry(_OURS, loud=True),
    "ping_unanswered": _retry(_OURS, loud=True),
    "stream_rejected": _retry(_OURS, loud=True),
    "frames_refused": _retry(_OURS, loud=True),
    # --- the way there ---
    "connection_lost": _retry(_NETWORK),
    "silent": _retry("Nothing to do: the server fell silent, a new connection is made."),
    "deaf": Rule(
        Then.AT_ONCE,
        "Nothing to do: nothing but pings had arrived for long, a new connection is made.",
        "connecting",
    ),
    "garbled": _retry(
        "Nothing to do: the stream could not be read, a new connection is made. "
        "If it repeats, something between here and WhatsApp changes the data.",
        loud=True,
    ),
    "handshake_failed": _retry(
        "Nothing to do: it is tried again. If it stays so, check the configured endpoint and its key.",
        loud=True,
    ),
    "server_unproven": Rule(
        Then.BACK_OFF,
        "The server could not prove that it is WhatsApp. Check this machine's clock; "
        "if it is right, somebody may sit between here and WhatsApp, and nothing was sent.",
        transient=False,
        least=STUBBORN_SECONDS,
        loud=True,
    ),
    "handshake_timeout": _retry(_NETWORK),
    "login_timeout": _retry(_NETWORK),
    "login_incomplete": _retry("Nothing to do: the server did not finish the login, it is tried again."),
    "dns_failed": _retry("The server's name can't be resolved. Check this machine's DNS."),
    "tcp_failed": _retry("The server can't be reached. Check network, firewall and proxy."),
    "tls_failed": _retry(
        "The encrypted connection can't be made. Check the clock, the CA file and any proxy that inspects TLS.",
        least=STUBBORN_SECONDS,
        loud=True,
    ),
    "proxy_failed": _retry(
        "The proxy refuses. Check its address and password.", least=STUBBORN_SECONDS, loud=True
    ),
    "upgrade_failed": _retry(_SERVER),
    "upgrade_refused": _retry(
        "What answers at the endpoint is not WhatsApp: check the configured address, a proxy or a login page.",
        least=STUBBORN_SECONDS,
        loud=True,
    ),
    "dns_timeout": _retry("The server's name can't be resolved in time. Check this machine's DNS."),
    "tcp_timeout": _retry("The server can't be reached in time. Check network, firewall and proxy."),
    "tls_timeout": _retry(_NETWORK),
    "proxy_timeout": _retry("The proxy does not answer in time."),
    "upgrade_timeout": _retry(_NETWORK),
}

#: `<stream:error code>`.
STREAM_CODES: Final = {
    401: "unclear_logout",
    409: "replaced",
    413: "token_refused",
    414: "token_refused",
    429: "rate_limited",
    500: "server_error",
    503: "server_restarting",
    515: "restart_required",
    516: "forced_logout",
}
#: The child of a `<stream:error>`.
STREAM_CHILDREN: Final = {"conflict": "replaced", "ack": "answer_owed", "ping": "ping_unanswered"}

#: `<failure reason>`.
FAILURES: Final = {
    400: "login_rejected",
    401: "logged_out",
    402: "temporary_ban",
    403: "account_locked",
    405: "client_outdated",
    406: "banned",
    409: "bad_user_agent",
    413: "token_refused",
    414: "token_refused",
    429: "rate_limited",
    500: "server_error",
    501: "experimental",
    503: "server_restarting",
}

#: Codes of a websocket close: ours (1000) is told by who asked for it.
SOCKET_CODES: Final = {
    1000: "server_closed",
    1001: "server_closed",
    1002: "frames_refused",
    1003: "frames_refused",
    1007: "frames_refused",
    1008: "frames_refused",
    1009: "frames_refused",
    1011: "server_error",
    1012: "server_restarting",
    1013: "rate_limited",
}

#: What the numbers of a temporary ban mean.
BANS: Final = {
    101: "too many messages to people who do not have you in their address book",
    102: "too many people have blocked you",
    103: "too many groups with people who do not have you in their address book",
    104: "the same message to too many people",
    106: "too many broadcast messages",
}

#: Statuses of a refused upgrade that go away by themselves.
_PASSING: Final = frozenset({408, 425, 500, 501, 502, 503, 504})


def verdict(
    reason: str, *, code: int = 0, until: float | None = None, least: float = 0.0, detail: str = ""
) -> Verdict:
    """Apply a row of the table."""
    rule = RULES[reason]
    advice = f"{detail} {rule.advice}" if detail else rule.advice
    return Verdict(
        reason,
        rule.then,
        rule.state,
        rule.transient,
        advice,
        code,
        until,
        max(least, rule.least),
        rule.loud,
    )


def of_stream_error(error: StreamError) -> Verdict:
    """The server ended the stream."""
    if error.child == "conflict" and error.type == "device_removed":
        return verdict("device_removed", code=error.code or 401)
    reason = STREAM_CHILDREN.get(error.child) or STREAM_CODES.get(error.code)
    if reason is None:
        said = error.child or str(error.code or "nothing")
        return verdict("stream_rejected", code=error.code, detail=f"The server said {said!r}.")
    detail = f"The server waits for an answer to {error.owed!r}." if error.owed else ""
    return verdict(reason, code=error.code, detail=detail)


def of_failure(failure: Failure, now: float) -> Verdict:
    """The server refused the login."""
    return msgspec.structs.replace(_of_failure(failure, now), said=_said(failure))


def _said(failure: Failure) -> dict[str, str]:
    return {name: str(value) for name, value in failure.node.attrs.items()}


def _of_failure(failure: Failure, now: float) -> Verdict:
    reason = FAILURES.get(failure.reason, "login_refused")
    if reason != "temporary_ban":
        return verdict(reason, code=failure.reason, detail=failure.message)
    lasts = failure.expires_in if failure.expires_in is not None else UNKNOWN_BAN_SECONDS
    why = BANS.get(failure.code)
    return verdict(
        reason,
        code=failure.code or failure.reason,
        until=now + lasts,
        detail=f"WhatsApp's reason: {why}." if why else "",
    )


def of_socket(code: int) -> Verdict:
    """The websocket was closed by the other side, or just ended (1006)."""
    return verdict(SOCKET_CODES.get(code, "connection_lost"), code=code)


def of_upgrade(status: int, retry_after: float = 0.0) -> Verdict:
    """The websocket upgrade was answered with another HTTP status."""
    if status == 429:
        return verdict("rate_limited", code=status, least=retry_after)
    reason = (
        "upgrade_failed" if status in _PASSING else "proxy_failed" if status == 407 else "upgrade_refused"
    )
    return verdict(reason, code=status, least=retry_after, detail=f"HTTP status {status}.")


def of_stage(stage: str, *, timed_out: bool) -> Verdict:
    """A stage of dialing (dns, tcp, proxy, tls, upgrade) failed or took too long."""
    return verdict(f"{stage}_{'timeout' if timed_out else 'failed'}")


def markdown() -> str:
    """The table as people read it."""
    rows = [
        f"| `{reason}` | {rule.then.value.replace('_', ' ')} | {rule.state} | "
        f"{'yes' if rule.transient else 'no'} | {rule.advice} |"
        for reason, rule in RULES.items()
    ]
    return "| reason | then | state | transient | advice |\n|---|---|---|---|---|\n" + "\n".join(rows)
