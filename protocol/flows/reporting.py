"""The `<reporting>` child of a message: proof of its content, should the recipient report it (reference 02, 5.7)."""

from __future__ import annotations

from typing import Final

from protocol.jid import Jid
from protocol.node import Node
from protocol.pb.e2e_pb2 import Message
from protocol.signal.reporting import VERSION, reporting_token

#: Contents that carry no secret of their own carry no token either.
WITHOUT: Final = ("reactionMessage", "encReactionMessage", "pollUpdateMessage", "encEventResponseMessage")


def reporting(message: Message, encoded: bytes, id: str, me: Jid, chat: Jid) -> list[Node]:
    """The child, or nothing for contents without a secret."""
    secret = message.messageContextInfo.messageSecret
    if not secret or any(message.HasField(name) for name in WITHOUT):
        return []
    token = reporting_token(encoded, secret, id, str(me.bare), str(chat.bare))
    if token is None:
        return []
    return [Node("reporting", {}, [Node("reporting_token", {"v": str(VERSION)}, token)])]
