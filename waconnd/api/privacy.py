"""`privacy.*`: who sees what, who may do what; the default timer."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, Literal

from msgspec import Meta

from protocol.errors import LocalProtocolError
from protocol.flows import privacy
from protocol.stanza.privacy import WIRE
from waconnd import shown
from waconnd.address import resolve
from waconnd.api.host import fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.shown import PersonView

ERRORS: Final = ("not_ready", "not_linked", "not_on_whatsapp", "rate_limited", "server_error")
Audience = Annotated[
    Literal["all", "contacts", "contact_blacklist", "none"],
    Meta(description="`contact_blacklist`: contacts except those of `hide_from`."),
]
#: Settings that may hide from some contacts.
WITH_EXCEPTIONS: Final = ("last_seen", "picture", "about", "group_add")


class PrivacyResult(Result, frozen=True, kw_only=True):
    """The settings; a member that WhatsApp did not tell is absent."""

    last_seen: str = ""
    online: str = ""
    picture: str = ""
    about: str = ""
    group_add: str = ""
    read_receipts: str = ""
    calls: str = ""
    messages: str = ""
    defense: str = ""
    stickers: str = ""
    default_timer_s: int | None = None
    hidden_from: Annotated[
        dict[str, list[PersonView]], Meta(description="From whom settings with `contact_blacklist` hide.")
    ] = {}
    other: Annotated[dict[str, str], Meta(description="Settings that this version does not know.")] = {}


class GetParams(Params, frozen=True, kw_only=True):
    """The settings are kept true by notices; `refresh` asks anyway."""

    refresh: bool = False
    exceptions: Annotated[bool, Meta(description="With those from whom something is hidden.")] = False


@method("privacy.get", scope=Scope.READ, account=True, errors=ERRORS, example={"refresh": True})
async def get(call: Call, params: GetParams) -> PrivacyResult:
    """The account's privacy settings."""
    all, account = fleet(call), fleet(call).get(call.account)
    values = privacy.known(account.keystore)
    if params.refresh or not values:
        values = await account.flow(privacy.fetch, lane=privacy.LANE)
    hidden: dict[str, list[PersonView]] = {}
    if params.exceptions:
        for name in WITH_EXCEPTIONS:
            if values.get(name) == "contact_blacklist":
                people = await account.flow(partial(privacy.exceptions, name=name))
                hidden[name] = await shown.persons(all, account, people)
    own = {name: value for name, value in values.items() if name in PrivacyResult.__struct_fields__}
    return PrivacyResult(
        **own,
        default_timer_s=privacy.default_timer(account.keystore),
        hidden_from=hidden,
        other={name: value for name, value in values.items() if name not in own},
    )


class SetParams(Params, frozen=True, kw_only=True):
    """What is named is changed."""

    last_seen: Audience | None = None
    online: Literal["all", "match_last_seen"] | None = None
    picture: Audience | None = None
    about: Audience | None = None
    group_add: Annotated[Audience | None, Meta(description="Who may add the account to groups.")] = None
    read_receipts: Literal["all", "none"] | None = None
    calls: Literal["all", "known", "contacts"] | None = None
    messages: Literal["all", "contacts"] | None = None
    defense: Literal["off", "on_standard"] | None = None
    default_timer_s: Annotated[
        Literal[0, 86400, 604800, 7776000] | None, Meta(description="The timer that new chats begin with.")
    ] = None
    hide_from: Annotated[
        list[str] | None,
        Meta(description="For the settings that are set to `contact_blacklist` in this call."),
    ] = None


@method("privacy.set", scope=Scope.ADMIN, account=True, errors=ERRORS, example={"last_seen": "contacts"})
async def set_(call: Call, params: SetParams) -> PrivacyResult:
    """Change privacy settings; each is a request of its own."""
    all, account = fleet(call), fleet(call).get(call.account)
    people = [await resolve(all, call.account, one) for one in params.hide_from or ()]
    try:
        for name in WIRE:
            value = getattr(params, name, None)
            if value is None:
                continue
            if value == "contact_blacklist":
                await account.flow(
                    partial(privacy.set_exceptions, name=name, hidden_from=people),
                    lane=privacy.LANE,
                )
            else:
                await account.flow(
                    partial(privacy.change, name=name, value=value),
                    lane=privacy.LANE,
                )
    except LocalProtocolError as error:
        raise RpcError("invalid_params", str(error)) from None
    if params.default_timer_s is not None:
        seconds = params.default_timer_s
        await account.flow(lambda ctx: privacy.set_default_timer(ctx, seconds), lane=privacy.LANE)
    return await get.function(call, GetParams())
