"""Which function handles which stanza: three tables, by tag, by type of notification, by child of `ib`.

A handler is a plain function `(ctx, node) -> Reaction`. Those of notifications say only what happens; the ack is
added here, behind their commit. A family registers its handlers in the tables below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from protocol.effects import Reaction
from protocol.engine.inbound import (
    appstate,
    calls,
    channels,
    contacts,
    groups,
    linking,
    message,
    people,
    presence,
    receipt,
    server,
    settings,
)
from protocol.flows.context import Context
from protocol.node import Node
from protocol.stanza import linkcode, pairing, passkey
from protocol.stanza.acks import ack
from protocol.stanza.receipt import app_data

Handler = Callable[[Context, Node], Reaction]

NOTHING: Final = Reaction()


def _of_another_product(ctx: Context, node: Node) -> Reaction:
    """`<appdata>` is encrypted for others of Meta's programs; its receipt is all that the server wants of us."""
    return Reaction(stanzas=(app_data(node),))


def _nothing(ctx: Context, node: Node) -> Reaction:
    return NOTHING


def _ignored(ctx: Context, node: Node) -> Reaction:
    ctx.counts[f"ignored.{node.text('type') if node.tag == 'notification' else node.tag}"] += 1
    return NOTHING


NOTIFICATIONS: Final[dict[str, Handler]] = {
    # The flows of pairing wait for these themselves; here only the ack is due.
    linkcode.TYPE: _nothing,
    pairing.REFRESH: _nothing,
    passkey.CONTINUATION: _nothing,
    passkey.REQUEST: linking.passkey_demanded,
    "devices": people.devices_changed,
    "encrypt": people.keys_wanted,
    "account_sync": settings.account_changed,
    "privacy_token": people.token_issued,
    "w:gp2": groups.group_changed,
    "server_sync": appstate.notified,
    "picture": contacts.picture_changed,
    "status": contacts.about_changed,
    "contacts": contacts.address_book,
    "disappearing_mode": contacts.timer_changed,
    "business": contacts.business_changed,
    "newsletter": channels.counted,
    "mex": channels.told,
    "registration": settings.registration_code,
    "server": server.news,
    # Whoever asked for a file waits for this.
    "mediaretry": _nothing,
    # Known, and of no use to us (reference 04, 7.2): counted, so that nobody wonders.
    **dict.fromkeys(
        (
            "psa",
            "pay",
            "hosted",
            "waffle",
            "w:growth",
            "digital_commerce_subscription",
            "offer_notice",
            "fb:update",
            "fb:call",
            "fb:thread",
            "fbid:devices",
            "fbid:thread",
        ),
        _ignored,
    ),
}

IB: Final[dict[str, Handler]] = {
    "offline_preview": server.offline_preview,
    "offline": server.offline_end,
    "dirty": server.dirty,
    "edge_routing": server.edge_routing,
    "client_expiration": server.client_expiration,
    pairing.DOWNGRADE: linking.scanned_by_old_phone,
    "priority_offline_complete": _ignored,
    "thread_metadata": _ignored,
    "tos": _ignored,
    "spam": _ignored,
    "recovery_nonce": _ignored,
}

#: `message` is not acked by default: what nobody handles has to stay with the server.
HANDLERS: Final[dict[str, Handler]] = {
    "iq": server.request,
    "message": message.on_message,
    "status": message.on_message,
    "receipt": receipt.on_receipt,
    "call": calls.on_call,
    "appdata": _of_another_product,
    # An answer nobody waits for any more.
    "ack": _nothing,
    "presence": presence.on_presence,
    "chatstate": presence.on_chatstate,
    "success": _nothing,
    "error": server.rejected,
}


def route(ctx: Context, node: Node) -> Iterator[Reaction]:
    """The reactions to a stanza, each to be carried out before the next is computed."""
    if node.tag == "notification":
        yield _notification(ctx, node)
    elif node.tag == "ib":
        for child in node.children:
            yield _lookup(ctx, IB, "ib", child.tag, child)(ctx, child)
    else:
        yield _lookup(ctx, HANDLERS, "stanza", node.tag, node)(ctx, node)


def _notification(ctx: Context, node: Node) -> Reaction:
    reaction = _lookup(ctx, NOTIFICATIONS, "notification", node.text("type"), node)(ctx, node)
    return Reaction(
        (*reaction.stanzas, ack(node)), reaction.txn, reaction.events, reaction.ephemeral, reaction.flows
    )


def _lookup(ctx: Context, table: dict[str, Handler], family: str, name: str, node: Node) -> Handler:
    handler = table.get(name)
    if handler is None:
        ctx.unknown(family, name, node)
        return _nothing
    return handler
