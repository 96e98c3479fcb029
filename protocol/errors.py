"""Exceptions of the core. `Local`: we were asked for something illegal. `Remote`: the other end did it."""

from __future__ import annotations


class ProtocolError(Exception):
    """Base of all. Never raised itself."""


class LocalProtocolError(ProtocolError):
    """The caller asked for something that the protocol does not allow."""


class RemoteProtocolError(ProtocolError):
    """The other end sent something that makes no sense."""


class StaleTxn(LocalProtocolError):
    """A transaction was committed on an older base than the newest staged commit: it was held across an await."""


class StoreFailed(ProtocolError):
    """The host could not make a commit durable. Nothing that waited for it has left."""


class LinkLost(ProtocolError):
    """The connection that carried this conversation is gone; what was asked has no known outcome."""


class LoggedOut(LinkLost):
    """The connection ended because this device is no longer linked."""


class TimedOut(ProtocolError):
    """No answer came in the time that was given."""


class RecordDamaged(ProtocolError):
    """A record has a right digest but makes no sense: it is set aside, the account goes on."""

    def __init__(self, kind: str, id: str, why: str) -> None:
        super().__init__(f"record {kind}/{id} makes no sense: {why}")
        self.kind, self.id, self.why = kind, id, why


class IqError(RemoteProtocolError):
    """The server answered a request with an error."""

    def __init__(self, code: int, text: str, *, backoff: float | None = None) -> None:
        super().__init__(f"{code} {text}".strip())
        self.code, self.text, self.backoff = code, text, backoff
