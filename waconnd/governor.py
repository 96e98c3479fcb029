"""The pace of sending, which protects the number: one bucket for chats that know us, a smaller one for new chats.

A full bucket lets a minute's worth go at once; then messages leave as fast as it refills. When WhatsApp itself locks
an account (463) or caps its new chats (475), nothing goes to new chats until that has passed: every try would count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

#: Of the pace to known chats, new chats get this part: writing to strangers is what gets numbers banned.
NEW_SHARE: Final = 0.2
#: The least that goes at once.
KNOWN_BURST: Final = 10.0
NEW_BURST: Final = 5.0
#: WhatsApp does not say when a time-lock ends; asking again sooner makes it longer.
LOCK_SECONDS: Final = 3600.0
#: The quota of new chats is one of a day.
CAP_SECONDS: Final = 24 * 3600.0

#: The server's code → the name of the limit and how long it is obeyed.
LOCKS: Final = {463: ("time_lock", LOCK_SECONDS), 475: ("message_cap", CAP_SECONDS)}


class Level(msgspec.Struct, frozen=True):
    """How much may go now, how much at most, how fast it comes back, and when the next one may go."""

    left: float
    burst: float
    per_minute: float
    free_at: float


class Bucket:
    """Tokens that come back evenly."""

    def __init__(self, now: float) -> None:
        self._level, self._at = -1.0, now

    def fill(self, per_minute: float, burst: float, now: float) -> float:
        """Tokens that are there at this moment; a bucket begins full."""
        if self._level < 0:
            self._level = burst
        grown = self._level + max(0.0, now - self._at) * per_minute / 60
        self._level, self._at = min(burst, grown), max(now, self._at)
        return self._level

    def take(self) -> None:
        """One less."""
        self._level -= 1


class Governor:
    """Of one account. `per_minute` is asked anew each time: the configuration may change."""

    def __init__(self, per_minute: Callable[[], float], now: Callable[[], float]) -> None:
        self._per_minute, self._now = per_minute, now
        self._known, self._new = Bucket(now()), Bucket(now())
        #: New chats wait until then, and why.
        self.locked_until = 0.0
        self.lock = ""

    def allow(self, *, new: bool) -> bool:
        """Take one, if one is there."""
        level = self.level(new=new)
        if level.free_at > self._now():
            return False
        (self._new if new else self._known).take()
        return True

    def level(self, *, new: bool) -> Level:
        """Where a bucket stands."""
        rate = self._per_minute() * (NEW_SHARE if new else 1.0)
        burst = max(NEW_BURST if new else KNOWN_BURST, rate)
        now = self._now()
        left = (self._new if new else self._known).fill(rate, burst, now)
        free_at = now if left >= 1 else now + (1 - left) * 60 / rate
        if new:
            free_at = max(free_at, self.locked_until)
        return Level(max(0.0, left), burst, rate, free_at)

    def refused(self, code: int) -> tuple[str, float] | None:
        """The server set a limit: obey it. Gives its name and end, or None when the code is none."""
        found = LOCKS.get(code)
        if found is None:
            return None
        self.lock = found[0]
        self.locked_until = max(self.locked_until, self._now() + found[1])
        return self.lock, self.locked_until

    def restore(self, lock: str, until: float) -> None:
        """After a restart."""
        self.lock, self.locked_until = lock, until
