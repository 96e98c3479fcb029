"""`community.*`: groups that belong together."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from msgspec import Meta

from protocol.flows import groups
from protocol.jid import Jid
from protocol.stanza.group_requests import Draft
from waconnd import shown
from waconnd.api.group import (
    ERRORS,
    MAX_DESCRIPTION,
    MAX_SUBJECT,
    REASONS,
    CreateResult,
    GroupId,
    MemberResult,
    group_of,
    known,
    made,
)
from waconnd.api.host import fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.shown import GroupView, PersonView


class UpdateParams(Params, frozen=True, kw_only=True):
    """`create` needs `subject`; everything else `id`, and `groups` where groups are meant."""

    op: Literal["create", "link", "unlink", "list", "members", "join", "dissolve"]
    id: Annotated[str, Meta(description="The community's address.")] = ""
    subject: Annotated[str, Meta(max_length=MAX_SUBJECT)] = ""
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION)] = ""
    participants: list[str] = []
    groups: Annotated[list[GroupId], Meta(max_length=100)] = []
    remove_members: Annotated[
        bool, Meta(description="unlink: those who are nowhere else in the community leave it.")
    ] = False


class SubGroupView(Result, frozen=True, kw_only=True):
    """A group of a community."""

    id: str
    subject: str = ""
    size: int = 0
    announcement_group: bool = False


class LinkResult(Result, frozen=True, kw_only=True):
    """What became of one group."""

    group: str
    done: bool
    code: int
    reason: str = ""


class UpdateResult(Result, frozen=True, kw_only=True):
    """What the operation gives."""

    community: GroupView | None = None
    groups: list[SubGroupView] = []
    members: list[PersonView] = []
    links: list[LinkResult] = []
    results: list[MemberResult] = []


@method(
    "community.update",
    scope=Scope.SEND,
    account=True,
    errors=ERRORS,
    example={"op": "list", "id": "120363000000000001@g.us"},
)
async def update(call: Call, params: UpdateParams) -> UpdateResult:
    """Make, link, unlink, list and end communities; their settings and people are changed by `group.*`."""
    if params.op == "create":
        return await _create(call, params)
    all, account, community = fleet(call), fleet(call).get(call.account), group_of(params.id)
    named = [group_of(one, "$.groups") for one in params.groups]
    if params.op in ("link", "unlink", "join") and not named:
        raise RpcError("invalid_params", f"`{params.op}` needs `groups`", path="$.groups")
    match params.op:
        case "link":
            done = await account.flow(lambda ctx: groups.link(ctx, community, named))
            return UpdateResult(links=_links(done))
        case "unlink":
            done = await account.flow(
                lambda ctx: groups.unlink(ctx, community, named, remove_members=params.remove_members)
            )
            return UpdateResult(links=_links(done))
        case "join":
            for one in named:
                await account.flow(partial(groups.join_sub_group, community=community, group=one))
            return UpdateResult(links=_links(dict.fromkeys(named, 200)))
        case "dissolve":
            await account.flow(lambda ctx: groups.dissolve(ctx, community))
            return UpdateResult()
        case "members":
            people = await account.flow(lambda ctx: groups.community_members(ctx, community))
            return UpdateResult(members=await shown.persons(all, account, [one.jid for one in people]))
    found = await account.flow(lambda ctx: groups.sub_groups(ctx, community))
    record = await known(account, community)
    return UpdateResult(
        community=await shown.group(all, account, community, record, members=False),
        groups=[
            SubGroupView(
                id=str(one.jid),
                subject=one.subject,
                size=one.size or 0,
                announcement_group=one.announcement_group,
            )
            for one in found
        ],
    )


async def _create(call: Call, params: UpdateParams) -> UpdateResult:
    if not params.subject:
        raise RpcError("invalid_params", "a community needs a `subject`", path="$.subject")
    draft = Draft(subject=params.subject, description=params.description, community=True)
    done: CreateResult = await made(call, draft, params.participants)
    return UpdateResult(community=done.group, results=done.results)


def _links(done: dict[Jid, int]) -> list[LinkResult]:
    return [
        LinkResult(group=str(jid), done=code == 200, code=code, reason="" if code == 200 else _reason(code))
        for jid, code in done.items()
    ]


def _reason(code: int) -> str:
    known_reasons = {
        401: "the account is no admin of this group",
        403: "not allowed",
        404: "there is no such group, or it is not linked",
        406: "this group can't be in a community",
        409: "it belongs to a community already",
        419: "the community has too many groups",
    }
    return known_reasons.get(code) or REASONS.get(code) or f"WhatsApp answered {code}"
