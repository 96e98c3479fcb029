"""Writing app state for the methods: what a chat is called in an index, its newest message, and the patches themselves."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from protocol.appstate.actions import ACTIONS
from protocol.appstate.edits import About, Last
from protocol.appstate.patch import Change
from protocol.flows import appstate, appstate_push
from protocol.flows.send_person import wire_name
from protocol.jid import Jid, parse
from waconnd.account import Account
from waconnd.compose import targets
from waconnd.compose.targets import Target
from waconnd.fleet import Fleet


async def write(account: Account, changes: Iterable[Change]) -> None:
    """One patch for each collection, accepted by the server. Raises NotReady and what `push` raises."""
    for name, some in appstate_push.by_collection(changes).items():
        await account.flow(
            partial(appstate_push.push, name=name, changes=tuple(some)), lane=appstate.lane(name)
        )


def address(account: Account, jid: Jid, action: str, *index: str) -> str:
    """The name of a chat or person in records of this kind."""
    ctx = targets.context(account)
    return appstate_push.address(ctx, jid, ACTIONS[action].collection, action, *index)


async def last(fleet: Fleet, account: Account, chat: Jid) -> Last:
    """The newest message of a chat, in the form that records name it."""
    place = targets.canonical(account, chat)
    newest = await fleet.archive.messages.page(account.name, str(place), limit=1)
    if not newest:
        return Last(at=int(account.now()))
    row = newest[0]
    named = about(account, Target(chat=place, id=row.id, from_me=row.from_me, sender=_sender(row.sender)))
    return Last(
        at=row.sent_at // 1000, chat=named.chat, id=row.id, from_me=row.from_me, participant=named.participant
    )


def about(account: Account, target: Target) -> About:
    """A message as an index names it."""
    ctx = targets.context(account)
    chat = wire_name(ctx, target.chat) if target.chat.is_user else target.chat
    participant = ""
    if not target.chat.is_user and not target.from_me and target.sender is not None:
        participant = str(target.sender.bare)
    return About(chat=str(chat), id=target.id, from_me=target.from_me, participant=participant)


def _sender(text: str) -> Jid | None:
    return parse(text) if text else None
