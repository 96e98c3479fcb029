"""What people change about themselves: picture, about text, number, timer, business (reference 04, 7.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import DecodeError

from protocol.effects import Reaction
from protocol.events.group import GroupUpdated
from protocol.events.message import Chat
from protocol.events.state import ContactMoved, ContactUpdated, SettingsChanged
from protocol.flows import appstate, people
from protocol.flows.context import Context
from protocol.flows.mapping import learn
from protocol.jid import Jid
from protocol.keystore import Txn
from protocol.node import Node
from protocol.pb.vname_pb2 import VerifiedNameCertificate
from protocol.stanza.groups import bare

#: The collection that holds the address book.
ADDRESS_BOOK: Final = "critical_unblock_low"
#: Of a business; nothing that we show.
BUSINESS_IGNORED: Final = frozenset(
    {
        "profile",
        "product_catalog",
        "subscriptions",
        "feature_flags",
        "privacy",
        "ctwa_suggestion",
        "collections",
    }
)


def _head(ctx: Context, txn: Txn, node: Node, who: Jid, part: str) -> dict[str, Any]:
    return {
        "at": float(node.number("t") or ctx.now),
        "key": f"contact/{who.user}/{part}/{node.text('id')}",
        "contact": people.person(txn, who, node.text("notify")),
    }


def picture_changed(ctx: Context, node: Node) -> Reaction:
    """`<notification type="picture">`: a person or a group has another picture, or none any more."""
    change = node.children[0] if node.children else None
    if change is not None and change.tag in ("request", "set_avatar"):
        ctx.counts[f"ignored.picture.{change.tag}"] += 1
        return Reaction()
    who = (bare(change, "jid") if change is not None else None) or node.need_jid("from").bare
    id = change.text("id") if change is not None and change.tag != "delete" else ""
    txn = ctx.txn()
    if who.is_group:
        author = bare(change, "author") if change is not None else None
        group = GroupUpdated(
            at=float(node.number("t") or ctx.now),
            key=f"group/{who.user}/picture/{node.text('id')}",
            group=Chat(str(who), people.kind_of(who)),
            by=people.person(txn, author) if author is not None else None,
            keys=["picture"],
            changed={"picture": id},
        )
        return Reaction(txn=txn, events=(group,))
    if ctx.is_me(who):
        key = f"settings/picture/{node.text('id')}"
        own = SettingsChanged(at=ctx.now, key=key, name="profile", value={"changed": "picture"})
        return Reaction(txn=txn, events=(own,))
    return Reaction(txn=txn, events=(ContactUpdated(**_head(ctx, txn, node, who, "picture"), picture=id),))


def about_changed(ctx: Context, node: Node) -> Reaction:
    """`<notification type="status">`: another about text; a hash alone says nothing."""
    text = node.child("set")
    who = node.need_jid("from").bare
    if text is None or not who.is_user or (text.content is None and text.text("hash")):
        return Reaction()
    txn = ctx.txn()
    event = ContactUpdated(**_head(ctx, txn, node, who, "about"), about=text.content_text())
    return Reaction(txn=txn, events=(event,))


def timer_changed(ctx: Context, node: Node) -> Reaction:
    """`<notification type="disappearing_mode">`: chats with this person begin with another timer."""
    mode, who = node.child("disappearing_mode"), node.need_jid("from").bare
    if mode is None or not who.is_user or ctx.is_me(who):
        return Reaction()
    txn = ctx.txn()
    event = ContactUpdated(**_head(ctx, txn, node, who, "timer"), timer_s=mode.number("duration"))
    return Reaction(txn=txn, events=(event,))


def address_book(ctx: Context, node: Node) -> Reaction:
    """`<notification type="contacts">`: somebody has another number, or the whole book is to be read again."""
    txn = ctx.txn()
    moved: list[ContactMoved] = []
    for change in node.all("modify"):
        event = _renumbered(ctx, txn, node, change)
        if event is not None:
            moved.append(event)
    sync = node.child("sync")
    flows = ((appstate.sync(ctx, ADDRESS_BOOK), appstate.lane(ADDRESS_BOOK)),) if sync is not None else ()
    for child in node.children:
        if child.tag not in ("modify", "sync"):
            ctx.counts[
                f"ignored.contacts.{child.tag if child.tag in ('add', 'remove', 'update') else '?'}"
            ] += 1
    staged = txn if txn.changes or moved else None
    return Reaction(txn=staged, events=tuple(moved), flows=flows)


def _renumbered(ctx: Context, txn: Txn, node: Node, change: Node) -> ContactMoved | None:
    old, new = bare(change, "old"), bare(change, "new")
    if old is None or new is None or old == new:
        return None
    old_lid, new_lid = bare(change, "old_lid"), bare(change, "new_lid")
    before = people.name_of(txn, old_lid or old)
    if old_lid is not None and old_lid != new_lid:
        learn(txn, old, old_lid)
    learn(txn, new, new_lid)
    after = people.name_of(txn, new)
    if before == after:
        return None
    key = f"contact/{old.user}/moved/{new.user}/{node.text('id')}"
    return ContactMoved(at=float(node.number("t") or ctx.now), key=key, old=str(before), new=str(after))


def business_changed(ctx: Context, node: Node) -> Reaction:
    """`<notification type="business">`: a verified name came or went."""
    txn = ctx.txn()
    events = []
    for change in node.children:
        if change.tag in BUSINESS_IGNORED:
            ctx.counts[f"ignored.business.{change.tag}"] += 1
            continue
        read = _BUSINESS.get(change.tag)
        if read is None:
            ctx.unknown("business", change.tag, change)
            continue
        who = bare(change, "jid") or node.need_jid("from").bare
        name = read(change)
        if who.is_user and name is not None:
            events.append(ContactUpdated(**_head(ctx, txn, node, who, change.tag), business_name=name))
    return Reaction(txn=txn if events else None, events=tuple(events))


def _verified(change: Node) -> str | None:
    try:
        certificate = VerifiedNameCertificate.FromString(change.content_bytes())
        details = VerifiedNameCertificate.Details.FromString(certificate.details)
    except DecodeError:
        return None
    return details.verifiedName or None


_BUSINESS: Final[dict[str, Callable[[Node], str | None]]] = {
    "verified_name": _verified,
    "remove": lambda change: "",
}
