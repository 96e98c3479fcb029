"""Notices about channels, and what else comes as GraphQL: limits of the account, names, hidden ids (reference 04, 5.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from protocol.effects import Reaction
from protocol.events.account import AccountLimited
from protocol.events.base import Durable
from protocol.events.channel import ChannelUpdated
from protocol.events.message import Chat
from protocol.events.state import ContactMoved, ContactUpdated, SettingsChanged
from protocol.flows import channels as flow
from protocol.flows import people, roster
from protocol.flows.context import Context
from protocol.flows.mapping import learn, pn_of
from protocol.flows.roster import GROUPS
from protocol.jid import Jid, parse
from protocol.node import BadNode, Node
from protocol.stanza import channels as stanza
from protocol.stanza import mex
from protocol.stanza.mex import Fields, part

#: A lock without an end is one minute long, says the server's client.
LOCK_SECONDS: Final = 60.0
LOCK_ADVICE: Final = "Write to no new people until then; chats that exist go on."


class _Notes:
    """One notification while it is read."""

    def __init__(self, ctx: Context, node: Node) -> None:
        self.ctx, self.node, self.txn = ctx, node, ctx.txn()
        self.events: list[Durable] = []
        self.flows: list[tuple[Any, str | None]] = []
        self.at = float(node.number("t") or ctx.now)

    def key(self, name: str) -> str:
        return f"mex/{name}/{self.node.text('id')}/{len(self.events)}"

    def reaction(self) -> Reaction:
        staged = self.txn if self.txn.changes or self.events else None
        return Reaction(txn=staged, events=tuple(self.events), flows=tuple(self.flows))


def counted(ctx: Context, node: Node) -> Reaction:
    """`<notification type="newsletter">`: how posts are received."""
    channel, found = stanza.live_changes(node)
    if channel is None or not found:
        for child in node.children:
            if child.tag != "live_updates":
                ctx.counts[f"ignored.newsletter.{child.tag if child.tag.isalpha() else '?'}"] += 1
        return Reaction()
    event = ChannelUpdated(
        at=float(node.number("t") or ctx.now),
        key=f"{channel}/counted/{node.text('id')}",
        chat=Chat(str(channel), "channel"),
        keys=["posts"],
        posts=[msgspec.to_builtins(one) for one in found],
    )
    return Reaction(txn=ctx.txn(), events=(event,))


def told(ctx: Context, node: Node) -> Reaction:
    """`<notification type="mex">`: every update, by the name of what it brings."""
    notes = _Notes(ctx, node)
    found = mex.updates(node)
    for name, said in found:
        handler = UPDATES.get(name)
        if handler is not None:
            handler(notes, said)
        elif name in IGNORED:
            ctx.counts[f"ignored.mex.{name}"] += 1
        elif "group" in name.lower():
            _group(notes, said)
        else:
            ctx.unknown("mex", name, node)
    if not found:
        ctx.unknown("mex", "unreadable", node)
    return notes.reaction()


def _joined(notes: _Notes, said: Fields) -> None:
    try:
        channel = stanza.read(said)
    except BadNode:
        return
    notes.events += flow.joined(notes.ctx, notes.txn, channel)


def _left(notes: _Notes, said: Fields) -> None:
    jid = stanza.address(said)
    if jid is not None:
        notes.events += flow.left(notes.ctx, notes.txn, str(jid), "unfollowed")


def _muted(notes: _Notes, said: Fields) -> None:
    jid, mute = stanza.address(said), part(said, "mute")
    if jid is not None and mute in ("ON", "OFF"):
        notes.events += flow.changed(notes.ctx, notes.txn, str(jid), notes.key("muted"), muted=mute == "ON")


def _state(notes: _Notes, said: Fields) -> None:
    jid, state = stanza.address(said), part(said, "state", "type")
    if jid is None or not isinstance(state, str):
        return
    key = notes.key("state")
    notes.events += flow.changed(notes.ctx, notes.txn, str(jid), key, state=state.lower())
    if state == "DELETED":
        notes.events += flow.left(notes.ctx, notes.txn, str(jid), "deleted")


def _metadata(notes: _Notes, said: Fields) -> None:
    try:
        channel = stanza.read(said)
    except BadNode:
        return
    thread = part(said, "thread_metadata") or {}
    named = {"name": "name", "description": "description", "picture": "picture", "handle": "handle",
             "verification": "verified", "subscribers_count": "followers"}  # fmt: skip
    members = {ours: getattr(channel, ours) for theirs, ours in named.items() if theirs in thread}
    notes.events += flow.changed(notes.ctx, notes.txn, channel.id, notes.key("metadata"), **members)


def _time_lock(notes: _Notes, said: Fields) -> None:
    if not said.get("is_active"):
        return
    until = float(mex.number(said.get("time_enforcement_ends"))) or notes.ctx.now + LOCK_SECONDS
    kind = "time_lock"
    notes.events.append(
        AccountLimited(
            at=notes.at,
            key=f"account.limited/{kind}/{until:.0f}",
            kind=kind,
            code=0,
            advice=LOCK_ADVICE,
            until=until,
        )
    )


def _message_cap(notes: _Notes, said: Fields) -> None:
    total, used = mex.number(said.get("total_quota")), mex.number(said.get("used_quota"))
    if not total or used < total:
        return
    until = float(mex.number(said.get("cycle_end_timestamp"))) or None
    kind = "message_cap"
    notes.events.append(
        AccountLimited(
            at=notes.at,
            key=f"account.limited/{kind}/{until or notes.at:.0f}",
            kind=kind,
            code=0,
            advice=LOCK_ADVICE,
            until=until,
        )
    )


def _new_lid(notes: _Notes, said: Fields) -> None:
    old, new = _lid(said.get("old")), _lid(said.get("new"))
    if old is None or new is None or old == new:
        return
    number = pn_of(notes.txn, old)
    if number is not None:
        learn(notes.txn, number, new)
    notes.events.append(ContactMoved(at=notes.at, key=notes.key("lid"), old=str(old), new=str(new)))


def _username(notes: _Notes, said: Fields) -> None:
    who = _lid(said.get("lid"))
    if who is not None:
        name = said.get("username")
        notes.events.append(
            ContactUpdated(
                at=notes.at,
                key=notes.key("username"),
                contact=people.person(notes.txn, who),
                username=name if isinstance(name, str) else "",
            )
        )


def _text_status(notes: _Notes, said: Fields) -> None:
    who = _lid(said.get("jid"))
    if who is not None:
        text = said.get("text")
        notes.events.append(
            ContactUpdated(
                at=notes.at,
                key=notes.key("about"),
                contact=people.person(notes.txn, who),
                about=text if isinstance(text, str) else "",
            )
        )


def _own_username(notes: _Notes, said: Fields) -> None:
    name = part(said, "username_info", "username")
    event = SettingsChanged(at=notes.at, key=notes.key("own_username"), name="username", value=name)
    notes.events.append(event)


def _group(notes: _Notes, said: Fields) -> None:
    """A property of a group changed in a form that we do not know: it is read again before it is used."""
    id = part(said, "id") or part(said, "group_jid") or part(said, "group", "id")
    name = id if isinstance(id, str) and "@" in id else f"{id}@g.us"
    if GROUPS.get(notes.txn, name) is not None:
        roster.forget(notes.txn, parse(name))
    notes.ctx.counts["group.property"] += 1


def _lid(value: Any) -> Jid | None:
    if not isinstance(value, str):
        return None
    try:
        jid = parse(value if "@" in value else f"{value}@lid").bare
    except ValueError:
        return None
    return jid if jid.is_user else None


#: By the name of what is in `data`; older servers name the operation.
UPDATES: Final[dict[str, Callable[[_Notes, Fields], None]]] = {
    "xwa2_notify_newsletter_on_join": _joined,
    "NotificationNewsletterJoin": _joined,
    "xwa2_notify_newsletter_on_leave": _left,
    "NotificationNewsletterLeave": _left,
    "xwa2_notify_newsletter_on_mute_change": _muted,
    "xwa2_notify_newsletter_on_state_change": _state,
    "NotificationNewsletterStateChange": _state,
    "xwa2_notify_newsletter_on_metadata_update": _metadata,
    "xwa2_notify_newsletter_on_admin_metadata_update": _metadata,
    "NotificationNewsletterUpdate": _metadata,
    "xwa2_notify_account_reachout_timelock": _time_lock,
    "xwa2_notify_new_chat_messages_capping_info_update": _message_cap,
    "xwa2_notify_lid_change": _new_lid,
    "xwa2_notify_username_on_change": _username,
    "xwa2_notify_username_delete": _username,
    "xwa2_notify_text_status_on_update": _text_status,
    "xwa2_notify_wa_user": _own_username,
}
#: Known, and of no use to us: hashes of contacts, and news for a channel's admins.
IGNORED: Final = frozenset(
    {
        "xwa2_notify_username_on_change_side_sub", "xwa2_notify_text_status_on_update_side_sub",
        "UsernameUpdateNotification", "TextStatusUpdateNotificationSideSub",
        "NotificationNewsletterUserSettingChange", "NotificationNewsletterAdminPromote",
        "NotificationNewsletterAdminDemote", "NotificationNewsletterOwnerUpdate",
        "NotificationNewsletterAdminInviteRevoke", "NotificationNewsletterBlockUser",
        "NotificationNewsletterMilestone", "xwa2_notify_newsletter_admin_promote",
        "xwa2_notify_newsletter_admin_demote", "xwa2_notify_newsletter_owner_update",
        "xwa2_notify_newsletter_milestone",
    }
)  # fmt: skip
