"""Our own profile and other people's: pictures, about texts, what a business tells."""

from __future__ import annotations

from typing import Any, Final, Literal

from protocol.effects import Ask
from protocol.errors import IqError
from protocol.flows import tokens
from protocol.flows.context import Context
from protocol.flows.send_person import wire_name
from protocol.jid import Jid
from protocol.node import Node
from protocol.stanza import profile
from protocol.stanza.profile import Picture

#: There is no picture, or its owner hides it.
_NONE: Final = frozenset({401, 404})
#: A question about ourselves with a token is never answered; no question may wait for ever.
PICTURE_SECONDS: Final = 20.0


async def picture_of(
    ctx: Context, who: Jid, size: Literal["preview", "image"], *, known: str = ""
) -> Picture:
    """Where somebody's picture is, a group's too. Empty: there is none that we may see."""
    own = ctx.is_me(who)
    named = wire_name(ctx, who.bare) if who.is_user and not own else who.bare
    proof = tokens.proof(ctx, ctx.store, named) if who.is_user else []
    request = profile.ask_picture(named, size, known=known, proof=[n for n in proof if n.tag == "tctoken"])
    try:
        return await Ask(request, profile.read_picture, PICTURE_SECONDS)
    except IqError as error:
        if error.code in _NONE:
            return Picture()
        raise


async def set_picture(ctx: Context, jpeg: bytes, *, group: Jid | None = None) -> str:
    """Our own picture, or a group's; nothing removes it. The id of the new one."""
    return await Ask(profile.set_picture(jpeg, group=group), profile.read_picture_id)


async def set_about(ctx: Context, text: str) -> None:
    """Our own about text."""
    await Ask(profile.set_about(text), _nothing)


async def about_of(ctx: Context, who: Jid) -> tuple[str, int]:
    """Somebody's about text and when it was set; empty when it is hidden."""
    named = wire_name(ctx, who.bare) if not ctx.is_me(who) else who.bare
    request = profile.ask_about(named, ctx.random(8).hex(), proof=tokens.proof(ctx, ctx.store, named))
    return await Ask(request, profile.read_about)


async def business_of(ctx: Context, who: Jid) -> dict[str, Any]:
    """What a business tells of itself; empty when it is none."""
    try:
        return await Ask(profile.ask_business(who), profile.read_business)
    except IqError as error:
        if error.code in _NONE:
            return {}
        raise


def _nothing(_: Node) -> None:
    return None
