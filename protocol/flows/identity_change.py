"""Somebody has a new installation: what was shared with the old one is shared anew (reference 02, 3.9 and 10.1)."""

from __future__ import annotations

from protocol.effects import Effects
from protocol.events.message import IdentityChanged
from protocol.flows import devices, people, sender_keys, tokens
from protocol.flows.context import Context
from protocol.flows.mapping import session_jid
from protocol.jid import STATUS, Jid
from protocol.keystore import Txn


def device_changed(ctx: Context, txn: Txn, device: Jid, identity: bytes, *, push_name: str = "") -> Effects:
    """A device has shown another identity key than the one that we knew."""
    name = session_jid(txn, device)
    if not name.device:
        return person_changed(ctx, txn, name, identity.hex()[:16], push_name=push_name)
    # A companion's keys are vouched for by its phone: nothing that people need to hear of.
    sender_keys.clear_everywhere(txn, name)
    return Effects()


def person_changed(ctx: Context, txn: Txn, person: Jid, mark: str, *, push_name: str = "") -> Effects:
    """A phone has a new identity. `mark` names the change: however often it is met, it is told once."""
    devices.forget(txn, person)
    sender_keys.clear_person(txn, person)
    sender_keys.rotate(ctx, txn, STATUS)
    key = f"identity/{session_jid(txn, person)}/{mark}"
    event = IdentityChanged(at=ctx.now, key=key, contact=people.person(txn, person, push_name))
    return Effects([event], stanzas=tokens.reissue(ctx, txn, person))
