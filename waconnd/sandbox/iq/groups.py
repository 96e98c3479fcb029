"""Groups and communities: what members ask and change (reference 04, 4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from protocol.jid import GROUP_SERVER, Jid
from protocol.node import Attr, Node
from waconnd.sandbox import rooms
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.iq import members
from waconnd.sandbox.rooms import announce, metadata
from waconnd.sandbox.state import Device, Group, Member

SUBJECT_LIMIT: Final = 100
DESCRIPTION_LIMIT: Final = 2048
#: Flags and the word that takes each of them back.
FLAGS: Final = {
    "announcement": "not_announcement",
    "locked": "unlocked",
    "no_frequently_forwarded": "frequently_forwarded_ok",
    "allow_admin_reports": "not_allow_admin_reports",
    "group_history": "no_group_history",
    "allow_non_admin_sub_group_creation": "not_allow_non_admin_sub_group_creation",
}
OFF: Final = {off: on for on, off in FLAGS.items()}
MODES: Final = frozenset(("admin_add", "all_member_add"))
LINKS: Final = frozenset(("admin_link", "all_member_link"))


def handle(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="w:g2"`."""
    _throttle(core, device)
    to = iq.jid("to")
    group = core.group(to)
    child = iq.children[0] if iq.children else Node("")
    if to == GROUP_SERVER or (to is not None and not to.user):
        found = SERVER_REQUESTS.get((iq.text("type"), child.tag))
        if found is None:
            raise Refused(400, "bad-request")
        return found(core, device, child)
    if group is None:
        raise Refused(404, "item-not-found")
    if iq.text("type") == "get":
        return _get(core, device, group, child)
    if child.tag == "accept":
        return [members.accept(core, device, group, child)]
    _member(device, group)
    answers: list[Node] = []
    for change in iq.children:
        answers += _set(core, device, group, change)
    return answers


def _throttle(core: Core, device: Device) -> None:
    limit = core.knobs.group_iqs_a_minute
    if not limit:
        return
    recent = core.group_iqs.setdefault(device.account.user, deque())
    while recent and recent[0] <= core.now - 60.0:
        recent.popleft()
    if len(recent) >= limit:
        raise Refused(429, "rate-overlimit", backoff=str(int(recent[0] + 60.0 - core.now) + 1))
    recent.append(core.now)


def _member(device: Device, group: Group) -> Member:
    member = group.members.get(device.account.user)
    if member is None:
        raise Refused(403, "forbidden")
    return member


def _admin(device: Device, group: Group) -> None:
    if not _member(device, group).role:
        raise Refused(401, "not-authorized")


def _get(core: Core, device: Device, group: Group, child: Node) -> list[Node]:
    match child.tag:
        case "query":
            _member(device, group)
            return [metadata(group)]
        case "invite":
            if group.link_mode == "admin_link":
                _admin(device, group)
            return [Node("invite", {"code": group.invite})]
        case "membership_approval_requests":
            _admin(device, group)
            return [Node("membership_approval_requests", {}, members.requests(core, group))]
        case "sub_groups":
            return [Node("sub_groups", {}, [metadata(sub) for sub in rooms.subgroups(core, group)])]
        case "linked_groups_participants":
            everyone = {u: m for sub in rooms.subgroups(core, group) for u, m in sub.members.items()}
            found = [rooms.participant(group, member) for member in everyone.values()]
            return [Node("linked_groups_participants", {}, list(found))]
    raise Refused(400, "bad-request")


def _set(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    tag = change.tag
    if tag in members.CHANGES:
        return [members.CHANGES[tag](core, device, group, change)]
    if tag in SETTINGS:
        if "locked" in group.flags or tag not in ("subject", "description"):
            _admin(device, group)
        return SETTINGS[tag](core, device, group, change)
    if tag in FLAGS or tag in OFF:
        _admin(device, group)
        if tag in FLAGS:
            group.flags.add(tag)
        else:
            group.flags.discard(OFF[tag])
        announce(core, group, device, Node(tag))
        return []
    raise Refused(400, "bad-request")


def _subject(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    text = change.content_text()
    if len(text) > SUBJECT_LIMIT:
        raise Refused(406, "not-acceptable")
    group.subject, group.subject_at, group.subject_by = text, int(core.now), device.account
    attrs: dict[str, Attr] = {"subject": text, "s_t": core.seconds, "s_o": device.account.named(group.server)}
    announce(core, group, device, Node("subject", attrs))
    return []


def _description(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    if change.text("prev") != group.description_id and (
        group.description_id or change.text("prev") not in ("", "none")
    ):
        raise Refused(409, "conflict")
    if change.text("delete") == "true":
        group.description, group.description_id = None, change.text("id")
        announce(core, group, device, Node("description", {"id": group.description_id}, [Node("delete")]))
        return []
    text = change.need("body").content_text()
    if len(text) > DESCRIPTION_LIMIT:
        raise Refused(406, "not-acceptable")
    group.description, group.description_id = text, change.text("id")
    group.description_at, group.description_by = int(core.now), device.account
    body = [Node("body", {}, text)]
    announce(core, group, device, Node("description", {"id": group.description_id}, body))
    return []


def _ephemeral(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    group.expiration = change.number("expiration") if change.tag == "ephemeral" else 0
    announce(
        core,
        group,
        device,
        Node(change.tag, {"expiration": str(group.expiration)} if group.expiration else {}),
    )
    return []


def _mode(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    text = change.content_text()
    if text not in (MODES if change.tag == "member_add_mode" else LINKS):
        raise Refused(406, "not-acceptable")
    if change.tag == "member_add_mode":
        group.add_mode = text
    else:
        group.link_mode = text
    announce(core, group, device, Node(change.tag, {}, text))
    return []


def _approval(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    state = next(iter(change.children), Node("group_join")).text("state", "off")
    group.approval = state == "on"
    announce(core, group, device, Node(change.tag, {}, [Node("group_join", {"state": state})]))
    return []


def _invite(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    group.invite = rooms.new_code(core)
    announce(core, group, device, Node("invite", {"code": group.invite}))
    return [Node("invite", {"code": group.invite})]


def _links(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    done = []
    for link in change.all("link"):
        for asked in link.all("group"):
            sub = core.group(asked.jid("jid"))
            attrs: dict[str, Attr] = {"jid": asked.attrs.get("jid", "")}
            if sub is None or not sub.is_admin(device.account):
                attrs["error"] = "404" if sub is None else "401"
            else:
                rooms.link(core, group, sub, device)
            done.append(Node("group", attrs))
    return [Node("links", {}, [Node("link", {"link_type": "sub_group"}, list(done))])]


def _unlink(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    for asked in change.all("group"):
        sub = core.group(asked.jid("jid"))
        if sub is not None and sub.parent == group.jid:
            rooms.unlink(core, group, sub, device)
    return [change]


def _delete_parent(core: Core, device: Device, group: Group, change: Node) -> list[Node]:
    for sub in rooms.subgroups(core, group):
        rooms.unlink(core, group, sub, device)
    announce(core, group, device, Node("delete", {"reason": "delete_parent"}))
    core.groups.pop(group.jid.user, None)
    return []


SETTINGS: Final[dict[str, Callable[[Core, Device, Group, Node], list[Node]]]] = {
    "subject": _subject,
    "description": _description,
    "ephemeral": _ephemeral,
    "not_ephemeral": _ephemeral,
    "member_add_mode": _mode,
    "member_link_mode": _mode,
    "membership_approval_mode": _approval,
    "invite": _invite,
    "links": _links,
    "unlink": _unlink,
    "delete_parent": _delete_parent,
}


def _create(core: Core, device: Device, asked: Node) -> list[Node]:
    subject = asked.text("subject")
    if len(subject) > SUBJECT_LIMIT:
        raise Refused(406, "not-acceptable")
    wanted = [core.account(child.jid("jid")) for child in asked.all("participant")]
    people = [account for account in wanted if account is not None]
    if len(people) + 1 > core.knobs.group_size:
        raise Refused(419, "resource-limit")
    flags = {child.tag for child in asked.children if child.tag in FLAGS or child.tag == "parent"}
    parent = asked.child("linked_parent")
    group = rooms.create(
        core, device.account, subject, people, flags=flags, parent=parent.jid("jid") if parent else None
    )
    for child in asked.children:
        match child.tag:
            case "ephemeral":
                group.expiration = child.number("expiration")
            case "member_add_mode":
                group.add_mode = child.content_text()
            case "membership_approval_mode":
                group.approval = any(join.text("state") == "on" for join in child.children)
            case "description":
                group.description = child.need("body").content_text()
                group.description_id = child.text("id")
                group.description_at, group.description_by = int(core.now), device.account
    rooms.announce_creation(core, group, device, key=asked.text("key"))
    return [metadata(group)]


def _participating(core: Core, device: Device, asked: Node) -> list[Node]:
    mine = [g for g in core.groups.values() if device.account.user in g.members]
    return [Node("groups", {}, [metadata(group) for group in mine])]


def _batch(core: Core, device: Device, asked: Node) -> list[Node]:
    found = []
    for child in asked.all("group"):
        group = core.group(child.jid("jid"))
        if group is None or device.account.user not in group.members:
            found.append(Node("group", {"id": child.text("jid"), "error": "404" if group is None else "403"}))
        else:
            found.append(metadata(group))
    return [Node("groups", {}, list(found))]


def _leave(core: Core, device: Device, asked: Node) -> list[Node]:
    done = []
    for child in asked.all("group"):
        text = child.attrs.get("id", "")
        jid = text if isinstance(text, Jid) else Jid(text.partition("@")[0], "g.us")
        group = core.group(jid)
        attrs: dict[str, Attr] = {"id": jid}
        if group is None or device.account.user not in group.members:
            attrs["error"] = "404"
        else:
            members.leave(core, device, group)
        done.append(Node("group", attrs))
    return [Node("leave", {}, list(done))]


def _by_code(core: Core, code: str) -> Group:
    for group in core.groups.values():
        if code and group.invite == code:
            return group
    raise Refused(406, "not-acceptable")


def _invite_info(core: Core, device: Device, asked: Node) -> list[Node]:
    return [metadata(_by_code(core, asked.text("code")))]


def _join(core: Core, device: Device, asked: Node) -> list[Node]:
    group = _by_code(core, asked.text("code"))
    return [members.join(core, device, group)]


SERVER_REQUESTS: Final[dict[tuple[str, str], Callable[[Core, Device, Node], list[Node]]]] = {
    ("set", "create"): _create,
    ("get", "participating"): _participating,
    ("get", "query"): _batch,
    ("set", "leave"): _leave,
    ("get", "invite"): _invite_info,
    ("set", "invite"): _join,
}
