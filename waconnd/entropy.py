"""Random bytes for keys, nonces and ids, drawn from the kernel by kibibytes.

Each call of the kernel gives up the interpreter lock, and a thread that writes to the disk then takes it: with a dozen
draws for a message that cost more than the cryptography.
"""

from __future__ import annotations

import os
from typing import Final

#: One draw.
SIZE: Final = 8192


class Pool:
    """`pool(count)` gives fresh bytes. What was given is wiped. For the event loop's thread alone."""

    def __init__(self) -> None:
        self._bytes, self._place = bytearray(), SIZE
        # A child must never repeat what its parent will draw.
        os.register_at_fork(after_in_child=self._drop)

    def __call__(self, count: int) -> bytes:
        if count > SIZE:
            return os.urandom(count)
        if self._place + count > SIZE:
            self._bytes[:], self._place = os.urandom(SIZE), 0
        end = self._place + count
        taken = bytes(self._bytes[self._place : end])
        self._bytes[self._place : end] = bytes(count)
        self._place = end
        return taken

    def _drop(self) -> None:
        self._place = SIZE


entropy: Final = Pool()
