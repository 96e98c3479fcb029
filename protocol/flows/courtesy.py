"""What people expect of each other: messages marked as read, presence shown, typing that stops by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from protocol.effects import Pause, Tell
from protocol.flows import tokens
from protocol.flows.context import Context
from protocol.flows.mapping import lid_of, pn_of
from protocol.flows.roster import GROUPS
from protocol.flows.send_person import wire_name
from protocol.jid import Jid
from protocol.stanza import presence, receipt, session
from protocol.stanza.presence import Typing

#: Receivers forget that somebody types after about 25 s: it is said again in between.
REPEAT_SECONDS: Final = 10.0
MAX_TYPING_SECONDS: Final = 25.0


async def mark_read(
    ctx: Context,
    chat: Jid,
    messages: Sequence[tuple[Jid, str]],
    *,
    played: bool = False,
    hidden: bool = False,
) -> None:
    """Tell the authors of these messages (author, id) that they were read, or played.

    `hidden`: the account's privacy setting is not to tell; then only our own devices hear of it, in one-to-one
    chats and channels (groups are always told, as by the official apps).
    """
    to = _wire(ctx, chat)
    quiet = chat.is_newsletter or (hidden and chat.is_user)
    loud = receipt.PLAYED if played else receipt.READ
    kind = {receipt.READ: receipt.READ_SELF, receipt.PLAYED: receipt.PLAYED_SELF}[loud] if quiet else loud
    by_author: dict[Jid, list[str]] = {}
    for author, id in messages:
        if not ctx.is_me(author):
            by_author.setdefault(author if not chat.is_user else to, []).append(id)
    for author, ids in by_author.items():
        named = _member(ctx, chat, author)
        number = pn_of(ctx.store, named) if named.is_lid else None
        nodes = receipt.read(to, ids, int(ctx.now), type=kind, author=named, author_pn=number)
        await Tell(tuple(nodes))


async def show_presence(ctx: Context, *, available: bool) -> None:
    """Appear online or not. While online, delivery receipts are shown and the phone may stay silent."""
    shown = [presence.here(available, ctx.creds().push_name)]
    if available:
        shown.append(session.unified_session(ctx.now, ctx.clock_offset))
    await Tell(tuple(shown), at_once=True)
    ctx.available = available


async def watch_presence(ctx: Context, people: Sequence[Jid]) -> None:
    """Be told when these people come and go, until the connection ends."""
    named = [_wire(ctx, person) for person in people]
    stanzas = tuple(presence.watch(who, tokens.proof(ctx, ctx.store, who)) for who in named)
    await Tell(stanzas, at_once=True)


async def show_typing(ctx: Context, chat: Jid, kind: Typing, seconds: float) -> None:
    """Show that we type or record, and stop after `seconds` at the latest."""
    to, left = _wire(ctx, chat), min(seconds, MAX_TYPING_SECONDS)
    while left > 0:
        await Tell((presence.writing(to, kind, on=True),), at_once=True)
        step = min(left, REPEAT_SECONDS)
        await Pause(step)
        left -= step
    await stop_typing(ctx, chat)


async def stop_typing(ctx: Context, chat: Jid) -> None:
    """Show that we have stopped."""
    await Tell((presence.writing(_wire(ctx, chat), "text", on=False),), at_once=True)


def _wire(ctx: Context, chat: Jid) -> Jid:
    return wire_name(ctx, chat.bare) if chat.is_user else chat


def _member(ctx: Context, chat: Jid, author: Jid) -> Jid:
    """An author in the addressing of the chat."""
    held = GROUPS.get(ctx.store, str(chat)) if chat.is_group else None
    if held is None or (held.addressing == "lid") == author.is_lid:
        return author.bare
    other = pn_of(ctx.store, author) if author.is_lid else lid_of(ctx.store, author)
    return (other or author).bare
