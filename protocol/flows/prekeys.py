"""One-time prekeys and the signed one: made, made durable, handed to the server, replaced (reference 02, 2).

Ids come from a counter that never goes back. What the server did not confirm is offered again before anything new
is made; what went out in a retry receipt is never offered. A private half is durable before its public half leaves.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.creds import Creds, sign_pre_key
from protocol.crypto.curve import KeyPair, generate
from protocol.effects import Ask, Commit, Pause
from protocol.errors import IqError, LinkLost, TimedOut
from protocol.flows.context import Context
from protocol.keystore import Kind, Txn, View
from protocol.node import Node
from protocol.signal.records import PRE_KEYS, SIGNED_PRE_KEYS, OldSignedPreKey, PreKey
from protocol.stanza import prekeys

#: The lane of everything here: an upload carries the current signed prekey, a rotation beside it would be undone.
LANE: Final = "prekeys"
#: The first upload and each refill (the official client's number).
BATCH: Final = 812
#: Refill when the server has fewer than this.
LOW: Final = 5
#: The highest id that three bytes hold; 0 means "none" to others.
MAX_ID: Final = 0xFFFFFF
ROTATE_SECONDS: Final = 27 * 24 * 3600.0
ROTATE_AGAIN_SECONDS: Final = 24 * 3600.0
#: Old signed prekeys kept, for messages that are still on their way.
KEPT_SIGNED: Final = 3
#: Private halves on disk, at most: consumed ones vanish, the server hands out the oldest first.
MAX_KEPT: Final = 8 * BATCH
#: Batches in a row when the server keeps asking for more.
MAX_BATCHES: Final = 3
#: Keys made before giving way to other work: some 50 µs each.
MAKE_AT_ONCE: Final = 48
BACKOFF: Final = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0, 89.0, 144.0, 233.0, 377.0, 610.0)


async def check(ctx: Context) -> None:
    """After each login: a first upload, or a refill when few are left; then the signed prekey's turn."""
    creds = ctx.creds()
    if not creds.server_has_pre_keys or await Ask(prekeys.count(), prekeys.parse_count) < LOW:
        await upload(ctx)
    await verify(ctx)
    await rotate_when_due(ctx)


async def upload(ctx: Context) -> None:
    """Hand a full batch to the server, again and again until it takes it or the connection ends."""
    for _ in range(MAX_BATCHES):
        ids = await _stock(ctx, BATCH)
        creds = ctx.creds()
        keys = [(id, key.public) for id in ids if (key := PRE_KEYS.get(ctx.store, str(id)))]
        node = prekeys.upload(creds.registration_id, creds.identity.public, creds.signed_pre_key, keys)
        low = await _insist(node)
        txn = ctx.txn()
        _confirm(ctx, txn, ids)
        _trim(txn, ctx.creds(txn))
        await Commit(txn)
        if not low:
            return


async def _insist(node: Node) -> bool:
    for least in BACKOFF:
        seconds = least
        try:
            return await Ask(node, prekeys.parse_upload)
        except TimedOut:
            pass
        except IqError as error:
            if error.code in (400, 406):
                raise
            seconds = max(least, error.backoff or 0.0)
        await Pause(seconds)
    return await Ask(node, prekeys.parse_upload)


async def _stock(ctx: Context, wanted: int) -> list[int]:
    """Ids of a batch to offer: the unconfirmed ones first, then new ones, durable when this returns."""
    missing = wanted - len(unconfirmed(ctx.store, ctx.creds()))
    made: list[KeyPair] = []
    while len(made) < missing:
        if made and len(made) % MAKE_AT_ONCE == 0:
            await Pause()
        made.append(generate(ctx.random))
    if made:
        txn = ctx.txn()
        creds = ctx.creds(txn)
        id = creds.next_pre_key_id
        for pair in made:
            PRE_KEYS.put(txn, str(id), PreKey(pair.private, pair.public))
            id = after(id)
        ctx.set_creds(txn, lambda creds: msgspec.structs.replace(creds, next_pre_key_id=id))
        await Commit(txn)
    return sorted(unconfirmed(ctx.store, ctx.creds())[:wanted])


def after(id: int, steps: int = 1) -> int:
    """The id that follows: 1 comes after the highest."""
    return (id - 1 + steps) % MAX_ID + 1


def unconfirmed(view: View, creds: Creds) -> list[int]:
    """Ids that exist, were never confirmed by the server and never given away, oldest first."""
    id, out = creds.first_unuploaded_pre_key_id, []
    while id != creds.next_pre_key_id:
        if id not in creds.lent_pre_key_ids and view.get(Kind.PRE_KEY, str(id)) is not None:
            out.append(id)
        id = after(id)
    return out


def _confirm(ctx: Context, txn: Txn, ids: list[int]) -> None:
    ctx.set_creds(txn, lambda creds: _confirmed(creds, ids))


def _confirmed(creds: Creds, ids: list[int]) -> Creds:
    # Keys that were lent while the upload was under way have higher ids: the mark stops below them.
    first, taken = creds.first_unuploaded_pre_key_id, set(ids) | set(creds.lent_pre_key_ids)
    while first != creds.next_pre_key_id and first in taken:
        first = after(first)
    lent = tuple(id for id in creds.lent_pre_key_ids if _within(id, first, creds.next_pre_key_id))
    return msgspec.structs.replace(
        creds, first_unuploaded_pre_key_id=first, lent_pre_key_ids=lent, server_has_pre_keys=True
    )


def _within(id: int, first: int, end: int) -> bool:
    return (id - first) % MAX_ID < (end - first) % MAX_ID


def lend(ctx: Context, txn: Txn) -> tuple[int, KeyPair]:
    """A fresh key for a retry receipt: counted, stored, and never offered to the server."""
    pair = generate(ctx.random)
    creds = ctx.creds(txn)
    id = creds.next_pre_key_id
    following = after(id)
    PRE_KEYS.put(txn, str(id), PreKey(pair.private, pair.public))
    if creds.first_unuploaded_pre_key_id == id:
        ctx.set_creds(
            txn,
            lambda c: msgspec.structs.replace(
                c, next_pre_key_id=following, first_unuploaded_pre_key_id=following
            ),
        )
    else:
        lent = (*creds.lent_pre_key_ids, id)
        ctx.set_creds(
            txn, lambda c: msgspec.structs.replace(c, next_pre_key_id=following, lent_pre_key_ids=lent)
        )
    return id, pair


def _trim(txn: Txn, creds: Creds) -> None:
    """The oldest confirmed keys go when there are far too many: the server replaced them long ago."""
    ids = [int(id) for id in PRE_KEYS.ids(txn)]
    if len(ids) <= MAX_KEPT:
        return
    ids.sort(key=lambda key: (creds.next_pre_key_id - key) % MAX_ID)
    for id in ids[MAX_KEPT:]:
        PRE_KEYS.delete(txn, str(id))


async def refill(ctx: Context, seen: int) -> None:
    """The server says that few are left. `seen`: the first id it had not confirmed then.

    What is delivered twice, or while an upload is under way, does not upload twice.
    """
    confirmed = (ctx.creds().first_unuploaded_pre_key_id - seen) % MAX_ID
    if confirmed < BATCH // 2:
        await upload(ctx)


async def verify(ctx: Context) -> None:
    """Does the server hold what we hold? Nothing at all means: upload anew. A difference is only counted."""
    try:
        held = await Ask(prekeys.digest(), prekeys.parse_digest)
    except IqError as error:
        if error.code != 404:
            return
        held = None
    except TimedOut:
        return
    if held is None:
        await upload(ctx)
    elif not _agrees(ctx, held):
        ctx.counts["prekeys.digest_differs"] += 1


def _agrees(ctx: Context, held: prekeys.Digest) -> bool:
    creds = ctx.creds()
    publics: list[bytes] = []
    for id in held.pre_key_ids:
        key = PRE_KEYS.get(ctx.store, str(id))
        if key is None:
            return False
        publics.append(key.public)
    ours = prekeys.digest_hash(creds.identity.public, creds.signed_pre_key, publics)
    return held.registration_id == creds.registration_id and held.hash == ours


async def rotate_when_due(ctx: Context) -> None:
    """A new signed prekey every 27 days; the first time only notes the day."""
    creds = ctx.creds()
    if not creds.rotation_checked_at:
        await _note_rotation(ctx, ctx.now)
    elif ctx.now - creds.rotation_checked_at >= ROTATE_SECONDS:
        await rotate(ctx)


async def rotate(ctx: Context) -> None:
    """Make, store, tell; the old private halves stay by id for what is under way."""
    creds = ctx.creds()
    pair = generate(ctx.random)
    fresh = sign_pre_key(creds.identity, after(creds.signed_pre_key.id), pair, ctx.now, ctx.random)
    txn = ctx.txn()
    for key in (creds.signed_pre_key, fresh):
        old = OldSignedPreKey(key.pair.private, key.pair.public, key.signature, key.made_at)
        SIGNED_PRE_KEYS.put(txn, str(key.id), old)
    _trim_signed(txn, fresh.id)
    await Commit(txn)
    try:
        await Ask(prekeys.rotate(fresh), lambda reply: reply)
    except LinkLost:
        raise
    except TimedOut:
        return
    except IqError as error:
        if error.code == 409:
            await verify(ctx)
        elif error.code >= 500:
            await _note_rotation(ctx, ctx.now - ROTATE_SECONDS + ROTATE_AGAIN_SECONDS)
        else:
            await _note_rotation(ctx, ctx.now)
        return
    txn = ctx.txn()
    ctx.set_creds(
        txn, lambda c: msgspec.structs.replace(c, signed_pre_key=fresh, rotation_checked_at=ctx.now)
    )
    await Commit(txn)


async def _note_rotation(ctx: Context, at: float) -> None:
    txn = ctx.txn()
    ctx.set_creds(txn, lambda c: msgspec.structs.replace(c, rotation_checked_at=at))
    await Commit(txn)


def _trim_signed(txn: Txn, newest: int) -> None:
    ids = sorted((int(id) for id in SIGNED_PRE_KEYS.ids(txn)), key=lambda key: (newest - key) % MAX_ID)
    for id in ids[KEPT_SIGNED + 1 :]:
        SIGNED_PRE_KEYS.delete(txn, str(id))
