"""A group's metadata: the `<group>` node, whoever sends it (reference 04, 4.1)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from protocol.jid import GROUP, Jid
from protocol.node import BadNode, Node, decimal

XMLNS: Final = "w:g2"
#: What an invite code is appended to.
LINK: Final = "https://chat.whatsapp.com/"
Role = Literal["member", "admin", "superadmin"]
ROLES: Final[dict[str, Role]] = {"admin": "admin", "superadmin": "superadmin"}
ON: Final = ("on", "true", "1")


class Participant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody in a group. `jid` is in the group's addressing."""

    jid: Jid
    lid: Jid | None = None
    pn: Jid | None = None
    role: Role = "member"
    #: A masked number, for those who hide theirs.
    display_name: str = ""
    label: str = ""
    #: Why this person is not in the group after all.
    error: int = 0

    @property
    def other(self) -> Jid | None:
        """The name of the other kind."""
        return self.pn if self.jid.is_lid else self.lid


class Description(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a group says of itself. The id is named when it is changed."""

    id: str
    text: str
    set_at: int | None = None
    set_by: Jid | None = None
    set_by_pn: Jid | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What admins decide."""

    #: Only admins write.
    announce: bool = False
    #: Only admins change subject, picture and description.
    locked: bool = False
    #: Seconds until messages disappear; 0 is never.
    timer_s: int = 0
    timer_trigger: int | None = None
    #: admin_add or all_member_add.
    add_mode: str = ""
    #: admin_link or all_member_link.
    link_mode: str = ""
    #: admin_share or all_member_share.
    history_mode: str = ""
    approval: bool = False
    no_frequently_forwarded: bool = False
    allow_admin_reports: bool = False
    group_history: bool = False
    limit_sharing: bool = False
    members_may_add_groups: bool = False


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that the server says of a group."""

    jid: Jid
    addressing: str
    subject: str = ""
    subject_at: int | None = None
    subject_by: Jid | None = None
    subject_by_pn: Jid | None = None
    created_at: int | None = None
    creator: Jid | None = None
    creator_pn: Jid | None = None
    creator_country: str = ""
    #: May be more than are listed.
    size: int | None = None
    #: Of the list of participants.
    version: str = ""
    description: Description | None = None
    settings: Settings = Settings()
    community: bool = False
    #: What new groups of this community ask of those who join.
    default_approval: str = ""
    parent: Jid | None = None
    #: The announcement group of its community.
    announcement_group: bool = False
    general_chat: bool = False
    hidden: bool = False
    incognito: bool = False
    suspended: bool = False
    #: Only id and size were sent: ask for the group itself.
    truncated: bool = False
    participants: tuple[Participant, ...] = ()
    #: Those whom the server did not let in.
    refused: tuple[Participant, ...] = ()


def parse(reply: Node) -> Group:
    """The answer to a question for one group."""
    node = _group_of(reply)
    asked = reply.jid("from")
    if asked is not None and asked.user and not node.text("id") and not node.text("jid"):
        node = Node(node.tag, {**node.attrs, "jid": asked}, node.content)
    return read(node, addressing=reply.text("addressing_mode"))


def _group_of(reply: Node) -> Node:
    # Some servers call it otherwise for communities.
    found = reply.child("group") or reply.child("community")
    if found is None:
        raise BadNode(f"<{reply.tag}> has no <group>")
    return found


def parse_list(reply: Node) -> tuple[Group, ...]:
    """The answer to `participating`, or to a batch; groups with an error are left out."""
    groups = reply.child("groups") or reply.child("communities")
    if groups is None:
        raise BadNode("the list of groups is missing")
    return tuple(
        read(node)
        for node in groups.children
        if node.tag in ("group", "community") and "error" not in node.attrs
    )


def read(node: Node, *, addressing: str = "") -> Group:
    """Read a `<group>`. `addressing`: what the stanza around it says, for those that say nothing themselves."""
    jid = group_jid(node)
    everyone = participants(node)
    mode = node.text("addressing_mode") or addressing
    if mode not in ("lid", "pn"):
        mode = "lid" if everyone and everyone[0].jid.is_lid else "pn"
    parent, linked = node.child("parent"), node.child("linked_parent")
    return Group(
        jid=jid,
        addressing=mode,
        subject=node.text("subject"),
        subject_at=number(node, "s_t"),
        subject_by=bare(node, "s_o"),
        subject_by_pn=bare(node, "s_o_pn"),
        created_at=number(node, "creation"),
        creator=bare(node, "creator"),
        creator_pn=bare(node, "creator_pn"),
        creator_country=node.text("creator_country_code"),
        size=number(node, "size"),
        version=node.text("p_v_id"),
        description=_description(node),
        settings=_settings(node),
        community=parent is not None,
        default_approval=parent.text("default_membership_approval_mode") if parent else "",
        parent=linked.jid("jid") if linked else None,
        announcement_group=node.child("default_sub_group") is not None,
        general_chat=node.child("general_chat") is not None,
        hidden=node.child("hidden_group") is not None,
        incognito=node.child("incognito") is not None,
        suspended=node.child("suspended") is not None,
        truncated=node.text("truncated") in ON,
        participants=tuple(one for one in everyone if not one.error),
        refused=tuple(one for one in everyone if one.error),
    )


def group_jid(node: Node) -> Jid:
    """The address of a `<group>`: a whole one, or only its user part."""
    jid = node.jid("id") or node.jid("jid")
    if jid is None:
        user = node.text("id") or node.text("jid")
        if not user or "@" in user:
            raise BadNode("<group> has no id")
        return Jid(user, GROUP)
    return jid.bare


def participants(node: Node) -> tuple[Participant, ...]:
    """Everybody that a group, a change or an answer lists."""
    return tuple(found for child in node.all("participant") if (found := participant(child)) is not None)


def participant(node: Node) -> Participant | None:
    """One of them; None without an address."""
    jid = bare(node, "jid")
    if jid is None:
        return None
    error = node.text("error")
    inner = node.child("error")
    code = number(node, "error") if error else (inner.number("code") if inner else 0)
    return Participant(
        jid=jid,
        lid=jid if jid.is_lid else bare(node, "lid"),
        pn=jid if jid.is_pn else bare(node, "phone_number"),
        role=ROLES.get(node.text("type"), "member"),
        display_name=node.text("display_name"),
        label=node.text("participant_label"),
        error=code or (500 if error or inner else 0),
    )


def _description(node: Node) -> Description | None:
    found = node.child("description")
    body = found.child("body") if found is not None else None
    if found is None or body is None:
        return None
    return Description(
        id=found.text("id"),
        text=body.content_text(),
        set_at=number(found, "t"),
        set_by=bare(found, "participant"),
        set_by_pn=bare(found, "participant_pn"),
    )


def _settings(node: Node) -> Settings:
    timer = node.child("ephemeral")
    return Settings(
        announce=node.child("announcement") is not None,
        locked=node.child("locked") is not None,
        timer_s=timer.number("expiration") if timer else 0,
        timer_trigger=number(timer, "trigger") if timer else None,
        add_mode=_word(node, "member_add_mode"),
        link_mode=_word(node, "member_link_mode"),
        history_mode=_word(node, "member_share_group_history_mode"),
        approval=approval(node.child("membership_approval_mode")),
        no_frequently_forwarded=node.child("no_frequently_forwarded") is not None,
        allow_admin_reports=node.child("allow_admin_reports") is not None,
        group_history=node.child("group_history") is not None,
        limit_sharing=node.child("limit_sharing_enabled") is not None,
        members_may_add_groups=node.child("allow_non_admin_sub_group_creation") is not None,
    )


def approval(mode: Node | None) -> bool:
    """Whether `<membership_approval_mode>` says on. That the element is there says nothing."""
    return mode is not None and any(
        child.text("state") in ON for child in mode.children if child.tag in ("group_join", "community_join")
    )


def _word(node: Node, tag: str) -> str:
    child = node.child(tag)
    return child.content_text() if child is not None else ""


def bare(node: Node, name: str) -> Jid | None:
    """An address without device."""
    jid = node.jid(name)
    return jid.bare if jid is not None and jid.user else None


def number(node: Node, name: str) -> int | None:
    """A number, or nothing when it is absent or none."""
    found = decimal(node.text(name))
    return found if found is not None and found >= 0 else None
