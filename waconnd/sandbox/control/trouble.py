"""What goes wrong, how time passes, how much comes at once."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from protocol.engine.server import Faults as WireFaults
from protocol.jid import SERVER
from protocol.node import Node
from waconnd.frames import stanza
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.sandbox import session
from waconnd.sandbox.control.common import DONE, Name, bad, known, sandbox
from waconnd.sandbox.faults import ACTIONS
from waconnd.sandbox.flood import flood as run_flood
from waconnd.sandbox.sandbox import Sandbox
from waconnd.sandbox.server import Stage
from waconnd.sandbox.state import Device, Link

#: What begins or ends a connection means nothing in another one.
OF_ONE_CONNECTION: Final = frozenset(("success", "failure", "stream:error", "xmlstreamend"))


class Replayed(Result, frozen=True):
    """How many stanzas were sent."""

    stanzas: int


class FaultParams(Params, frozen=True):
    action: Annotated[
        str,
        Meta(
            description=f"{', '.join(ACTIONS)}; `release` (what was withheld), `clear` (everything works again)"
        ),
    ]
    tag: Annotated[str, Meta(description="Only stanzas of this tag, like message, ack or receipt.")] = ""
    type: str = ""
    user: Annotated[str, Meta(description="Only connections of this person (name, number or address).")] = ""
    chance: Annotated[float, Meta(gt=0, le=1)] = 1.0
    times: Annotated[int | None, Meta(description="How many stanzas; null: without end.")] = 1
    seconds: Annotated[float, Meta(ge=0, description="Of `delay`.")] = 1.0
    skip: Annotated[int, Meta(ge=0, description="So many matching stanzas pass first.")] = 0


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
        box.mend()
        return DONE
    if params.action == "release":
        box.release()
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
        Literal["drop", "silent", "slow", "garbled", "stream_error", "failure", "replaced", "bad_mac"],
        Meta(
            description="silent: half-open; garbled: a frame that does not open; failure: at the next login."
        ),
    ] = "drop"
    code: Annotated[int, Meta(description="Of stream_error or failure; failure 0 lets in again.")] = 503
    bytes_per_s: Annotated[float, Meta(ge=0, description="Of slow; 0: as fast as it goes.")] = 1000.0


@method(
    "sandbox.cut",
    scope=Scope.SEND,
    mutates=False,
    example={"name": "ada", "how": "stream_error", "code": 503},
)
async def cut(call: Call, params: CutParams) -> Done:
    """End or cripple the connections of a person's linked devices."""
    box = sandbox(call)
    someone = known(box, params.name)
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
        case "garbled":
            box.listener.garble(link)
        case "stream_error":
            session.stream_error(box.world, link, params.code or None)
        case "replaced":
            session.stream_error(box.world, link, None, Node("conflict", {"type": "replaced"}))
        case "bad_mac":
            session.stream_error(box.world, link, None, Node("bad-mac"))


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
    link_code: Annotated[int | None, Meta(description="Error of the next link code request.")] = None
    upgrade: Annotated[
        int | None, Meta(description="HTTP status of websocket upgrades from now on; 0 lets them through.")
    ] = None


@method("sandbox.refuse", scope=Scope.SEND, mutates=False, example={"messages": [463], "media": [503]})
async def refuse(call: Call, params: AnswersParams) -> Done:
    """The next requests are answered with errors. What is not named stays as it was."""
    box = sandbox(call)
    faults = box.world.faults
    faults.iq_errors.update({name: list(codes) for name, codes in params.iq.items()})
    faults.collection_errors.update({name: list(codes) for name, codes in params.collections.items()})
    faults.message_errors += params.messages
    box.world.blobs.refuse += params.media
    if params.link_code is not None:
        faults.link_code_error = params.link_code
    if params.upgrade is not None:
        box.listener.refuse_upgrade = params.upgrade
    return DONE


class WireParams(Params, frozen=True):
    resume: Annotated[Literal["accept", "fallback"], Meta(description="Of a resumed handshake (IK).")] = (
        "accept"
    )
    garbage: Annotated[bool, Meta(description="Answer handshakes with bytes that are none.")] = False
    sliver: Annotated[int, Meta(ge=0, description="Websocket messages of so many bytes; 0: whole ones.")] = 0
    compress_above: Annotated[int | None, Meta(description="Compress stanzas longer than this.")] = None
    chain: Annotated[Literal["good", "expired", "other_root"], Meta(description="The certificates.")] = "good"
    stop_at: Annotated[
        Stage, Meta(description="Connections come no further than this stage, and are then dropped.")
    ] = ""
    stop_silently: Annotated[bool, Meta(description="Not dropped: kept open without a word.")] = False


@method("sandbox.wire", scope=Scope.SEND, mutates=False, example={"sliver": 1})
async def wire(call: Call, params: WireParams) -> Done:
    """How connections from now on misbehave below the stanzas; what is not named is well again."""
    box = sandbox(call)
    box.listener.wire_faults = WireFaults(
        resume=params.resume,
        garbage=params.garbage,
        sliver=params.sliver,
        compress_above=params.compress_above,
    )
    box.listener.stop_at, box.listener.stop_silently = params.stop_at, params.stop_silently
    box.chain = params.chain
    return DONE


class ExpireParams(Params, frozen=True):
    what: Annotated[
        Literal["media", "auth", "prekeys", "refs"],
        Meta(
            description="All files, all upload rights, a person's one-time prekeys, all QR codes on display."
        ),
    ]
    name: str = ""


@method("sandbox.expire", scope=Scope.SEND, mutates=False, example={"what": "prekeys", "name": "ada"})
async def expire(call: Call, params: ExpireParams) -> Done:
    """Something has run out."""
    box = sandbox(call)
    match params.what:
        case "media":
            box.world.blobs.files.clear()
        case "auth":
            box.world.blobs.expire_auths()
        case "prekeys":
            for device in known(box, params.name).account.devices.values():
                device.pre_keys.clear()
        case "refs":
            for link in list(box.world.refs.values()):
                box.world.end(link, "the last ref expired")
            box.pump()
    return DONE


class PushParams(Params, frozen=True):
    name: Name
    what: Annotated[
        Literal["dirty", "client_expiration", "retry"],
        Meta(
            description="Data that is to be fetched again (`detail`: groups, account_sync …), the end of this client version, "
            "a wish for the phone's next message twice."
        ),
    ]
    detail: str = "groups"


@method(
    "sandbox.push",
    scope=Scope.SEND,
    mutates=False,
    example={"name": "ada", "what": "dirty", "detail": "groups"},
)
async def push(call: Call, params: PushParams) -> Done:
    """Something that the server, or a phone, wants of a client by itself."""
    box = sandbox(call)
    someone = known(box, params.name)
    if params.what == "retry":
        someone.phone.demand_retries += 1
    else:
        for device in someone.account.companions():
            _push(box, device, params)
    box.pump()
    return DONE


def _push(box: Sandbox, device: Device, params: PushParams) -> None:
    now = int(box.clock())
    if params.what == "dirty":
        device.dirty[params.detail] = now
        child = Node("dirty", {"type": params.detail, "timestamp": str(now)})
    else:
        child = Node("client_expiration", {"t": str(now + 86400)})
    if device.link is not None and device.link.active:
        box.world.emit(device.link, Node("ib", {"from": SERVER}, [child]))


class ReplayParams(Params, frozen=True):
    name: Name
    frames: Annotated[
        list[dict[str, Any]], Meta(description="A recording, as `account.frames` of a daemon gives it.")
    ]


@method("sandbox.replay", scope=Scope.SEND, mutates=False, example={"name": "ada", "frames": []})
async def replay(call: Call, params: ReplayParams) -> Replayed:
    """Send what a client met elsewhere to a person's linked devices: the same stanzas in the same order, without contents."""
    box = sandbox(call)
    devices = list(known(box, params.name).account.companions())
    try:
        nodes = [stanza(one["node"]) for one in params.frames if one["way"] == "in"]
    except (KeyError, TypeError, ValueError) as error:
        raise RpcError("invalid_params", f"this is no recording: {error!r}", path="$.frames") from error
    nodes = [node for node in nodes if node.tag not in OF_ONE_CONNECTION]
    for node in nodes:
        for device in devices:
            if device.link is not None:
                box.world.emit(device.link, node)
    box.pump()
    return Replayed(len(nodes))


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
    box = sandbox(call)
    name = known(box, params.name).name
    try:
        told = await run_flood(box, name, params.count, senders=params.senders, size=params.size)
    except ValueError as error:
        raise bad(error) from error
    return Flooded(told.messages, told.seconds, told.per_second, told.cpu_share)
