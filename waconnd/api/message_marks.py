"""`message.star` and `message.delete`: what only the user sees, on all own devices."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protocol.appstate import edits
from waconnd import state
from waconnd.api.host import fleet
from waconnd.api.message_acts import InChat, MessageId
from waconnd.compose import targets
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, Params, Scope, method

_ERRORS = ("not_ready", "not_found", "server_error")


class StarParams(Params, frozen=True, kw_only=True):
    id: MessageId
    chat: InChat = ""
    on: bool = True


@method(
    "message.star",
    scope=Scope.SEND,
    account=True,
    errors=_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "on": True},
)
async def star(call: Call, params: StarParams) -> Done:
    """Mark a message with a star, or take it off. Only you see it."""
    account = fleet(call).get(call.account)
    target = await targets.find(fleet(call), account, params.id, params.chat)
    await state.write(account, edits.star(state.about(account, target), params.on, account.now()))
    # The same comes as an event a moment later; who asks at once shall see it already.
    await fleet(call).archive.messages.set_starred(call.account, target.id, str(target.chat), on=params.on)
    return Done(ok=True)


class DeleteParams(Params, frozen=True, kw_only=True):
    id: MessageId
    chat: InChat = ""
    media: Annotated[bool, Meta(description="Its file on the phone too.")] = False


@method(
    "message.delete",
    scope=Scope.SEND,
    account=True,
    errors=_ERRORS,
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222"},
)
async def delete(call: Call, params: DeleteParams) -> Done:
    """Delete a message for yourself alone, on all your devices. `message.revoke` deletes it for everybody."""
    account = fleet(call).get(call.account)
    target = await targets.find(fleet(call), account, params.id, params.chat)
    sent_at = target.row.sent_at // 1000 if target.row is not None else int(account.now())
    change = edits.delete_message(state.about(account, target), sent_at, account.now(), media=params.media)
    await state.write(account, change)
    await fleet(call).archive.messages.delete(call.account, target.id, str(target.chat))
    return Done(ok=True)
