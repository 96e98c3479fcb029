"""What changes in our groups: told, and kept true for those who write there. What leaves must not be readable by who
has left.
"""

from __future__ import annotations

from typing import Any, Final

from protocol.effects import Reaction
from protocol.events.base import Durable
from protocol.events.group import GroupJoined, GroupJoinRequest, GroupLeft, GroupMembers, GroupUpdated
from protocol.events.message import Chat, Person
from protocol.flows import groups as flow
from protocol.flows import people, roster, sender_keys
from protocol.flows.context import Context
from protocol.flows.mapping import learn
from protocol.flows.roster import GROUPS
from protocol.keystore import Txn
from protocol.node import Node
from protocol.stanza import group_changes as stanza
from protocol.stanza.group_changes import Change, Notice
from protocol.stanza.groups import LINK, Participant

#: Names of settings in stanzas → those of the socket, where they differ.
_NAMES: Final = {"add_mode": "member_add", "link_mode": "link_sharing", "history_mode": "history_sharing"}


class _Notes:
    """One notification while it is read."""

    def __init__(self, ctx: Context, txn: Txn, notice: Notice) -> None:
        self.ctx, self.txn, self.notice = ctx, txn, notice
        self.events: list[Durable] = []
        self.flows: list[tuple[Any, str | None]] = []
        group = notice.group
        self.head: dict[str, Any] = {
            "at": float(notice.at or ctx.now),
            "group": Chat(str(group), people.kind_of(group)),
            "by": people.person(txn, notice.author, notice.author_name) if notice.author else None,
        }

    def common(self) -> dict[str, Any]:
        key = f"group/{self.notice.group.user}/{self.notice.id}/{len(self.events)}"
        return {**self.head, "key": key}

    def people(self, named: tuple[Participant, ...]) -> list[Person]:
        """Persons under all their names."""
        for one in named:
            learn(self.txn, one.jid, one.other)
        return [people.person(self.txn, one.jid, one.display_name) for one in named]

    def updated(self, **changed: object) -> None:
        shown = {name: value for name, value in changed.items() if name != "description_id"}
        self.events.append(GroupUpdated(**self.common(), keys=sorted(shown), changed=shown))

    def changed(self, **changed: object) -> None:
        """Of the group itself: kept and told."""
        roster.change(self.txn, self.notice.group, **changed)
        self.updated(**changed)

    def left(self, reason: str) -> None:
        self.events.append(GroupLeft(**self.common(), reason=reason))

    def refresh(self) -> None:
        """What we know is not to be relied on: ask before the next message, at the latest."""
        roster.forget(self.txn, self.notice.group)
        sender_keys.rotate(self.ctx, self.txn, self.notice.group)


def group_changed(ctx: Context, node: Node) -> Reaction:
    """`<notification type="w:gp2">`: every child, in order."""
    if not node.need_jid("from").user:
        return _dirty(ctx, node)
    notice = stanza.parse(node)
    txn = ctx.txn()
    if notice.author is not None:
        learn(txn, notice.author, notice.author_pn)
    notes = _Notes(ctx, txn, notice)
    for child, change in zip(node.children, notice.changes, strict=True):
        if isinstance(change, stanza.Unknown):
            ctx.unknown("group", child.tag, child)
        else:
            _apply(notes, change)
    staged = txn if txn.changes or notes.events else None
    return Reaction(txn=staged, events=tuple(notes.events), flows=tuple(notes.flows))


def _apply(notes: _Notes, change: Change) -> None:
    ctx, txn, group = notes.ctx, notes.txn, notes.notice.group
    match change:
        case stanza.Created():
            record = roster.file(ctx, txn, change.group)
            assert record.about is not None
            notes.events.append(
                GroupJoined(**notes.common(), about=record.about, reason=change.reason, new=change.new)
            )
        case stanza.Members():
            _members(notes, change)
        case stanza.Renumbered():
            who = notes.people(change.people)
            notes.refresh()
            notes.events.append(GroupMembers(**notes.common(), op="renumber", who=who))
        case stanza.Subject():
            by = {"subject_by": str(change.by)} if change.by else {}
            roster.change(txn, group, subject=change.subject, subject_at=change.at, **by)
            notes.updated(subject=change.subject)
        case stanza.Described():
            notes.changed(description=change.text or "", description_id=change.id)
        case stanza.Setting():
            value = roster.who_may(change.value) if isinstance(change.value, str) else change.value
            notes.changed(**{_NAMES.get(change.name, change.name): value})
        case stanza.InviteReset():
            notes.updated(invite_link=LINK + change.code)
        case stanza.InvitesRevoked():
            notes.updated(invites_revoked=[one.id for one in notes.people(change.people)])
        case stanza.JoinRequested():
            who = notes.people(change.people)
            notes.events.append(
                GroupJoinRequest(**notes.common(), op="requested", who=who, method=change.method)
            )
        case stanza.JoinWithdrawn():
            op = "withdrawn" if change.by_requester else "rejected"
            who = notes.people(change.people)
            notes.events.append(GroupJoinRequest(**notes.common(), op=op, who=who))
        case stanza.Linked():
            _linked(notes, change)
        case stanza.Deleted():
            GROUPS.delete(txn, str(group))
            sender_keys.rotate(ctx, txn, group)
            notes.left("deleted")
        case stanza.Incomplete(tag="create"):
            notes.flows.append((flow.refresh(ctx, group), f"group {group}"))
        case stanza.Incomplete():
            notes.refresh()
        case stanza.Ignored():
            ctx.counts[f"ignored.group.{change.tag}"] += 1


def _members(notes: _Notes, change: stanza.Members) -> None:
    ctx, txn, group = notes.ctx, notes.txn, notes.notice.group
    who = notes.people(change.people)
    held = GROUPS.get(txn, str(group))
    fits = held is None or not held.version or not change.before or held.version == change.before
    seen = held is not None and change.version and held.version == change.version
    if change.op == "add":
        roster.add(ctx, txn, group, change.people)
        if any(ctx.is_me(one.jid) for one in change.people) and held is None:
            notes.flows.append((flow.refresh(ctx, group), f"group {group}"))
    elif change.op == "remove":
        if roster.remove(ctx, txn, group, change.people):
            notes.left("left" if change.left else "removed")
            return
    elif change.reason not in ("linked_group_promote", "linked_group_demote"):
        roster.set_role(txn, group, change.people, admin=change.op == "promote")
    roster.note_version(txn, group, change.version)
    if not (fits or seen):
        # A change before this one never reached us.
        notes.refresh()
    notes.events.append(
        GroupMembers(**notes.common(), op=change.op, who=who, reason=change.reason, left=change.left)
    )


def _linked(notes: _Notes, change: stanza.Linked) -> None:
    named = [str(one.jid) for one in change.groups]
    if change.kind == "parent_group":
        notes.changed(parent=named[0] if change.on and named else "")
    elif change.kind == "sub_group":
        notes.updated(**{"groups_linked" if change.on else "groups_unlinked": named})
    if not change.on and change.reason == "delete_parent":
        notes.ctx.counts["group.community_gone"] += 1


def _dirty(ctx: Context, node: Node) -> Reaction:
    """The server lists groups that changed while it could not say how."""
    txn = ctx.txn()
    for group in stanza.dirty_groups(node):
        roster.forget(txn, group)
    return Reaction(txn=txn if txn.changes else None)
