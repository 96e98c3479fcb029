"""Pictures and about texts, our own and others' (reference 04, 3.2, 3.3); business profiles (3.5)."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from protocol.jid import SERVER, Jid
from protocol.node import Attr, Node
from protocol.stanza import iq

PICTURE: Final = "w:profile:picture"
BUSINESS: Final = "w:biz"
#: The version of the business profile that we can read.
BUSINESS_VERSION: Final = "244"
#: Minutes after midnight, in business hours.
MINUTES: Final = 60


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Where a picture is. `unchanged`: it is the one that was named in the question. Neither: there is none."""

    id: str = ""
    url: str = ""
    direct_path: str = ""
    unchanged: bool = False


def ask_picture(
    who: Jid, size: Literal["preview", "image"], *, known: str = "", proof: list[Node] | None = None
) -> Node:
    """Where somebody's picture is. `proof`: the token that shows that they know us."""
    attrs: dict[str, Attr] = {"type": size, "query": "url"}
    if known:
        attrs["id"] = known
    return _picture("get", who, Node("picture", attrs, proof or None))


def read_picture(reply: Node) -> Picture:
    """An empty answer means unchanged, a missing picture is an error of the request, or says 204."""
    found = reply.child("picture")
    if found is None or not (found.attrs or found.children):
        return Picture(unchanged=True)
    status = found.number("status")
    if status == 304:
        return Picture(unchanged=True)
    if status == 204 or found.child("error") is not None:
        return Picture()
    return Picture(id=found.text("id"), url=found.text("url"), direct_path=found.text("direct_path"))


def set_picture(jpeg: bytes, *, group: Jid | None = None) -> Node:
    """Our own picture, or a group's; without one it is removed."""
    child = Node("picture", {"type": "image"}, jpeg) if jpeg else None
    return _picture("set", group, child)


def read_picture_id(reply: Node) -> str:
    """The id of a picture that was set."""
    found = reply.child("picture")
    return found.text("id") if found is not None else ""


def _picture(type: str, target: Jid | None, child: Node | None) -> Node:
    attrs: dict[str, Attr] = {"to": SERVER, "type": type, "xmlns": PICTURE}
    if target is not None:
        attrs["target"] = target
    return Node("iq", attrs, [child] if child is not None else None)


def set_about(text: str) -> Node:
    """Our own about text."""
    return iq.set("status", Node("status", {}, text.encode()))


def ask_about(who: Jid, sid: str, *, proof: list[Node] | None = None) -> Node:
    """Somebody's about text."""
    user = Node("user", {"jid": who.bare}, proof or None)
    attrs: dict[str, Attr] = {
        "sid": sid,
        "mode": "query",
        "last": "true",
        "index": "0",
        "context": "interactive",
    }
    usync = Node("usync", attrs, [Node("query", {}, [Node("status")]), Node("list", {}, [user])])
    return iq.get("usync", usync)


def read_about(reply: Node) -> tuple[str, int]:
    """The text and when it was set; both empty when it is hidden."""
    listed = reply.need("usync").child("list")
    for user in listed.all("user") if listed is not None else ():
        status = user.child("status")
        if status is not None and "code" not in status.attrs and status.child("error") is None:
            return status.content_text(), status.number("t")
    return "", 0


def ask_business(who: Jid) -> Node:
    """A business profile."""
    inner = Node("profile", {"jid": who.bare})
    return iq.get(BUSINESS, Node("business_profile", {"v": BUSINESS_VERSION}, [inner]))


def read_business(reply: Node) -> dict[str, Any]:
    """What a business tells of itself; empty when it is none."""
    outer = reply.child("business_profile")
    node = outer.child("profile") if outer is not None else None
    if node is None:
        return {}
    texts = {
        tag: child.content_text() for tag in ("address", "description", "email") if (child := node.child(tag))
    }
    told: dict[str, Any] = {name: text for name, text in texts.items() if text}
    sites = [child.content_text() for child in node.all("website") if child.content_text()]
    kinds = node.child("categories")
    categories = [child.content_text() for child in kinds.all("category")] if kinds is not None else []
    hours = node.child("business_hours")
    return (
        told
        | ({"websites": sites} if sites else {})
        | ({"categories": categories} if categories else {})
        | ({"hours": _hours(hours)} if hours is not None else {})
    )


def _hours(node: Node) -> dict[str, Any]:
    days = [
        {"day": day.text("day_of_week"), "mode": day.text("mode")}
        | ({"open": _clock(day.number("open_time"))} if day.text("open_time") else {})
        | ({"close": _clock(day.number("close_time"))} if day.text("close_time") else {})
        for day in node.all("business_hours_config")
    ]
    return {"timezone": node.text("timezone"), "days": days}


def _clock(minutes: int) -> str:
    hours, rest = divmod(minutes, MINUTES)
    return f"{hours:02d}:{rest:02d}"
