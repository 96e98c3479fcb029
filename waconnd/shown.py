"""Persons and groups as results show them: under every name that we know, with the name that the user would say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from protocol.flows import people
from protocol.flows.roster import GroupRecord
from protocol.jid import Jid, parse
from waconnd.account import Account
from waconnd.compose import targets
from waconnd.fleet import Fleet
from waconnd.rpc.declare import Result
from waconnd.rpc.times import rfc3339

#: Facts of a group that are not shown as they are kept.
_INNER: Final = frozenset({"description_id", "subject_at", "created_at", "size"})


class PersonView(Result, frozen=True, kw_only=True):
    """A person."""

    id: str
    pn: str = ""
    lid: str = ""
    name: str = ""
    kind: str = ""


class MemberView(PersonView, frozen=True, kw_only=True):
    """A person in a group."""

    role: Annotated[str, Meta(description="member, admin or superadmin")] = "member"
    label: Annotated[str, Meta(description="What they call themselves here.")] = ""


class GroupView(Result, frozen=True, kw_only=True):
    """A group or community."""

    id: str
    subject: str = ""
    subject_at: str = ""
    subject_by: str = ""
    description: str = ""
    created_at: str = ""
    creator: str = ""
    size: int = 0
    member: Annotated[bool, Meta(description="Whether the account is in it.")] = True
    role: Annotated[str, Meta(description="The account's own: member, admin or superadmin.")] = ""
    addressing: Annotated[str, Meta(description="How members are named on the wire: lid or pn.")] = ""
    announce: Annotated[bool, Meta(description="Only admins write.")] = False
    locked: Annotated[bool, Meta(description="Only admins change subject, picture, description.")] = False
    timer_s: Annotated[int, Meta(description="Messages disappear after so long.")] = 0
    member_add: Annotated[str, Meta(description="Who adds people: admins or everybody.")] = ""
    link_sharing: Annotated[str, Meta(description="Who shares the link: admins or everybody.")] = ""
    history_sharing: str = ""
    approval: Annotated[bool, Meta(description="Admins let people in one by one.")] = False
    no_frequently_forwarded: bool = False
    allow_admin_reports: bool = False
    group_history: bool = False
    limit_sharing: bool = False
    members_may_add_groups: bool = False
    growth_locked: bool = False
    community: bool = False
    parent: Annotated[str, Meta(description="The community that it belongs to.")] = ""
    announcement_group: bool = False
    general_chat: bool = False
    hidden: bool = False
    incognito: bool = False
    suspended: bool = False
    members: list[MemberView] = msgspec.field(default_factory=list)


async def persons(fleet: Fleet, account: Account, jids: Sequence[Jid]) -> list[PersonView]:
    """Everybody under all names; one read of the archive for all of them."""
    named = [people.person(account.keystore, jid) for jid in jids]
    contacts = await fleet.archive.contacts.find(account.name, [one.id for one in named])
    return [
        PersonView(
            id=one.id,
            pn=one.pn,
            lid=one.lid,
            name=contacts[one.id].shown if one.id in contacts else one.name,
            kind=one.kind,
        )
        for one in named
    ]


async def group(
    fleet: Fleet, account: Account, jid: Jid, record: GroupRecord, *, members: bool = True
) -> GroupView:
    """A group that is known."""
    ctx = targets.context(account)
    names = list(record.members)
    own = next((name for name in names if ctx.is_me(parse(name))), "")
    about = record.about
    facts: dict[str, Any] = {} if about is None else msgspec.structs.asdict(about)
    shown = await persons(fleet, account, [parse(name) for name in names]) if members else []
    return GroupView(
        id=str(jid),
        addressing=record.addressing,
        member=bool(own) or not names,
        role=record.roles.get(own, "member") if own else "",
        subject_at=_at(about.subject_at if about else None),
        created_at=_at(about.created_at if about else None),
        size=max(len(names), about.size if about and about.community else 0),
        members=[
            MemberView(
                **msgspec.structs.asdict(one),
                role=record.roles.get(name, "member"),
                label=record.labels.get(name, ""),
            )
            for name, one in zip(names, shown, strict=False)
        ],
        **{name: value for name, value in facts.items() if name not in _INNER},
    )


def _at(seconds: float | None) -> str:
    return rfc3339(float(seconds)) if seconds else ""
