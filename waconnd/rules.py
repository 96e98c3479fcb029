"""What an account does by itself, where its section of the configuration says so: read messages, refuse calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from protocol.errors import ProtocolError
from protocol.jid import Jid, parse
from waconnd import acts
from waconnd.account import Account, NotReady
from waconnd.follow import Told, follow
from waconnd.logs import fields
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import parse_time

if TYPE_CHECKING:
    from waconnd.config import AccountSection
    from waconnd.fleet import Fleet

log = logging.getLogger(__name__)

VIA: Final = "rule"
_MESSAGES: Final = ("message.received", "message.recovered")
#: Reading somebody's status tells them that we looked; that stays a deed.
_READ_KINDS: Final = frozenset({"user", "group"})
#: A call that is older rings no more.
RINGING_SECONDS: Final = 60.0


async def run(fleet: Fleet, account: Account, section: Callable[[], AccountSection]) -> None:
    """For ever."""

    async def handle(events: Sequence[Told]) -> None:
        rules = section()
        if rules.auto_read:
            await _read(fleet, account, [one["data"] for one in events if one["type"] in _MESSAGES])
        if rules.reject_calls:
            for one in events:
                if one["type"] == "call.offer" and account.now() - parse_time(one["at"]) < RINGING_SECONDS:
                    await _refuse(fleet, account, one["data"]["call_id"], rules.reject_text)

    def on() -> bool:
        return section().auto_read or section().reject_calls

    await follow(fleet, account, "rules", (*_MESSAGES, "call.offer"), on=on, handle=handle)


async def _read(fleet: Fleet, account: Account, messages: Sequence[Told]) -> None:
    """A chat at a time."""
    chats: dict[str, list[Told]] = {}
    for one in messages:
        if one["chat"]["kind"] in _READ_KINDS and not one["from_me"]:
            chats.setdefault(one["chat"]["id"], []).append(one)
    for chat, some in chats.items():
        who: list[tuple[Jid, str]] = [(parse(one["from"]["id"]), one["id"]) for one in some]
        upto = max(parse_time(one["sent_at"]) for one in some)
        try:
            await acts.mark_read(fleet, account, parse(chat), who, upto, via=VIA)
        except (NotReady, ProtocolError) as error:
            # The badge stays, so that somebody sees them.
            log.info(
                "%d messages were not marked as read: %s",
                len(some),
                error,
                extra=fields(account=account.name),
            )


async def _refuse(fleet: Fleet, account: Account, call_id: str, text: str) -> None:
    try:
        await acts.refuse_call(fleet, account, call_id, None, text, via=VIA)
    except (NotReady, ProtocolError, RpcError) as error:
        log.info("call %s was not refused: %s", call_id, error, extra=fields(account=account.name))
