"""A small seeded mutation fuzzer: no coverage feedback, but the same run for the same seed, everywhere."""

import random
import time
from collections.abc import Iterator

from tests.fuzz.targets import Target

#: Values that sit on the edges of lengths and tags.
EDGES = (0, 1, 2, 0x7F, 0x80, 0xEC, 0xF0, 0xF7, 0xF8, 0xF9, 0xFA, 0xFC, 0xFD, 0xFE, 0xFF)


class Crash(AssertionError):
    """A target raised; the input that did it is in the message."""


def inputs(corpus: list[bytes], seed: int) -> Iterator[bytes]:
    """The corpus itself, then endless mutations of it."""
    yield from corpus
    chance = random.Random(seed)
    while True:
        data = bytearray(chance.choice(corpus))
        for _ in range(1 << chance.randrange(4)):
            mutate(data, chance, corpus)
        yield bytes(data)


def mutate(data: bytearray, chance: random.Random, corpus: list[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    match chance.randrange(7):
        case 0 if data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        case 1 if data:
            data[at % len(data)] = chance.choice(EDGES)
        case 2:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        case 3:
            del data[at : at + chance.randrange(1, 9)]
        case 4:
            end = at + chance.randrange(1, 33)
            data[at:at] = data[at:end] * chance.randrange(1, 5)
        case 5:
            other = chance.choice(corpus)
            start = chance.randrange(len(other) + 1)
            data[at:] = other[start:]
        case _:
            del data[at:]


def fuzz(target: Target, *, seed: int, seconds: float | None = None, count: int | None = None) -> int:
    """Run until the time or the count is over. Gives how many inputs it tried; raises Crash."""
    until = None if seconds is None else time.monotonic() + seconds
    tried = 0
    for data in inputs(target.corpus() or [b""], seed):
        if tried == count or (until is not None and time.monotonic() > until):
            break
        tried += 1
        try:
            target.run(data)
        except Exception as error:
            raise Crash(f"{target.run.__name__}(bytes.fromhex({data.hex()!r})): {error!r}") from error
    return tried
