"""What people received, and waiting for it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.sandbox.control.common import Name, bad, known, sandbox
from waconnd.sandbox.expect import Unmet, kind_of
from waconnd.sandbox.party import Read
from waconnd.sandbox.people import text_of


class ExpectParams(Params, frozen=True):
    name: Name
    text: str | None = None
    pattern: str | None = None
    kind: str | None = None
    chat: str | None = None
    sender: str | None = None
    seconds: Annotated[float, Meta(ge=0, le=600)] = 10.0


class Received(Result, frozen=True):
    """A message that a person's phone read."""

    id: str
    kind: str
    text: str
    chat: str
    sender: str
    at: int


def _received(read: Read) -> Received:
    text = text_of(read.message) or read.message.reactionMessage.text
    return Received(read.id, kind_of(read.message), text, str(read.chat), str(read.sender), read.at)


@method(
    "sandbox.expect",
    scope=Scope.READ,
    errors=("not_found",),
    deadline_s=610.0,
    example={"name": "bob", "text": "hello"},
)
async def expect(call: Call, params: ExpectParams) -> Received:
    """Wait for what a person receives. Each message is found once; the error shows what came instead."""
    try:
        read = await sandbox(call).expect(
            params.name,
            text=params.text,
            pattern=params.pattern,
            kind=params.kind,
            chat=params.chat,
            sender=params.sender,
            seconds=params.seconds,
        )
    except Unmet as error:
        raise RpcError("not_found", str(error)) from error
    except ValueError as error:
        raise bad(error) from error
    return _received(read)


class ReceivedParams(Params, frozen=True):
    name: Name


@method("sandbox.received", scope=Scope.READ, example={"name": "bob"})
async def received(call: Call, params: ReceivedParams) -> list[Received]:
    """Everything that a person's phone has read, oldest first."""
    phone = known(sandbox(call), params.name).phone
    return [_received(read) for read in phone.read if not read.peer]


class TicksParams(Params, frozen=True):
    name: Name
    id: str = ""


@method("sandbox.ticks", scope=Scope.READ, example={"name": "bob"})
async def ticks(call: Call, params: TicksParams) -> list[dict[str, str]]:
    """Receipts for what a person sent."""
    found = known(sandbox(call), params.name).phone.ticks
    return [
        {"id": t.id, "type": t.type, "by": str(t.by)} for t in found if not params.id or t.id == params.id
    ]
