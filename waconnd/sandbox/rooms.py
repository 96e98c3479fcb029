"""Groups as the server keeps them: their metadata node, who is told of a change, communities."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Final

from protocol.jid import LID, Jid
from protocol.node import Attr, Node
from waconnd.sandbox.core import Core
from waconnd.sandbox.state import Account, Device, Group, Member, group_jid

#: Bytes behind an invite code of 22 characters.
CODE_BYTES: Final = 16


def new_code(core: Core) -> str:
    """An invite code."""
    return urlsafe_b64encode(core.random(CODE_BYTES)).decode().rstrip("=")


def create(
    core: Core,
    creator: Account,
    subject: str,
    people: Iterable[Account],
    *,
    flags: set[str] | None = None,
    parent: Jid | None = None,
    addressing: str = LID,
) -> Group:
    """A new group; a community gets its announcement group at once."""
    now = int(core.now)
    jid = group_jid(f"120363{core.random.below(10**12):012d}")
    group = Group(jid, subject, creator, now, addressing, subject_at=now, subject_by=creator)
    group.flags |= flags or set()
    group.invite = new_code(core)
    group.parent = parent
    group.members[creator.user] = Member(creator, "superadmin", now)
    for account in people:
        if account is not creator:
            group.members[account.user] = Member(account, "", now)
    core.groups[jid.user] = group
    if "parent" in group.flags:
        create(core, creator, subject, people, flags={"announcement", "default_sub_group"}, parent=jid)
    return group


def participant(group: Group, member: Member) -> Node:
    """A member as metadata and notifications show it."""
    account = member.account
    attrs: dict[str, Attr] = {"jid": account.named(group.server)}
    if group.server == LID:
        attrs["phone_number"] = account.pn
    else:
        attrs["lid"] = account.lid
    if member.role:
        attrs["type"] = member.role
    return Node("participant", attrs)


def metadata(group: Group) -> Node:
    """`<group>` in full."""
    attrs: dict[str, Attr] = {
        "id": group.jid.user,
        "subject": group.subject,
        "s_t": str(group.subject_at),
        "creation": str(group.created),
        "creator": group.creator.named(group.server),
        "addressing_mode": group.addressing_mode,
        "size": str(len(group.members)),
        "p_v_id": str(group.version),
        "a_v_id": str(group.version),
    }
    if group.server == LID:
        attrs["creator_pn"] = group.creator.pn
    if group.subject_by is not None:
        attrs["s_o"] = group.subject_by.named(group.server)
        if group.server == LID:
            attrs["s_o_pn"] = group.subject_by.pn
    children = [participant(group, member) for member in group.members.values()]
    if group.description is not None:
        told: dict[str, Attr] = {"id": group.description_id, "t": str(group.description_at)}
        if group.description_by is not None:
            told["participant"] = group.description_by.named(group.server)
        children.append(Node("description", told, [Node("body", {}, group.description)]))
    children += [Node(flag) for flag in sorted(group.flags)]
    if group.expiration:
        children.append(Node("ephemeral", {"expiration": str(group.expiration)}))
    if group.parent is not None:
        children.append(Node("linked_parent", {"jid": group.parent}))
    if group.approval:
        children.append(Node("membership_approval_mode", {}, [Node("group_join", {"state": "on"})]))
    children.append(Node("member_add_mode", {}, group.add_mode))
    children.append(Node("member_link_mode", {}, group.link_mode))
    return Node("group", attrs, children)


def announce(core: Core, group: Group, by: Device | None, change: Node, *, only_admins: bool = False) -> None:
    """`w:gp2` to every device of every member; the acting device gets its echo too."""
    _tell(core, group, by, change, [m for m in group.members.values() if m.role or not only_admins])


def _tell(core: Core, group: Group, by: Device | None, change: Node, members: Iterable[Member]) -> None:
    attrs: dict[str, Attr] = {"addressing_mode": group.addressing_mode}
    if by is not None:
        attrs["participant"] = by.account.named(group.server)
        if group.server == LID:
            attrs["participant_pn"] = by.account.pn
        attrs["notify"] = by.push_name or by.account.name
    for member in members:
        for device in member.account.devices.values():
            core.notify(device, "w:gp2", group.jid, [change], **attrs)


def announce_creation(core: Core, group: Group, by: Device, *, key: str = "") -> None:
    """Everybody is in a new group."""
    attrs: dict[str, Attr] = {"type": "new", "reason": "invite"}
    if key:
        attrs["key"] = key
    announce(core, group, by, Node("create", attrs, [metadata(group)]))


def enter(core: Core, group: Group, account: Account) -> Member:
    """Put somebody in."""
    group.members[account.user] = member = Member(account, "", int(core.now))
    group.requests.pop(account.user, None)
    group.left.pop(account.user, None)
    return member


def announce_arrival(core: Core, group: Group, by: Device, added: list[Member], *, reason: str = "") -> None:
    """`create` to who came, `add` to who was there."""
    group.version += 1
    attrs: dict[str, Attr] = {"prev_v_id": str(group.version - 1), "v_id": str(group.version)}
    if reason:
        attrs["reason"] = reason
    new = {member.account.user for member in added}
    old = [member for user, member in group.members.items() if user not in new]
    _tell(core, group, by, Node("add", attrs, [participant(group, member) for member in added]), old)
    _tell(core, group, by, Node("create", {"reason": reason or "invite"}, [metadata(group)]), added)


def subgroups(core: Core, community: Group) -> list[Group]:
    """The groups of a community."""
    return [group for group in core.groups.values() if group.parent == community.jid]


def link(core: Core, community: Group, sub: Group, by: Device) -> None:
    """A group becomes part of a community."""
    sub.parent = community.jid
    _structure(core, community, sub, by, "link")


def unlink(core: Core, community: Group, sub: Group, by: Device) -> None:
    """A group leaves its community."""
    sub.parent = None
    _structure(core, community, sub, by, "unlink")


def _structure(core: Core, community: Group, sub: Group, by: Device, change: str) -> None:
    for group, other, kind in ((sub, community, "parent_group"), (community, sub, "sub_group")):
        shown = Node("group", {"jid": other.jid, "subject": other.subject, "s_t": str(other.subject_at)})
        attrs: dict[str, Attr] = {f"{change}_type": kind}
        announce(core, group, by, Node(change, attrs, [shown]))
