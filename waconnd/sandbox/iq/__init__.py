"""What clients ask: one family of iqs a file; the table below finds them by namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.jid import SERVER
from protocol.node import Attr, BadNode, Node
from waconnd.sandbox import linking
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.iq import appstate, basics, encrypt, groups, media, mex, privacy, profile, usync
from waconnd.sandbox.state import Device, Link

#: Returns the children of the result; Refused becomes an error.
Handler = Callable[[Core, Device, Node], list[Node]]

FAMILIES: Final[dict[str, Handler]] = {
    "encrypt": encrypt.handle,
    "usync": usync.handle,
    "w:sync:app:state": appstate.handle,
    "w:g2": groups.handle,
    "w:m": media.handle,
    "w:mex": mex.handle,
    "w:profile:picture": profile.picture,
    "status": profile.status,
    "privacy": privacy.settings,
    "blocklist": privacy.blocklist,
    "disappearing_mode": privacy.default_timer,
    "w:p": basics.ping,
    "passive": basics.passive,
    "abt": basics.props,
    "md": basics.companion_device,
    "urn:xmpp:whatsapp:dirty": basics.clean,
    "urn:xmpp:whatsapp:push": basics.nothing,
    "w:stats": basics.nothing,
    "tos": basics.nothing,
    "w:biz": basics.business_profile,
    "w:qr": basics.contact_code,
    "bot": basics.bots,
    "newsletter": basics.newsletter,
    "spam": basics.nothing,
    "fb:thrift_iq": basics.nothing,
}


def answer(core: Core, device: Device, iq: Node) -> Node:
    """The result or error of one iq."""
    attrs: dict[str, Attr] = {"from": iq.jid("to") or SERVER, "id": iq.text("id"), "t": core.seconds}
    handler = FAMILIES.get(iq.text("xmlns"))
    try:
        error = core.faults.iq_error(iq)
        if error:
            raise Refused(error, "refused on demand")
        if handler is None:
            raise Refused(501, "feature-not-implemented")
        children = handler(core, device, iq)
    except Refused as refused:
        return Node("iq", {**attrs, "type": "error"}, [refused.node])
    except (BadNode, DecodeError, msgspec.DecodeError) as error:
        core.complain(f"{device.pn}: {iq.text('xmlns')}: {error}")
        return Node("iq", {**attrs, "type": "error"}, [Refused(400, "bad-request").node])
    return Node("iq", {**attrs, "type": "result"}, children or None)


def answer_unpaired(core: Core, link: Link, iq: Node) -> Node:
    """The same for a connection without an account: only keepalive and pairing are answered."""
    attrs: dict[str, Attr] = {"from": SERVER, "id": iq.text("id"), "t": core.seconds}
    try:
        if iq.text("xmlns") == "md":
            children = linking.companion_iq(core, link, iq)
        elif iq.text("xmlns") == "w:p":
            children = []
        else:
            raise Refused(401, "not-authorized")
    except Refused as refused:
        return Node("iq", {**attrs, "type": "error"}, [refused.node])
    return Node("iq", {**attrs, "type": "result"}, children or None)
