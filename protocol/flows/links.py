"""Links to people: our own contact code, and what stands behind somebody's (reference 04, 3.10)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.effects import Ask
from protocol.jid import Jid
from protocol.node import BadNode, Node

LINK: Final = "https://wa.me/qr/"


class Linked(msgspec.Struct, frozen=True):
    """Whom a link leads to."""

    jid: Jid
    name: str = ""
    #: What the link would write for us.
    text: str = ""
    #: The name that WhatsApp has verified, of a business.
    business_name: str = ""


async def resolve(code: str) -> Linked:
    """Whom a contact or message link leads to. Raises IqError (404: nobody)."""
    request = Node("iq", {"type": "get", "xmlns": "w:qr"}, [Node("qr", {"code": code})])
    return await Ask(request, _linked)


async def own(*, reset: bool = False) -> str:
    """Our own contact link; `reset` makes the one before worthless. Raises IqError."""
    asked = Node("qr", {"type": "contact", "action": "revoke" if reset else "get"})
    return await Ask(Node("iq", {"type": "set", "xmlns": "w:qr"}, [asked]), _code)


def _linked(reply: Node) -> Linked:
    found = reply.need("qr")
    text, business = found.child("message"), found.child("business")
    return Linked(
        jid=found.need_jid("jid").bare,
        name=found.text("notify"),
        text=text.content_text() if text is not None else "",
        business_name=business.text("verified_name") if business is not None else "",
    )


def _code(reply: Node) -> str:
    code = reply.need("qr").text("code")
    if not code:
        raise BadNode("the server gave no code")
    return LINK + code
