"""Hash chains, as sessions and sender keys share them: how far one may jump, which keys are kept for latecomers."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.crypto.primitives import hmac_sha256
from protocol.signal.errors import Duplicate, InvalidMessage, TooFarAhead
from protocol.signal.records import MAX_SKIPPED, Hidden, Skipped

#: How far one message may jump ahead: every index costs two hashes before anything is authenticated.
MAX_JUMP: Final = 2000
#: Our own other devices are trusted, and a phone that was busy alone sends thousands of copies.
MAX_JUMP_OWN: Final = 25_000


class Step(Hidden, msgspec.Struct, frozen=True):
    """The key of one message, and what the chain looks like once that message proved genuine."""

    message_key: bytes
    key: bytes | None
    index: int
    skipped: Skipped


def seed(key: bytes) -> bytes:
    """The seed of the message at this place of the chain."""
    return hmac_sha256(key, b"\x01")


def advance(key: bytes) -> bytes:
    """The next place of the chain."""
    return hmac_sha256(key, b"\x02")


def find(key: bytes | None, index: int, skipped: Skipped, counter: int, limit: int) -> Step:
    """Find the key of message `counter` on a chain that stands at `index`. Changes nothing.

    Raises Duplicate, TooFarAhead, InvalidMessage.
    """
    if key is not None and counter == index:
        return Step(seed(key), advance(key), index + 1, skipped)
    if counter < index:
        late = dict(skipped)
        message_key = late.pop(counter, None)
        if message_key is None:
            raise Duplicate(f"message {counter} of this chain was decrypted before")
        return Step(message_key, key, index, late)
    if key is None:
        raise InvalidMessage("the chain of this message was closed by the program that wrote this store")
    if counter - index > limit:
        raise TooFarAhead(f"{counter - index} messages are missing before this one, {limit} is the limit")
    kept = dict(skipped)
    while index < counter:
        if counter - index <= MAX_SKIPPED:
            kept[index] = seed(key)
        key, index = advance(key), index + 1
    while len(kept) > MAX_SKIPPED:
        del kept[next(iter(kept))]
    return Step(seed(key), advance(key), index + 1, kept)
