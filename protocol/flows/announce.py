"""From a decrypted message to the event that tells of it: which event, its key, its members.

The key names the message, not the delivery: (chat, author, id). The log drops a second event of one key, so a
message that comes by retry, by the phone and once more from the queue is one event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from protocol import content
from protocol.events import message as events
from protocol.events.base import Durable
from protocol.events.group import GroupMembers
from protocol.events.message import Fields, Private, Target
from protocol.flows import people, roster
from protocol.flows.context import Context
from protocol.flows.outgoing import SendRequest, own_name
from protocol.jid import Jid, parse
from protocol.keystore import Txn, View
from protocol.pb.e2e_pb2 import Message
from protocol.stanza.message import Incoming

CHANNEL_EDIT: Final = "3"
CHANNEL_REVOKE: Final = "8"
Maker = Callable[[Context, View, Incoming, Fields], Durable | None]


def event_key(view: View, message: Incoming) -> str:
    """One message, one key."""
    return f"message/{people.name_of(view, message.chat)}/{people.name_of(view, message.sender)}/{message.id}"


def announce(
    ctx: Context,
    view: View,
    message: Incoming,
    body: Message,
    *,
    kind: type[events.Said] = events.MessageReceived,
) -> Durable | None:
    """The event of a message; None for what is not meant for people. `kind`: for one that is told as a whole."""
    try:
        return _told(ctx, view, message, body, kind)
    except Exception:
        # A content that we can't read must neither be lost nor come back at every login.
        ctx.counts["fault.content"] += 1
        return _said(ctx, view, message, body, content.untold(body), kind)


def of_channel(ctx: Context, view: View, message: Incoming, body: Message) -> Durable | None:
    """A channel's post. Its edits and its end come under the id of the post itself: they get keys of their own."""
    if message.edit not in (CHANNEL_EDIT, CHANNEL_REVOKE):
        return announce(ctx, view, message, body)
    members = common(ctx, view, message, message.chat, message.id)
    key = f"{members.pop('key')}/{message.edit}/{message.meta.get('msg_edit_t', '')}"
    if message.edit == CHANNEL_REVOKE:
        return events.MessageRevoked(key=key, **members)
    shown = content.present(content.read(body))
    return events.MessageEdited(key=key, **members, body=shown["body"], media=shown.get("media"))


def sent(ctx: Context, view: View, chat: Jid, request: SendRequest, body: Message) -> tuple[Durable, ...]:
    """What we send, as an event for the commit of its ratchets. Sealed contents are told by whoever sealed them.

    `body`: the request's message, decoded.
    """
    if request.told:
        return request.told
    if request.facts.type in ("poll", "event") and body.messageContextInfo.messageSecret == b"":
        return ()
    message = Incoming(
        id=request.id,
        chat=chat,
        sender=own_name(ctx, chat),
        from_me=True,
        at=int(ctx.now + ctx.clock_offset),
        type=request.facts.type,
        from_=chat,
        edit=request.facts.edit,
        meta={"msg_edit_t": str(round(ctx.now * 1000))},
    )
    if chat.is_newsletter and message.edit:
        changed = of_channel(ctx, view, message, body)
        return (changed,) if changed is not None else ()
    event = announce(ctx, view, message, body, kind=events.MessageSent)
    if isinstance(event, events.MessageSent):
        event = msgspec.structs.replace(event, via=request.via, outbox_id=request.outbox_id)
    return (event,) if event is not None else ()


def _told(
    ctx: Context, view: View, message: Incoming, body: Message, kind: type[events.Said]
) -> Durable | None:
    shown = content.tell(body)
    if shown is None:
        return None
    maker = MAKERS.get(shown["body"]["kind"])
    if maker is not None:
        made = maker(ctx, view, message, shown)
        if made is not None:
            return made
    return _said(ctx, view, message, body, shown, kind)


def _said(
    ctx: Context, view: View, message: Incoming, body: Message, shown: Fields, kind: type[events.Said]
) -> Durable:
    target = shown.pop("target", None)
    reference = content.media_ref(body)
    secret = body.messageContextInfo.messageSecret
    if kind is events.MessageReceived and message.chat.is_newsletter:
        kind = events.ChannelMessage
    elif kind is events.MessageReceived and message.from_me:
        kind = events.MessageSentElsewhere
    return kind(
        at=float(message.at),
        key=event_key(view, message),
        id=message.id,
        sent_at=float(message.at),
        chat=people.chat(view, message.chat),
        from_=people.person(view, message.sender, message.push_name),
        from_me=message.from_me,
        broadcast=message.chat.is_broadcast,
        retried=message.retry_count > 0,
        target=_target(ctx, view, message, target) if target else None,
        server_id=message.server_id,
        backlog=message.offline,
        private=Private(media=reference, secret=secret) if reference or secret else None,
        **shown,
    )


def _target(ctx: Context, view: View, message: Incoming, key: Fields, *, own: bool = False) -> Target:
    """The sender's point of view becomes ours: the chat is that of the stanza, the author is resolved.

    `own`: only the author may do this, whatever the key says.
    """
    author = message.sender
    if not own and not key.get("from_me"):
        named = (key.get("from") or {}).get("id", "")
        if named:
            author = _address(named) or author
        elif message.chat.is_user:
            # Between two people it is "mine" or the other one's.
            author = message.chat if message.from_me else ctx.account.pn_jid
    return Target(
        id=str(key.get("id", "")),
        chat=people.chat(view, message.chat),
        from_=people.person(view, author),
    )


def _address(text: str) -> Jid | None:
    try:
        return parse(text)
    except ValueError:
        return None


def _common(
    ctx: Context, view: View, message: Incoming, shown: Fields, *, own: bool = False
) -> dict[str, Any]:
    target = _target(ctx, view, message, shown.get("target") or {}, own=own)
    return _members(view, message, target)


def common(ctx: Context, view: View, message: Incoming, author: Jid, id: str) -> dict[str, Any]:
    """What all events about an earlier message have: for those whose content was sealed."""
    target = Target(id=id, chat=people.chat(view, message.chat), from_=people.person(view, author))
    return _members(view, message, target)


def _members(view: View, message: Incoming, target: Target) -> dict[str, Any]:
    return {
        "at": float(message.at),
        "key": event_key(view, message),
        "id": message.id,
        "sent_at": float(message.at),
        "chat": people.chat(view, message.chat),
        "target": target,
        "by": people.person(view, message.sender, message.push_name),
        "from_me": message.from_me,
    }


def _edited(ctx: Context, view: View, message: Incoming, shown: Fields) -> Durable | None:
    new = shown["body"].get("content")
    if not isinstance(new, dict):
        return None
    return events.MessageEdited(
        **_common(ctx, view, message, shown, own=True),
        body=new["body"],
        media=new.get("media"),
        mentions=new.get("mentions"),
    )


def _revoked(ctx: Context, view: View, message: Incoming, shown: Fields) -> Durable | None:
    # Between two people nobody deletes what the other one wrote.
    return events.MessageRevoked(**_common(ctx, view, message, shown, own=message.chat.is_user))


def _reaction(ctx: Context, view: View, message: Incoming, shown: Fields) -> Durable | None:
    said = shown["body"].get("reaction")
    if said is None:
        return None
    return events.MessageReaction(**_common(ctx, view, message, shown), emoji=said["emoji"])


def _pinned(ctx: Context, view: View, message: Incoming, shown: Fields) -> Durable | None:
    body = shown["body"]
    return events.MessagePinned(
        **_common(ctx, view, message, shown), on=bool(body.get("pinned")), for_s=body.get("for_s")
    )


def _kept(ctx: Context, view: View, message: Incoming, shown: Fields) -> Durable | None:
    return events.MessageKept(**_common(ctx, view, message, shown), on=bool(shown["body"].get("kept")))


def _label(ctx: Context, view: View, message: Incoming, shown: Fields) -> Durable | None:
    if not message.chat.is_group:
        return None
    label = str(shown["body"].get("label", ""))
    if isinstance(view, Txn):
        roster.note_label(view, message.chat, message.sender.bare, label)
    who = people.person(view, message.sender, message.push_name)
    return GroupMembers(
        at=float(message.at),
        key=event_key(view, message),
        group=people.chat(view, message.chat),
        by=who,
        op="label",
        who=[who],
        label=label,
    )


def _timer(ctx: Context, view: View, message: Incoming, shown: Fields) -> Durable | None:
    return events.ChatTimer(
        at=float(message.at),
        key=event_key(view, message),
        chat=people.chat(view, message.chat),
        by=people.person(view, message.sender, message.push_name),
        timer_s=int(shown["body"].get("ttl_s", 0)),
    )


#: Kinds that have an event of their own.
MAKERS: Final[dict[str, Maker]] = {
    "member_label": _label,
    "edit": _edited,
    "revoke": _revoked,
    "reaction": _reaction,
    "pin": _pinned,
    "keep": _kept,
    "ephemeral_setting": _timer,
}
