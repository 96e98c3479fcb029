"""Events of one connection; none has a row."""

from __future__ import annotations

from protocol.events.base import Event


class ConnectionOpened(Event, frozen=True, kw_only=True, tag="connection.opened"):
    """Logged in and caught up."""

    #: The Noise handshake took one round trip only.
    resumed: bool
    #: Milliseconds per stage: handshake, login, catch_up.
    ms: dict[str, int]


class ConnectionClosed(Event, frozen=True, kw_only=True, tag="connection.closed"):
    """The end, in the words of the policy table."""

    reason: str
    code: int
    policy: str
    transient: bool
    advice: str


class ConnectionDeaf(Event, frozen=True, kw_only=True, tag="connection.deaf"):
    """Pings are answered, but nothing else has arrived for long."""

    last_inbound_at: float
    #: 1: the server was asked to deliver again; 2: the connection is replaced.
    rung: int


class StanzaFailed(Event, frozen=True, kw_only=True, tag="connection.stanza_failed"):
    """A stanza could not be handled. No content is told, only its kind and the kind of the fault."""

    stanza: str
    error: str


class OfflineSync(Event, frozen=True, kw_only=True, tag="sync.offline"):
    """What waited at the server while we were away."""

    pending: int
    done: bool
