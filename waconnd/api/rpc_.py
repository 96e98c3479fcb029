"""`rpc.*`: the socket about itself."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from waconnd import __version__
from waconnd.rpc import openrpc
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import NoParams, Params, Result, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.lines import Request


@method("rpc.discover", scope=None)
async def discover(call: Call, params: NoParams) -> dict[str, Any]:
    """The OpenRPC document: all methods with their parameters, results and errors, and all types of events."""
    from waconnd.api.event_types import event_types

    return openrpc.document(call.dispatcher.catalogue, __version__, list(event_types().values()))


class CheckParams(Params, frozen=True):
    method: str
    params: Annotated[dict[str, Any] | None, Meta(description="An object, as the method would get it.")] = (
        None
    )


class Checked(Result, frozen=True):
    ok: bool
    error: dict[str, Any] | None = None


@method(
    "rpc.check",
    scope=None,
    example={"method": "message.send", "params": {"to": "+573126809496", "text": "hi"}},
)
async def check(call: Call, params: CheckParams) -> Checked:
    """Whether a call would be accepted: method, parameters, account and rights. Nothing is run."""
    try:
        given = msgspec.Raw(msgspec.json.encode(params.params or {}))
        call.dispatcher.check(Request(params.method, given, None), call.caller)
    except RpcError as error:
        return Checked(ok=False, error=error.as_object())
    return Checked(ok=True)


class Whoami(Result, frozen=True):
    uid: int
    gid: int
    pid: int
    user: str
    scopes: list[str]
    methods: list[str]
    accounts: Annotated[list[str] | None, Meta(description="Absent when all are open.")] = None


@method("rpc.whoami", scope=None)
async def whoami(call: Call, params: NoParams) -> Whoami:
    """Who the kernel says you are, and what you may call."""
    peer, rights = call.peer, call.rights
    accounts = rights.accounts("read")
    return Whoami(
        uid=peer.uid,
        gid=peer.gid,
        pid=peer.pid,
        user=peer.user,
        scopes=sorted(rights.scopes),
        methods=[one.name for one in call.dispatcher.catalogue if rights.allows_method(one.name, one.scope)],
        accounts=None if accounts is None else sorted(accounts),
    )
