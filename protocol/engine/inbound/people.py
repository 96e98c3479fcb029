"""Notifications about people's devices, identities and tokens (reference 02, 6.4 and 10)."""

from __future__ import annotations

from protocol.effects import Effects, Reaction
from protocol.flows import devices, prekeys, sender_keys, tokens
from protocol.flows.context import Context
from protocol.flows.fanout import ensure_sessions
from protocol.flows.identity_change import person_changed
from protocol.flows.mapping import learn, session_jid
from protocol.jid import Jid
from protocol.keystore import Txn
from protocol.node import Node
from protocol.signal.identity import forget_identity, identity_of
from protocol.signal.session import delete_session
from protocol.stanza import devices as stanza


def devices_changed(ctx: Context, node: Node) -> Reaction:
    """`<notification type="devices">`: somebody linked or unlinked a device."""
    change = stanza.parse_change(node)
    if change is None:
        return Reaction()
    txn = ctx.txn()
    devices.apply_change(ctx, txn, change)
    return Reaction(txn=txn if txn.changes else None)


def note_own_devices(ctx: Context, txn: Txn, node: Node) -> None:
    """The devices part of `<notification type="account_sync">`: the complete list of our own."""
    change = stanza.parse_change(node)
    if change is None or change.kind != "complete" or not ctx.is_me(change.user):
        return
    devices.apply_change(ctx, txn, change)


def keys_wanted(ctx: Context, node: Node) -> Reaction:
    """`<notification type="encrypt">`: prekeys run low, a check is asked for, or somebody has a new identity."""
    if node.child("identity") is not None:
        return _identity_changed(ctx, node)
    if node.child("count") is not None:
        # The server's threshold is higher than ours: it is not asked how many are left.
        seen = ctx.creds().first_unuploaded_pre_key_id
        return Reaction(flows=((prekeys.refill(ctx, seen), prekeys.LANE),))
    if node.child("digest") is not None:
        return Reaction(flows=((prekeys.verify(ctx), prekeys.LANE),))
    return Reaction()


def _identity_changed(ctx: Context, node: Node) -> Reaction:
    user = node.need_jid("from")
    if user.device or not user.is_user or ctx.is_me(user):
        return Reaction()
    txn = ctx.txn()
    learn(txn, user, node.jid("lid"))
    name = session_jid(txn, user)
    known = identity_of(txn, name.signal_address) is not None
    effects = Effects()
    held = devices.cached(txn, user)
    for device in held.devices if held else ():
        if device.id:
            _forget(txn, device.jid(user))
    if known:
        _forget(txn, user)
        effects = person_changed(ctx, txn, user, node.text("id"))
        if not ctx.catching_up:
            effects.flows.append((ensure_sessions(ctx, [user.on(0)]), None))
    else:
        devices.forget(txn, user)
        sender_keys.clear_person(txn, user)
    changed = txn if txn.changes or effects.events else None
    return Reaction(tuple(effects.stanzas), changed, tuple(effects.events), flows=tuple(effects.flows))


def _forget(txn: Txn, device: Jid) -> None:
    for name in {device, session_jid(txn, device)}:
        delete_session(txn, name.signal_address)
        forget_identity(txn, name.signal_address)


def token_issued(ctx: Context, node: Node) -> Reaction:
    """`<notification type="privacy_token">`: somebody's proof that they know us."""
    issuer, found = tokens.parse_notification(node)
    txn = ctx.txn()
    learn(txn, node.need_jid("from"), node.jid("sender_lid"))
    for token, at in found:
        tokens.note(txn, issuer, token, at)
    return Reaction(txn=txn if txn.changes else None)
