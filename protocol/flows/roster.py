"""The participants of groups, cached; somebody missing from a fresh answer makes our sender key change."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.effects import Ask, Commit
from protocol.flows import sender_keys
from protocol.flows.context import Context
from protocol.flows.mapping import learn
from protocol.flows.soft import Soft
from protocol.jid import Jid, parse
from protocol.keystore import Kind, Txn, View
from protocol.stanza import roster
from protocol.stanza.roster import Roster

#: Notifications keep a roster true; this is the net below them.
TRUST_SECONDS: Final = 24 * 3600.0


class GroupRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a group."""

    addressing: str
    #: The other name of each participant by the name of the group's addressing; empty when it is not known.
    members: dict[str, str]
    fetched_at: float
    v: int = 1

    def people(self) -> list[Jid]:
        """The participants, in the group's addressing."""
        return [parse(name) for name in self.members]


GROUPS: Final = Soft(Kind.GROUP, GroupRecord)


async def members_of(ctx: Context, group: Jid, *, fresh: bool = False) -> GroupRecord:
    """The roster of a group, asked for when it is not known or old. Raises IqError when we are not in it."""
    held = GROUPS.get(ctx.store, str(group))
    if held is not None and not fresh and ctx.now - held.fetched_at < TRUST_SECONDS:
        return held
    found = await Ask(roster.query(group), roster.parse)
    txn = ctx.txn()
    record = file(ctx, txn, found)
    await Commit(txn)
    return record


def file(ctx: Context, txn: Txn, found: Roster) -> GroupRecord:
    """Note a roster; whoever left takes our sender key along, so that goes."""
    held = GROUPS.get(txn, str(found.group))
    members = {str(m.jid): str(m.alt) if m.alt else "" for m in found.members}
    record = GroupRecord(found.addressing, members, ctx.now)
    for member in found.members:
        learn(txn, member.jid, member.alt)
    if held is not None:
        gone = held.members.keys() - members.keys()
        if gone or held.addressing != found.addressing:
            sender_keys.rotate(ctx, txn, found.group)
    GROUPS.put(txn, str(found.group), record)
    return record


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
