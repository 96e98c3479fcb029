"""Who is in our groups, kept true for those who write there: what leaves must not be readable by who has left."""

from __future__ import annotations

from typing import Final

from protocol.effects import Reaction
from protocol.flows import roster, sender_keys
from protocol.flows.context import Context
from protocol.flows.mapping import learn
from protocol.flows.roster import GROUPS, GroupRecord
from protocol.keystore import Txn
from protocol.node import Node
from protocol.stanza import roster as stanza
from protocol.stanza.roster import Roster

GONE: Final = ("remove", "leave")
#: After these nothing that we know of the members can be relied upon.
STALE: Final = ("modify", "change_number", "missing_participant_identification", "unlink", "link")


def group_changed(ctx: Context, node: Node) -> Reaction:
    """`<notification type="w:gp2">`: every child in order; a group that was never written to has no roster to keep."""
    group = node.need_jid("from")
    if not group.is_group or not group.user:
        return _dirty(ctx, node)
    txn = ctx.txn()
    for change in node.children:
        if change.tag == "create" and change.child("group") is not None:
            roster.file(ctx, txn, stanza.read(group, change.need("group")))
            continue
        members = stanza.members(change)
        for member in members:
            learn(txn, member.jid, member.alt)
        if GROUPS.get(txn, str(group)) is None:
            continue
        if change.tag == "add":
            _add(ctx, txn, Roster(group, node.text("addressing_mode"), members))
        elif change.tag in GONE:
            _remove(ctx, txn, Roster(group, node.text("addressing_mode"), members))
        elif change.tag == "delete":
            GROUPS.delete(txn, str(group))
            sender_keys.rotate(ctx, txn, group)
        elif change.tag in STALE:
            roster.forget(txn, group)
            sender_keys.rotate(ctx, txn, group)
    return Reaction(txn=txn if txn.changes else None)


def _add(ctx: Context, txn: Txn, news: Roster) -> None:
    held = GROUPS.get(txn, str(news.group))
    assert held is not None
    if any(member.jid.is_lid != (held.addressing == "lid") for member in news.members):
        roster.forget(txn, news.group)
        return
    added = {str(m.jid): str(m.alt) if m.alt else "" for m in news.members}
    GROUPS.put(txn, str(news.group), GroupRecord(held.addressing, {**held.members, **added}, held.fetched_at))


def _remove(ctx: Context, txn: Txn, news: Roster) -> None:
    held = GROUPS.get(txn, str(news.group))
    assert held is not None
    if any(ctx.is_me(member.jid) for member in news.members):
        GROUPS.delete(txn, str(news.group))
    else:
        gone = {str(name) for member in news.members for name in (member.jid, member.alt) if name}
        left = {name: alt for name, alt in held.members.items() if name not in gone and alt not in gone}
        GROUPS.put(txn, str(news.group), GroupRecord(held.addressing, left, held.fetched_at))
    sender_keys.rotate(ctx, txn, news.group)


def _dirty(ctx: Context, node: Node) -> Reaction:
    """The server lists groups that changed while it could not say how."""
    txn = ctx.txn()
    for part in node.all("groups_dirty"):
        for named in part.all("group"):
            group = named.jid("jid")
            if group is not None:
                roster.forget(txn, group)
    return Reaction(txn=txn if txn.changes else None)
