"""`group.*`: groups as their members and admins know them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from protocol.content import Options, build
from protocol.content.acts import GroupInvite, MemberLabel
from protocol.errors import IqError
from protocol.flows import groups, profile
from protocol.flows.groups import Made
from protocol.flows.roster import GROUPS, GroupRecord, about
from protocol.jid import Jid, parse
from protocol.stanza.group_requests import Draft, Invite, Outcome
from protocol.stanza.groups import LINK, Group
from waconnd import shown
from waconnd.account import Account, NotReady
from waconnd.address import resolve
from waconnd.api.host import fleet, host
from waconnd.compose.params import MediaObject
from waconnd.media.portrait import portrait
from waconnd.outgoing import Parcel, digest, post
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import parse_time, rfc3339
from waconnd.shown import GroupView, PersonView

if TYPE_CHECKING:
    from waconnd.fleet import Fleet

ERRORS: Final = (
    "not_ready",
    "not_linked",
    "forbidden_by_whatsapp",
    "not_found",
    "rate_limited",
    "server_error",
)
#: As the apps allow.
MAX_SUBJECT: Final = 100
MAX_DESCRIPTION: Final = 2048
MAX_PEOPLE: Final = 1024
#: What WhatsApp's codes for one person mean.
REASONS: Final[dict[int, str]] = {
    401: "this person has blocked the account",
    403: "this person lets only some people add them",
    404: "not on WhatsApp, or not in the group",
    405: "not allowed",
    406: "not possible for this person (a creator can't be removed or demoted)",
    408: "left a short while ago; only a link or an invitation works",
    409: "is in the group already",
    412: "the community is full",
    417: "can't be reached",
    419: "the group is full, or has too many admins",
    421: "WhatsApp refuses to add this person",
    500: "WhatsApp failed; try again",
}

GroupId = Annotated[str, Meta(description="The group's address, `…@g.us`.")]
Who = Literal["admins", "everybody"]
Timer = Annotated[
    int | None, Meta(description="Messages disappear after so many seconds: 0, 86400, 604800 or 7776000.")
]


class MemberResult(Result, frozen=True, kw_only=True):
    """What became of one person."""

    who: PersonView
    status: Annotated[
        str,
        Meta(description="done; invited (a personal invitation was sent); pending (admins decide); failed"),
    ]
    code: Annotated[int, Meta(description="WhatsApp's own code; 200 is done.")]
    reason: str = ""
    invite_code: Annotated[str, Meta(description="Of a personal invitation, good for this person alone.")] = (
        ""
    )
    invite_expires_at: str = ""
    message_id: Annotated[str, Meta(description="Of the invitation that was sent.")] = ""


# --- reading ------------------------------------------------------------------------------------------------------------


class ListParams(Params, frozen=True, kw_only=True):
    """All are given; nothing is asked of WhatsApp unless `refresh` is set."""

    members: Annotated[bool, Meta(description="With everybody in them.")] = False
    name: Annotated[str, Meta(description="Only those with this in their subject.")] = ""
    community: Annotated[str, Meta(description="Only the groups of this community.")] = ""
    refresh: Annotated[bool, Meta(description="Ask WhatsApp for the list. Rarely needed.")] = False


class ListResult(Result, frozen=True):
    """By subject."""

    groups: list[GroupView]


@method("group.list", scope=Scope.READ, account=True, errors=ERRORS, example={"members": True})
async def list_(call: Call, params: ListParams) -> ListResult:
    """The groups and communities that the account is in, as kept from notifications."""
    all, account = fleet(call), fleet(call).get(call.account)
    if params.refresh:
        await account.flow(groups.refresh_all, lane="groups")
    found: list[GroupView] = []
    wanted = params.name.casefold()
    for name in sorted(GROUPS.ids(account.keystore)):
        record = GROUPS.get(account.keystore, name)
        if record is None or record.about is None:
            continue
        if wanted not in record.about.subject.casefold():
            continue
        if params.community and record.about.parent != params.community:
            continue
        found.append(await shown.group(all, account, parse(name), record, members=params.members))
    return ListResult(sorted(found, key=lambda one: (one.subject.casefold(), one.id)))


class GetParams(Params, frozen=True, kw_only=True):
    """One of our groups, or what an invite link leads to."""

    id: GroupId = ""
    invite: Annotated[str, Meta(description="An invite link, or its code.")] = ""
    refresh: Annotated[bool, Meta(description="Ask WhatsApp, even when it is known.")] = False


@method("group.get", scope=Scope.READ, account=True, errors=ERRORS, example={"id": "120363000000000001@g.us"})
async def get(call: Call, params: GetParams) -> GroupView:
    """A group with its members. WhatsApp is asked only for groups that are not known."""
    all, account = fleet(call), fleet(call).get(call.account)
    if bool(params.id) == bool(params.invite):
        raise RpcError("invalid_params", "give either the `id` of a group or an `invite` link", path="$.id")
    if params.invite:
        code = code_of(params.invite)
        return await _unknown(all, account, await account.flow(lambda ctx: groups.link_info(ctx, code)))
    jid = group_of(params.id)
    return await shown.group(all, account, jid, await known(account, jid, refresh=params.refresh))


async def known(account: Account, jid: Jid, *, refresh: bool = False) -> GroupRecord:
    """What is known of a group; offline it may be old. Raises RpcError, NotReady."""
    held = GROUPS.get(account.keystore, str(jid))
    try:
        return await account.flow(lambda ctx: groups.record_of(ctx, jid, fresh=refresh))
    except NotReady:
        if held is None or held.about is None or refresh:
            raise
        return held
    except IqError as error:
        if error.code in (403, 404, 410):
            raise RpcError("not_found", f"the account is not in the group {jid}") from None
        raise


async def _unknown(all: Fleet, account: Account, found: Group) -> GroupView:
    """A group that we may not be in."""
    members = {str(one.jid): str(one.other or "") for one in found.participants}
    roles: dict[str, str] = {str(one.jid): one.role for one in found.participants}
    record = GroupRecord(found.addressing, members, account.now(), roles=roles, about=about(found))
    view = await shown.group(all, account, found.jid, record)
    held = GROUPS.get(account.keystore, str(found.jid))
    return msgspec.structs.replace(view, member=held is not None, size=found.size or len(members))


# --- making and changing ------------------------------------------------------------------------------------------------


class CreateParams(Params, frozen=True, kw_only=True):
    """Everybody named is added; those who do not let themselves be added get an invitation."""

    subject: Annotated[str, Meta(min_length=1, max_length=MAX_SUBJECT)]
    participants: Annotated[list[str], Meta(max_length=MAX_PEOPLE)] = []
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION)] = ""
    picture: MediaObject | None = None
    announce: bool = False
    locked: bool = False
    approval: bool = False
    member_add: Who = "everybody"
    timer_s: Literal[0, 86400, 604800, 7776000] = 0
    community: Annotated[str, Meta(description="The community that it shall belong to.")] = ""
    invite: Annotated[bool, Meta(description="Send an invitation to those who can't be added.")] = True


class CreateResult(Result, frozen=True):
    """The new group, and what became of each person."""

    group: GroupView
    results: list[MemberResult]


@method(
    "group.create",
    scope=Scope.SEND,
    account=True,
    errors=ERRORS,
    example={"subject": "Book club", "participants": ["+15550002222"], "key": "club-1"},
)
async def create(call: Call, params: CreateParams) -> CreateResult:
    """Make a group. With the same `key` it is made once, also when the answer was lost."""
    draft = Draft(
        subject=params.subject,
        description=params.description,
        announce=params.announce,
        locked=params.locked,
        timer_s=params.timer_s,
        approval=params.approval,
        add_mode="admin_add" if params.member_add == "admins" else "all_member_add",
        parent=group_of(params.community, "$.community") if params.community else None,
    )
    picture = await portrait(call, host(call), params.picture) if params.picture else b""
    return await made(call, draft, params.participants, picture=picture, invite=params.invite)


async def made(
    call: Call, draft: Draft, participants: list[str], *, picture: bytes = b"", invite: bool = True
) -> CreateResult:
    """Carry a draft out."""
    all, account = fleet(call), fleet(call).get(call.account)
    people = [await resolve(all, call.account, who) for who in participants]
    key = digest("group.create", call.key).hex()[:32] if call.key else os.urandom(16).hex()
    done: Made = await account.flow(lambda ctx: groups.create(ctx, draft, people, key=key))
    jid = done.group
    if picture:
        await account.flow(lambda ctx: profile.set_picture(ctx, picture, group=jid))
    record = await known(account, jid)
    results = await outcomes(call, jid, done.outcomes, name=draft.subject, invite=invite)
    return CreateResult(await shown.group(all, account, jid, record), results)


class UpdateParams(Params, frozen=True, kw_only=True):
    """What is named is changed, in this order; what is absent stays."""

    id: GroupId
    subject: Annotated[str, Meta(min_length=1, max_length=MAX_SUBJECT)] | None = None
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION, description="Empty removes it.")] | None = (
        None
    )
    picture: Annotated[MediaObject | None, Meta(description="JPEG; with Pillow installed any picture.")] = (
        None
    )
    remove_picture: bool = False
    locked: Annotated[bool | None, Meta(description="Only admins change subject, picture, description.")] = (
        None
    )
    announce: Annotated[bool | None, Meta(description="Only admins write.")] = None
    member_add: Annotated[Who | None, Meta(description="Who adds people.")] = None
    link_sharing: Annotated[Who | None, Meta(description="Who shares the link.")] = None
    history_sharing: Annotated[Who | None, Meta(description="Who shares earlier messages.")] = None
    approval: Annotated[bool | None, Meta(description="Admins let people in one by one.")] = None
    timer_s: Timer = None
    no_frequently_forwarded: bool | None = None
    allow_admin_reports: bool | None = None
    group_history: bool | None = None
    members_may_add_groups: Annotated[bool | None, Meta(description="Communities.")] = None
    label: (
        Annotated[
            str, Meta(max_length=30, description="What the account calls itself here; empty takes it back.")
        ]
        | None
    ) = None


@method(
    "group.update",
    scope=Scope.SEND,
    account=True,
    errors=(*ERRORS, "media_failed"),
    example={"id": "120363000000000001@g.us", "subject": "Readers", "announce": True},
)
async def update(call: Call, params: UpdateParams) -> GroupView:
    """Change subject, description, picture and settings of a group. Each is a request of its own; the first refusal ends it."""
    account, jid = fleet(call).get(call.account), group_of(params.id)
    if params.subject is not None:
        await account.flow(lambda ctx: groups.rename(ctx, jid, params.subject or ""))
    if params.description is not None:
        await account.flow(lambda ctx: groups.describe(ctx, jid, params.description or ""))
    if params.picture is not None:
        image = await portrait(call, host(call), params.picture)
        await account.flow(lambda ctx: profile.set_picture(ctx, image, group=jid))
    elif params.remove_picture:
        await account.flow(lambda ctx: profile.set_picture(ctx, b"", group=jid))
    for name in (
        "locked",
        "announce",
        "no_frequently_forwarded",
        "allow_admin_reports",
        "group_history",
        "members_may_add_groups",
    ):
        on = getattr(params, name)
        if on is not None:
            await account.flow(partial(groups.switch, group=jid, name=name, on=on))
    for name in ("member_add", "link_sharing", "history_sharing"):
        who = getattr(params, name)
        if who is not None:
            await account.flow(partial(groups.set_mode, group=jid, name=name, who=who))
    if params.approval is not None:
        await account.flow(lambda ctx: groups.set_approval(ctx, jid, bool(params.approval)))
    if params.timer_s is not None:
        await account.flow(lambda ctx: groups.set_timer(ctx, jid, params.timer_s or 0))
    if params.label is not None:
        await _set_label(call, jid, params.label)
    return await shown.group(fleet(call), account, jid, await known(account, jid))


async def _set_label(call: Call, jid: Jid, label: str) -> None:
    all, account = fleet(call), fleet(call).get(call.account)
    message = build("member_label", MemberLabel(label=label, at=account.now()), Options())
    await post(all, account, Parcel(to=jid, message=message, via=call.peer.user, free=True), "server", None)


class MembersParams(Params, frozen=True, kw_only=True):
    """One act for all who are named."""

    id: GroupId
    op: Annotated[
        Literal["add", "remove", "promote", "demote", "approve", "reject", "revoke_invite", "requests"],
        Meta(
            description="`requests` lists who asks to join; `revoke_invite` takes personal invitations back."
        ),
    ]
    who: Annotated[list[str], Meta(max_length=MAX_PEOPLE)] = []
    invite: Annotated[bool, Meta(description="Send an invitation to those who can't be added.")] = True
    everywhere: Annotated[bool, Meta(description="Remove from all groups of the community.")] = False


class RequestView(Result, frozen=True, kw_only=True):
    """Somebody who asks to join."""

    who: PersonView
    requested_at: str = ""
    method: Annotated[str, Meta(description="invite_link, linked_group_join or non_admin_add")] = ""


class MembersResult(Result, frozen=True, kw_only=True):
    """A result for each person."""

    results: list[MemberResult] = []
    requests: list[RequestView] = []


@method(
    "group.members",
    scope=Scope.SEND,
    account=True,
    errors=ERRORS,
    example={"id": "120363000000000001@g.us", "op": "add", "who": ["+15550002222"]},
)
async def members(call: Call, params: MembersParams) -> MembersResult:
    """Add, remove, promote, demote people, and decide who may join. Who can't be added gets an invitation instead."""
    all, account, jid = fleet(call), fleet(call).get(call.account), group_of(params.id)
    if params.op == "requests":
        waiting = await account.flow(lambda ctx: groups.join_requests(ctx, jid))
        people = await shown.persons(all, account, [one.jid for one in waiting])
        return MembersResult(
            requests=[
                RequestView(
                    who=person,
                    requested_at=rfc3339(float(one.requested_at)) if one.requested_at else "",
                    method=one.method,
                )
                for one, person in zip(waiting, people, strict=True)
            ]
        )
    if not params.who:
        raise RpcError("invalid_params", f"`{params.op}` needs `who`", path="$.who")
    who = [await resolve(all, call.account, name) for name in params.who]
    if params.op in ("approve", "reject"):
        verdict: Any = params.op
        done = await account.flow(lambda ctx: groups.decide(ctx, jid, verdict, who))
    elif params.op == "revoke_invite":
        done = await account.flow(lambda ctx: groups.revoke_invites(ctx, jid, who))
    else:
        act: Any = params.op
        done = await account.flow(
            lambda ctx: groups.change_members(ctx, jid, act, who, everywhere=params.everywhere)
        )
    invite = params.invite and params.op == "add"
    return MembersResult(results=await outcomes(call, jid, done, invite=invite))


async def outcomes(
    call: Call, group: Jid, done: list[Outcome] | tuple[Outcome, ...], *, name: str = "", invite: bool
) -> list[MemberResult]:
    """Each person's result; refused ones are invited where WhatsApp gave a code for that."""
    all, account = fleet(call), fleet(call).get(call.account)
    people = await shown.persons(all, account, [one.jid for one in done])
    return [
        await _result(call, group, one, person, name=name, invite=invite)
        for one, person in zip(done, people, strict=True)
    ]


async def _result(
    call: Call, group: Jid, one: Outcome, person: PersonView, *, name: str, invite: bool
) -> MemberResult:
    if one.pending:
        return MemberResult(who=person, status="pending", code=one.code, reason="the admins decide")
    if one.code == 200:
        return MemberResult(who=person, status="done", code=200)
    reason = REASONS.get(one.code, f"WhatsApp answered {one.code}")
    if one.invite is None:
        return MemberResult(who=person, status="failed", code=one.code, reason=reason)
    sent = await _invite(call, group, one, one.invite, name) if invite else ""
    return MemberResult(
        who=person,
        status="invited" if sent else "failed",
        code=one.code,
        reason=reason,
        invite_code=one.invite.code,
        invite_expires_at=rfc3339(float(one.invite.expires_at)),
        message_id=sent,
    )


async def _invite(call: Call, group: Jid, one: Outcome, invite: Invite, name: str) -> str:
    """Put the invitation into the outbox; the id of its message."""
    all, account = fleet(call), fleet(call).get(call.account)
    held = GROUPS.get(account.keystore, str(group))
    subject = name or (held.about.subject if held is not None and held.about is not None else "")
    content = GroupInvite(group=str(group), code=invite.code, expires_at=invite.expires_at, name=subject)
    parcel = Parcel(to=one.jid, message=build("group_invite", content, Options()), via=call.peer.user)
    return (await post(all, account, parcel, "queued", None)).entry.id


# --- doors --------------------------------------------------------------------------------------------------------------


class InviteParams(Params, frozen=True, kw_only=True):
    """`get` and `reset` need `id`; `info` and `join` a `link`; `accept` what an invitation message says."""

    op: Literal["get", "reset", "join", "info", "accept"] = "get"
    id: GroupId = ""
    link: Annotated[str, Meta(description="An invite link or its code.")] = ""
    code: Annotated[str, Meta(description="accept: the code of the invitation.")] = ""
    expires_at: Annotated[str, Meta(description="accept: until when it is good (RFC 3339).")] = ""
    sender: Annotated[str, Meta(description="accept: who sent it.")] = ""


class InviteResult(Result, frozen=True, kw_only=True):
    """The link, or the group."""

    link: str = ""
    group: GroupView | None = None
    joined: bool = False
    pending: Annotated[bool, Meta(description="An admin has to agree first.")] = False


@method(
    "group.invite",
    scope=Scope.SEND,
    account=True,
    errors=ERRORS,
    example={"id": "120363000000000001@g.us", "op": "get"},
)
async def invite(call: Call, params: InviteParams) -> InviteResult:
    """Invite links: read, reset, look behind one, join by it; and personal invitations: accept."""
    all, account = fleet(call), fleet(call).get(call.account)
    match params.op:
        case "get" | "reset":
            jid, reset = group_of(params.id), params.op == "reset"
            return InviteResult(
                link=await account.flow(lambda ctx: groups.invite_link(ctx, jid, reset=reset))
            )
        case "info":
            code = code_of(params.link)
            found = await account.flow(lambda ctx: groups.link_info(ctx, code))
            return InviteResult(link=LINK + code, group=await _unknown(all, account, found))
        case "join":
            return await _join(call, code_of(params.link))
    jid = group_of(params.id)
    if not (params.code and params.expires_at and params.sender):
        raise RpcError(
            "invalid_params", "`accept` needs `id`, `code`, `expires_at` and `sender`", path="$.code"
        )
    try:
        expires_at = int(parse_time(params.expires_at))
    except ValueError as error:
        raise RpcError("invalid_params", str(error), path="$.expires_at") from None
    personal = Invite(code=params.code, expires_at=expires_at)
    admin = await resolve(all, call.account, params.sender)
    await account.flow(lambda ctx: groups.accept(ctx, jid, personal, admin))
    return InviteResult(joined=True)


async def _join(call: Call, code: str) -> InviteResult:
    account = fleet(call).get(call.account)
    try:
        done = await account.flow(lambda ctx: groups.join(ctx, code))
    except IqError as error:
        if error.code == 304:
            found = await account.flow(lambda ctx: groups.link_info(ctx, code))
            return InviteResult(joined=True, group=await _unknown(fleet(call), account, found))
        raise RpcError(
            "not_found" if error.code in (404, 406, 410) else "forbidden_by_whatsapp",
            _DOORS.get(error.code, f"WhatsApp answered {error.code} {error.text}".strip()),
        ) from None
    if done.pending:
        return InviteResult(pending=True, group=GroupView(id=str(done.group), member=False))
    record = await known(account, done.group)
    return InviteResult(
        joined=True, group=await shown.group(fleet(call), account, done.group, record, members=False)
    )


_DOORS: Final[dict[int, str]] = {
    401: "this link is not for this account",
    403: "this link is not for this account",
    404: "there is no such invite link",
    405: "the account was removed from this group: only an admin can add it again",
    406: "there is no such invite link",
    409: "the account is in this group already",
    410: "this invite link was reset",
    412: "the community is full",
    416: "the community is suspended",
    419: "the group is full",
    423: "the community takes nobody at the moment",
    436: "WhatsApp has switched this group's links off for a time",
}


class LeaveParams(Params, frozen=True, kw_only=True):
    """A group, or a community with all of its groups."""

    id: GroupId


@method(
    "group.leave", scope=Scope.SEND, account=True, errors=ERRORS, example={"id": "120363000000000001@g.us"}
)
async def leave(call: Call, params: LeaveParams) -> Done:
    """Leave a group. Its chat and messages stay."""
    account, jid = fleet(call).get(call.account), group_of(params.id)
    await account.flow(lambda ctx: groups.leave(ctx, jid))
    return Done(ok=True)


# --- words --------------------------------------------------------------------------------------------------------------


def group_of(text: str, path: str = "$.id") -> Jid:
    """The address of a group. Raises RpcError."""
    try:
        jid = parse(text if "@" in text else f"{text}@g.us")
    except ValueError:
        jid = None
    if jid is None or not jid.is_group or not jid.user.replace("-", "").isdigit():
        raise RpcError("invalid_params", f"{text[:80]!r} is no group: give its address, …@g.us", path=path)
    return jid


def code_of(link: str) -> str:
    """The code of an invite link. Raises RpcError."""
    code = link.strip().partition("?")[0].rstrip("/").rpartition("/")[2]
    if not code or not code.replace("-", "").replace("_", "").isalnum():
        raise RpcError(
            "invalid_params", f"{link[:80]!r} is no invite link: give {LINK}CODE or the code", path="$.link"
        )
    return code
