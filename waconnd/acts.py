"""What a method does on demand and a rule of the configuration does by itself: read messages, refuse calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from protocol.content import Options, build
from protocol.flows import calls, courtesy, people, receipt_privacy
from protocol.flows.context import Context
from protocol.jid import Jid
from waconnd.compose import targets
from waconnd.outgoing import Parcel, post

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.fleet import Fleet


async def mark_read(
    fleet: Fleet,
    account: Account,
    chat: Jid,
    messages: Sequence[tuple[Jid, str]],
    upto: float,
    *,
    via: str,
    played: bool = False,
) -> None:
    """Tell the authors of messages (author, id), as far as privacy allows; the chat is read up to a time. Raises NotReady."""

    async def tell(ctx: Context) -> None:
        hidden = chat.is_user and await receipt_privacy.hidden(ctx)
        await courtesy.mark_read(ctx, chat, messages, played=played, hidden=hidden)

    if messages:
        await account.flow(tell)
    told = {
        "type": "chat.updated",
        "at": account.now(),
        "key": f"chat.read/{chat}/{round(upto * 1000)}",
        "chat": {"id": str(chat), "kind": people.kind_of(chat)},
        "read_upto": upto,
        "via": via,
    }
    await fleet.archive.events.append(account.name, [told])


async def refuse_call(
    fleet: Fleet, account: Account, call_id: str, caller: Jid | None, message: str, *, via: str
) -> str:
    """Refuse a call that rings; the id of the text that tells why, if there is one. Raises LocalProtocolError, NotReady."""
    who = await account.flow(lambda ctx: calls.reject(ctx, call_id, caller))
    if not message:
        return ""
    to = targets.canonical(account, who)
    parcel = Parcel(to=to, message=build("text", message, Options()), via=via, key=f"call.reject/{call_id}")
    return (await post(fleet, account, parcel, "queued", None)).entry.id
