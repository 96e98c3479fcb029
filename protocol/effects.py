"""What a flow may await, and what the core asks of its host.

A flow is an `async def` that awaits only the classes below; `flows/runner.py` steps it. Each wait knows how to
read its own reply, so that `await Ask(node, read)` has the type that `read` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import msgspec

from protocol.errors import IqError, ProtocolError
from protocol.events.base import Durable, Event
from protocol.jid import Jid
from protocol.keystore import Save, Txn
from protocol.node import Node, decimal

T = TypeVar("T")

#: Seconds for the answer to an iq or a message (whatsmeow's value).
ANSWER_SECONDS: Final = 75.0


@dataclass(frozen=True)
class Wait(Generic[T]):
    """Base of all awaits."""

    def parse(self, reply: object) -> T:
        """Turn what the runner hands over into the awaited type."""
        raise NotImplementedError

    def __await__(self) -> Generator[Wait[Any], object, T]:
        return self.parse((yield self))


@dataclass(frozen=True)
class Ask(Wait[T]):
    """Send an iq and resume with its answer. The runner gives it an id; an error answer raises IqError."""

    node: Node
    read: Callable[[Node], T]
    seconds: float = ANSWER_SECONDS

    def parse(self, reply: object) -> T:
        assert isinstance(reply, Node)
        if reply.text("type") == "error":
            raise iq_error(reply)
        return self.read(reply)


@dataclass(frozen=True)
class AskAll(Wait[list[T | ProtocolError]]):
    """Several iqs at once; each place holds its answer or the error it ended in."""

    asks: Sequence[Ask[T]]

    def parse(self, reply: object) -> list[T | ProtocolError]:
        assert isinstance(reply, list)
        results: list[T | ProtocolError] = []
        for ask, answer in zip(self.asks, reply, strict=True):
            if isinstance(answer, ProtocolError):
                results.append(answer)
                continue
            try:
                results.append(ask.parse(answer))
            except ProtocolError as error:
                results.append(error)
        return results


@dataclass(frozen=True)
class AckKey:
    """The server's ack of one stanza of ours. A re-send and a retry answer share an id, `to` tells them apart."""

    cls: str
    to: Jid
    id: str


Match = AckKey | Callable[[Node], bool]


@dataclass(frozen=True)
class Expect(Wait[Node]):
    """Resume with the first stanza that matches; TimedOut after `seconds`.

    A stanza taken by a predicate still goes to its ordinary handler; one taken by an AckKey does not.
    """

    match: Match
    seconds: float

    def parse(self, reply: object) -> Node:
        assert isinstance(reply, Node)
        return reply


class Question(msgspec.Struct, frozen=True, tag_field="ask"):
    """Base of questions to the host (a retry copy, a media blob). Subclasses name the answer in `Lookup`."""


@dataclass(frozen=True)
class Lookup(Wait[T]):
    """Ask the host; it replies by `answer(token, value)`. An exception as value is raised in the flow."""

    question: Question
    answer: type[T]

    def parse(self, reply: object) -> T:
        if not isinstance(reply, self.answer):
            raise TypeError(f"the host answered {self.question!r} with {type(reply).__name__}")
        return reply


@dataclass(frozen=True)
class Commit(Wait[int]):
    """Stage a transaction. `then` leaves, and the flow resumes, when it is durable.

    `ephemeral` events are told at the same moment; `events` ride in the commit itself.
    `frees_lane`: the next flow of this lane may start as soon as this commit is staged.
    """

    txn: Txn
    then: tuple[Node, ...] = ()
    events: tuple[Event, ...] = ()
    frees_lane: bool = False

    def parse(self, reply: object) -> int:
        assert isinstance(reply, int)
        return reply


@dataclass(frozen=True)
class Tell(Wait[None]):
    """Send stanzas that expect no answer. `at_once`: they overtake what waits for the disk (presence, typing)."""

    stanzas: tuple[Node, ...]
    at_once: bool = False

    def parse(self, reply: object) -> None:
        return None


@dataclass(frozen=True)
class Pause(Wait[None]):
    """Give way to the driver once, or sleep. Long work pauses every few dozen devices: that is the fairness."""

    seconds: float = 0.0

    def parse(self, reply: object) -> None:
        return None


class Send(msgspec.Struct, frozen=True):
    """Bytes for the websocket: one binary message."""

    data: bytes


class Query(msgspec.Struct, frozen=True):
    """A flow's question; reply with `answer(token, value)`."""

    token: int
    question: Question


class Close(msgspec.Struct, frozen=True):
    """Close the websocket; nothing more will come."""

    code: int
    reason: str


Output = Send | Save | Query | Close


@dataclass(frozen=True)
class Reaction:
    """What an inbound handler wants: handlers are plain functions, `stanza -> Reaction`.

    `stanzas` leave in order, behind every commit staged so far (its own included); `txn` and `events` form one
    commit; `ephemeral` events have no row; `flows` are started (with their lane, or None).
    """

    stanzas: tuple[Node, ...] = ()
    txn: Txn | None = None
    events: tuple[Event, ...] = ()
    ephemeral: tuple[Event, ...] = ()
    flows: tuple[tuple[Any, str | None], ...] = field(default=())


class Effects(msgspec.Struct):
    """What parts of a work bring about beside what they write: collected for one reaction or commit."""

    events: list[Durable] = []
    flows: list[tuple[Any, str | None]] = []
    stanzas: list[Node] = []

    def add(self, more: Effects) -> None:
        """Take over what another part brought about."""
        self.events += more.events
        self.flows += more.flows
        self.stanzas += more.stanzas


def iq_error(reply: Node) -> IqError:
    """The error that an iq of type error carries."""
    error = reply.child("error") or Node("error")
    backoff = decimal(error.text("backoff"))
    return IqError(
        error.number("code"), error.text("text"), backoff=None if backoff is None else float(backoff)
    )
