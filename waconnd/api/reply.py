"""`reply.*`: texts under a shortcut, which business accounts share over their devices."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

from protocol.appstate import edits
from waconnd import state
from waconnd.account import Account
from waconnd.api.chat import STATE_ERRORS
from waconnd.api.host import fleet
from waconnd.fleet import Fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError

PREFIX: Final = "quick_reply/"


class QuickReply(Result, frozen=True, kw_only=True):
    """One text."""

    id: str
    shortcut: str = ""
    text: str = ""
    keywords: list[str] = []
    count: Annotated[int, Meta(description="How often it was used on the phone.")] = 0


class RepliesResult(Result, frozen=True):
    replies: list[QuickReply]


@method("reply.list", scope=Scope.READ, account=True)
async def list_(call: Call, params: NoParams) -> RepliesResult:
    """All quick replies."""
    return RepliesResult(await _held(fleet(call), call.account))


class SetParams(Params, frozen=True, kw_only=True):
    id: Annotated[str, Meta(description="Of an existing one; without it a new one is made.")] = ""
    shortcut: Annotated[
        str, Meta(max_length=25, description="What one types to get it, without the slash.")
    ] = ""
    text: Annotated[str, Meta(max_length=4096)] = ""
    keywords: Annotated[list[str], Meta(max_length=3)] = []
    delete: bool = False


@method(
    "reply.set",
    scope=Scope.SEND,
    account=True,
    errors=STATE_ERRORS,
    example={"shortcut": "hours", "text": "We are here from nine to six."},
)
async def set_(call: Call, params: SetParams) -> RepliesResult:
    """Make, change or delete a quick reply. Returns all of them."""
    all, account = fleet(call), fleet(call).get(call.account)
    held = {one.id: one for one in await _held(all, call.account)}
    if params.id and params.id not in held:
        raise RpcError("not_found", f"there is no quick reply {params.id!r}", path="$.id")
    before = held.get(params.id) or QuickReply(id=_fresh(account, held))
    shortcut, text = params.shortcut or before.shortcut, params.text or before.text
    keywords = params.keywords or before.keywords
    if not params.delete and not (shortcut and text):
        raise RpcError("invalid_params", "a new quick reply needs a `shortcut` and a `text`", path="$")
    now = account.now()
    changes = edits.quick_reply(before.id, shortcut, "" if params.delete else text, now, keywords=keywords)
    await state.write(account, changes)
    value: Any = {"shortcut": shortcut, "text": text, "keywords": keywords, "count": before.count}
    # The event follows; who asks at once shall see it already.
    await all.archive.settings.set(
        call.account, PREFIX + before.id, None if params.delete else value, round(now * 1000)
    )
    return await list_(call, NoParams())


async def _held(fleet: Fleet, account: str) -> list[QuickReply]:
    found = await fleet.archive.settings.all(account, PREFIX)
    return [QuickReply(id=name.removeprefix(PREFIX), **value) for name, value in sorted(found.items())]


def _fresh(account: Account, held: dict[str, QuickReply]) -> str:
    """Ids are the second in which a reply was made."""
    id = int(account.now())
    while str(id) in held:
        id += 1
    return str(id)
