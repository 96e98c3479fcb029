"""When to try again. What to do about each kind of close stands in `protocol.engine.closes`; this gives it a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.engine.closes import Then, Verdict

#: Full jitter over 1, 2, 4 … seconds (what AWS found to disperse a herd best), never more than five minutes.
BASE_SECONDS: Final = 1.0
CAP_SECONDS: Final = 300.0
#: A connection that stayed ready this long was good: the count starts anew, and the first retry is immediate.
STABLE_SECONDS: Final = 60.0
#: Retries at once that bring no stable connection are no longer at once: nothing loops.
MAX_AT_ONCE: Final = 3


class Backoff:
    """The tries of one account."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        #: Failed tries since the last stable connection.
        self.attempts = 0
        self._at_once = 0

    def reset(self) -> None:
        """Somebody asked for a connection now."""
        self.attempts = self._at_once = 0

    def delay(self, verdict: Verdict, *, ready_seconds: float, now: float) -> float | None:
        """Seconds until the next try; None means that only a human (or a start) leads on."""
        stable = ready_seconds >= STABLE_SECONDS
        if stable:
            self.reset()
        match verdict.then:
            case Then.STOP:
                return None
            case Then.WAIT:
                until = verdict.until - now if verdict.until is not None else 0.0
                return max(until, verdict.least, BASE_SECONDS)
            case Then.AT_ONCE:
                self._at_once += 1
                if self._at_once <= MAX_AT_ONCE:
                    return 0.0
            case Then.BACK_OFF:
                if stable and not verdict.least:
                    return 0.0
        ceiling = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(self.attempts, 16))
        self.attempts += 1
        return max(self._random() * ceiling, verdict.least)
