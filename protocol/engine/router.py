"""Which function handles which stanza: three tables, by tag, by type of notification, by child of `ib`.

A handler is a plain function `(ctx, node) -> Reaction`. Those of notifications say only what happens; the ack is
added here, behind their commit. A family registers its handlers in the tables below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from protocol.effects import Reaction
from protocol.engine.inbound import appstate, groups, linking, message, people, presence, receipt, server
from protocol.flows.context import Context
from protocol.node import Node
from protocol.stanza import linkcode, pairing, passkey
from protocol.stanza.acks import ack

Handler = Callable[[Context, Node], Reaction]

NOTHING: Final = Reaction()


def _ack_only(ctx: Context, node: Node) -> Reaction:
    return Reaction(stanzas=(ack(node),))


def _nothing(ctx: Context, node: Node) -> Reaction:
    return NOTHING


NOTIFICATIONS: Final[dict[str, Handler]] = {
    # The flows of pairing wait for these themselves; here only the ack is due.
    linkcode.TYPE: _nothing,
    pairing.REFRESH: _nothing,
    passkey.CONTINUATION: _nothing,
    passkey.REQUEST: linking.passkey_demanded,
    "devices": people.devices_changed,
    "encrypt": people.keys_wanted,
    "account_sync": people.own_devices_changed,
    "privacy_token": people.token_issued,
    "w:gp2": groups.group_changed,
    "server_sync": appstate.notified,
    # Known, and of no use to us (reference 04, 7.2).
    "psa": _nothing,
    "pay": _nothing,
    "hosted": _nothing,
    "waffle": _nothing,
    "w:growth": _nothing,
    "digital_commerce_subscription": _nothing,
    "offer_notice": _nothing,
    "fb:update": _nothing,
    "fbid:devices": _nothing,
}

IB: Final[dict[str, Handler]] = {
    "offline_preview": server.offline_preview,
    "offline": server.offline_end,
    "dirty": server.dirty,
    "edge_routing": server.edge_routing,
    "client_expiration": server.client_expiration,
    pairing.DOWNGRADE: linking.scanned_by_old_phone,
    "priority_offline_complete": _nothing,
    "thread_metadata": _nothing,
    "tos": _nothing,
    "spam": _nothing,
    "recovery_nonce": _nothing,
}

#: `message` is not acked by default: what nobody handles has to stay with the server.
HANDLERS: Final[dict[str, Handler]] = {
    "iq": server.request,
    "message": message.on_message,
    "status": message.on_message,
    "receipt": receipt.on_receipt,
    "call": _ack_only,
    "appdata": _ack_only,
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
