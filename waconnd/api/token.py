"""`token.*`: hand on a piece of your rights."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from waconnd.api.host import host
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339
from waconnd.rpc.tokens import Token


class CreateParams(Params, frozen=True):
    scopes: Annotated[list[Literal["read", "send", "admin"]], Meta(min_length=1)]
    accounts: Annotated[list[str] | None, Meta(description="Only these accounts.")] = None
    methods: Annotated[list[str] | None, Meta(description="Only these methods; globs like `message.*`.")] = (
        None
    )
    expires_in_s: Annotated[float, Meta(gt=0)] | None = None
    note: Annotated[str, Meta(max_length=200, description="What it is for, for `token.list`.")] = ""


class Described(Result, frozen=True):
    id: str
    scopes: list[str]
    made_at: str
    note: str = ""
    accounts: list[str] | None = None
    methods: list[str] | None = None
    expires_at: str | None = None


class Created(Result, frozen=True):
    token: Annotated[str, Meta(description="The secret. It is shown once.")]
    id: str


class Listed(Result, frozen=True):
    tokens: list[Described]


class RevokeParams(Params, frozen=True):
    id: str


@method(
    "token.create",
    scope=Scope.ADMIN,
    example={"scopes": ["send"], "accounts": ["shop"], "methods": ["message.send"], "note": "web shop"},
)
async def create(call: Call, params: CreateParams) -> Created:
    """Make a token. A connection shows it in `daemon.hello` or as `Authorization: Bearer`, and is narrowed to it."""
    token, secret = host(call).tokens.create(
        note=params.note,
        scopes=list(params.scopes),
        accounts=params.accounts,
        methods=params.methods,
        expires_in_s=params.expires_in_s,
    )
    return Created(secret, token.id)


@method("token.list", scope=Scope.ADMIN, mutates=False)
async def list_(call: Call, params: NoParams) -> Listed:
    """All tokens, without their secrets."""
    return Listed([_described(token) for token in host(call).tokens.list()])


@method("token.revoke", scope=Scope.ADMIN, errors=("not_found",), example={"id": "1f0a99c2"})
async def revoke(call: Call, params: RevokeParams) -> Done:
    """Make a token void for new connections."""
    if not host(call).tokens.revoke(params.id):
        raise RpcError("not_found", f"there is no token `{params.id[:40]}`")
    return Done(ok=True)


def _described(token: Token) -> Described:
    expires = None if token.expires_at is None else rfc3339(token.expires_at)
    return Described(
        token.id, token.scopes, rfc3339(token.made_at), token.note, token.accounts, token.methods, expires
    )
