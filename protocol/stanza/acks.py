"""Acks: one function for every class of stanza (reference 01, 7.7).

The server closes the stream over a wrong one, but only at the next login or an hour later, so the rules stand here
together: `to` is the stanza's `from` unchanged, device included; `participant` and `recipient` are echoed.
"""

from __future__ import annotations

from typing import Final

from protocol.jid import Jid
from protocol.node import Attr, Node

#: What is acked at all; an iq, a presence or an `ib` never is.
CLASSES: Final = frozenset({"message", "receipt", "notification", "call", "status", "appdata"})

#: Error codes of a negative ack, by the names that WhatsApp uses.
PARSING_ERROR: Final = 487
UNRECOGNIZED_STANZA: Final = 488
INVALID_PROTOBUF: Final = 491
MISSING_MESSAGE_SECRET: Final = 495


def ack(node: Node, *, error: int | None = None, me: Jid | None = None) -> Node:
    """The answer that lets the server forget `node`. `me`: own device by number, for messages and statuses.

    A decrypted message gets a receipt instead, never both.
    """
    attrs: dict[str, Attr] = {"class": node.tag, "id": node.text("id")}
    sender = node.attrs.get("from")
    if sender is not None:
        attrs["to"] = sender
    if (participant := node.attrs.get("participant")) is not None and (
        node.tag != "receipt" or participant != sender
    ):
        attrs["participant"] = participant
    if (recipient := node.attrs.get("recipient")) is not None:
        attrs["recipient"] = recipient
    if me is not None and node.tag in ("message", "status"):
        attrs["from"] = me
    # An identity change is acked without type; "delivery" is never made up for a receipt that has none.
    if (type := node.attrs.get("type")) is not None and not _is_identity_change(node):
        attrs["type"] = type
    if error is not None:
        attrs["error"] = str(error)
    return Node("ack", attrs)


def _is_identity_change(node: Node) -> bool:
    return (
        node.tag == "notification" and node.text("type") == "encrypt" and node.child("identity") is not None
    )
