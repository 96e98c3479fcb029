"""The states of an account and of its link, as two tables.

Theory of operation. An account's state says what is known about the credentials and survives a restart; the link's
state says what the one connection of that account is doing and starts anew with the process. Nobody sets a state:
things happen, and the tables say where that leads. What a table does not list can't happen, and asking for it is a
bug (LocalProtocolError), never a silent move. Every state has a way out that leads on without the process being
restarted. What the outside sees is one word made of both, by `word`.

A `Connection` lives through the link's states from `handshake` on; those before it (dialing) and after it (waiting)
are its host's. How long to wait, or whether to, is not here but in `closes.py`.

`docs/states.md` is drawn from this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from protocol.engine import closes
from protocol.errors import LocalProtocolError


class Account(StrEnum):
    """What is known about the credentials."""

    UNLINKED = "unlinked"
    PAIRING = "pairing"
    LINKED = "linked"
    LOGGED_OUT = "logged_out"
    LIMITED = "limited"
    OUTDATED = "outdated"
    FAILED = "failed"


class Fact(StrEnum):
    """What happens to an account."""

    PAIR = "pair"
    PAIRED = "paired"
    PAIR_ENDED = "pair_ended"
    LOGGED_OUT = "logged_out"
    LIMITED = "limited"
    EXPIRED = "expired"
    CLIENT_REFUSED = "client_refused"
    CLIENT_RENEWED = "client_renewed"
    DAMAGED = "damaged"
    REPAIRED = "repaired"


class Link(StrEnum):
    """What the connection is doing."""

    IDLE = "idle"
    DIALING = "dialing"
    HANDSHAKE = "handshake"
    LOGIN = "login"
    SHOWING_QR = "showing_qr"
    RESTARTING = "restarting"
    SYNCING = "syncing"
    READY = "ready"
    WAITING = "waiting"
    CONFLICT = "conflict"
    CLOSING = "closing"


class Step(StrEnum):
    """What happens to a link."""

    START = "start"
    OPENED = "opened"
    SECURED = "secured"
    REFS = "refs"
    PAIR_SUCCESS = "pair_success"
    SUCCESS = "success"
    CAUGHT_UP = "caught_up"
    #: End of stream, stream error, deadline: anything after which we try again.
    LOST = "lost"
    #: An end after which nobody should try: logged out, refused.
    REFUSED = "refused"
    REPLACED = "replaced"
    DUE = "due"
    STOP = "stop"
    CLOSED = "closed"


S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)
Table = Mapping[S, Mapping[E, S]]

_DAMAGE: Final = {Fact.DAMAGED: Account.FAILED}
_REFUSAL: Final = {Fact.CLIENT_REFUSED: Account.OUTDATED} | _DAMAGE

ACCOUNT: Final[Table[Account, Fact]] = {
    Account.UNLINKED: {Fact.PAIR: Account.PAIRING} | _REFUSAL,
    Account.PAIRING: {Fact.PAIRED: Account.LINKED, Fact.PAIR_ENDED: Account.UNLINKED} | _REFUSAL,
    Account.LINKED: {Fact.LOGGED_OUT: Account.LOGGED_OUT, Fact.LIMITED: Account.LIMITED} | _REFUSAL,
    Account.LOGGED_OUT: {Fact.PAIR: Account.PAIRING} | _REFUSAL,
    Account.LIMITED: {Fact.EXPIRED: Account.LINKED, Fact.LOGGED_OUT: Account.LOGGED_OUT} | _REFUSAL,
    # The next login or pairing with a newer version is the way back.
    Account.OUTDATED: {
        Fact.CLIENT_RENEWED: Account.LINKED,
        Fact.PAIR: Account.PAIRING,
        Fact.LOGGED_OUT: Account.LOGGED_OUT,
    }
    | _DAMAGE,
    Account.FAILED: {
        Fact.REPAIRED: Account.LINKED,
        Fact.PAIR: Account.PAIRING,
        Fact.LOGGED_OUT: Account.LOGGED_OUT,
    },
}

#: How every state between dialing and ready may end.
_ENDS: Final = {
    Step.LOST: Link.WAITING,
    Step.REFUSED: Link.IDLE,
    Step.REPLACED: Link.CONFLICT,
    Step.STOP: Link.CLOSING,
}

LINK: Final[Table[Link, Step]] = {
    Link.IDLE: {Step.START: Link.DIALING},
    Link.DIALING: {Step.OPENED: Link.HANDSHAKE} | _ENDS,
    Link.HANDSHAKE: {Step.SECURED: Link.LOGIN} | _ENDS,
    Link.LOGIN: {Step.REFS: Link.SHOWING_QR, Step.SUCCESS: Link.SYNCING} | _ENDS,
    Link.SHOWING_QR: {Step.REFS: Link.SHOWING_QR, Step.PAIR_SUCCESS: Link.RESTARTING} | _ENDS,
    Link.RESTARTING: dict(_ENDS),
    Link.SYNCING: {Step.CAUGHT_UP: Link.READY} | _ENDS,
    Link.READY: dict(_ENDS),
    Link.WAITING: {Step.DUE: Link.DIALING, Step.START: Link.DIALING, Step.STOP: Link.IDLE},
    Link.CONFLICT: {Step.START: Link.DIALING, Step.STOP: Link.IDLE},
    Link.CLOSING: {Step.CLOSED: Link.IDLE},
}

#: The one word for the outside, while the credentials are good.
_WORDS: Final = {
    Link.IDLE: "stopped",
    Link.DIALING: "connecting",
    Link.HANDSHAKE: "connecting",
    Link.LOGIN: "connecting",
    Link.SHOWING_QR: "pairing",
    Link.RESTARTING: "pairing",
    Link.SYNCING: "syncing",
    Link.READY: "ready",
    Link.WAITING: "waiting",
    Link.CONFLICT: "conflict",
    Link.CLOSING: "stopped",
}
_AT_REST: Final = {Link.IDLE, Link.WAITING, Link.CLOSING}

WORDS: Final = (
    "unlinked",
    "pairing",
    "connecting",
    "syncing",
    "ready",
    "waiting",
    "limited",
    "conflict",
    "stopped",
    "logged_out",
    "failed",
)


def advance(table: Table[S, E], state: S, event: E) -> S:
    """Where `event` leads. Raises LocalProtocolError when the table does not list it."""
    try:
        return table[state][event]
    except KeyError as error:
        raise LocalProtocolError(f"{event.value!r} can't happen in the state {state.value!r}") from error


def word(account: Account, link: Link) -> str:
    """What the outside is told."""
    if account in (Account.LINKED, Account.OUTDATED):
        return _WORDS[link]
    if account is Account.PAIRING:
        return _WORDS[link] if link is Link.WAITING else "pairing"
    # A link that moves says more than an old fact: a ban is over when we are in.
    return account.value if link in _AT_REST else _WORDS[link]


def markdown() -> str:
    """`docs/states.md`."""
    doc = (__doc__ or "").strip().split("\n\n")
    parts = [
        "# States",
        "*Drawn from `protocol/engine/states.py` by `make generate`; do not edit.*",
        *(part for part in doc[1:-1]),
        "## The account",
        _diagram(ACCOUNT, Account.UNLINKED),
        _rows(ACCOUNT),
        "## The link",
        _diagram(LINK, Link.IDLE),
        _rows(LINK),
        "## The one word for the outside",
        "| link | while linked | while pairing | while unlinked, limited, logged out or failed |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {link.value} | {word(Account.LINKED, link)} | {word(Account.PAIRING, link)} | "
            + ("the account's own state" if link in _AT_REST else _WORDS[link])
            + " |"
            for link in Link
        ),
        "## Why a connection ended, and what follows",
        (closes.__doc__ or "").split("\n\n", 1)[1].strip(),
        closes.markdown(),
    ]
    return "\n\n".join(parts) + "\n"


def _diagram(table: Table[S, E], first: S) -> str:
    lines = [f"    [*] --> {first.value}"]
    for state, ways in table.items():
        targets: dict[str, list[str]] = {}
        for event, target in ways.items():
            targets.setdefault(target.value, []).append(event.value)
        lines += [
            f"    {state.value} --> {target}: {', '.join(events)}" for target, events in targets.items()
        ]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```"


def _rows(table: Table[S, E]) -> str:
    rows = [
        f"| {state.value} | {event.value} | {target.value} |"
        for state, ways in table.items()
        for event, target in ways.items()
    ]
    return "| in | when | then |\n|---|---|---|\n" + "\n".join(rows)
