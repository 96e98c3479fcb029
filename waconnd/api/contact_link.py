"""`contact.link`: links that lead to people, one's own and those of others."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from protocol.errors import IqError
from protocol.flows import links
from waconnd import shown
from waconnd.api.host import fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.shown import PersonView

#: What the codes of links look like; anything else is no link.
MAX_CODE: Final = 64


class LinkParams(Params, frozen=True, kw_only=True):
    """A link to look behind; without, the account's own is given."""

    link: Annotated[
        str, Meta(max_length=512, description="`https://wa.me/qr/…`, `https://wa.me/message/…`, or the code.")
    ] = ""
    reset: Annotated[bool, Meta(description="The account's own: make a new one, the old one ends.")] = False


class LinkResult(Result, frozen=True, kw_only=True):
    """The account's own link, or whom a link leads to."""

    link: str = ""
    contact: PersonView | None = None
    text: Annotated[str, Meta(description="What the link would write for you.")] = ""
    business_name: Annotated[str, Meta(description="Verified by WhatsApp.")] = ""


@method(
    "contact.link",
    scope=Scope.SEND,
    account=True,
    errors=("not_ready", "not_linked", "not_found", "server_error"),
    example={},
)
async def link(call: Call, params: LinkParams) -> LinkResult:
    """The link behind the account's QR code, or the person behind somebody's."""
    all, account = fleet(call), fleet(call).get(call.account)
    if not params.link:
        return LinkResult(link=await account.flow(lambda ctx: links.own(reset=params.reset)))
    code = params.link.strip().partition("?")[0].rstrip("/").rpartition("/")[2]
    if not code.isalnum() or len(code) > MAX_CODE:
        raise RpcError("invalid_params", f"{params.link[:80]!r} is no link to a person", path="$.link")
    try:
        found = await account.flow(lambda ctx: links.resolve(code))
    except IqError as error:
        if error.code != 404:
            raise
        raise RpcError("not_found", "this link leads to nobody, or no longer") from None
    (person,) = await shown.persons(all, account, [found.jid])
    return LinkResult(contact=person, text=found.text, business_name=found.business_name)
