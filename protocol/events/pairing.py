"""Events of linking a device: what to show, and how it ended."""

from __future__ import annotations

from protocol.events.account import Me
from protocol.events.base import Durable, Event


class QrShown(Event, frozen=True, kw_only=True, tag="pair.qr"):
    """Draw this code until `expires_at`; it replaces the one before."""

    code: str
    index: int
    of: int
    expires_at: float


class CodeShown(Event, frozen=True, kw_only=True, tag="pair.code"):
    """Type this code on the phone; or, with `compare`, check that the phone shows the same."""

    code: str
    expires_at: float
    compare: bool = False


class PasskeyRequired(Event, frozen=True, kw_only=True, tag="pair.passkey_required"):
    """The account demands a passkey: WebAuthn request options as JSON text."""

    challenge: str
    expires_at: float


class PairExpired(Event, frozen=True, kw_only=True, tag="pair.expired"):
    """What was shown is no longer good: take it off the screen."""

    #: qr or code.
    what: str
    #: timeout; used (another way of pairing has begun); refresh (the server wants a new one).
    reason: str


class PairFailed(Event, frozen=True, kw_only=True, tag="pair.failed"):
    """Pairing did not succeed. The keys are kept; it can be tried again."""

    reason: str
    code: int
    advice: str
    #: Not the end: the code on the screen is still good.
    going_on: bool = False


class PairSucceeded(Durable, frozen=True, kw_only=True, tag="pair.succeeded"):
    """The phone has agreed, and the credentials are durable."""

    me: Me
    device: int
