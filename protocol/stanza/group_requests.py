"""What is asked of the group server: every iq of `w:g2`, and how its answer is read (reference 04, 4.2 to 4.10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from protocol.jid import GROUP_SERVER, Jid
from protocol.node import Attr, BadNode, Node
from protocol.stanza import groups, iq
from protocol.stanza.groups import XMLNS, Group, Participant, bare, number

#: How many people one request may name.
MAX_PEOPLE: Final = 1024
TIMERS: Final = (0, 86400, 604800, 7776000)

Act = Literal["add", "remove", "promote", "demote"]
Decision = Literal["approve", "reject"]

#: Settings that are on or off: name in `groups.Settings` → the two elements.
SWITCHES: Final[dict[str, tuple[str, str]]] = {
    "announce": ("announcement", "not_announcement"),
    "locked": ("locked", "unlocked"),
    "no_frequently_forwarded": ("no_frequently_forwarded", "frequently_forwarded_ok"),
    "allow_admin_reports": ("allow_admin_reports", "not_allow_admin_reports"),
    "group_history": ("group_history", "no_group_history"),
    "members_may_add_groups": (
        "allow_non_admin_sub_group_creation",
        "not_allow_non_admin_sub_group_creation",
    ),
}
MODES: Final[dict[str, tuple[str, ...]]] = {
    "member_add_mode": ("admin_add", "all_member_add"),
    "member_link_mode": ("admin_link", "all_member_link"),
    "member_share_group_history_mode": ("admin_share", "all_member_share"),
}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to be named in a request. `token`: proof that they know us."""

    jid: Jid
    pn: Jid | None = None
    token: bytes = b""


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """A personal invitation, to be sent as a message."""

    code: str
    expires_at: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one person; 200 is done. `pending`: the admins have to agree first."""

    jid: Jid
    pn: Jid | None = None
    code: int
    invite: Invite | None = None
    pending: bool = False


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """We are in, or wait for an admin."""

    group: Jid
    pending: bool


class JoinRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody waits at the door."""

    jid: Jid
    pn: Jid | None = None
    requested_at: int | None = None
    method: str = ""


class SubGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of a community, as the community lists it."""

    jid: Jid
    subject: str = ""
    size: int | None = None
    announcement_group: bool = False


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A group to be made."""

    subject: str
    people: tuple[Person, ...] = ()
    description: str = ""
    announce: bool = False
    locked: bool = False
    timer_s: int = 0
    approval: bool = False
    add_mode: str = "all_member_add"
    community: bool = False
    #: The community that it belongs to.
    parent: Jid | None = None


# --- reading ------------------------------------------------------------------------------------------------------------


def query(group: Jid) -> Node:
    """One group's metadata."""
    return iq.get(XMLNS, Node("query", {"request": "interactive"}), to=group)


def participating() -> Node:
    """All groups that we are in. Heavy."""
    return iq.get(
        XMLNS,
        Node("participating", {}, [Node("participants"), Node("description")]),
        to=GROUP_SERVER,
    )


# --- changing -----------------------------------------------------------------------------------------------------------


def create(draft: Draft, *, key: str, description_id: str) -> Node:
    """Make a group, or a community."""
    children = [_named(person) for person in draft.people]
    if draft.description:
        body = Node("body", {}, draft.description.encode())
        children.append(Node("description", {"id": description_id}, [body]))
    if draft.locked:
        children.append(Node("locked"))
    if draft.announce:
        children.append(Node("announcement"))
    timed: dict[str, Attr] = {"expiration": str(draft.timer_s)}
    if draft.timer_s:
        timed["trigger"] = "1"
    children.append(Node("ephemeral", timed))
    state = "on" if draft.approval else "off"
    if draft.community:
        children.append(Node("parent", {"default_membership_approval_mode": "request_required"}))
        children.append(Node("allow_non_admin_sub_group_creation"))
    children.append(Node("membership_approval_mode", {}, [Node("group_join", {"state": state})]))
    children.append(Node("member_add_mode", {}, draft.add_mode.encode()))
    if draft.parent is not None:
        children.append(Node("linked_parent", {"jid": draft.parent}))
    attrs: dict[str, Attr] = {"subject": draft.subject, "key": key}
    return iq.set(XMLNS, Node("create", attrs, children), to=GROUP_SERVER)


def parse_created(reply: Node) -> Group | Jid:
    """The new group; only its address when the key was used before."""
    found = reply.child("group") or reply.child("community")
    if found is None:
        raise BadNode("the answer names no group")
    if not found.children and "subject" not in found.attrs:
        return groups.group_jid(found)
    return groups.read(found)


def subject(group: Jid, text: str) -> Node:
    """Rename."""
    return iq.set(XMLNS, Node("subject", {}, text.encode()), to=group)


def describe(group: Jid, text: str, *, id: str, before: str) -> Node:
    """Set the description, or remove it with an empty text. `before`: the id of the one that is replaced."""
    attrs: dict[str, Attr] = {"id": id}
    if before:
        attrs["prev"] = before
    if not text:
        return iq.set(XMLNS, Node("description", {**attrs, "delete": "true"}), to=group)
    return iq.set(XMLNS, Node("description", attrs, [Node("body", {}, text.encode())]), to=group)


def switch(group: Jid, name: str, on: bool) -> Node:
    """One of SWITCHES."""
    return iq.set(XMLNS, Node(SWITCHES[name][0 if on else 1]), to=group)


def timer(group: Jid, seconds: int) -> Node:
    """Messages disappear after so long; 0: they stay."""
    change = Node("ephemeral", {"expiration": str(seconds)}) if seconds else Node("not_ephemeral")
    return iq.set(XMLNS, change, to=group)


def mode(group: Jid, tag: str, word: str) -> Node:
    """One of MODES."""
    return iq.set(XMLNS, Node(tag, {}, word.encode()), to=group)


def approval(group: Jid, on: bool) -> Node:
    """Whether admins let people in one by one."""
    state = Node("group_join", {"state": "on" if on else "off"})
    return iq.set(XMLNS, Node("membership_approval_mode", {}, [state]), to=group)


def change_members(group: Jid, act: Act, people: Sequence[Person], *, everywhere: bool = False) -> Node:
    """Add, remove, promote, demote. `everywhere`: remove from all groups of the community."""
    attrs: dict[str, Attr] = {"linked_groups": "true"} if everywhere else {}
    return iq.set(XMLNS, Node(act, attrs, [_named(person) for person in people]), to=group)


def _named(person: Person) -> Node:
    attrs: dict[str, Attr] = {"jid": person.jid}
    if person.pn is not None and person.jid.is_lid:
        attrs["phone_number"] = person.pn
    return Node("participant", attrs, [Node("privacy", {}, person.token)] if person.token else None)


def parse_outcomes(reply: Node, act: str) -> tuple[Outcome, ...]:
    """One result for each person."""
    return tuple(_outcome(node) for node in reply.need(act).all("participant") if bare(node, "jid"))


def _outcome(node: Node) -> Outcome:
    person = groups.participant(node)
    assert person is not None
    code, request = person.error or 200, node.child("add_request")
    waiting = node.child("membership_approval_request")
    invite = None
    if request is not None and request.text("code"):
        invite = Invite(code=request.text("code"), expires_at=request.number("expiration"))
    return Outcome(
        jid=person.jid,
        pn=person.pn,
        code=200 if code == 304 else code,
        invite=invite,
        pending=waiting is not None,
    )


def leave(group: Jid) -> Node:
    """Leave."""
    return iq.set(XMLNS, Node("leave", {}, [Node("group", {"id": group})]), to=GROUP_SERVER)


def leave_community(community: Jid) -> Node:
    """Leave a community with all of its groups."""
    gone = Node("linked_groups", {"parent_group_jid": community})
    return iq.set(XMLNS, Node("leave", {}, [gone]), to=GROUP_SERVER)


def parse_left(reply: Node) -> int:
    """The error code of leaving one group; 0 is done."""
    left = reply.child("leave")
    return max((node.number("error") for node in left.children), default=0) if left else 0


# --- doors --------------------------------------------------------------------------------------------------------------


def invite_link(group: Jid) -> Node:
    """The invite link's code."""
    return iq.get(XMLNS, Node("invite"), to=group)


def reset_link(group: Jid) -> Node:
    """A new code; the old one is dead."""
    return iq.set(XMLNS, Node("invite"), to=group)


def parse_code(reply: Node) -> str:
    """The code of a link."""
    code = reply.need("invite").text("code")
    if not code:
        raise BadNode("<invite> has no code")
    return code


def link_info(code: str) -> Node:
    """What a link leads to."""
    return iq.get(XMLNS, Node("invite", {"code": code}), to=GROUP_SERVER)


def join(code: str) -> Node:
    """Join by a link."""
    return iq.set(XMLNS, Node("invite", {"code": code}), to=GROUP_SERVER)


def parse_joined(reply: Node) -> Joined:
    """In, or waiting."""
    waiting = reply.child("membership_approval_request")
    if waiting is not None:
        return Joined(group=groups.group_jid(waiting), pending=True)
    found = reply.child("group") or reply.child("community")
    if found is None:
        raise BadNode("the answer names no group")
    return Joined(group=groups.group_jid(found), pending=False)


def personal_info(group: Jid, invite: Invite, admin: Jid) -> Node:
    """What a personal invitation leads to."""
    return iq.get(XMLNS, Node("query", {}, [Node("add_request", _personal(invite, admin))]), to=group)


def accept(group: Jid, invite: Invite, admin: Jid) -> Node:
    """Take up a personal invitation."""
    return iq.set(XMLNS, Node("accept", _personal(invite, admin)), to=group)


def _personal(invite: Invite, admin: Jid) -> dict[str, Attr]:
    return {"code": invite.code, "expiration": str(invite.expires_at), "admin": admin}


def revoke_invites(group: Jid, people: Sequence[Person]) -> Node:
    """Take personal invitations back."""
    return iq.set(XMLNS, Node("revoke", {}, [_named(person) for person in people]), to=group)


def join_requests(group: Jid) -> Node:
    """Who waits."""
    return iq.get(XMLNS, Node("membership_approval_requests"), to=group)


def parse_requests(reply: Node) -> tuple[JoinRequest, ...]:
    """Who waits."""
    found = reply.need("membership_approval_requests")
    return tuple(
        JoinRequest(
            jid=jid,
            pn=bare(node, "phone_number") if jid.is_lid else jid,
            requested_at=number(node, "request_time"),
            method=node.text("request_method"),
        )
        for node in found.all("membership_approval_request")
        if (jid := bare(node, "jid")) is not None
    )


def decide(group: Jid, decision: Decision, people: Sequence[Person]) -> Node:
    """Let people in, or not."""
    inner = Node(decision, {}, [_named(person) for person in people])
    return iq.set(XMLNS, Node("membership_requests_action", {}, [inner]), to=group)


def parse_decided(reply: Node, decision: Decision) -> tuple[Outcome, ...]:
    """One result for each person."""
    return parse_outcomes(reply.need("membership_requests_action"), decision)


# --- communities --------------------------------------------------------------------------------------------------------


def link(community: Jid, members: Sequence[Jid]) -> Node:
    """Groups become part of a community."""
    named = [Node("group", {"jid": jid}) for jid in members]
    inner = Node("link", {"link_type": "sub_group"}, named)
    return iq.set(XMLNS, Node("links", {}, [inner]), to=community)


def parse_linked(reply: Node) -> dict[Jid, int]:
    """The code for each group; 200 is done."""
    found: dict[Jid, int] = {}
    links = reply.child("links") or reply
    for part in (*links.all("link"), *reply.all("unlink")):
        for node in part.all("group"):
            found[groups.group_jid(node)] = node.number("error") or 200
    return found


def unlink(community: Jid, member: Jid, *, remove_members: bool = False) -> Node:
    """A group leaves its community. `remove_members`: those who are nowhere else in it go too."""
    attrs: dict[str, Attr] = {"jid": member}
    if remove_members:
        attrs["remove_orphaned_members"] = "true"
    return iq.set(XMLNS, Node("unlink", {"unlink_type": "sub_group"}, [Node("group", attrs)]), to=community)


def sub_groups(community: Jid) -> Node:
    """The groups of a community."""
    return iq.get(XMLNS, Node("sub_groups"), to=community)


def parse_sub_groups(reply: Node) -> tuple[SubGroup, ...]:
    """The groups of a community."""
    return tuple(
        SubGroup(
            jid=groups.group_jid(node),
            subject=node.text("subject"),
            size=number(node, "size"),
            announcement_group=node.child("default_sub_group") is not None,
        )
        for node in reply.need("sub_groups").all("group")
    )


def community_members(community: Jid) -> Node:
    """Everybody in any group of a community."""
    return iq.get(XMLNS, Node("linked_groups_participants"), to=community)


def parse_community_members(reply: Node) -> tuple[Participant, ...]:
    """Listed directly, or group by group."""
    found = reply.need("linked_groups_participants")
    everyone = [
        *groups.participants(found),
        *(p for part in found.all("group") for p in groups.participants(part)),
    ]
    return tuple({person.jid: person for person in everyone}.values())


def join_sub_group(community: Jid, member: Jid) -> Node:
    """Join a group of a community that we are in."""
    return iq.set(XMLNS, Node("join_linked_group", {"jid": member, "type": "sub_group"}), to=community)


def dissolve(community: Jid) -> Node:
    """End a community; its groups live on."""
    return iq.set(XMLNS, Node("delete_parent"), to=community)
