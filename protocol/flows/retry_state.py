"""How often we asked for a message again: durable, so that a restart neither loops nor forgets (reference 02, 9.6)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.flows.soft import Soft
from protocol.keystore import Kind, Txn, View
from protocol.stanza.message import Incoming

#: After this nobody has the message any more; the record goes.
KEEP_SECONDS: Final = 14 * 24 * 3600.0
#: Records at most; the oldest go first.
MAX_RECORDS: Final = 10_000


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message that could not be read."""

    count: int
    first_at: float
    #: The server's time of the message.
    sent_at: int = 0
    from_me: bool = False
    #: The phone shall be asked; it was; and the server has the question.
    wants_phone: bool = False
    asked_phone: bool = False
    phone_reached: bool = False
    #: The event says that it is missing: what heals it is a recovery.
    announced: bool = False
    v: int = 1


ASKED: Final = Soft(Kind.RETRY_COUNT, Asked)


def asked_id(message: Incoming) -> str:
    """Chat, sender with device, id."""
    return f"{message.chat}/{message.sender}/{message.id}"


def healed(txn: Txn, message: Incoming) -> bool:
    """A message can be read. True when it was announced as missing before."""
    held = ASKED.get(txn, asked_id(message))
    if held is None:
        return False
    ASKED.delete(txn, asked_id(message))
    return held.announced


def tidy(txn: Txn, now: float) -> None:
    """Let go of what is too old, and of the oldest when there are too many."""
    held: list[tuple[float, str]] = []
    for id in list(ASKED.ids(txn)):
        record = ASKED.get(txn, id)
        held.append((record.first_at if record else 0.0, id))
    held.sort(reverse=True)
    for place, (first_at, id) in enumerate(held):
        if place >= MAX_RECORDS or now - first_at > KEEP_SECONDS:
            ASKED.delete(txn, id)


def state(view: View, message: Incoming) -> Asked | None:
    """What is noted of a message."""
    return ASKED.get(view, asked_id(message))
