"""`hook.*`: programs and URLs that are told of events."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from waconnd.api.host import host
from waconnd.config import ACCOUNT_NAME, HookSection
from waconnd.hooks import HookError, HookState
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.subscriptions import check_held


class Hooked(Result, frozen=True):
    hook: str
    origin: Annotated[str, Meta(description="`config` or `rpc`.")]
    types: list[str]
    enabled: bool
    seq: Annotated[int, Meta(description="Delivered up to here.")]
    delivered: int
    failed: int
    dead: int
    exec: list[str] | None = None
    url: str | None = None
    accounts: list[str] | None = None
    chats: list[str] | None = None
    last_error: str | None = None


class Listed(Result, frozen=True):
    hooks: list[Hooked]


class SetParams(Params, frozen=True):
    hook: Annotated[str, Meta(description="Its name.")]
    types: Annotated[list[str] | None, Meta(description="Globs like `message.*`. Absent: all.")] = None
    accounts: list[str] | None = None
    chats: list[str] | None = None
    exec: (
        Annotated[list[str], Meta(min_length=1, description="From root or the daemon's user only.")] | None
    ) = None
    url: Annotated[str, Meta(pattern="^https?://")] | None = None
    secret: Annotated[str | None, Meta(description="Name of a credential that signs each request.")] = None
    headers: dict[str, str] | None = None
    attempt_timeout_s: Annotated[float, Meta(gt=0, le=300)] = 15
    attempts: Annotated[int, Meta(ge=1, le=100)] = 8
    reply: Annotated[bool, Meta(description="Send what it prints to the chat.")] = False
    enabled: bool = True


class HookParams(Params, frozen=True):
    hook: str


class ReplayParams(Params, frozen=True):
    hook: str
    after: Annotated[
        int, Meta(ge=0, description="Tell it everything after this seq again. 0: all that is held.")
    ]


@method("hook.list", scope=Scope.READ)
async def list_(call: Call, params: NoParams) -> Listed:
    """All hooks, and how they do."""
    return Listed([_told(state) for state in host(call).hooks.list()])


@method(
    "hook.set",
    scope=Scope.ADMIN,
    errors=("permission_denied",),
    example={"hook": "crm", "url": "https://crm.example/wa", "types": ["message.received"], "secret": "crm"},
)
async def set_(call: Call, params: SetParams) -> Hooked:
    """Make or change a hook. It begins with what happens from now on; a change keeps its place."""
    if not ACCOUNT_NAME.match(params.hook):
        raise RpcError("invalid_params", "a hook's name has 1 to 32 of a-z, 0-9, `-` and `_`", path="$.hook")
    if (params.exec is None) == (params.url is None):
        raise RpcError("invalid_params", "a hook has either `exec` or `url`", path="$.url")
    if params.exec is not None:
        # Else whoever is admin on the socket would be the daemon's user on the machine.
        call.need_trust("a program to run")
    section = HookSection(
        types=params.types or ["*"],
        accounts=params.accounts,
        chats=params.chats,
        exec=params.exec,
        url=params.url,
        secret=params.secret,
        headers=params.headers or {},
        timeout_s=params.attempt_timeout_s,
        attempts=params.attempts,
        reply=params.reply,
        enabled=params.enabled,
    )
    try:
        return _told(host(call).hooks.set(params.hook, section))
    except HookError as error:
        raise RpcError("invalid_params", str(error), path="$.hook") from None


@method("hook.remove", scope=Scope.ADMIN, errors=("not_found",), example={"hook": "crm"})
async def remove(call: Call, params: HookParams) -> Done:
    """End a hook and forget its place."""
    try:
        found = await host(call).hooks.remove(params.hook)
    except HookError as error:
        raise RpcError("invalid_params", str(error), path="$.hook") from None
    if not found:
        raise _unknown(params.hook)
    return Done(ok=True)


@method(
    "hook.replay",
    scope=Scope.ADMIN,
    errors=("not_found", "cursor_expired"),
    example={"hook": "crm", "after": 48000},
)
async def replay(call: Call, params: ReplayParams) -> Done:
    """Tell a hook everything after a seq again: after a mistake on its side, or for its dead letters."""
    after = await check_held(host(call).feed, params.after)
    if not await host(call).hooks.replay(params.hook, after):
        raise _unknown(params.hook)
    return Done(ok=True)


def _unknown(name: str) -> RpcError:
    return RpcError("not_found", f"there is no hook `{name[:40]}`", advice="`hook.list` shows them")


def _told(state: HookState) -> Hooked:
    hook = state.hook
    return Hooked(
        hook=state.name,
        origin=state.origin,
        types=hook.types,
        enabled=hook.enabled,
        seq=state.seq,
        delivered=state.delivered,
        failed=state.failed,
        dead=state.dead,
        exec=hook.exec,
        url=hook.url,
        accounts=hook.accounts,
        chats=hook.chats,
        last_error=state.last_error or None,
    )
