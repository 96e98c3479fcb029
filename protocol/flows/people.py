"""How persons and chats are named in events: one name each, whatever the stanza said."""

from __future__ import annotations

from protocol.events.message import Chat, Person
from protocol.flows.mapping import lid_of, pn_of, session_jid
from protocol.jid import STATUS, Jid
from protocol.keystore import View
from protocol.stanza.message import plain


def name_of(view: View, jid: Jid) -> Jid:
    """The one name of a person or chat: the hidden id when it is known, never a device."""
    return session_jid(view, plain(jid))


def person(view: View, jid: Jid, name: str = "") -> Person:
    """A person under all known names."""
    bare = plain(jid)
    pn, lid = (pn_of(view, bare), bare) if bare.is_lid else (bare, lid_of(view, bare))
    if not bare.is_user:
        return Person(id=str(bare), name=name, kind=kind_of(bare))
    known = lid or pn or bare
    return Person(str(known), str(pn) if pn else "", str(lid) if lid else "", name, "user")


def chat(view: View, jid: Jid) -> Chat:
    """A chat."""
    known = name_of(view, jid)
    return Chat(str(known), kind_of(known))


def kind_of(jid: Jid) -> str:
    """The kind of chat that an address names."""
    if jid == STATUS:
        return "status"
    if jid.is_group:
        return "group"
    if jid.is_newsletter:
        return "channel"
    return "broadcast" if jid.is_broadcast else ("user" if jid.is_user else jid.server)
