"""`presence.*` and `chat.typing`: what others see of us at this moment, and we of them. Nothing of it is kept."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import anyio.lowlevel
from msgspec import Meta

from protocol.flows import courtesy
from protocol.flows.courtesy import MAX_TYPING_SECONDS
from waconnd.address import resolve
from waconnd.api.host import fleet
from waconnd.compose import targets
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, Params, Scope, method

#: Typing that nobody limits stops after this.
DEFAULT_SECONDS: Final = 10.0


class SetParams(Params, frozen=True):
    online: bool


@method("presence.set", scope=Scope.SEND, account=True, errors=("not_ready",), example={"online": True})
async def set_(call: Call, params: SetParams) -> Done:
    """Appear online, or not, until the connection ends. While online the phone may keep its notifications to itself."""
    account = fleet(call).get(call.account)
    await account.flow(lambda ctx: courtesy.show_presence(ctx, available=params.online))
    return Done(ok=True)


class WatchParams(Params, frozen=True):
    ids: Annotated[list[str], Meta(min_length=1, max_length=100)]


@method(
    "presence.watch", scope=Scope.SEND, account=True, errors=("not_ready",), example={"ids": ["+15550002222"]}
)
async def watch(call: Call, params: WatchParams) -> Done:
    """Be told (`contact.presence`) when these people come and go, until the connection ends. Needs `presence.set`."""
    account = fleet(call).get(call.account)
    people = [await resolve(fleet(call), call.account, id) for id in params.ids]
    await account.flow(lambda ctx: courtesy.watch_presence(ctx, people))
    return Done(ok=True)


class TypingParams(Params, frozen=True, kw_only=True):
    chat: str
    on: bool = True
    kind: Literal["text", "voice"] = "text"
    for_s: Annotated[float, Meta(gt=0, le=MAX_TYPING_SECONDS, description="It stops by itself.")] = (
        DEFAULT_SECONDS
    )


@method(
    "chat.typing",
    scope=Scope.SEND,
    account=True,
    errors=("not_ready",),
    example={"chat": "+15550002222", "kind": "text", "for_s": 5},
)
async def typing(call: Call, params: TypingParams) -> Done:
    """Show that we type or record. It stops by itself, after 25 seconds at the latest."""
    account = fleet(call).get(call.account)
    to = targets.canonical(account, await resolve(fleet(call), call.account, params.chat))
    if not params.on:
        await account.flow(lambda ctx: courtesy.stop_typing(ctx, to))
        return Done(ok=True)
    account.start_flow(lambda ctx: courtesy.show_typing(ctx, to, params.kind, params.for_s))
    await anyio.lowlevel.checkpoint()
    return Done(ok=True)
