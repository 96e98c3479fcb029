"""The newest stanzas as they were written, in one buffer. They cost a copy of their bytes; decoding waits until somebody asks."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final, Literal

from protocol.errors import ProtocolError
from protocol.wire.codec import decode
from waconnd.frames.redact import Shown, redacted

Way = Literal["in", "out"]

#: Of one account: a thousand of the usual small stanzas. A daemon with many accounts holds as many of these.
RING_BYTES: Final = 128 * 1024
#: Before each stanza: when, whether it came in, its length.
HEAD: Final = struct.Struct(">d?I")


class Recorder:
    """One account's. It is the `tap` of its connections."""

    def __init__(self, now: Callable[[], float], limit: int = RING_BYTES) -> None:
        self._now, self._limit = now, limit
        self._ring = bytearray()

    def __call__(self, way: Way, data: bytes) -> None:
        """A stanza passed. One of half the ring would push out what a reader looks for."""
        if len(data) > self._limit // 2:
            return
        ring = self._ring
        ring += HEAD.pack(self._now(), way == "in", len(data))
        ring += data
        if len(ring) > self._limit:
            self._forget(len(ring) - self._limit * 7 // 8)

    def __len__(self) -> int:
        """Bytes held."""
        return len(self._ring)

    def show(self, salt: bytes) -> list[Shown]:
        """All of it, oldest first, without contents; the same salt gives the same people the same names."""
        shown = []
        for start, end in self._stanzas():
            at, came, _ = HEAD.unpack_from(self._ring, start)
            data = bytes(self._ring[start + HEAD.size : end])
            try:
                shown.append(redacted(decode(data), at=at, way="in" if came else "out", salt=salt))
            except ProtocolError:
                continue  # the connection has complained about it
        return shown

    def _forget(self, excess: int) -> None:
        """An eighth goes in one go: seldom enough to cost nothing."""
        del self._ring[: next(end for _, end in self._stanzas() if end >= excess)]

    def _stanzas(self) -> Iterator[tuple[int, int]]:
        start = 0
        while start < len(self._ring):
            end = start + HEAD.size + HEAD.unpack_from(self._ring, start)[2]
            yield start, end
            start = end
