"""Presence and typing: who is there, who writes (reference 03, 6.5). None of it is kept or acknowledged."""

from __future__ import annotations

from typing import Literal

import msgspec

from protocol.jid import Jid
from protocol.node import Attr, Node

Typing = Literal["text", "voice"]


class Seen(msgspec.Struct, frozen=True):
    """Somebody is there or not; `last`: Unix seconds, 0 when hidden or not said."""

    who: Jid
    online: bool
    last: int = 0


class Writes(msgspec.Struct, frozen=True):
    """Somebody types or records in a chat, or has stopped."""

    chat: Jid
    who: Jid
    kind: Typing
    on: bool


def here(available: bool, name: str) -> Node:
    """Tell that we are there or not; without the name others see a dash."""
    attrs: dict[str, Attr] = {"type": "available" if available else "unavailable"}
    if name:
        # An @ ends the name in the apps.
        attrs["name"] = name.replace("@", "")
    return Node("presence", attrs)


def watch(who: Jid, proof: list[Node]) -> Node:
    """Ask to be told; ends with the connection. `proof`: the token that shows that they know us."""
    return Node("presence", {"type": "subscribe", "to": who.bare}, proof or None)


def writing(chat: Jid, kind: Typing, *, on: bool) -> Node:
    """Tell that we type or record, or have stopped."""
    attrs: dict[str, Attr] = {"media": "audio"} if on and kind == "voice" else {}
    return Node("chatstate", {"to": chat.bare}, [Node("composing" if on else "paused", attrs)])


def parse_presence(node: Node) -> Seen | None:
    """None for what says nothing about a person (how many of a group are there)."""
    who = node.jid("from")
    if who is None or not who.is_user:
        return None
    return Seen(who.bare, node.text("type", "available") == "available", node.number("last"))


def parse_writing(node: Node) -> Writes | None:
    """None for a state that we do not know."""
    chat = node.jid("from")
    state = node.child("composing") or node.child("paused")
    if chat is None or state is None:
        return None
    who = node.jid("participant") or chat
    kind: Typing = "voice" if state.text("media") == "audio" else "text"
    return Writes(chat.bare, who.bare, kind, state.tag == "composing")
