"""`contact.*`: people, each once, whatever they are called on the wire."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from protocol.appstate import edits
from protocol.flows import people
from protocol.flows.mapping import session_jid
from protocol.flows.profile import about_of, business_of
from protocol.jid import Jid
from protocol.signal.identity import identity_of
from waconnd import state
from waconnd.account import Account
from waconnd.address import resolve
from waconnd.api.chat import STATE_ERRORS
from waconnd.api.host import fleet
from waconnd.compose import targets
from waconnd.fleet import Fleet
from waconnd.media import portraits
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339
from waconnd.store.archive import Contact, NotFound

PAGE: Final = 200
#: Of a key's digest, as people compare it: as many digits as the apps show for one side.
CODE_DIGITS: Final = 30
_ROUNDS: Final = 5200

Who = Annotated[str, Meta(description="A number, an address or `alias:NAME`.")]


class ContactResult(Result, frozen=True, kw_only=True):
    """A person."""

    id: Annotated[str, Meta(description="Stays when it is the hidden id; see `contact.moved`.")]
    pn: str = ""
    lid: str = ""
    name: Annotated[str, Meta(description="What to call them: the user's word, else their own.")] = ""
    saved_name: Annotated[str, Meta(description="In the address book.")] = ""
    push_name: Annotated[str, Meta(description="As they call themselves.")] = ""
    business_name: str = ""
    username: str = ""
    blocked: bool = False
    alias: str = ""
    identity_changed_at: Annotated[
        str | None, Meta(description="They have a new phone, and nobody has said `trust` since.")
    ] = None
    local: Annotated[dict[str, Any], Meta(description="Your own members.")] = {}


def shown(contact: Contact) -> ContactResult:
    """A row as the socket shows it."""
    changed = contact.info.get("identity_changed_at")
    return ContactResult(
        id=contact.id,
        pn=contact.pn,
        lid=contact.lid,
        name=contact.shown,
        saved_name=contact.name,
        push_name=contact.push_name,
        business_name=contact.business_name,
        username=str(contact.info.get("username") or ""),
        blocked=contact.blocked,
        alias=str(contact.local.get("alias", "")),
        identity_changed_at=str(changed) if changed else None,
        local=contact.local,
    )


async def find(fleet: Fleet, account: Account, text: str) -> tuple[Jid, ContactResult]:
    """A person, also one of whom the archive knows nothing yet."""
    jid = targets.canonical(account, await resolve(fleet, account.name, text))
    if not jid.is_user:
        raise RpcError("invalid_params", f"{text!r} is no person", path="$.id")
    try:
        return jid, shown(await fleet.archive.contacts.get(account.name, str(jid)))
    except NotFound:
        person = people.person(account.keystore, jid)
        return jid, ContactResult(id=person.id, pn=person.pn, lid=person.lid)


class ListParams(Params, frozen=True, kw_only=True):
    name: Annotated[str, Meta(description="A part of any of the names.")] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 100
    cursor: Annotated[str, Meta(description="`next` of the page before.")] = ""


class ListResult(Result, frozen=True):
    contacts: list[ContactResult]
    next: str = ""


@method("contact.list", scope=Scope.READ, account=True, example={"name": "ann"})
async def list_(call: Call, params: ListParams) -> ListResult:
    """People, in the order of their ids."""
    found = await fleet(call).archive.contacts.page(
        call.account, after=params.cursor, limit=params.limit, name=params.name
    )
    return ListResult([shown(one) for one in found], found[-1].id if len(found) == params.limit else "")


class WhoParams(Params, frozen=True):
    id: Who


@method("contact.get", scope=Scope.READ, account=True, example={"id": "+15550002222"})
async def get(call: Call, params: WhoParams) -> ContactResult:
    """One person, by number or hidden id alike."""
    return (await find(fleet(call), fleet(call).get(call.account), params.id))[1]


class SaveParams(Params, frozen=True, kw_only=True):
    id: Who
    name: (
        Annotated[
            str,
            Meta(
                max_length=200,
                description="Written into the phone's address book; an empty one removes it.",
            ),
        ]
        | None
    ) = None
    alias: (
        Annotated[str, Meta(max_length=64, description="For `alias:NAME` here; WhatsApp never sees it.")]
        | None
    ) = None
    local: Annotated[
        dict[str, Any] | None, Meta(description="Your own members: merged, null removes one.")
    ] = None


@method(
    "contact.save",
    scope=Scope.SEND,
    account=True,
    errors=STATE_ERRORS,
    example={"id": "+15550002222", "name": "Ann Other", "alias": "boss"},
)
async def save(call: Call, params: SaveParams) -> ContactResult:
    """Name a person: in the address book, and for your own scripts."""
    all = fleet(call)
    account = all.get(call.account)
    jid, held = await find(all, account, params.id)
    person = people.person(account.keystore, jid)
    who = {"id": held.id, "pn": person.pn, "lid": person.lid}
    if params.name is not None:
        name = " ".join(params.name.split())
        # The address book is kept by number where there is one.
        index = person.pn or state.address(account, jid, "contact")
        await state.write(account, edits.contact(index, name, account.now(), lid=person.lid))
        await all.archive.contacts.learn(call.account, who, name=name)
    else:
        await all.archive.contacts.learn(call.account, who)
    local = dict(params.local or {})
    if params.alias is not None:
        local["alias"] = await _free_alias(all, call.account, params.alias, held.id)
    if local:
        try:
            await all.archive.contacts.note(call.account, held.id, local)
        except ValueError as error:
            raise RpcError("invalid_params", str(error), path="$.local") from None
    return shown(await all.archive.contacts.get(call.account, held.id))


async def _free_alias(all: Fleet, account: str, alias: str, id: str) -> str | None:
    alias = alias.strip()
    if not alias:
        return None
    owner = await all.archive.contacts.by_alias(account, alias)
    if owner is not None and owner != id:
        raise RpcError("conflict", f"{owner} is called {alias!r} already", advice="choose another alias")
    return alias


class PictureParams(Params, frozen=True, kw_only=True):
    id: Annotated[str, Meta(description="A person or a group.")]
    size: Literal["preview", "image"] = "preview"


class PictureResult(Result, frozen=True):
    exists: Annotated[bool, Meta(description="False: there is none, or it is hidden from us.")]
    path: Annotated[str, Meta(description="The file here; it may be swept away later.")] = ""
    etag: Annotated[str, Meta(description="Another one when the picture is another.")] = ""


@method(
    "contact.picture",
    scope=Scope.READ,
    account=True,
    errors=("not_ready", "not_linked", "media_failed"),
    example={"id": "+15550002222", "size": "preview"},
)
async def picture(call: Call, params: PictureParams) -> PictureResult:
    """A profile picture. It is kept here and fetched again only when it has changed."""
    all = fleet(call)
    account = all.get(call.account)
    jid = targets.canonical(account, await resolve(all, call.account, params.id))
    found = await portraits.fetch(all, account, jid, params.size)
    if found is None:
        return PictureResult(exists=False)
    return PictureResult(exists=True, path=str(found.path), etag=found.etag)


class AboutResult(Result, frozen=True):
    text: Annotated[str, Meta(description="Empty when there is none, or it is hidden from us.")] = ""
    set_at: str | None = None


@method(
    "contact.about",
    scope=Scope.READ,
    account=True,
    errors=("not_ready", "not_linked"),
    example={"id": "+15550002222"},
)
async def about(call: Call, params: WhoParams) -> AboutResult:
    """What somebody says about themselves."""
    account = fleet(call).get(call.account)
    jid, _ = await find(fleet(call), account, params.id)
    text, at = await account.flow(lambda ctx: about_of(ctx, jid))
    return AboutResult(text, rfc3339(at) if at else None)


class BusinessResult(Result, frozen=True):
    business: Annotated[bool, Meta(description="Whether this is a business account with a profile.")]
    profile: Annotated[
        dict[str, Any], Meta(description="address, description, email, websites, categories, hours.")
    ] = {}


@method(
    "contact.business",
    scope=Scope.READ,
    account=True,
    errors=("not_ready", "not_linked"),
    example={"id": "+15550002222"},
)
async def business(call: Call, params: WhoParams) -> BusinessResult:
    """What a business tells of itself."""
    account = fleet(call).get(call.account)
    jid, _ = await find(fleet(call), account, params.id)
    found = await account.flow(lambda ctx: business_of(ctx, jid))
    return BusinessResult(bool(found), found)


class IdentityParams(Params, frozen=True, kw_only=True):
    id: Who
    trust: Annotated[bool, Meta(description="The change was looked into: no longer report it.")] = False


class IdentityResult(Result, frozen=True):
    known: Annotated[bool, Meta(description="Whether we have ever spoken to their phone.")]
    fingerprint: Annotated[str, Meta(description="SHA-256 of their phone's key.")] = ""
    code: Annotated[str, Meta(description="Their half of the security code, in groups of five digits.")] = ""
    own_code: Annotated[str, Meta(description="Our half.")] = ""
    changed_at: Annotated[str | None, Meta(description="It changed then, and nobody trusted it since.")] = (
        None
    )


@method("contact.identity", scope=Scope.SEND, account=True, example={"id": "+15550002222", "trust": True})
async def identity(call: Call, params: IdentityParams) -> IdentityResult:
    """The key of somebody's phone, and whether it has changed. With `trust` a change is settled."""
    all = fleet(call)
    account = all.get(call.account)
    jid, held = await find(all, account, params.id)
    if params.trust and held.identity_changed_at:
        await all.archive.contacts.learn(call.account, {"id": held.id}, identity_changed_at=None)
        held = (await find(all, account, params.id))[1]
    key = identity_of(account.keystore, session_jid(account.keystore, jid.on(0)).signal_address)
    if key is None:
        return IdentityResult(known=False)
    creds = account.creds
    assert creds is not None
    assert creds.account is not None
    return IdentityResult(
        known=True,
        fingerprint=hashlib.sha256(key).hexdigest(),
        code=_code(key, held.pn or held.id),
        own_code=_code(creds.account.account_key, str(creds.account.pn_jid.bare)),
        changed_at=held.identity_changed_at,
    )


def _code(key: bytes, name: str) -> str:
    """Half of a security code: a slow digest of key and number, written as digits."""
    user = name.partition("@")[0].encode()
    digest = b"\0\0" + b"\x05" + key + user
    for _ in range(_ROUNDS):
        digest = hashlib.sha512(digest + b"\x05" + key).digest()
    groups = [int.from_bytes(digest[at : at + 5], "big") % 100_000 for at in range(0, CODE_DIGITS, 5)]
    return " ".join(f"{group:05d}" for group in groups)
