"""Who already holds our sender key of a group, and when that key must go (reference 02, 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from protocol.flows.context import Context
from protocol.flows.mapping import session_jid
from protocol.flows.soft import Soft
from protocol.jid import STATUS, Jid
from protocol.keystore import Kind, Txn, View
from protocol.signal import groups

#: A device that we could not encrypt for is tried again after this: each try costs a question to the server.
REFUSED_SECONDS: Final = 3600.0


class Memory(msgspec.Struct, omit_defaults=True):
    """Devices by Signal address: those that the server took our key for, and those that had no usable keys."""

    has: list[str] = []
    refused: dict[str, float] = {}
    v: int = 1


MEMORIES: Final = Soft(Kind.SENDER_KEY_MEMORY, Memory)


def own_sender(ctx: Context, view: View) -> str:
    """Under which name our own key is filed: one for all groups, whatever their addressing."""
    return session_jid(view, ctx.account.lid_jid or ctx.account.pn_jid).signal_address


def current(ctx: Context, view: View, group: Jid) -> int | None:
    """The id of our key of a group."""
    return groups.own_key(view, str(group), own_sender(ctx, view))


def lacking(view: View, group: Jid, devices: Sequence[Jid], now: float) -> list[Jid]:
    """Those of `devices` that must be given our key."""
    memory = MEMORIES.get(view, str(group)) or Memory()
    has = set(memory.has)
    if memory.refused:
        has.update(a for a, at in memory.refused.items() if now - at < REFUSED_SECONDS)
    return [device for device in devices if session_jid(view, device).signal_address not in has]


def mark(
    ctx: Context, txn: Txn, group: Jid, key: int | None, given: Iterable[Jid], refused: Iterable[Jid]
) -> None:
    """The server acknowledged the message that carried our key `key` to `given`."""
    if key != current(ctx, txn, group):
        # Somebody left meanwhile: what they were given is worth nothing any more.
        return
    now = ctx.now
    memory = MEMORIES.get(txn, str(group)) or Memory()
    new = [session_jid(txn, device).signal_address for device in given]
    has = dict.fromkeys((*memory.has, *new))
    waiting = {a: at for a, at in memory.refused.items() if a not in has and now - at < REFUSED_SECONDS}
    waiting |= {session_jid(txn, device).signal_address: now for device in refused}
    MEMORIES.put(txn, str(group), Memory(list(has), waiting))


def clear(txn: Txn, group: Jid, device: Jid) -> None:
    """A device gets the key again with the next message."""
    memory = MEMORIES.get(txn, str(group))
    address = session_jid(txn, device).signal_address
    if memory is not None and (address in memory.has or address in memory.refused):
        memory.has = [a for a in memory.has if a != address]
        memory.refused.pop(address, None)
        MEMORIES.put(txn, str(group), memory)


def clear_person(txn: Txn, person: Jid) -> None:
    """All devices of somebody whose identity changed, in all groups."""
    prefix = session_jid(txn, person.bare).signal_name + "."
    _clear(txn, lambda address: address.startswith(prefix))


def clear_everywhere(txn: Txn, device: Jid) -> None:
    """One device, in all groups: its identity changed."""
    gone = session_jid(txn, device).signal_address
    _clear(txn, lambda address: address == gone)


def _clear(txn: Txn, concerns: Callable[[str], bool]) -> None:
    for group in list(MEMORIES.ids(txn)):
        memory = MEMORIES.get(txn, group)
        if memory is not None and any(concerns(a) for a in (*memory.has, *memory.refused)):
            has = [a for a in memory.has if not concerns(a)]
            refused = {a: at for a, at in memory.refused.items() if not concerns(a)}
            MEMORIES.put(txn, group, Memory(has, refused))


def rotate(ctx: Context, txn: Txn, group: Jid) -> None:
    """Somebody left: what we write from here on is under a key that he does not have."""
    groups.rotate(txn, str(group), own_sender(ctx, txn))
    if MEMORIES.get(txn, str(group)) is not None:
        MEMORIES.delete(txn, str(group))


def rotate_where_held(ctx: Context, txn: Txn, gone: Iterable[Jid]) -> None:
    """Devices were removed: every group whose key one of them holds gets a new one."""
    addresses = {session_jid(txn, device).signal_address for device in gone}
    if not addresses:
        return
    for group in list(MEMORIES.ids(txn)):
        memory = MEMORIES.get(txn, group)
        if memory is not None and not addresses.isdisjoint(memory.has):
            rotate(ctx, txn, _jid(group))


def _jid(group: str) -> Jid:
    user, _, server = group.partition("@")
    return STATUS if group == str(STATUS) else Jid(user, server)
