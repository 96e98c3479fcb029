"""`profile.*`: what others see of the account; and what businesses tell of themselves."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from protocol.appstate import actions
from protocol.flows import appstate_push, profile
from protocol.flows.courtesy import show_presence
from protocol.jid import Jid, parse
from waconnd import shown
from waconnd.account import Account
from waconnd.address import resolve
from waconnd.api.host import fleet, host
from waconnd.compose.params import MediaObject
from waconnd.media.portrait import portrait
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339
from waconnd.shown import PersonView

ERRORS: Final = ("not_ready", "not_linked", "rate_limited", "server_error")
#: As the apps allow.
MAX_NAME: Final = 25
MAX_ABOUT: Final = 139


class ProfileResult(Result, frozen=True, kw_only=True):
    """A profile."""

    id: str
    number: str = ""
    lid: str = ""
    name: str = ""
    about: str = ""
    about_at: str = ""
    picture_id: str = ""
    picture_url: Annotated[str, Meta(description="Where the picture lies for a while.")] = ""
    business: Annotated[dict[str, Any], Meta(description="Address, e-mail, websites, hours, …")] = {}


class GetParams(Params, frozen=True, kw_only=True):
    """The account's own profile, or that of somebody."""

    id: Annotated[str, Meta(description="Somebody else. Absent: the account itself.")] = ""
    business: Annotated[bool, Meta(description="Ask for the business profile too.")] = False


@method(
    "profile.get", scope=Scope.READ, account=True, errors=(*ERRORS, "not_found"), example={"business": True}
)
async def get(call: Call, params: GetParams) -> ProfileResult:
    """Name, about text and picture, as WhatsApp shows them now; what is hidden from the account is absent."""
    account = fleet(call).get(call.account)
    if params.id:
        who = await resolve(fleet(call), call.account, params.id)
        (person,) = await shown.persons(fleet(call), account, [who])
        return await _profile(account, who, person, business=params.business)
    creds = account.creds
    if creds is None or creds.account is None:
        raise RpcError("not_linked", f"account {call.account!r} is not linked")
    me = creds.account.pn_jid.bare
    (person,) = await shown.persons(fleet(call), account, [me])
    named = msgspec.structs.replace(person, name=creds.push_name)
    return await _profile(account, me, named, business=params.business)


async def _profile(account: Account, who: Jid, person: PersonView, *, business: bool) -> ProfileResult:
    picture = await account.flow(lambda ctx: profile.picture_of(ctx, who, "image"))
    about, at = await account.flow(lambda ctx: profile.about_of(ctx, who)) if who.is_user else ("", 0)
    told = await account.flow(lambda ctx: profile.business_of(ctx, who)) if business else {}
    return ProfileResult(
        id=person.id,
        number=f"+{parse(person.pn).user}" if person.pn else "",
        lid=person.lid,
        name=person.name,
        about=about,
        about_at=rfc3339(float(at)) if at else "",
        picture_id=picture.id,
        picture_url=picture.url,
        business=told,
    )


class SetParams(Params, frozen=True, kw_only=True):
    """What is named is changed."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)] | None = None
    about: Annotated[str, Meta(max_length=MAX_ABOUT)] | None = None
    picture: Annotated[MediaObject | None, Meta(description="JPEG; with Pillow installed any picture.")] = (
        None
    )
    remove_picture: bool = False


@method(
    "profile.set",
    scope=Scope.ADMIN,
    account=True,
    errors=(*ERRORS, "media_failed"),
    example={"about": "At work until six"},
)
async def set_(call: Call, params: SetParams) -> ProfileResult:
    """Change what others see of the account: name, about text, picture."""
    account = fleet(call).get(call.account)
    if params.name is not None:
        await _rename(account, params.name)
    if params.about is not None:
        await account.flow(lambda ctx: profile.set_about(ctx, params.about or ""))
    if params.picture is not None:
        image = await portrait(call, host(call), params.picture)
        await account.flow(lambda ctx: profile.set_picture(ctx, image))
    elif params.remove_picture:
        await account.flow(lambda ctx: profile.set_picture(ctx, b""))
    return await get.function(call, GetParams())


async def _rename(account: Account, name: str) -> None:
    """The name is a setting that the own devices share; others learn it with the presence."""
    change = actions.write(("setting_pushName",), account.now(), name=name)
    collection = actions.collection_of(change)
    await account.flow(lambda ctx: appstate_push.push(ctx, collection, [change]))
    link = account.link
    available = link is not None and link.connection is not None and link.connection.ctx.available
    await account.flow(lambda ctx: show_presence(ctx, available=available))
