"""`contact.block`: who may not write to the account."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protocol.errors import LocalProtocolError
from protocol.flows import privacy
from waconnd import shown
from waconnd.address import resolve
from waconnd.api.host import fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.shown import PersonView


class BlockParams(Params, frozen=True, kw_only=True):
    """Whom; without, only the list is given."""

    id: str = ""
    on: Annotated[bool, Meta(description="Block; false lets them write again.")] = True
    refresh: Annotated[bool, Meta(description="Read the list from WhatsApp first.")] = False


class BlockResult(Result, frozen=True, kw_only=True):
    """The list as it is now."""

    size: int
    blocked: list[PersonView] = []


@method(
    "contact.block",
    scope=Scope.SEND,
    account=True,
    errors=("not_ready", "not_linked", "not_on_whatsapp", "server_error"),
    example={"id": "+15550002222", "on": True},
)
async def block(call: Call, params: BlockParams) -> BlockResult:
    """Block somebody or let them write again; the list of the blocked comes back."""
    all, account = fleet(call), fleet(call).get(call.account)
    if params.refresh:
        await account.flow(privacy.fetch_blocked, lane=privacy.LANE)
    if params.id:
        who = await resolve(all, call.account, params.id)
        if not who.is_user:
            raise RpcError("invalid_params", "only people can be blocked", path="$.id")
        try:
            await account.flow(lambda ctx: privacy.block(ctx, who, params.on), lane=privacy.LANE)
        except LocalProtocolError as error:
            kind = "not_on_whatsapp" if "not on WhatsApp" in str(error) else "not_found"
            raise RpcError(kind, str(error)) from None
    listed = privacy.blocked(account.keystore)
    return BlockResult(size=len(listed), blocked=await shown.persons(all, account, listed))
