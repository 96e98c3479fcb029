"""`call.*`: refuse calls, make links to calls. There is no voice here."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from protocol.errors import LocalProtocolError
from protocol.flows import calls
from waconnd import acts
from waconnd.address import resolve
from waconnd.api.host import fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError


class RejectParams(Params, frozen=True, kw_only=True):
    """Which call, and what to say to the caller."""

    call_id: Annotated[str, Meta(min_length=1, description="From `call.offer`.")]
    sender: Annotated[str, Meta(description="Who calls; needed only for a call that was not told.")] = ""
    message: Annotated[str, Meta(description="A text to send to the caller.")] = ""


class RejectResult(Done, frozen=True, kw_only=True):
    """Refused."""

    message_id: Annotated[str, Meta(description="Of the text, when one was wished for.")] = ""


@method(
    "call.reject",
    scope=Scope.SEND,
    account=True,
    errors=("not_ready", "not_linked", "not_found"),
    example={"call_id": "0A1B2C3D4E5F60718293A4B5C6D7E8F9", "message": "Please write to us."},
)
async def reject(call: Call, params: RejectParams) -> RejectResult:
    """Refuse a call that rings, on all devices of the account, and tell the caller why if you like."""
    all, account = fleet(call), fleet(call).get(call.account)
    caller = await resolve(all, call.account, params.sender) if params.sender else None
    try:
        sent = await acts.refuse_call(
            all, account, params.call_id, caller, params.message, via=call.peer.user
        )
    except LocalProtocolError as error:
        raise RpcError("not_found", str(error), advice="name its `sender` too") from None
    return RejectResult(ok=True, message_id=sent)


class LinkParams(Params, frozen=True):
    """Voice or video."""

    kind: Literal["voice", "video"] = "voice"


class LinkResult(Result, frozen=True):
    """The link."""

    link: str


@method(
    "call.link",
    scope=Scope.SEND,
    account=True,
    errors=("not_ready", "not_linked", "server_error"),
    example={"kind": "video"},
)
async def link(call: Call, params: LinkParams) -> LinkResult:
    """A link that anybody may call by."""
    media: Literal["audio", "video"] = "audio" if params.kind == "voice" else "video"
    return LinkResult(await fleet(call).get(call.account).flow(lambda ctx: calls.create_link(ctx, media)))
