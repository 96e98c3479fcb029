"""A ring of the newest stanzas as they were written. It costs a copy of their bytes; decoding waits until somebody asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Literal

from protocol.errors import ProtocolError
from protocol.wire.codec import decode
from waconnd.frames.redact import Shown, redacted

Way = Literal["in", "out"]

#: Of one account, in bytes on the wire: some hundred stanzas, whatever an account does.
RING_BYTES: Final = 256 * 1024


class Recorder:
    """One account's. It is the `tap` of its connections."""

    def __init__(self, now: Callable[[], float], limit: int = RING_BYTES) -> None:
        self._now, self._limit = now, limit
        self._ring: deque[tuple[float, Way, bytes]] = deque()
        self._size = 0

    def __call__(self, way: Way, data: bytes) -> None:
        """A stanza passed."""
        self._ring.append((self._now(), way, data))
        self._size += len(data)
        while self._size > self._limit:
            self._size -= len(self._ring.popleft()[2])

    def show(self, salt: bytes) -> list[Shown]:
        """All of it, oldest first, without contents; the same salt gives the same people the same names."""
        shown = []
        for at, way, data in self._ring:
            try:
                shown.append(redacted(decode(data), at=at, way=way, salt=salt))
            except ProtocolError:
                continue  # the connection has complained about it
        return shown
