"""What becomes of a send that did not come through: tried again, and when, or over, and why."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.errors import LinkLost, ProtocolError, StoreFailed, TimedOut
from protocol.flows.send import NoCiphertext, SendRefused, SendResult
from waconnd.account import NotReady
from waconnd.media.upload import MediaFailed
from waconnd.refusals import kind_of_refusal

#: What passes is tried so often, with doubling pauses from this many seconds.
MAX_ATTEMPTS: Final = 8
RETRY_SECONDS: Final = 2.0


class NotOnWhatsapp(Exception):
    """Nobody has this number there."""


class OtherLink(Exception):
    """A row that was meant for another link of the account than it has now."""


class Outcome(msgspec.Struct, frozen=True):
    """What whoever waits for a row is told. `retry_at`: when it may be tried again, if that is known."""

    status: str
    error: str = ""
    kind: str = ""
    result: SendResult | None = None
    retry_at: float = 0.0


class Again(msgspec.Struct, frozen=True):
    """It goes again under the same id: on the next connection, or after `pause` seconds when the try `counted`."""

    pause: float = 0.0
    counted: bool = False


def judged(error: Exception, attempts: int) -> Again | Outcome:
    """What follows from an error of a send that was tried `attempts` times before."""
    last = attempts + 1 >= MAX_ATTEMPTS
    pause = RETRY_SECONDS * 2 ** min(attempts, MAX_ATTEMPTS)
    match error:
        case LinkLost() | NotReady() | StoreFailed():
            # Nobody's word: however often the line breaks, the message is not to blame.
            return Again()
        case TimedOut() if last:
            return Outcome(
                "failed",
                f"WhatsApp did not answer {MAX_ATTEMPTS} tries; whether it arrived is not known",
                "timeout",
            )
        case TimedOut():
            return Again(pause, counted=True)
        case SendRefused() if error.transient and not last:
            return Again(max(error.backoff or 0.0, pause), counted=True)
        case SendRefused():
            return Outcome("failed", str(error), kind_of_refusal(error.code))
        case OtherLink():
            return Outcome("failed", "it was queued under another link of this account", "not_linked")
        case NotOnWhatsapp():
            return Outcome("failed", str(error), "not_on_whatsapp")
        case MediaFailed():
            return Outcome("failed", str(error), "media_failed")
        case NoCiphertext():
            return Outcome("failed", str(error), "recipient_unreachable")
        case ProtocolError():
            return Outcome("failed", str(error), "server_error")
    return Outcome("failed", f"a fault of ours ({type(error).__name__}); see the log", "internal")
