"""What comes while a device is being linked, beside what the flows of pairing wait for themselves."""

from __future__ import annotations

from protocol.effects import Reaction
from protocol.flows.context import Context
from protocol.flows.link_code import prove_passkey
from protocol.flows.pair import failed
from protocol.jid import SERVER
from protocol.node import Node


def passkey_demanded(ctx: Context, node: Node) -> Reaction:
    """The account wants a passkey before it agrees. A device that is linked already has nothing to prove."""
    if ctx.creds().account is not None or node.jid("from") != SERVER:
        return Reaction()
    return Reaction(flows=((prove_passkey(ctx, node), "passkey"),))


def scanned_by_old_phone(ctx: Context, child: Node) -> Reaction:
    """The phone that scanned knows no linked devices; the same code stays good for another try."""
    advice = "The phone's WhatsApp is too old to link devices: update it and scan again."
    return Reaction(ephemeral=(failed(ctx, "phone_outdated", advice, code=411, going_on=True),))
