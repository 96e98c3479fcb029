"""The devices of people: cached for a day, asked for in bulk, kept true by notifications (reference 02, 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from protocol.effects import Ask, AskAll, Commit
from protocol.errors import LinkLost, ProtocolError, StoreFailed
from protocol.flows import sender_keys
from protocol.flows.context import Context
from protocol.flows.mapping import learn, session_jid
from protocol.flows.soft import Familiar
from protocol.jid import Jid
from protocol.keystore import Kind, Txn, View
from protocol.signal.identity import identity_of
from protocol.signal.phash import participant_hash
from protocol.signal.session import delete_session
from protocol.stanza import adv, devices
from protocol.stanza.devices import Change, Device, UserDevices

#: A list is believed this long; notifications keep it fresh, this is the net below them.
TRUST_SECONDS: Final = 24 * 3600.0
#: So young a list is not asked for again, whatever it lacks.
DOUBT_SECONDS: Final = 600.0
PRIMARY: Final = Device(0)


class DeviceList(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one person's devices. Filed under the hidden id's digits when known, else the number's."""

    server: str
    devices: tuple[Device, ...]
    #: 0: in doubt. It still says who was there, so that whoever is gone is noticed.
    fetched_at: float
    #: From the signed list: another `raw_id` is another registration of the account.
    raw_id: int = 0
    signed_at: int = 0
    v: int = 1


LISTS: Final = Familiar(Kind.DEVICE_LIST, DeviceList)


def cached(view: View, user: Jid) -> DeviceList | None:
    """The list of a person under either name, however old."""
    name = session_jid(view, user.bare)
    held = LISTS.get(view, name.user)
    if held is None and name is not user:
        held, name = LISTS.get(view, user.user), user
    return held if held is not None and held.server == name.server else None


def knows(view: View, device: Jid) -> bool:
    """Is this device in its owner's list? True when there is no list: nothing contradicts it."""
    held = cached(view, device)
    return held is None or any(d.id == device.device for d in held.devices)


def meet(ctx: Context, txn: Txn, device: Jid) -> None:
    """Something came from this device: a list without it is in doubt, unless it was just fetched."""
    held = cached(txn, device)
    if held is None or any(d.id == device.device for d in held.devices):
        return
    if ctx.now - held.fetched_at > DOUBT_SECONDS:
        forget(txn, device)


def forget(txn: Txn, user: Jid) -> None:
    """Ask again before the next message to this person."""
    for name in {user.user, session_jid(txn, user.bare).user}:
        held = LISTS.get(txn, name)
        if held is not None and held.fetched_at:
            LISTS.put(txn, name, msgspec.structs.replace(held, fetched_at=0.0))


async def devices_of(
    ctx: Context, users: Iterable[Jid], *, fresh: bool = False
) -> dict[Jid, tuple[Device, ...]]:
    """The devices of each person, keyed by the name asked for. What the server refuses to say is the phone alone."""
    wanted = list(dict.fromkeys(user.bare for user in users))
    out: dict[Jid, tuple[Device, ...]] = {}
    missing: list[Jid] = []
    for user in wanted:
        held = cached(ctx.store, user)
        if held is not None and not fresh and ctx.now - held.fetched_at < TRUST_SECONDS:
            out[user] = held.devices
        else:
            missing.append(user)
    if missing:
        await refresh(ctx, missing)
        for user in missing:
            held = cached(ctx.store, user)
            out[user] = held.devices if held is not None else (PRIMARY,)
    return out


async def refresh(ctx: Context, users: Sequence[Jid]) -> None:
    """Ask the server and file what it says. A batch that fails leaves the old lists in force."""
    batches = [users[i : i + devices.MAX_USERS] for i in range(0, len(users), devices.MAX_USERS)]
    asks = [Ask(devices.query(batch, _sid(ctx)), devices.parse) for batch in batches]
    answers: list[list[UserDevices] | ProtocolError] = await AskAll(asks)
    txn = ctx.txn()
    found: list[UserDevices] = []
    for answer in answers:
        if isinstance(answer, LinkLost | StoreFailed):
            raise answer
        if not isinstance(answer, ProtocolError):
            found += answer
    for entry in found:
        learn(txn, entry.user, entry.lid)
        if not entry.error and not entry.unknown:
            _file(ctx, txn, entry.user, entry.devices, entry.key_index_list, ctx.now)
    if txn.changes:
        await Commit(txn)


def apply_change(ctx: Context, txn: Txn, change: Change) -> None:
    """Apply a notification to what is cached."""
    learn(txn, change.user, change.lid)
    held = cached(txn, change.user)
    if change.kind == "complete":
        _file(ctx, txn, change.user, change.devices, change.key_index_list, ctx.now)
    elif held is None:
        if change.kind == "remove":
            _drop(ctx, txn, [d.jid(change.user) for d in change.devices])
        return
    elif change.kind == "update":
        forget(txn, change.user)
        return
    else:
        named = {d.id for d in change.devices}
        left = tuple(d for d in held.devices if d.id not in named)
        found = left if change.kind == "remove" else (*left, *change.devices)
        # A part renews no trust in the whole.
        _file(ctx, txn, change.user, found, change.key_index_list, held.fetched_at)
    now = cached(txn, change.user)
    # The hash is over the numbers' form; a list that disagrees with it is worth nothing.
    if (
        change.hash
        and now is not None
        and participant_hash([d.jid(change.user) for d in now.devices]) != change.hash
    ):
        forget(txn, change.user)


def _file(
    ctx: Context, txn: Txn, user: Jid, found: Sequence[Device], signed: bytes, fetched_at: float
) -> None:
    held = cached(txn, user)
    before = held.devices if held else ()
    kept = tuple(sorted({d.id: d for d in found}.values(), key=lambda d: d.id)) or (PRIMARY,)
    raw_id, signed_at = (held.raw_id, held.signed_at) if held else (0, 0)
    gone: list[Device] = []
    if signed:
        index = _verified(txn, user, signed)
        if index is None:
            kept = tuple(d for d in kept if d.id == 0) or (PRIMARY,)
        elif index.timestamp >= signed_at:
            kept = tuple(d for d in kept if index.keeps(d.id, d.key_index))
            if raw_id and index.raw_id != raw_id:
                # Another registration of the account: its companions may have old numbers, but they are others.
                gone += [d for d in before if d.id]
            raw_id, signed_at = index.raw_id, index.timestamp
    name = session_jid(txn, user)
    if name.user != user.user and LISTS.get(txn, user.user) is not None:
        LISTS.delete(txn, user.user)
    LISTS.put(txn, name.user, DeviceList(name.server, kept, fetched_at, raw_id, signed_at))
    ids = {d.id for d in kept}
    gone += [d for d in before if d.id not in ids]
    _drop(ctx, txn, [d.jid(user) for d in gone])


def _drop(ctx: Context, txn: Txn, gone: Sequence[Jid]) -> None:
    """Devices that are no more: nothing may be encrypted for them again, nor be readable with a key that they hold."""
    for device in gone:
        for name in {device, session_jid(txn, device)}:
            delete_session(txn, name.signal_address)
            if txn.get(Kind.IDENTITY_KEY, name.signal_address) is not None:
                txn.delete(Kind.IDENTITY_KEY, name.signal_address)
    sender_keys.rotate_where_held(ctx, txn, gone)


def _verified(txn: Txn, user: Jid, signed: bytes) -> adv.KeyIndexList | None:
    """None: forged or broken, then only the phone counts."""
    account_key = identity_of(txn, session_jid(txn, user).on(0).signal_address)
    try:
        return adv.verify_key_index_list(signed, account_key)
    except adv.AdvError:
        # Before the phone's identity is known, a list that names no key can't be checked by anybody.
        return adv.read_key_index_list(signed) if account_key is None else None


def _sid(ctx: Context) -> str:
    return ctx.random(8).hex()
