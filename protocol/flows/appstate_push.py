"""Changing app state: one patch at a time for a collection, on top of what the server has (reference 04, 1.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from protocol.appstate import collections
from protocol.appstate.actions import collection_of
from protocol.appstate.keys import Expanded
from protocol.appstate.mutation import Op, index_json
from protocol.appstate.patch import Change, build_patch
from protocol.crypto.primitives import hmac_sha256
from protocol.effects import Pause
from protocol.errors import LocalProtocolError, ProtocolError
from protocol.flows import appstate
from protocol.flows import appstate_keys as keys
from protocol.flows.appstate import Refused, Work, take
from protocol.flows.context import Context
from protocol.flows.mapping import twin
from protocol.flows.send_person import wire_name
from protocol.jid import Jid
from protocol.keystore import View
from protocol.stanza import appstate as stanza
from protocol.stanza.appstate import Answer

#: So often a patch is made anew because somebody else wrote meanwhile.
MAX_CONFLICTS: Final = 5
#: Before the next try: 50 to 500 ms.
LEAST_PAUSE: Final = 0.05
MORE_PAUSE: Final = 0.45


class CantWrite(LocalProtocolError):
    """Why a collection can't be written now."""


class Contended(ProtocolError):
    """Other devices kept changing the same collection."""


async def push(ctx: Context, name: str, changes: Sequence[Change]) -> None:
    """Write to one collection. For its lane. The events of what was written ride in the commit that notes it."""
    for attempt in range(MAX_CONFLICTS):
        if attempt:
            await Pause(LEAST_PAUSE + MORE_PAUSE * int.from_bytes(ctx.random(2), "big") / 65536)
        key_id, key = _ready(ctx, name)
        work = Work(ctx, name, whole=False)
        wanted = list(_complete(ctx.store, name, changes, key_id, key))
        patch, applied = build_patch(
            name, work.version, work.hash, work.stored, wanted, key_id, key, ctx.random
        )
        found = await stanza.push(name, work.version, patch)
        answer = found.get(name) or Answer(name)
        if answer.error == stanza.CONFLICT:
            await take(ctx, name, answer)
            if answer.more:
                await appstate.catch_up(ctx, name)
            continue
        if answer.error:
            raise Refused(name, answer.error)
        if answer.version is not None and answer.version != applied.version:
            # The server counts otherwise than we do: what it has now is the truth.
            await appstate.catch_up(ctx, name)
            return
        work.add(applied)
        await appstate.commit(work)
        return
    raise Contended(f"{MAX_CONFLICTS} times another device wrote to {name} first; try again")


def by_collection(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """A patch for each collection."""
    out: dict[str, list[Change]] = {}
    for change in changes:
        out.setdefault(collection_of(change), []).append(change)
    return out


def address(ctx: Context, jid: Jid, collection: str, *index: str) -> str:
    """The name under which records of a chat or person are kept: the one in use, else the one for writing to them.

    `index` is the index up to the address. An own device may have named a chat by number where we would not.
    """
    if not jid.is_user:
        return str(jid)
    names = [wire_name(ctx, jid.bare)]
    other = twin(ctx.store, names[0])
    if other is not None:
        names.append(other)
    for name in names:
        head = index_json((*index, str(name)))
        for _, key in keys.every(ctx.store):
            if collections.value_mac(ctx.store, collection, hmac_sha256(key.index, head)) is not None:
                return str(name)
    return str(names[0])


def _ready(ctx: Context, name: str) -> tuple[bytes, Expanded]:
    held = collections.get(ctx.store, name)
    if held.degraded:
        raise CantWrite(
            f"the collection {name} could not be verified ({held.degraded}) and is not written to; the phone was asked"
        )
    if held.missing:
        raise CantWrite(
            f"the phone has not shared the key of the collection {name} yet; open it on the phone"
        )
    key = keys.newest(ctx, ctx.store)
    if key is None or not held.synced:
        raise CantWrite(f"the collection {name} has not come from the phone yet; try again in a moment")
    return key


def _complete(
    view: View, name: str, changes: Sequence[Change], key_id: bytes, key: Expanded
) -> Iterable[Change]:
    """After a new key the same index has another MAC: what lies under an older one goes in the same patch."""
    others = [(id, one) for id, one in keys.every(view) if id != key_id]
    for change in changes:
        index = index_json(change.index)
        for other in others:
            if collections.value_mac(view, name, hmac_sha256(other[1].index, index)) is not None:
                yield Change(Op.REMOVE, change.index, change.value, change.version, key=other)
        if (
            change.op is Op.REMOVE
            and collections.value_mac(view, name, hmac_sha256(key.index, index)) is None
        ):
            continue
        yield change
