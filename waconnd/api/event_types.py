"""Every type of event that the socket tells, with the shape of its data: for OpenRPC, docs/rpc.md and the tests.

The core's and the daemon's structs are the declarations. What the daemon builds by hand is declared below, for
nothing else. One type may have several structs (a chat is updated by its timer, and by what the user does to it);
its shape is all of them together.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from protocol import events
from protocol.events.base import Durable, Event
from protocol.events.message import Chat
from waconnd import announcements, errands, standing
from waconnd.api import event_examples
from waconnd.store.archive.body import ENVELOPE, PRIVATE, is_time


class _ChatRead(Durable, frozen=True, kw_only=True, tag="chat.updated"):
    """The chat was read here, with `message.mark_read`."""

    chat: Chat
    read_upto: float
    via: str


class _PollStands(Durable, frozen=True, kw_only=True, tag="message.poll_vote"):
    """The archive, where it has the poll, adds names and how the poll stands."""

    #: Names of the chosen options.
    options: list[str]
    #: Of each option the name (`option`) and how many chose it (`votes`).
    results: list[dict[str, Any]]


class _MediaReady(Durable, frozen=True, kw_only=True, tag="media.ready"):
    """A file was fetched and lies in the cache."""

    id: str
    chat: Chat
    sha256: str
    mimetype: str
    size: int


class _MediaExpired(Durable, frozen=True, kw_only=True, tag="media.expired"):
    """A file is gone: neither WhatsApp nor the sender's phone has it any more."""

    id: str
    chat: Chat
    refresh: str


class _HookFailed(Durable, frozen=True, kw_only=True, tag="hook.failed"):
    """A hook did not take an event; it is tried again."""

    hook: str
    seq: int
    attempt: int
    error: str


class _HookDead(_HookFailed, frozen=True, kw_only=True, tag="hook.dead"):
    """A hook has given an event up; `hook.replay` sends it again."""


class _DaemonStarted(Durable, frozen=True, kw_only=True, tag="daemon.started"):
    """The daemon is here again."""

    version: str


class _DaemonDraining(Durable, frozen=True, kw_only=True, tag="daemon.draining"):
    """The daemon ends, and finishes what it is at until then."""

    deadline_s: float


class _EventDamaged(Durable, frozen=True, kw_only=True, tag="event.damaged"):
    """An event could not be read; its bytes are kept as they are."""

    why: str
    #: In base64.
    raw: str


class _EventsGap(Event, frozen=True, kw_only=True, tag="events.gap"):
    """Events in the way of this subscription were removed by the retention."""

    sub: str
    from_seq: int
    to_seq: int
    why: str


class _EventsDropped(Event, frozen=True, kw_only=True, tag="events.dropped"):
    """A subscription was too slow for events without a row; so many are lost to it."""

    sub: str
    count: int


#: Modules whose structs are declarations.
HOMES: Final = (events.__name__, announcements.__name__, errands.__name__, standing.__name__, __name__)


class EventType(msgspec.Struct, frozen=True):
    """One type of event."""

    name: str
    doc: str
    #: It has a row, and so a `seq`; else it passes once.
    durable: bool
    #: The data as the socket shows them: strict, with times as text.
    wire: type[msgspec.Struct]
    example: Mapping[str, Any]


@cache
def event_types() -> Mapping[str, EventType]:
    """All of them, by name."""
    found: dict[str, list[type[Event]]] = {}
    for one in _leaves(Event):
        if one.__module__.startswith(HOMES):
            found.setdefault(_tag(one), []).append(one)
    return {name: _declared(name, found[name]) for name in sorted(found)}


def _declared(name: str, structs: list[type[Event]]) -> EventType:
    structs.sort(key=lambda one: (one.__module__, one.__qualname__))
    return EventType(
        name=name,
        doc=" ".join(inspect.cleandoc(one.__doc__ or "") for one in structs),
        durable=any(issubclass(one, Durable) for one in structs),
        wire=_merged(name, structs),
        example=event_examples.EXAMPLES.get(name, {}),
    )


def _leaves(kind: type[Event]) -> Iterator[type[Event]]:
    for one in kind.__subclasses__():
        if _tag(one):
            yield one
        yield from _leaves(one)


def _tag(kind: type[Event]) -> str:
    tag = kind.__struct_config__.tag
    return tag if isinstance(tag, str) and "." in tag else ""


# --- shapes as the socket shows them ------------------------------------------------------------------------------------


def _merged(name: str, structs: list[type[Event]]) -> type[msgspec.Struct]:
    """One shape of all: what not each of them always has may be absent."""
    members: dict[str, list[msgspec.structs.FieldInfo]] = {}
    notes: dict[str, str] = {}
    for one in structs:
        notes |= _notes(one)
        for field in msgspec.structs.fields(one):
            if field.encode_name not in (*ENVELOPE, PRIVATE):
                members.setdefault(field.encode_name, []).append(field)
    shape: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for member, fields in members.items():
        kind: Any = typing.Union[tuple(_wire(member, one.type) for one in fields)]  # noqa: UP007
        if note := notes.get(fields[0].name):
            kind = typing.Annotated[kind, Meta(description=note)]
        needed = len(fields) == len(structs) and all(one.required for one in fields)
        shape.append((member, kind) if needed else (member, kind | UnsetType, UNSET))
    return _struct(re.sub(r"\W", "_", name), shape)


def _struct(name: str, shape: list[Any]) -> type[msgspec.Struct]:
    # Names of Python (`from`) are names of the socket too.
    plain = [(f"{one[0]}_" if one[0] == "from" else one[0], *one[1:]) for one in shape]
    return msgspec.defstruct(
        name, plain, rename={"from_": "from"}, forbid_unknown_fields=True, frozen=True, kw_only=True
    )


def _wire(member: str, kind: Any) -> Any:
    """The type of a member, as it is shown."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _shown(kind)
    if kind in (float, int) and is_time(member):
        return datetime
    origin = typing.get_origin(kind)
    inner = typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        # Absent members are never null.
        return typing.Union[tuple(_wire(member, one) for one in inner if one is not types.NoneType)]  # noqa: UP007
    if origin is list:
        return list[_wire(member, inner[0])]  # type: ignore[misc]
    if origin is not None and issubclass(origin, Mapping):
        return dict[str, _wire(member, inner[1])]  # type: ignore[misc]
    return kind


@cache
def _shown(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    notes = _notes(kind)
    shape: list[Any] = []
    for field in msgspec.structs.fields(kind):
        member: Any = _wire(field.encode_name, field.type)
        if note := notes.get(field.name):
            member = typing.Annotated[member, Meta(description=note)]
        always = field.required or not kind.__struct_config__.omit_defaults
        shape.append(
            (field.encode_name, member) if always else (field.encode_name, member | UnsetType, UNSET)
        )
    return _struct(kind.__name__, shape)


_CLASS: Final = re.compile(r"class (\w+)\(")
_FIELD: Final = re.compile(r"    (\w+): ")


def _notes(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The `#:` comments above the members of a struct, its bases included."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if issubclass(one, msgspec.Struct) and one is not msgspec.Struct:
            found |= _module_notes(one.__module__).get(one.__name__, {})
    return found


@cache
def _module_notes(module: str) -> dict[str, dict[str, str]]:
    """By class and member. Nothing where Python has no sources."""
    try:
        source = inspect.getsource(sys.modules[module])
    except OSError:
        return {}
    found: dict[str, dict[str, str]] = {}
    notes: dict[str, str] = {}
    words: list[str] = []
    for line in source.splitlines():
        if match := _CLASS.match(line):
            notes = found[match[1]] = {}
        elif line.startswith("    #: "):
            words.append(line.removeprefix("    #: ").strip())
        else:
            if words and (match := _FIELD.match(line)):
                notes[match[1]] = " ".join(words)
            words = []
    return found
