"""Who is in a group: adding, removing, admins, join requests, personal invites (reference 04, 4.5 to 4.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.node import Attr, Node
from waconnd.sandbox import rooms
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.rooms import announce, participant
from waconnd.sandbox.state import Account, Device, Group, Member

#: Who left may not be added again for this long.
LEFT_SECONDS: Final = 300.0
#: Seconds that a personal invite is good for.
INVITE_SECONDS: Final = 259200


def _needs_admin(device: Device, group: Group) -> None:
    if not group.is_admin(device.account):
        raise Refused(401, "not-authorized")


def _each(core: Core, group: Group, change: Node, act: Callable[[Account], str]) -> list[Node]:
    """Apply to each named participant; a non-empty word is the error code."""
    done = []
    for asked in change.all("participant"):
        account = core.account(asked.jid("jid"))
        attrs: dict[str, Attr] = {"jid": asked.attrs.get("jid", "")}
        children: list[Node] = []
        if account is None:
            attrs["error"] = "404"
        else:
            error = act(account)
            if error:
                attrs["error"] = error
            if error == "403" and account.user in group.personal:
                code, expiry = group.personal[account.user]
                children.append(Node("add_request", {"code": code, "expiration": str(expiry)}))
            if group.addressing_mode == "lid":
                attrs["phone_number"] = account.pn
        done.append(Node("participant", attrs, children or None))
    return done


def add(core: Core, device: Device, group: Group, change: Node) -> Node:
    """Add people; each may be refused for reasons of its own."""
    if group.add_mode == "admin_add":
        _needs_admin(device, group)
    added: list[Member] = []

    def act(account: Account) -> str:
        if account.user in group.members:
            return "409"
        if device.account.user in account.blocked:
            return "401"
        if core.now - group.left.get(account.user, -LEFT_SECONDS) < LEFT_SECONDS:
            return "408"
        if len(group.members) >= core.knobs.group_size:
            return "419"
        rule = account.privacy["groupadd"]
        if rule == "none" or (rule != "all" and device.account.user not in account.contacts):
            group.personal[account.user] = (rooms.new_code(core), int(core.now) + INVITE_SECONDS)
            return "403"
        added.append(rooms.enter(core, group, account))
        return ""

    answer = Node("add", {}, _each(core, group, change, act))
    if added:
        rooms.announce_arrival(core, group, device, added)
    return answer


def remove(core: Core, device: Device, group: Group, change: Node) -> Node:
    """Remove people."""
    _needs_admin(device, group)
    gone: list[Member] = []

    def act(account: Account) -> str:
        member = group.members.get(account.user)
        if member is None:
            return "404"
        if member.role == "superadmin":
            return "406"
        gone.append(member)
        return ""

    answer = Node("remove", {}, _each(core, group, change, act))
    if gone:
        group.version += 1
        attrs: dict[str, Attr] = {"prev_v_id": str(group.version - 1), "v_id": str(group.version)}
        announce(core, group, device, Node("remove", attrs, [participant(group, m) for m in gone]))
        for member in gone:
            group.members.pop(member.account.user, None)
    return answer


def _role(core: Core, device: Device, group: Group, change: Node) -> Node:
    _needs_admin(device, group)
    changed: list[Member] = []

    def act(account: Account) -> str:
        member = group.members.get(account.user)
        if member is None:
            return "404"
        if member.role == "superadmin":
            return "406"
        member.role = "admin" if change.tag == "promote" else ""
        changed.append(member)
        return ""

    answer = Node(change.tag, {}, _each(core, group, change, act))
    if changed:
        announce(core, group, device, Node(change.tag, {}, [participant(group, m) for m in changed]))
    return answer


def leave(core: Core, device: Device, group: Group) -> None:
    """Leave on one's own."""
    member = group.members[device.account.user]
    group.version += 1
    attrs: dict[str, Attr] = {"prev_v_id": str(group.version - 1), "v_id": str(group.version)}
    announce(core, group, device, Node("remove", attrs, [participant(group, member)]))
    del group.members[device.account.user]
    group.left[device.account.user] = core.now
    if group.members and not any(m.role for m in group.members.values()):
        # Somebody must be able to run it.
        next(iter(group.members.values())).role = "admin"


def join(core: Core, device: Device, group: Group) -> Node:
    """By invite link."""
    account = device.account
    if account.user in group.members:
        raise Refused(304, "already-exists")
    if len(group.members) >= core.knobs.group_size:
        raise Refused(419, "resource-limit")
    if group.approval:
        group.requests[account.user] = int(core.now)
        asks = Node("membership_approval_request", {"request_method": "invite_link"})
        announce(core, group, device, asks, only_admins=True)
        return Node("membership_approval_request", {"jid": group.jid})
    rooms.announce_arrival(core, group, device, [rooms.enter(core, group, account)], reason="invite")
    return Node("group", {"jid": group.jid})


def requests(core: Core, group: Group) -> list[Node]:
    """Who asks to join."""
    found = []
    for user, since in group.requests.items():
        account = core.accounts[user]
        attrs: dict[str, Attr] = {
            "jid": account.named(group.server),
            "phone_number": account.pn,
            "request_time": str(since),
            "request_method": "invite_link",
        }
        found.append(Node("membership_approval_request", attrs))
    return found


def _decide(core: Core, device: Device, group: Group, change: Node) -> Node:
    _needs_admin(device, group)
    answers: list[Node] = []
    for verdict in change.children:
        added: list[Member] = []

        def act(account: Account, verdict: Node = verdict, added: list[Member] = added) -> str:
            if group.requests.pop(account.user, None) is None:
                return "404"
            if verdict.tag == "approve":
                added.append(rooms.enter(core, group, account))
            return ""

        answers.append(Node(verdict.tag, {}, _each(core, group, verdict, act)))
        if added:
            rooms.announce_arrival(core, group, device, added)
    return Node("membership_requests_action", {}, answers)


def accept(core: Core, device: Device, group: Group, change: Node) -> Node:
    """A personal invite is taken up; whoever does it is no member yet."""
    code, expiry = group.personal.get(device.account.user, ("", 0))
    if not code or code != change.text("code"):
        raise Refused(406, "not-acceptable")
    if expiry < core.now:
        raise Refused(410, "gone")
    del group.personal[device.account.user]
    rooms.announce_arrival(core, group, device, [rooms.enter(core, group, device.account)], reason="accept")
    return Node("group", {"jid": group.jid})


def _revoke(core: Core, device: Device, group: Group, change: Node) -> Node:
    _needs_admin(device, group)

    def act(account: Account) -> str:
        return "" if group.personal.pop(account.user, None) else "404"

    return Node("revoke", {}, _each(core, group, change, act))


CHANGES: Final[dict[str, Callable[[Core, Device, Group, Node], Node]]] = {
    "add": add,
    "remove": remove,
    "promote": _role,
    "demote": _role,
    "membership_requests_action": _decide,
    "revoke": _revoke,
}
