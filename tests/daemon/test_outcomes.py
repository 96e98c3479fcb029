"""What follows from a send that did not come through."""

import pytest

from protocol.errors import LinkLost, ProtocolError, StoreFailed, TimedOut
from protocol.flows.send import NoCiphertext, SendRefused
from protocol.stanza.message import Ack
from waconnd.account import NotReady
from waconnd.media.upload import MediaFailed
from waconnd.outcomes import MAX_ATTEMPTS, Again, NotOnWhatsapp, Outcome, judged
from waconnd.standing import Report

WAITING = Report(account="main", state="waiting", since=0.0)


def refused(code: int, backoff: int = 0) -> SendRefused:
    return SendRefused(Ack(at=0, error=code, backoff=backoff))


@pytest.mark.parametrize("error", [LinkLost("gone"), NotReady(WAITING), StoreFailed("full")])
def test_a_line_that_breaks_is_never_the_message_s_fault(error: Exception) -> None:
    assert judged(error, 10_000) == Again()


@pytest.mark.parametrize("error", [TimedOut("no answer"), refused(503), refused(429)])
def test_what_passes_is_tried_with_growing_pauses_and_ends(error: Exception) -> None:
    verdicts = [judged(error, attempts) for attempts in range(MAX_ATTEMPTS)]
    pauses = [verdict.pause for verdict in verdicts[:-1] if isinstance(verdict, Again) and verdict.counted]
    assert pauses == [2.0 * 2**n for n in range(MAX_ATTEMPTS - 1)]
    assert isinstance(verdicts[-1], Outcome)
    assert verdicts[-1].status == "failed"


def test_the_server_s_own_pause_is_kept() -> None:
    assert judged(refused(429, backoff=90), 0) == Again(90, counted=True)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused(463), "account_limited"),
        (refused(403), "forbidden_by_whatsapp"),
        (refused(404), "not_on_whatsapp"),
        (refused(479), "server_error"),
        (NotOnWhatsapp("+1"), "not_on_whatsapp"),
        (MediaFailed("all hosts", {}, "upload"), "media_failed"),
        (NoCiphertext("no keys"), "recipient_unreachable"),
        (ProtocolError("odd"), "server_error"),
        (ZeroDivisionError(), "internal"),
    ],
)
def test_what_is_final_fails_at_once_with_its_kind(error: Exception, kind: str) -> None:
    verdict = judged(error, 0)
    assert isinstance(verdict, Outcome)
    assert (verdict.status, verdict.kind) == ("failed", kind)
    assert verdict.error
