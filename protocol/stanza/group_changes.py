"""`<notification type="w:gp2">`: what changed in a group, every child of it, in order (reference 04, 4.11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from protocol.jid import Jid
from protocol.node import Node
from protocol.stanza import groups
from protocol.stanza.groups import Group, Participant, bare, number

Op = Literal["add", "remove", "promote", "demote"]


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """People came, went, or have another role."""

    op: Op
    people: tuple[Participant, ...]
    reason: str = ""
    #: They went on their own.
    left: bool = False
    before: str = ""
    version: str = ""


class Renumbered(msgspec.Struct, frozen=True, kw_only=True):
    """A participant has another number: the author is the new one."""

    people: tuple[Participant, ...]


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """We are in this group now."""

    group: Group
    reason: str = ""
    #: What we named our own creation with.
    creation_key: str = ""
    new: bool = False


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """It has another name."""

    subject: str
    at: int | None = None
    by: Jid | None = None
    by_pn: Jid | None = None


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """It says something else of itself; None: nothing any more."""

    id: str
    text: str | None


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One of the settings of `groups.Settings`, by its name there; others by their tag."""

    name: str
    value: bool | int | str
    trigger: int | None = None
    version: str = ""


class InviteReset(msgspec.Struct, frozen=True, kw_only=True):
    """There is a new invite link; the old one is dead."""

    code: str


class InvitesRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """Personal invites are taken back."""

    people: tuple[Participant, ...]


class JoinRequested(msgspec.Struct, frozen=True, kw_only=True):
    """People ask to join."""

    method: str
    people: tuple[Participant, ...]
    parent: Jid | None = None


class JoinWithdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """Requests are gone: taken back by those who asked, or rejected."""

    people: tuple[Participant, ...]
    by_requester: bool


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """Groups became part of a community, or no longer are."""

    on: bool
    #: parent_group, sub_group or sibling_group: what the named groups are to this one.
    kind: str
    groups: tuple[LinkedGroup, ...]
    reason: str = ""


class LinkedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group that another one's change names."""

    jid: Jid
    subject: str = ""
    subject_at: int | None = None
    announcement_group: bool = False


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """The group is gone."""

    reason: str = ""


class Incomplete(msgspec.Struct, frozen=True, kw_only=True):
    """The server could not say everything: ask for the group."""

    tag: str


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """Known, and of no use to us."""

    tag: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody knows this one yet."""

    tag: str


Change = (
    Members | Renumbered | Created | Subject | Described | Setting | InviteReset | InvitesRevoked
    | JoinRequested | JoinWithdrawn | Linked | Deleted | Incomplete | Ignored | Unknown
)  # fmt: skip


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one notification says. `author` is absent when the server itself acted."""

    id: str
    group: Jid
    at: int
    addressing: str = ""
    author: Jid | None = None
    author_pn: Jid | None = None
    #: The author's own name for themselves.
    author_name: str = ""
    changes: tuple[Change, ...] = ()


def parse(node: Node) -> Notice:
    """Read a notification."""
    notice = Notice(
        id=node.text("id"),
        group=node.need_jid("from").bare,
        at=node.number("t"),
        addressing=node.text("addressing_mode"),
        author=bare(node, "participant"),
        author_pn=bare(node, "participant_pn"),
        author_name=node.text("notify"),
    )
    changes = tuple(_change(notice, child) for child in node.children)
    return msgspec.structs.replace(notice, changes=changes)


def dirty_groups(node: Node) -> tuple[Jid, ...]:
    """From the group server itself: groups that changed while it could not say how."""
    return tuple(
        jid for part in node.all("groups_dirty") for named in part.all("group") if (jid := bare(named, "jid"))
    )


def _change(notice: Notice, node: Node) -> Change:
    if node.tag in _FLAGS:
        name, value = _FLAGS[node.tag]
        return Setting(name=name, value=value, version=node.text("v_id"))
    if node.tag in _MODES:
        return Setting(name=_MODES[node.tag], value=node.content_text(), version=node.text("v_id"))
    reader = _READERS.get(node.tag)
    return reader(notice, node) if reader is not None else Unknown(tag=node.tag)


def _members(notice: Notice, node: Node) -> Change:
    op: Op = "remove" if node.tag == "leave" else node.tag  # type: ignore[assignment]
    people = groups.participants(node)
    own = {notice.author, notice.author_pn} - {None}
    return Members(
        op=op,
        people=people,
        reason=node.text("reason"),
        left=op == "remove" and bool(people) and all({one.jid, one.lid, one.pn} & own for one in people),
        before=node.text("prev_v_id"),
        version=node.text("v_id"),
    )


def _linked_roles(notice: Notice, node: Node) -> Change:
    op: Op = "promote" if node.tag == "linked_group_promote" else "demote"
    return Members(op=op, people=groups.participants(node), reason=node.tag, version=node.text("v_id"))


def _created(notice: Notice, node: Node) -> Change:
    group = node.child("group") or node.child("community")
    if group is None:
        return Incomplete(tag=node.tag)
    return Created(
        group=groups.read(group, addressing=notice.addressing),
        reason=node.text("reason"),
        creation_key=node.text("key"),
        new=node.text("type") == "new",
    )


def _subject(notice: Notice, node: Node) -> Change:
    return Subject(
        subject=node.text("subject") or node.content_text(),
        at=number(node, "s_t"),
        by=bare(node, "s_o"),
        by_pn=bare(node, "s_o_pn"),
    )


def _description(notice: Notice, node: Node) -> Change:
    body = node.child("body")
    deleted = body is None or node.child("delete") is not None
    return Described(id=node.text("id"), text=None if deleted or body is None else body.content_text())


def _timer(notice: Notice, node: Node) -> Change:
    on = node.tag == "ephemeral"
    return Setting(
        name="timer_s",
        value=node.number("expiration") if on else 0,
        trigger=number(node, "trigger") if on else None,
    )


def _approval(notice: Notice, node: Node) -> Change:
    return Setting(name="approval", value=groups.approval(node))


def _growth(notice: Notice, node: Node) -> Change:
    return Setting(name="growth_locked", value=node.tag == "growth_locked")


def _limit_sharing(notice: Notice, node: Node) -> Change:
    return Setting(name="limit_sharing", value=True, trigger=number(node, "trigger"))


def _requested(notice: Notice, node: Node) -> Change:
    people = tuple(one for child in node.all("requested_user") if (one := groups.participant(child)))
    if not people and notice.author is not None:
        lid = notice.author if notice.author.is_lid else None
        pn = notice.author if notice.author.is_pn else notice.author_pn
        people = (Participant(jid=notice.author, lid=lid, pn=pn),)
    return JoinRequested(
        method=node.text("request_method"), people=people, parent=bare(node, "parent_group_jid")
    )


def _withdrawn(notice: Notice, node: Node) -> Change:
    people = groups.participants(node)
    own = {notice.author, notice.author_pn} - {None}
    return JoinWithdrawn(
        people=people, by_requester=bool(people) and all({one.jid, one.other} & own for one in people)
    )


def _linked(notice: Notice, node: Node) -> Change:
    named = tuple(
        LinkedGroup(
            jid=groups.group_jid(child),
            subject=child.text("subject"),
            subject_at=number(child, "s_t"),
            announcement_group=child.child("default_sub_group") is not None,
        )
        for child in node.all("group")
    )
    on = node.tag == "link"
    return Linked(
        on=on,
        kind=node.text("link_type" if on else "unlink_type"),
        groups=named,
        reason=node.text("unlink_reason"),
    )


#: Settings that are on or off: tag → the name in `groups.Settings`, and what the tag says.
_FLAGS: Final[dict[str, tuple[str, bool]]] = {
    "announcement": ("announce", True),
    "not_announcement": ("announce", False),
    "locked": ("locked", True),
    "unlocked": ("locked", False),
    "no_frequently_forwarded": ("no_frequently_forwarded", True),
    "frequently_forwarded_ok": ("no_frequently_forwarded", False),
    "allow_admin_reports": ("allow_admin_reports", True),
    "not_allow_admin_reports": ("allow_admin_reports", False),
    "group_history": ("group_history", True),
    "no_group_history": ("group_history", False),
    "allow_non_admin_sub_group_creation": ("members_may_add_groups", True),
    "not_allow_non_admin_sub_group_creation": ("members_may_add_groups", False),
    "suspended": ("suspended", True),
    "unsuspended": ("suspended", False),
}
_MODES: Final = {
    "member_add_mode": "add_mode",
    "member_link_mode": "link_mode",
    "member_share_group_history_mode": "history_mode",
}
_READERS: Final[dict[str, Callable[[Notice, Node], Change]]] = {
    "create": _created,
    "add": _members,
    "remove": _members,
    "leave": _members,
    "promote": _members,
    "demote": _members,
    "linked_group_promote": _linked_roles,
    "linked_group_demote": _linked_roles,
    "modify": lambda notice, node: Renumbered(people=groups.participants(node)),
    "subject": _subject,
    "description": _description,
    "ephemeral": _timer,
    "not_ephemeral": _timer,
    "invite": lambda notice, node: InviteReset(code=node.text("code")),
    "revoke": lambda notice, node: InvitesRevoked(people=groups.participants(node)),
    "membership_approval_mode": _approval,
    "membership_approval_request": _requested,
    "created_membership_requests": _requested,
    "revoked_membership_requests": _withdrawn,
    "growth_locked": _growth,
    "growth_unlocked": _growth,
    "limit_sharing_enabled": _limit_sharing,
    "link": _linked,
    "unlink": _linked,
    "delete": lambda notice, node: Deleted(reason=node.text("reason")),
    **dict.fromkeys(
        ("change_number", "missing_participant_identification"),
        lambda notice, node: Incomplete(tag=node.tag),
    ),
    **dict.fromkeys(
        (
            "created_sub_group_suggestion",
            "revoked_sub_group_suggestions",
            "auto_add_disabled",
            "is_capi_hosted_group",
            "group_safety_check",
            "reports",
        ),
        lambda notice, node: Ignored(tag=node.tag),
    ),
}
