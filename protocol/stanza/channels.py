"""Channels: metadata, operations, posts and live counters (reference 04, 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from protocol.jid import NEWSLETTER, Jid, parse
from protocol.node import Attr, BadNode, Node, decimal
from protocol.stanza import iq
from protocol.stanza.groups import bare, number
from protocol.stanza.mex import Fields, Operation, part
from protocol.stanza.mex import number as plain

LINK: Final = "https://whatsapp.com/channel/"
#: The terms of making channels: id and stage, as the apps accept them.
TERMS: Final = ("20601218", "5")
MICROSECONDS: Final = 1_000_000
REVOKED_REACTION: Final = "7"

MEMBERS: Final = ("OWNER", "ADMIN", "SUBSCRIBER")


class Channel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a channel."""

    id: str
    name: str = ""
    description: str = ""
    #: active, suspended, geosuspended, deleted, non_existing.
    state: str = ""
    created_at: float | None = None
    followers: int | None = None
    verified: bool = False
    handle: str = ""
    invite: str = ""
    picture: str = ""
    #: ALL, BASIC, NONE, BLOCKLIST.
    reactions: str = ""
    #: owner, admin, subscriber or guest.
    role: str = ""
    muted: bool = False
    #: Server ids of pinned posts.
    pinned: list[str] = []


class Counters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a post is received."""

    server_id: str
    views: int | None = None
    forwards: int | None = None
    responses: int | None = None
    reactions: dict[str, int] | None = None
    #: By the hash of the option, in hex.
    votes: dict[str, int] | None = None


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a channel as history gives it."""

    id: str
    server_id: str
    at: int
    type: str
    edit: str
    mine: bool
    message: bytes
    counters: Counters


def _same(given: Fields) -> Fields:
    return given


def _id(given: Fields) -> Fields:
    return {"newsletter_id": given["id"]}


def _key(given: Fields) -> Fields:
    return {
        "input": {"key": given["key"], "type": given["type"]},
        "fetch_viewer_metadata": given["type"] == "JID",
        "fetch_full_image": True,
        "fetch_creation_time": True,
    }


def _key_new(given: Fields) -> Fields:
    old = _key(given)
    return old | {
        "input": old["input"] | {"view_role": given.get("role") or "GUEST"},
        "fetch_wamo_sub": False,
        "fetch_status_metadata": False,
        "fetch_pinned_messages": True,
    }


def _create(given: Fields) -> Fields:
    wanted = {name: given[name] for name in ("name", "description", "picture") if given.get(name)}
    return {"input": wanted}


def _create_old(given: Fields) -> Fields:
    return {"newsletter_input": _create(given)["input"]}


def _update(given: Fields) -> Fields:
    return {"newsletter_id": given["id"], "updates": given["updates"] | {"settings": None}}


def _mute(value: str) -> Any:
    def variables(given: Fields) -> Fields:
        return {"input": {"newsletter_id": given["id"], "type": "MUTE_ADMIN_ACTIVITY", "value": value}}

    return variables


def _followers(given: Fields) -> Fields:
    return {"input": {"newsletter_id": given["id"], "count": given["count"]}}


#: Numbers of August 2026 first, then those that older clients use.
OPERATIONS: Final[dict[str, Operation]] = {
    "info": Operation(
        (("27456920720571478", _key_new), ("6563316087068696", _key), ("25383075034668475", _key)),
        ("xwa2_newsletter",),
    ),
    "list": Operation(
        (
            ("25399611239711790", lambda given: {"fetch_wamo_sub": False, "fetch_status_metadata": False}),
            ("6388546374527196", lambda given: {}),
            ("33101596156151910", lambda given: {}),
        ),
        ("xwa2_newsletter_subscribed",),
    ),
    "create": Operation(
        (
            ("25149874324715067", _create),
            ("8823471724422422", _create),
            ("6234210096708695", _create_old),
        ),
        ("xwa2_newsletter_create",),
    ),
    "update": Operation(
        (("24250201037901610", _update), ("7150902998257522", _update)), ("xwa2_newsletter_update",)
    ),
    "follow": Operation(
        (("24404358912487870", _id), ("9926858900719341", _id)),
        ("xwa2_newsletter_join_v2", "xwa2_newsletter_join"),
    ),
    "unfollow": Operation(
        (("9767147403369991", _id), ("6392786840836363", _id)),
        ("xwa2_newsletter_leave_v2", "xwa2_newsletter_leave"),
    ),
    "mute": Operation(
        (("31938993655691868", _mute("ON")), ("29766401636284406", _id), ("6274038279359549", _id)),
        ("xwa2_newsletter_update_user_setting", "xwa2_newsletter_mute_v2"),
    ),
    "unmute": Operation(
        (("31938993655691868", _mute("OFF")), ("9864994326891137", _id), ("6068417879924485", _id)),
        ("xwa2_newsletter_update_user_setting", "xwa2_newsletter_unmute_v2"),
    ),
    "delete": Operation((("30062808666639665", _id),), ("xwa2_newsletter_delete_v2",)),
    "followers": Operation(
        (("27472091235714801", _followers), ("9537574256318798", _followers)),
        ("xwa2_newsletter_followers", "xwa2_newsletter_subscribers"),
    ),
    "time_lock": Operation(
        (("23983697327930364", _same), ("24503548349331633", _same)),
        ("xwa2_fetch_account_reachout_timelock",),
    ),
}


def read(said: Any) -> Channel:
    """A channel's metadata. Raises BadNode."""
    id = part(said, "id")
    if not isinstance(id, str) or not id:
        raise BadNode("a channel without an address")
    thread, viewer = part(said, "thread_metadata") or {}, part(said, "viewer_metadata") or {}
    created = plain(part(thread, "creation_time"))
    followers = part(thread, "subscribers_count")
    return Channel(
        id=id if "@" in id else f"{id}@{NEWSLETTER}",
        name=_text(part(thread, "name", "text")),
        description=_text(part(thread, "description", "text")),
        state=_text(part(said, "state", "type")).lower(),
        created_at=float(created) if created else None,
        followers=plain(followers) if followers is not None else None,
        verified=_text(part(thread, "verification")) == "VERIFIED",
        handle=_text(part(thread, "handle")),
        invite=_text(part(thread, "invite")),
        picture=_text(part(thread, "picture", "direct_path")),
        reactions=_text(part(thread, "settings", "reaction_codes", "value")),
        role=_text(part(viewer, "role")).lower(),
        muted=_muted(viewer),
        pinned=[
            str(one["message_id"])
            for one in part(thread, "pinned_messages") or ()
            if isinstance(one, dict) and one.get("message_id")
        ],
    )


def _muted(viewer: Any) -> bool:
    settings = part(viewer, "settings")
    if isinstance(settings, list):
        values = {one.get("type"): one.get("value") for one in settings if isinstance(one, dict)}
        if "MUTE_ADMIN_ACTIVITY" in values:
            return bool(values["MUTE_ADMIN_ACTIVITY"] == "ON")
    return bool(part(viewer, "mute") == "ON")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def address(said: Any) -> Jid | None:
    """The channel that an update is about."""
    id = part(said, "id") or part(said, "newsletter_id")
    if not isinstance(id, str):
        return None
    try:
        jid = parse(id if "@" in id else f"{id}@{NEWSLETTER}")
    except ValueError:
        return None
    return jid if jid.is_newsletter else None


# --- stanzas ------------------------------------------------------------------------------------------------------------


def accept_terms() -> Node:
    """Making a channel needs the terms accepted once."""
    id, stage = TERMS
    return iq.set("tos", Node("notice", {"id": id, "stage": stage}))


def history(channel: Jid, count: int, *, before: str = "", after: str = "") -> Node:
    """Posts, the newest when no place is named."""
    attrs: dict[str, Attr] = {"type": "jid", "jid": channel, "count": str(count)}
    if before:
        attrs["before"] = before
    elif after:
        attrs["after"] = after
    return iq.get("newsletter", Node("messages", attrs))


def parse_history(reply: Node) -> tuple[Post, ...]:
    """The posts, oldest first."""
    found = reply.need("messages")
    posts = [
        Post(
            id=node.text("id"),
            server_id=node.text("server_id"),
            at=node.number("t"),
            type=node.text("type"),
            edit=node.text("edit"),
            mine=node.text("is_sender") == "true",
            message=inner.content_bytes() if (inner := node.child("plaintext")) is not None else b"",
            counters=counters(node),
        )
        for node in found.all("message")
        if node.text("server_id")
    ]
    return tuple(sorted(posts, key=lambda post: decimal(post.server_id) or 0))


def live(channel: Jid) -> Node:
    """Be told of reactions and views for a while."""
    return iq.set("newsletter", Node("live_updates"), to=channel)


def parse_live(reply: Node) -> int:
    """For how many seconds."""
    return reply.need("live_updates").number("duration", 300)


def live_changes(notification: Node) -> tuple[Jid | None, tuple[Counters, ...]]:
    """`<notification type="newsletter">`: new counters of posts, in either form."""
    live_node = notification.child("live_updates")
    if live_node is None:
        return None, ()
    outer = live_node.child("messages") or live_node
    channel = bare(outer, "jid") or bare(notification, "from")
    return channel, tuple(counters(node) for node in outer.all("message") if node.text("server_id"))


def counters(node: Node) -> Counters:
    """Of one post."""
    reactions, votes = node.child("reactions"), node.child("votes")
    return Counters(
        server_id=node.text("server_id"),
        views=_count(node, "views_count"),
        forwards=_count(node, "forwards_count"),
        responses=_count(node, "responses_count"),
        reactions={one.text("code"): one.number("count") for one in reactions.all("reaction")}
        if reactions is not None
        else None,
        votes={one.content_bytes().hex(): one.number("count") for one in votes.all("vote")}
        if votes is not None
        else None,
    )


def _count(node: Node, tag: str) -> int | None:
    found = node.child(tag)
    return number(found, "count") if found is not None else None


def react(channel: Jid, id: str, server_id: str, emoji: str) -> Node:
    """React to a post; an empty emoji takes it back."""
    attrs: dict[str, Attr] = {"to": channel, "id": id, "type": "reaction", "server_id": server_id}
    if not emoji:
        attrs["edit"] = REVOKED_REACTION
    return Node("message", attrs, [Node("reaction", {"code": emoji} if emoji else {})])


def viewed(channel: Jid, id: str, server_ids: Sequence[str]) -> Node:
    """We have seen these posts."""
    items = [Node("item", {"server_id": one}) for one in server_ids]
    return Node("receipt", {"to": channel, "type": "view", "id": id}, [Node("list", {}, items)])
