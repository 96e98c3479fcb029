"""What is known of groups, cached: who is in them and what they are. Somebody missing from a fresh answer makes our
sender key change.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.effects import Ask, Commit
from protocol.errors import IqError
from protocol.events.group import About
from protocol.flows import sender_keys
from protocol.flows.context import Context
from protocol.flows.mapping import learn
from protocol.flows.soft import Soft
from protocol.jid import Jid, parse
from protocol.keystore import Kind, Txn, View
from protocol.stanza import group_requests, groups
from protocol.stanza.groups import Group, Participant

#: Notifications keep a roster true; this is the net below them.
TRUST_SECONDS: Final = 24 * 3600.0
#: The server asks us to slow down: what we know has to do.
RATE_LIMITED: Final = 429

_WHO: Final = {
    "admin_add": "admins",
    "admin_link": "admins",
    "admin_share": "admins",
    "all_member_add": "everybody",
    "all_member_link": "everybody",
    "all_member_share": "everybody",
}


class GroupRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a group."""

    addressing: str
    #: The other name of each participant by the name of the group's addressing; empty when it is not known.
    members: dict[str, str]
    fetched_at: float
    v: int = 1
    #: Of those who are more than members.
    roles: dict[str, str] = {}
    #: What members call themselves here.
    labels: dict[str, str] = {}
    about: About | None = None
    #: Of the list of members, in the server's count.
    version: str = ""

    def people(self) -> list[Jid]:
        """The participants, in the group's addressing."""
        return [parse(name) for name in self.members]


GROUPS: Final = Soft(Kind.GROUP, GroupRecord)


async def members_of(ctx: Context, group: Jid, *, fresh: bool = False) -> GroupRecord:
    """The roster of a group, asked for when it is not known or old. Raises IqError when we are not in it.

    A server that wants fewer questions gets fewer: what is known is then used, however old it is.
    """
    held = GROUPS.get(ctx.store, str(group))
    if held is not None and not fresh and trusted(ctx, held):
        return held
    try:
        return await fetch(ctx, group)
    except IqError as error:
        if error.code != RATE_LIMITED or held is None:
            raise
        ctx.counts["group.rate_limited"] += 1
        return held


async def fetch(ctx: Context, group: Jid) -> GroupRecord:
    """Ask for a group, and note the answer."""
    found = await Ask(group_requests.query(group), groups.parse)
    txn = ctx.txn()
    record = file(ctx, txn, found)
    await Commit(txn)
    return record


def trusted(ctx: Context, held: GroupRecord) -> bool:
    """Whether what is known need not be asked for."""
    return ctx.now - held.fetched_at < TRUST_SECONDS


def file(ctx: Context, txn: Txn, found: Group) -> GroupRecord:
    """Note a group; whoever left takes our sender key along, so that goes."""
    held = GROUPS.get(txn, str(found.jid))
    members = {str(m.jid): str(m.other) if m.other else "" for m in found.participants}
    record = GroupRecord(
        found.addressing,
        members,
        ctx.now,
        roles={str(m.jid): m.role for m in found.participants if m.role != "member"},
        labels={str(m.jid): m.label for m in found.participants if m.label},
        about=about(found),
        version=found.version,
    )
    for member in found.participants:
        learn(txn, member.jid, member.other)
    if held is not None:
        gone = held.members.keys() - members.keys()
        if gone or held.addressing != found.addressing:
            sender_keys.rotate(ctx, txn, found.jid)
    GROUPS.put(txn, str(found.jid), record)
    return record


def add(ctx: Context, txn: Txn, group: Jid, people: tuple[Participant, ...]) -> None:
    """They are in. A person in the wrong addressing shows that we do not know this group any more."""
    held = GROUPS.get(txn, str(group))
    if held is None:
        return
    if any(member.jid.is_lid != (held.addressing == "lid") for member in people):
        forget(txn, group)
        return
    added = {str(m.jid): str(m.other) if m.other else "" for m in people}
    GROUPS.put(txn, str(group), msgspec.structs.replace(held, members={**held.members, **added}))


def remove(ctx: Context, txn: Txn, group: Jid, people: tuple[Participant, ...]) -> bool:
    """They are out, and read nothing more of ours. True: we are among them, the group is gone from here."""
    held = GROUPS.get(txn, str(group))
    me = any(ctx.is_me(member.jid) for member in people)
    if held is None:
        return me
    if me:
        GROUPS.delete(txn, str(group))
    else:
        gone = {str(name) for one in people for name in (one.jid, one.other) if name}
        left = {name: alt for name, alt in held.members.items() if name not in gone and alt not in gone}
        roles = {name: role for name, role in held.roles.items() if name in left}
        GROUPS.put(txn, str(group), msgspec.structs.replace(held, members=left, roles=roles))
    sender_keys.rotate(ctx, txn, group)
    return me


def set_role(txn: Txn, group: Jid, people: tuple[Participant, ...], *, admin: bool) -> None:
    """They are admins now, or no longer."""
    held = GROUPS.get(txn, str(group))
    if held is None:
        return
    named = {str(one.jid) for one in people}
    roles = {name: role for name, role in held.roles.items() if name not in named}
    if admin:
        roles |= {name: held.roles.get(name, "admin") for name in named}
    GROUPS.put(txn, str(group), msgspec.structs.replace(held, roles=roles))


def change(txn: Txn, group: Jid, **changed: object) -> None:
    """Members of what is known of a group itself."""
    held = GROUPS.get(txn, str(group))
    if held is None or held.about is None:
        return
    fresh = msgspec.structs.replace(held.about, **changed)
    GROUPS.put(txn, str(group), msgspec.structs.replace(held, about=fresh))


def note_label(txn: Txn, group: Jid, member: Jid, label: str) -> None:
    """What somebody calls themselves in a group; empty takes it back."""
    held = GROUPS.get(txn, str(group))
    if held is None:
        return
    named = next((one for one, other in held.members.items() if str(member) in (one, other)), str(member))
    labels = {name: text for name, text in held.labels.items() if name != named}
    if label:
        labels[named] = label
    GROUPS.put(txn, str(group), msgspec.structs.replace(held, labels=labels))


def note_version(txn: Txn, group: Jid, version: str) -> None:
    """The list of members is the server's number so-and-so now."""
    held = GROUPS.get(txn, str(group))
    if held is not None and version:
        GROUPS.put(txn, str(group), msgspec.structs.replace(held, version=version))


def is_member(view: View, group: Jid, person: Jid) -> bool:
    """Is this person in the group, under either name? True when the roster is unknown."""
    held = GROUPS.get(view, str(group))
    name = str(person.bare)
    return held is None or name in held.members or name in held.members.values()


def forget(txn: Txn, group: Jid) -> None:
    """Ask again before the next message. The members stay known, so that the answer shows who left."""
    held = GROUPS.get(txn, str(group))
    if held is not None:
        GROUPS.put(txn, str(group), msgspec.structs.replace(held, fetched_at=0.0))


def about(group: Group) -> About:
    """A group's facts in the words of the socket."""
    held, said = group.settings, group.description
    return About(
        subject=group.subject,
        subject_at=group.subject_at,
        subject_by=str(group.subject_by or ""),
        description=said.text if said else "",
        description_id=said.id if said else "",
        created_at=group.created_at,
        creator=str(group.creator or ""),
        size=group.size if group.size is not None else len(group.participants),
        announce=held.announce,
        locked=held.locked,
        timer_s=held.timer_s,
        member_add=who_may(held.add_mode),
        link_sharing=who_may(held.link_mode),
        history_sharing=who_may(held.history_mode),
        approval=held.approval,
        no_frequently_forwarded=held.no_frequently_forwarded,
        allow_admin_reports=held.allow_admin_reports,
        group_history=held.group_history,
        limit_sharing=held.limit_sharing,
        members_may_add_groups=held.members_may_add_groups,
        community=group.community,
        parent=str(group.parent or ""),
        announcement_group=group.announcement_group,
        general_chat=group.general_chat,
        hidden=group.hidden,
        incognito=group.incognito,
        suspended=group.suspended,
    )


def who_may(mode: str) -> str:
    """`admins` or `everybody`; what we do not know stays as it is."""
    return _WHO.get(mode, mode)
