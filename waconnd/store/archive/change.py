"""One event on its way into the tables, and how handlers read its members."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from waconnd.store.archive.body import Fields

if TYPE_CHECKING:
    from waconnd.store.archive.arrivals import Arrival

#: What an account keeps beside the log: everything, all but content, or nothing.
Store = Literal["none", "meta", "full"]


class Word(msgspec.Struct):
    """The highest status that was told of a message of ours, and what comes with it."""

    status: str
    at: int
    #: It stands in the list too, not only in the outbox.
    listed: bool
    #: What the sender was told, as JSON, and how often.
    result: str = ""
    results: int = 0


class Batch:
    """Events that are carried out together: what was found out once, and what is written once, at their end.

    A burst of messages is two persons, one chat and two words on each message; each statement that is saved also
    saves the event loop from waiting for the interpreter.
    """

    def __init__(self) -> None:
        #: What each account keeps.
        self.stores: dict[str, Store] = {}
        #: Persons that are known just so.
        self.met: set[tuple[str, str, str, str]] = set()
        #: Whether any change waits for its message; None: nobody has looked.
        self.early: bool | None = None
        #: Messages that may be new, each once.
        self.arrivals: dict[tuple[str, str, str, str], Arrival] = {}
        #: The lowest and the highest number of a message.
        self.numbers: tuple[int, int] | None = None
        #: Column → what devices told: their rows in `receipt`.
        self.receipts: dict[str, list[tuple[object, ...]]] = {}
        #: (account, chat, message) → what was told of it, see `progress.settle`.
        self.words: dict[tuple[str, str, str], Word] = {}

    def forget(self) -> None:
        """Somebody may have changed contacts or removed messages."""
        self.met.clear()
        self.numbers = None


class Change(msgspec.Struct, frozen=True):
    """An event and where it stands; `live` is false for history, which nobody has to read."""

    account: str
    type: str
    at: int
    seq: int
    #: Seconds: when it came here.
    now: int
    store: Store
    data: Fields
    private: Fields
    batch: Batch
    live: bool = True


Handler = Callable[[sqlite3.Connection, Change], None]


def part(fields: Fields, name: str) -> Fields:
    """A member that is an object, or nothing."""
    held: Any = fields.get(name)
    return held if isinstance(held, dict) else {}


def ident(fields: Fields, name: str) -> str:
    """An address: given as text or as `{id, …}`."""
    held: Any = fields.get(name)
    if isinstance(held, dict):
        held = held.get("id", "")
    return held if isinstance(held, str) else ""


def text(fields: Fields, name: str) -> str:
    """A member that is text, or nothing."""
    held: Any = fields.get(name)
    return held if isinstance(held, str) else ""


def number(fields: Fields, name: str) -> int:
    """A member that is a number or a bool, or 0."""
    held: Any = fields.get(name)
    return int(held) if isinstance(held, (int, float)) else 0
