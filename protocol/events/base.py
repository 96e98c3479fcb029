"""The base of all events."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Subclasses set `tag="noun.past_or_state"`, the name under which the socket shows them."""

    #: Unix seconds at which it happened (or was learnt, when nothing better is known).
    at: float


class Durable(Event, frozen=True):
    """An event that becomes a row: it rides in the commit of the state change that brought it."""

    #: Unique within the account; a second event with the same key is the same event and is dropped.
    key: str
