"""Is the other end still there, and does it still tell us things? Pure timers: the caller sends what is due."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from protocol.crypto.curve import Entropy

#: A ping goes out so long after the last stanza, with some spread so that many accounts never tick together.
QUIET_SECONDS: Final = 15.0
SPREAD_SECONDS: Final = 3.0
#: Nothing at all for so long after a ping: the connection is dead. Together: noticed within 33 s.
ANSWER_SECONDS: Final = 15.0
#: Only pings answered for so long: perhaps nobody has anything to say, perhaps we were forgotten.
DEAF_SECONDS: Final = 3600.0
#: So long after the server was asked to deliver again, a new connection settles it.
HEAL_SECONDS: Final = 600.0


class Due(Enum):
    """What the caller has to do."""

    PING = auto()
    DEAD = auto()
    #: Ask the server again to deliver.
    DEAF = auto()
    #: That brought nothing: make a new connection.
    STILL_DEAF = auto()


class Keepalive:
    """One per connection, from login on."""

    def __init__(self, entropy: Entropy, now: float) -> None:
        self._quiet = QUIET_SECONDS + SPREAD_SECONDS * entropy(1)[0] / 255
        self._pinged_at: float | None = None
        self._asked = False
        self.last_inbound_at = self.last_news_at = now

    def heard(self, now: float, *, news: bool) -> None:
        """A stanza came. `news`: it was not just the answer to a ping."""
        self.last_inbound_at = now
        self._pinged_at = None
        if news:
            self.last_news_at, self._asked = now, False

    @property
    def deadline(self) -> float:
        """When `due` has something to say."""
        return min(self._life(), self._news())

    def due(self, now: float) -> Due | None:
        """What to do now; each is said once."""
        if now >= self._life():
            if self._pinged_at is not None:
                return Due.DEAD
            self._pinged_at = now
            return Due.PING
        if now >= self._news():
            if self._asked:
                return Due.STILL_DEAF
            self._asked = True
            return Due.DEAF
        return None

    def _life(self) -> float:
        if self._pinged_at is not None:
            return self._pinged_at + ANSWER_SECONDS
        return self.last_inbound_at + self._quiet

    def _news(self) -> float:
        return self.last_news_at + DEAF_SECONDS + (HEAL_SECONDS if self._asked else 0.0)
