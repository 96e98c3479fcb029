"""Every vector of group_stanzas.json, through our readers, in the neutral form of the file."""

from typing import Any

import pytest

from protocol.effects import Ask
from protocol.errors import IqError, RemoteProtocolError
from protocol.node import Node
from protocol.stanza import group_changes, group_requests, groups
from protocol.stanza.group_changes import (
    Created,
    Deleted,
    Described,
    InviteReset,
    InvitesRevoked,
    JoinRequested,
    JoinWithdrawn,
    Linked,
    Members,
    Renumbered,
    Setting,
    Subject,
)
from protocol.stanza.groups import Group, Participant
from tests.support.plain_node import from_plain, to_plain
from tests.support.vectors import case_name, load

pytestmark = pytest.mark.vectors
VECTORS = load("group_stanzas")
#: Our names of settings → those of the file.
SETTINGS = {
    "add_mode": "member_add_mode",
    "link_mode": "member_link_mode",
    "approval": "join_approval",
    "timer_s": "ephemeral",
}


def text(value: Any) -> str | None:
    return str(value) if value is not None else None


def person(one: Participant) -> dict[str, Any]:
    return {"jid": str(one.jid), "phone_number": text(one.pn)}


def neutral_group(group: Group) -> dict[str, Any]:
    held, said = group.settings, group.description
    return {
        "jid": str(group.jid),
        "subject": group.subject,
        "creation": group.created_at,
        "creator": text(group.creator),
        "creator_pn": text(group.creator_pn),
        "creator_country_code": group.creator_country or None,
        "subject_set_at": group.subject_at,
        "subject_set_by": text(group.subject_by),
        "subject_set_by_pn": text(group.subject_by_pn),
        "size": group.size,
        "addressing_mode": group.addressing,
        "announce": held.announce,
        "locked": held.locked,
        "ephemeral": held.timer_s,
        "ephemeral_trigger": held.timer_trigger,
        "member_add_mode": held.add_mode or None,
        "member_link_mode": held.link_mode or None,
        "join_approval": held.approval,
        "is_community": group.community,
        "default_membership_approval_mode": group.default_approval or None,
        "linked_parent": text(group.parent),
        "is_default_subgroup": group.announcement_group,
        "is_general_chat": group.general_chat,
        "is_incognito": group.incognito,
        "suspended": group.suspended,
        "no_frequently_forwarded": held.no_frequently_forwarded,
        "description": None
        if said is None
        else {
            "id": said.id,
            "text": said.text,
            "set_at": said.set_at,
            "set_by": text(said.set_by),
            "set_by_pn": text(said.set_by_pn),
        },
        "participants": [
            {
                "jid": str(one.jid),
                "lid": text(one.lid),
                "phone_number": text(one.pn),
                "role": one.role,
                "display_name": one.display_name or None,
            }
            for one in group.participants
        ],
    }


def neutral_change(change: group_changes.Change) -> dict[str, Any]:
    match change:
        case Members():
            out: dict[str, Any] = {
                "kind": f"participants_{change.op}",
                "participants": [person(one) for one in change.people],
                "prev_version": change.before or None,
                "version": change.version or None,
            }
            if change.op in ("add", "remove"):
                out["reason"] = change.reason or None
            if change.op == "remove":
                out["left"] = change.left
            return out
        case Setting(name="timer_s"):
            return {"kind": "ephemeral", "seconds": change.value, "trigger": change.trigger}
        case Setting(name="add_mode" | "link_mode"):
            return {"kind": SETTINGS[change.name], "mode": change.value}
        case Setting():
            known = {"kind": SETTINGS.get(change.name, change.name), "value": change.value}
            return known | ({"version": change.version} if change.version else {})
        case Subject():
            by = {"set_by": text(change.by), "set_by_pn": text(change.by_pn)}
            return {"kind": "subject", "subject": change.subject, "set_at": change.at, **by}
        case Described():
            gone = change.text is None
            return {"kind": "description", "id": change.id, "text": change.text, "deleted": gone}
        case InviteReset():
            return {"kind": "invite_code", "code": change.code}
        case InvitesRevoked():
            return {"kind": "invites_revoked", "participants": [person(one) for one in change.people]}
        case JoinRequested():
            users = [person(one) for one in change.people]
            return {"kind": "join_requests_created", "method": change.method, "users": users}
        case JoinWithdrawn():
            users = [str(one.jid) for one in change.people]
            return {
                "kind": "join_requests_revoked",
                "users": users,
                "by_requester": change.by_requester,
            }
        case Linked():
            word = "link" if change.on else "unlink"
            group = {
                "jid": str(change.groups[0].jid),
                "subject": change.groups[0].subject,
                "subject_set_at": change.groups[0].subject_at,
                "is_default_subgroup": change.groups[0].announcement_group,
            }
            reason = {} if change.on else {"reason": change.reason or None}
            return {"kind": word, f"{word}_type": change.kind, "group": group, **reason}
        case Created():
            return {
                "kind": "create",
                "group": neutral_group(change.group),
                "reason": change.reason or None,
                "key": change.creation_key or None,
            }
        case Deleted():
            return {"kind": "delete", "reason": change.reason or None}
        case Renumbered():
            return {"kind": "modify", "participants": [person(one) for one in change.people]}
    return {"kind": "unknown", "tag": change.tag}


def accepted(run: Any, expect: Any) -> bool:
    """A negative vector must be refused."""
    if not (isinstance(expect, dict) and ("error" in expect or expect.get("valid") is False)):
        return False
    with pytest.raises((IqError, RemoteProtocolError)) as caught:
        run()
    error = expect.get("error")
    if isinstance(error, dict) and isinstance(caught.value, IqError):
        assert (caught.value.code, caught.value.text) == (error["code"], error["text"])
    return True


@pytest.mark.parametrize("case", VECTORS["metadata"], ids=case_name)
def test_metadata(case: dict[str, Any]) -> None:
    ask = Ask(Node("iq"), groups.parse)
    reply = from_plain(case["node"])
    if not accepted(lambda: ask.parse(reply), case["expect"]):
        assert neutral_group(ask.parse(reply)) == case["expect"]


@pytest.mark.parametrize("case", VECTORS["notifications"], ids=case_name)
def test_notification(case: dict[str, Any]) -> None:
    node, expect = from_plain(case["node"]), case["expect"]
    if accepted(lambda: group_changes.parse(node), expect):
        return
    notice = group_changes.parse(node)
    assert {
        "group": str(notice.group),
        "author": text(notice.author),
        "author_pn": text(notice.author_pn),
        "timestamp": notice.at,
        "changes": [neutral_change(change) for change in notice.changes],
    } == expect


def joined(reply: Node) -> dict[str, Any]:
    found = group_requests.parse_joined(reply)
    return {"group": str(found.group), "pending_approval": found.pending}


def outcomes(act: str, reply: Node) -> list[dict[str, Any]]:
    out = []
    for one in group_requests.parse_outcomes(reply, act):
        told: dict[str, Any] = {"jid": str(one.jid), "phone_number": text(one.pn), "code": one.code}
        if one.invite is not None:
            told["invite"] = {"code": one.invite.code, "expiration": one.invite.expires_at}
        out.append(told)
    return out


def requests(reply: Node) -> list[dict[str, Any]]:
    return [
        {
            "jid": str(one.jid),
            "phone_number": text(one.pn),
            "requested_at": one.requested_at,
            "method": one.method,
        }
        for one in group_requests.parse_requests(reply)
    ]


def answer(request: Node, reply: Node) -> Any:
    """What we make of the answer to such a request."""
    asked = request.children[0]
    if asked.tag in ("add", "remove", "promote", "demote"):
        return outcomes(asked.tag, reply)
    if asked.tag == "invite" and asked.text("code"):
        return joined(reply) if request.text("type") == "set" else neutral_group(groups.parse(reply))
    if asked.tag == "invite":
        return {"link": groups.LINK + group_requests.parse_code(reply)}
    if asked.tag == "membership_approval_requests":
        return requests(reply)
    if asked.tag in ("query", "create"):
        return neutral_group(groups.parse(reply))
    if asked.tag == "accept":
        return joined(reply)
    raise AssertionError(f"no reader for the answer to {asked.tag}")


def rebuilt(request: Node) -> Node:
    """The same request by our own builders."""
    asked, to = request.children[0], request.need_jid("to")
    people = [
        group_requests.Person(jid=one.jid, pn=one.pn if one.jid.is_lid else None)
        for one in groups.participants(asked)
    ]
    match asked.tag:
        case "add" | "remove" | "promote" | "demote":
            return group_requests.change_members(to, asked.tag, people)
        case "invite" if asked.text("code"):
            made = group_requests.join if request.text("type") == "set" else group_requests.link_info
            return made(asked.text("code"))
        case "invite":
            reset = request.text("type") == "set"
            return group_requests.reset_link(to) if reset else group_requests.invite_link(to)
        case "membership_approval_requests":
            return group_requests.join_requests(to)
        case "query":
            return group_requests.query(to)
    raise AssertionError(f"no builder of {asked.tag}")


def plain_of_ours(node: Node) -> dict[str, Any]:
    """The group server itself has two spellings."""
    plain = to_plain(node)
    plain["attrs"]["to"] = plain["attrs"]["to"].removeprefix("@")
    return plain


@pytest.mark.parametrize("case", VECTORS["iq"], ids=case_name)
def test_iq(case: dict[str, Any]) -> None:
    plain = {**case["request"], "attrs": dict(case["request"]["attrs"])}
    plain["attrs"].pop("id", None)
    server = "@" not in plain["attrs"]["to"]
    request = from_plain(case["request"])
    if server:
        request = Node(request.tag, {**request.attrs, "to": group_requests.GROUP_SERVER}, request.content)
    assert plain_of_ours(rebuilt(request)) == plain
    ask = Ask(request, lambda reply: answer(request, reply))
    reply = from_plain(case["response"])
    if not accepted(lambda: ask.parse(reply), case["expect"]):
        assert ask.parse(reply) == case["expect"]
