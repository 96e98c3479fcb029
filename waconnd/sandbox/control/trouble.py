"""What goes wrong, how time passes, how much comes at once."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from protocol.node import Node
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.sandbox import session
from waconnd.sandbox.control.common import DONE, Name, bad, sandbox
from waconnd.sandbox.faults import ACTIONS
from waconnd.sandbox.flood import flood as run_flood
from waconnd.sandbox.sandbox import Sandbox
from waconnd.sandbox.state import Link


class FaultParams(Params, frozen=True):
    action: Annotated[str, Meta(description=f"{', '.join(ACTIONS)}; or `clear`")]
    tag: Annotated[str, Meta(description="Only stanzas of this tag, like message, ack or receipt.")] = ""
    type: str = ""
    user: Annotated[str, Meta(description="Only this person's connections.")] = ""
    chance: Annotated[float, Meta(gt=0, le=1)] = 1.0
    times: Annotated[int | None, Meta(description="How many stanzas; null: without end.")] = 1
    seconds: Annotated[float, Meta(ge=0)] = 1.0
    skip: int = 0


@method(
    "sandbox.fault",
    scope=Scope.SEND,
    mutates=False,
    example={"action": "duplicate", "tag": "message", "user": "ada"},
)
async def fault(call: Call, params: FaultParams) -> Done:
    """Something goes wrong with stanzas on their way to clients."""
    box = sandbox(call)
    if params.action == "clear":
        box.world.faults.clear()
        return DONE
    try:
        box.fault(
            params.action,
            tag=params.tag,
            type=params.type,
            user=params.user,
            chance=params.chance,
            times=params.times,
            seconds=params.seconds,
            skip=params.skip,
        )
    except ValueError as error:
        raise bad(error) from error
    return DONE


class CutParams(Params, frozen=True):
    name: Name
    how: Annotated[
        str,
        Meta(
            description="drop, silent (half-open), slow, stream_error, failure (at the next login), replaced, bad_mac"
        ),
    ] = "drop"
    code: Annotated[int, Meta(description="Of stream_error or failure; failure 0 lets in again.")] = 503
    bytes_per_s: float = 0.0


@method(
    "sandbox.cut",
    scope=Scope.SEND,
    mutates=False,
    example={"name": "ada", "how": "stream_error", "code": 503},
)
async def cut(call: Call, params: CutParams) -> Done:
    """End or cripple the connections of a person's linked devices."""
    box = sandbox(call)
    someone = box.person(params.name)
    if params.how == "failure":
        someone.lock(params.code)
        return DONE
    for device in someone.account.companions():
        if device.link is not None:
            _cut(box, device.link, params)
    box.pump()
    return DONE


def _cut(box: Sandbox, link: Link, params: CutParams) -> None:
    match params.how:
        case "drop":
            box.listener.cut(link)
        case "silent":
            box.world.faults.silent.add(link.id)
        case "slow":
            box.world.faults.slow[link.id] = params.bytes_per_s
        case "stream_error":
            session.stream_error(box.world, link, params.code or None)
        case "replaced":
            session.stream_error(box.world, link, None, Node("conflict", {"type": "replaced"}))
        case "bad_mac":
            session.stream_error(box.world, link, None, Node("bad-mac"))
        case _:
            raise RpcError("invalid_params", f"no connection ends by {params.how!r}", path="$.how")


class AnswersParams(Params, frozen=True):
    iq: Annotated[dict[str, list[int]], Meta(description="Namespace to the errors of its next iqs.")] = (
        msgspec.field(default_factory=dict)
    )
    collections: Annotated[dict[str, list[int]], Meta(description="App state collection to errors.")] = (
        msgspec.field(default_factory=dict)
    )
    messages: Annotated[list[int], Meta(description="Errors that the next messages are acked with.")] = (
        msgspec.field(default_factory=list)
    )
    media: Annotated[list[int], Meta(description="HTTP status of the next requests to the media hosts.")] = (
        msgspec.field(default_factory=list)
    )
    link_code: Annotated[int, Meta(description="Error of the next link code request.")] = 0
    upgrade: Annotated[int, Meta(description="HTTP status of websocket upgrades; 0 lets them through.")] = 0


@method("sandbox.refuse", scope=Scope.SEND, mutates=False, example={"messages": [463], "media": [503]})
async def refuse(call: Call, params: AnswersParams) -> Done:
    """The next requests are answered with errors."""
    box = sandbox(call)
    faults = box.world.faults
    faults.iq_errors.update({name: list(codes) for name, codes in params.iq.items()})
    faults.collection_errors.update({name: list(codes) for name, codes in params.collections.items()})
    faults.message_errors += params.messages
    faults.link_code_error = params.link_code
    box.world.blobs.refuse += params.media
    box.listener.refuse_upgrade = params.upgrade
    return DONE


class KnobParams(Params, frozen=True):
    knobs: Annotated[dict[str, Any], Meta(description="See the page on the sandbox for their names.")]


@method("sandbox.knob", scope=Scope.SEND, mutates=False, example={"knobs": {"first_ref": 2, "next_ref": 1}})
async def knob(call: Call, params: KnobParams) -> dict[str, Any]:
    """Turn the server's knobs; gives all of them as they are now."""
    knobs = vars(sandbox(call).world.knobs)
    for name, value in params.knobs.items():
        if name not in knobs or type(value) not in (int, float, bool):
            raise RpcError("invalid_params", f"there is no knob {name!r}; there are {', '.join(knobs)}")
        knobs[name] = type(knobs[name])(value)
    return dict(knobs)


class ClockParams(Params, frozen=True):
    advance_s: Annotated[float, Meta(ge=0)] = 0.0


class Now(Result, frozen=True):
    now: float


@method("sandbox.clock", scope=Scope.SEND, mutates=False, example={"advance_s": 86400})
async def clock(call: Call, params: ClockParams) -> Now:
    """Read the sandbox' clock, or let time pass at once."""
    box = sandbox(call)
    if params.advance_s:
        box.advance(params.advance_s)
    return Now(box.clock())


class FloodParams(Params, frozen=True):
    name: Annotated[str, Meta(description="Whose linked devices get the messages.")]
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    senders: Annotated[int, Meta(ge=1, le=1000)] = 20
    size: Annotated[int, Meta(ge=1, le=60_000)] = 40


class Flooded(Result, frozen=True):
    messages: int
    seconds: float
    per_second: float
    cpu_share: Annotated[float, Meta(description="Of one core, by the sandbox.")]


@method(
    "sandbox.flood", scope=Scope.SEND, mutates=False, deadline_s=600.0, example={"name": "ada", "count": 1000}
)
async def flood(call: Call, params: FloodParams) -> Flooded:
    """Many direct messages as fast as they can be handed over; they are encrypted before the clock starts."""
    told = await run_flood(sandbox(call), params.name, params.count, senders=params.senders, size=params.size)
    return Flooded(told.messages, told.seconds, told.per_second, told.cpu_share)
