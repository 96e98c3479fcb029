"""What can be done in groups: made, changed, joined, left. The cache follows at once; events come with the server's
notifications, which name who did it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from protocol.effects import Ask, Commit, Pause
from protocol.errors import IqError, LocalProtocolError, RemoteProtocolError, TimedOut
from protocol.events.base import Durable
from protocol.events.group import GroupJoined, GroupLeft
from protocol.events.message import Chat
from protocol.flows import freshness, roster, sender_keys, tokens
from protocol.flows.context import Context
from protocol.flows.mapping import learn, lid_of, pn_of
from protocol.flows.numbers import check_numbers
from protocol.flows.roster import GROUPS, GroupRecord
from protocol.jid import Jid, parse
from protocol.keystore import Txn
from protocol.node import Node
from protocol.stanza import group_requests as ask
from protocol.stanza import groups
from protocol.stanza.group_requests import (
    Act,
    Decision,
    Draft,
    Joined,
    JoinRequest,
    Outcome,
    Person,
    SubGroup,
)
from protocol.stanza.groups import Group

#: Groups of a list that go into one commit.
BATCH: Final = 50
#: The description changed under us: read it again and try once more.
CONFLICT: Final = 409
NOT_ON_WHATSAPP: Final = 404


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A new group, and whom the server did not let in."""

    group: Jid
    outcomes: tuple[Outcome, ...] = ()


# --- what is known ------------------------------------------------------------------------------------------------------


async def refresh(ctx: Context, group: Jid) -> GroupRecord:
    """Ask for a group; one that we did not know is told."""
    known = GROUPS.get(ctx.store, str(group)) is not None
    found = await Ask(ask.query(group), groups.parse)
    txn = ctx.txn()
    record = roster.file(ctx, txn, found)
    await Commit(txn, events=() if known else (_joined(ctx, found.jid, record),))
    return record


async def record_of(ctx: Context, group: Jid, *, fresh: bool = False) -> GroupRecord:
    """What is known of a group with its facts, asked for when it is not known. Raises IqError."""
    held = GROUPS.get(ctx.store, str(group))
    if held is not None and held.about is not None and not fresh and roster.trusted(ctx, held):
        return held
    return await roster.members_of(ctx, group, fresh=True)


async def load(ctx: Context) -> None:
    """The list of our groups, once: afterwards notifications keep it true. Refused, it is asked for at the next login."""
    if freshness.read_at(ctx.store, freshness.GROUPS):
        return
    try:
        await refresh_all(ctx)
    except (RemoteProtocolError, TimedOut):
        ctx.counts["group.list_refused"] += 1


async def refresh_all(ctx: Context) -> None:
    """All groups that we are in, and those that we no longer are in."""
    found = await Ask(ask.participating(), groups.parse_list)
    listed = {group.jid for group in found}
    first = not freshness.read_at(ctx.store, freshness.GROUPS)
    for start in range(0, len(found), BATCH):
        txn = ctx.txn()
        events: list[Durable] = []
        for group in found[start : start + BATCH]:
            _file(ctx, txn, group, events, backlog=first)
        await Commit(txn, events=tuple(events))
        await Pause()
    txn = ctx.txn()
    gone = [parse(name) for name in GROUPS.ids(txn) if parse(name) not in listed]
    lost: list[Durable] = []
    for group_jid in gone:
        GROUPS.delete(txn, str(group_jid))
        sender_keys.rotate(ctx, txn, group_jid)
        if not first:
            lost.append(
                GroupLeft(
                    at=ctx.now,
                    key=f"group/{group_jid.user}/missed/{int(ctx.now)}",
                    group=Chat(str(group_jid), "group"),
                    reason="missed",
                )
            )
    freshness.note(ctx, txn, freshness.GROUPS)
    await Commit(txn, events=tuple(lost))


def _file(ctx: Context, txn: Txn, group: Group, events: list[Durable], *, backlog: bool) -> None:
    held = GROUPS.get(txn, str(group.jid))
    if group.truncated:
        if held is not None:
            roster.forget(txn, group.jid)
        return
    record = roster.file(ctx, txn, group)
    if held is None or backlog or held.about is None:
        events.append(_joined(ctx, group.jid, record))


def _joined(ctx: Context, group: Jid, record: GroupRecord) -> GroupJoined:
    assert record.about is not None
    return GroupJoined(
        at=ctx.now,
        key=f"group/{group.user}/known/{int(ctx.now)}",
        group=Chat(str(group), "group"),
        about=record.about,
        reason="known",
    )


# --- making and changing ------------------------------------------------------------------------------------------------


async def create(
    ctx: Context,
    draft: Draft,
    members: Sequence[Jid],
    *,
    key: str,
) -> Made:
    """A new group or community. Those whom the server refuses are told one by one."""
    named, missing = await _named(ctx, members, addressing="lid")
    draft = msgspec.structs.replace(draft, people=tuple(named))
    request = ask.create(draft, key=key, description_id=ctx.random(8).hex().upper())
    made = await Ask(request, ask.parse_created)
    if isinstance(made, Jid):
        # This very group was made before; its answer was lost.
        return Made(group=made, outcomes=tuple(missing))
    txn = ctx.txn()
    roster.file(ctx, txn, made)
    await Commit(txn)
    refused = [Outcome(jid=one.jid, pn=one.pn, code=one.error) for one in made.refused]
    done = [
        Outcome(jid=one.jid, pn=one.pn, code=200)
        for one in named
        if one.jid not in {other.jid for other in made.refused}
    ]
    return Made(group=made.jid, outcomes=(*done, *refused, *missing))


async def change_members(
    ctx: Context, group: Jid, act: Act, members: Sequence[Jid], *, everywhere: bool = False
) -> list[Outcome]:
    """Add, remove, promote or demote; a result for each person."""
    record = await record_of(ctx, group)
    named, missing = await _named(ctx, members, addressing=record.addressing)
    found: list[Outcome] = list(missing)
    for start in range(0, len(named), ask.MAX_PEOPLE):
        part = named[start : start + ask.MAX_PEOPLE]
        request = ask.change_members(group, act, part, everywhere=everywhere)
        outcomes = await Ask(request, lambda reply: ask.parse_outcomes(reply, act))
        await _note(ctx, group, act, outcomes)
        found += outcomes
    return found


async def _note(ctx: Context, group: Jid, act: Act, outcomes: Iterable[Outcome]) -> None:
    done = tuple(
        groups.Participant(
            jid=one.jid,
            pn=one.pn or (one.jid if one.jid.is_pn else None),
            lid=one.jid if one.jid.is_lid else None,
        )
        for one in outcomes
        if one.code == 200 and not one.pending
    )
    if not done:
        return
    txn = ctx.txn()
    for one in done:
        learn(txn, one.jid, one.other)
    match act:
        case "add":
            roster.add(ctx, txn, group, done)
        case "remove":
            roster.remove(ctx, txn, group, done)
        case "promote" | "demote":
            roster.set_role(txn, group, done, admin=act == "promote")
    if txn.changes:
        await Commit(txn)


async def rename(ctx: Context, group: Jid, subject: str) -> None:
    """Another subject."""
    await _set(ctx, group, ask.subject(group, subject), subject=subject, subject_at=ctx.now)


async def describe(ctx: Context, group: Jid, text: str) -> None:
    """Another description; an empty text removes it."""
    record = await record_of(ctx, group)
    for last in (False, True):
        before = record.about.description_id if record.about else ""
        id = ctx.random(11).hex().upper()
        try:
            await _set(
                ctx,
                group,
                ask.describe(group, text, id=id, before=before),
                description=text,
                description_id=id,
            )
            return
        except IqError as error:
            if error.code != CONFLICT or last:
                raise
            record = await record_of(ctx, group, fresh=True)


async def switch(ctx: Context, group: Jid, name: str, on: bool) -> None:
    """One of the settings that are on or off."""
    await _set(ctx, group, ask.switch(group, name, on), **{name: on})


async def set_timer(ctx: Context, group: Jid, seconds: int) -> None:
    """Messages disappear after so long; 0: they stay."""
    if seconds not in ask.TIMERS:
        raise LocalProtocolError(f"a timer is one of {', '.join(map(str, ask.TIMERS))} seconds")
    await _set(ctx, group, ask.timer(group, seconds), timer_s=seconds)


async def set_mode(ctx: Context, group: Jid, name: str, who: str) -> None:
    """Who may do something: `admins` or `everybody`."""
    tags = {
        "member_add": "member_add_mode",
        "link_sharing": "member_link_mode",
        "history_sharing": "member_share_group_history_mode",
    }
    word = ask.MODES[tags[name]][0 if who == "admins" else 1]
    await _set(ctx, group, ask.mode(group, tags[name], word), **{name: who})


async def set_approval(ctx: Context, group: Jid, on: bool) -> None:
    """Whether admins let people in one by one."""
    await _set(ctx, group, ask.approval(group, on), approval=on)


async def _set(ctx: Context, group: Jid, request: Node, **changed: object) -> None:
    await Ask(request, _nothing)
    txn = ctx.txn()
    roster.change(txn, group, **changed)
    if txn.changes:
        await Commit(txn)


async def leave(ctx: Context, group: Jid) -> None:
    """Leave a group, or a community with all of its groups. Raises IqError."""
    record = GROUPS.get(ctx.store, str(group))
    community = record is not None and record.about is not None and record.about.community
    request = ask.leave_community(group) if community else ask.leave(group)
    code = await Ask(request, ask.parse_left)
    if code and code != NOT_ON_WHATSAPP:
        raise IqError(code, "the server did not let us leave")
    txn = ctx.txn()
    sender_keys.rotate(ctx, txn, group)
    if txn.changes:
        await Commit(txn)


# --- doors --------------------------------------------------------------------------------------------------------------


async def invite_link(ctx: Context, group: Jid, *, reset: bool = False) -> str:
    """The link, or a new one that kills the old."""
    request = ask.reset_link(group) if reset else ask.invite_link(group)
    return groups.LINK + await Ask(request, ask.parse_code)


async def link_info(ctx: Context, code: str) -> Group:
    """What an invite link leads to."""
    return await Ask(ask.link_info(code), groups.parse)


async def join(ctx: Context, code: str) -> Joined:
    """Join by a link. Being in already is no failure."""
    return await Ask(ask.join(code), ask.parse_joined)


async def accept(ctx: Context, group: Jid, invite: ask.Invite, admin: Jid) -> None:
    """Take up a personal invitation."""
    await Ask(ask.accept(group, invite, admin), _nothing)


async def revoke_invites(ctx: Context, group: Jid, members: Sequence[Jid]) -> list[Outcome]:
    """Take personal invitations back."""
    record = await record_of(ctx, group)
    named, missing = await _named(ctx, members, addressing=record.addressing)
    request = ask.revoke_invites(group, named)
    return [*missing, *await Ask(request, lambda reply: ask.parse_outcomes(reply, "revoke"))]


async def join_requests(ctx: Context, group: Jid) -> tuple[JoinRequest, ...]:
    """Who waits at the door."""
    found = await Ask(ask.join_requests(group), ask.parse_requests)
    txn = ctx.txn()
    for one in found:
        learn(txn, one.jid, one.pn)
    if txn.changes:
        await Commit(txn)
    return found


async def decide(ctx: Context, group: Jid, decision: Decision, members: Sequence[Jid]) -> list[Outcome]:
    """Let people in, or not."""
    record = await record_of(ctx, group)
    named, missing = await _named(ctx, members, addressing=record.addressing)
    request = ask.decide(group, decision, named)
    outcomes = await Ask(request, lambda reply: ask.parse_decided(reply, decision))
    if decision == "approve":
        await _note(ctx, group, "add", outcomes)
    return [*missing, *outcomes]


# --- communities --------------------------------------------------------------------------------------------------------


async def link(ctx: Context, community: Jid, members: Sequence[Jid]) -> dict[Jid, int]:
    """Groups become part of a community; a code for each, 200 is done."""
    return await Ask(ask.link(community, members), ask.parse_linked)


async def unlink(
    ctx: Context, community: Jid, members: Sequence[Jid], *, remove_members: bool = False
) -> dict[Jid, int]:
    """Groups leave a community; a code for each."""
    found: dict[Jid, int] = {}
    for member in members:
        request = ask.unlink(community, member, remove_members=remove_members)
        try:
            found[member] = (await Ask(request, ask.parse_linked)).get(member, 200)
        except IqError as error:
            found[member] = error.code
    return found


async def sub_groups(ctx: Context, community: Jid) -> tuple[SubGroup, ...]:
    """The groups of a community."""
    return await Ask(ask.sub_groups(community), ask.parse_sub_groups)


async def community_members(ctx: Context, community: Jid) -> tuple[groups.Participant, ...]:
    """Everybody in any group of a community."""
    return await Ask(ask.community_members(community), ask.parse_community_members)


async def join_sub_group(ctx: Context, community: Jid, group: Jid) -> None:
    """Join a group of a community that we are in."""
    await Ask(ask.join_sub_group(community, group), _nothing)


async def dissolve(ctx: Context, community: Jid) -> None:
    """End a community; its groups live on."""
    await Ask(ask.dissolve(community), _nothing)


# --- names --------------------------------------------------------------------------------------------------------------


async def _named(
    ctx: Context, members: Sequence[Jid], *, addressing: str
) -> tuple[list[Person], list[Outcome]]:
    """People in the group's addressing; and those whom WhatsApp does not know."""
    if addressing == "lid":
        unknown = [one.user for one in members if one.is_pn and lid_of(ctx.store, one.bare) is None]
        if unknown:
            await check_numbers(ctx, unknown)
    named: list[Person] = []
    missing: list[Outcome] = []
    for member in dict.fromkeys(one.bare for one in members):
        if addressing == "lid":
            jid = lid_of(ctx.store, member) if member.is_pn else member
            pn = member if member.is_pn else pn_of(ctx.store, member)
        else:
            jid = pn_of(ctx.store, member) if member.is_lid else member
            pn = None
        if jid is None:
            missing.append(Outcome(jid=member, pn=pn, code=NOT_ON_WHATSAPP))
            continue
        named.append(Person(jid=jid, pn=pn, token=_token(ctx, jid)))
    return named, missing


def _token(ctx: Context, jid: Jid) -> bytes:
    for node in tokens.proof(ctx, ctx.store, jid):
        if node.tag == "tctoken":
            return node.content_bytes()
    return b""


def _nothing(_: Node) -> None:
    return None
