"""Entropy from a seed: the same seed replays the same bytes."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

BLOCK: Final = 64


class Seeded:
    """BLAKE2b in counter mode. Callable like the `Entropy` that the core wants."""

    def __init__(self, seed: int | str | bytes) -> None:
        text = seed if isinstance(seed, bytes) else str(seed).encode()
        self._key = blake2b(text, digest_size=32, person=b"waconnd sandbox").digest()
        self._count = 0
        self._left = b""

    def __call__(self, size: int) -> bytes:
        """The next bytes of the stream."""
        while len(self._left) < size:
            self._count += 1
            self._left += blake2b(self._count.to_bytes(8, "big"), key=self._key, digest_size=BLOCK).digest()
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def branch(self, name: str) -> Seeded:
        """An independent stream, so that one consumer's draws never shift another's."""
        return Seeded(self._key + name.encode())

    def below(self, limit: int) -> int:
        """A number in 0..limit-1; the bias of 64 bits is of no interest here."""
        return int.from_bytes(self(8), "big") % limit

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.below(1 << 30) < probability * (1 << 30)
