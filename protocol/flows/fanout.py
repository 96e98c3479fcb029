"""Sessions with many devices at once: bundles fetched in batches, each device's failure its own (reference 02, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from protocol.effects import Ask, AskAll, Effects, Pause, Tell
from protocol.errors import IqError, LinkLost, ProtocolError, StoreFailed
from protocol.flows import devices
from protocol.flows.context import Context
from protocol.flows.identity_change import device_changed
from protocol.flows.mapping import adopt, session_jid
from protocol.jid import Jid
from protocol.keystore import Txn
from protocol.signal.errors import SignalError
from protocol.signal.identity import identity_of
from protocol.signal.session import Bundle, Local, local_from_creds, open_session
from protocol.stanza import adv, prekeys
from protocol.stanza.prekeys import BadBundle, Fetched

#: Devices handled before other work gets its turn: some 20 ms of agreements.
OPEN_AT_ONCE: Final = 24
#: One of the devices is not registered any more: the whole question was refused.
NOT_ACCEPTABLE: Final = 406

Failures = dict[Jid, str]


def local(ctx: Context) -> Local:
    """Our side of every session."""
    return local_from_creds(ctx.creds(), ctx.random)


async def ensure_sessions(ctx: Context, wanted: Sequence[Jid], *, renew: bool = False) -> Failures:
    """Open a session with every device that has none. What is returned could not be opened, and why.

    `renew`: fetch bundles for all of them, the old sessions are archived.
    """
    missing = wanted if renew else _without_session(ctx, wanted)
    if not missing:
        return {}
    names = {session_jid(ctx.store, device): device for device in missing}
    fetched = await _fetch(ctx, list(names), again=True)
    failures: Failures = {}
    ready: list[tuple[Jid, Jid, Fetched]] = []
    for name, device in names.items():
        answer = fetched.get(name)
        if isinstance(answer, Fetched):
            ready.append((name, device, answer))
        else:
            failures[device] = str(answer) if answer else "the server did not answer for this device"
    for start in range(0, len(ready), OPEN_AT_ONCE):
        if start:
            await Pause()
        txn, effects = ctx.txn(), Effects()
        for name, device, answer in ready[start : start + OPEN_AT_ONCE]:
            why = open_from_bundle(ctx, txn, name, answer, effects)
            if why:
                failures[device] = why
        ctx.store.stage(txn, tuple(effects.events))
        if effects.stanzas:
            await Tell(tuple(effects.stanzas))
    return failures


def _without_session(ctx: Context, wanted: Sequence[Jid]) -> list[Jid]:
    txn = ctx.txn()
    missing = [device for device in wanted if not adopt(txn, session_jid(txn, device))]
    if txn.changes:
        ctx.store.stage(txn)
    return missing


def open_from_bundle(ctx: Context, txn: Txn, name: Jid, fetched: Fetched, effects: Effects) -> str:
    """Verify and open; what is returned says why it failed."""
    why = _unfit(txn, name, fetched)
    if why:
        return why
    try:
        changed = open_session(txn, name.signal_address, fetched.bundle, me=local(ctx), now=ctx.now)
    except SignalError as error:
        return f"its keys are not usable: {error}"
    if changed:
        effects.add(device_changed(ctx, txn, name, fetched.bundle.identity))
    return ""


def _unfit(txn: Txn, name: Jid, fetched: Fetched) -> str:
    """A companion's identity must be vouched for by its phone, when it comes with a voucher."""
    if not fetched.device_identity or not name.device or name.is_hosted:
        return ""
    bundle: Bundle = fetched.bundle
    account_key = identity_of(txn, name.on(0).signal_address)
    if account_key is None and not adv.names_account(fetched.device_identity):
        # Nobody can check it before the phone's identity is known; the other clients never do.
        return ""
    try:
        adv.verify_device_identity(fetched.device_identity, bundle.identity, account_key=account_key)
    except adv.AdvError as error:
        return str(error)
    return ""


async def _fetch(
    ctx: Context, names: Sequence[Jid], *, again: bool
) -> Mapping[Jid, Fetched | BadBundle | ProtocolError]:
    size = prekeys.MAX_BUNDLES
    batches = [names[start : start + size] for start in range(0, len(names), size)]
    asks = [Ask(prekeys.fetch(batch, identity=True), prekeys.parse_bundles) for batch in batches]
    out: dict[Jid, Fetched | BadBundle | ProtocolError] = {}
    refused: list[Jid] = []
    answers = await AskAll(asks)
    for batch, answer in zip(batches, answers, strict=True):
        if isinstance(answer, LinkLost | StoreFailed):
            raise answer
        if isinstance(answer, IqError) and answer.code == NOT_ACCEPTABLE and again:
            refused += batch
        elif isinstance(answer, ProtocolError):
            out.update(dict.fromkeys(batch, answer))
        else:
            out.update(answer)
    if refused:
        people = {name.bare for name in refused}
        await devices.refresh(ctx, list(people))
        left = [name for name in refused if devices.knows(ctx.store, name)]
        gone = BadBundle("this device is not registered any more")
        out.update(dict.fromkeys(refused, gone))
        out.update(await _fetch(ctx, left, again=False))
    return out
