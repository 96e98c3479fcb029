"""Whether the user lets others see that their messages are read: a setting of the account, asked of the server."""

from __future__ import annotations

from protocol.effects import Ask
from protocol.flows.context import Context
from protocol.jid import SERVER
from protocol.node import Attr, Node

_NAME = "readreceipts"


async def hidden(ctx: Context) -> bool:
    """True when nobody shall see it. Asked each time: the phone may have changed it a moment ago."""
    attrs: dict[str, Attr] = {"xmlns": "privacy", "type": "get", "to": SERVER}
    return await Ask(Node("iq", attrs, [Node("privacy")]), _read)


def _read(reply: Node) -> bool:
    settings = reply.child("privacy")
    found = settings.all("category") if settings is not None else ()
    return any(one.text("name") == _NAME and one.text("value") == "none" for one in found)
