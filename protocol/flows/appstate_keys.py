"""App state keys: taken from the phone's shares, chosen for writing, asked for when one is missing (reference 04, 1.2, 1.10)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

from protocol.appstate import collections
from protocol.appstate.actions import COLLECTIONS
from protocol.appstate.keys import SYNC_KEYS, Expanded, KeyLookup, SyncKey, expand
from protocol.errors import ProtocolError
from protocol.flows.context import Context
from protocol.flows.outgoing import SendRequest, new_id
from protocol.flows.send_person import to_phone
from protocol.keystore import Txn, View
from protocol.pb.e2e_pb2 import AppStateSyncKeyShare, Message, ProtocolMessage
from protocol.stanza.message import Facts

#: One question for a key in so many seconds.
ASK_AGAIN_SECONDS: Final = 24 * 3600.0
KEY_BYTES: Final = 32
#: Two bytes of device, four of epoch.
_EPOCH_AT: Final = 2
#: A share has a handful.
MAX_KEYS: Final = 1024


def name_of(key_id: bytes) -> str:
    """The id under which a key is filed."""
    return b64encode(key_id).decode()


def lookup(view: View) -> KeyLookup:
    """Keys by their ids."""

    def find(key_id: bytes) -> Expanded | None:
        held = SYNC_KEYS.get(view, name_of(key_id))
        return expand(held.key_data) if held is not None else None

    return find


def every(view: View) -> list[tuple[bytes, Expanded]]:
    """All keys that are known."""
    found = []
    for name in SYNC_KEYS.ids(view):
        held = SYNC_KEYS.get(view, name)
        if held is not None:
            found.append((b64decode(name), expand(held.key_data)))
    return found


def take(txn: Txn, share: AppStateSyncKeyShare) -> frozenset[str]:
    """Keep what the phone shares; the names of these keys. A key that is known stays as it is."""
    got: set[str] = set()
    for entry in share.keys[:MAX_KEYS]:
        id, data = entry.keyId.keyId, entry.keyData
        # Without data: the phone does not have it either.
        if not id or len(data.keyData) != KEY_BYTES:
            continue
        name = name_of(id)
        got.add(name)
        if SYNC_KEYS.get(txn, name) is None:
            key = SyncKey(
                data.keyData, timestamp=data.timestamp, fingerprint=data.fingerprint.SerializeToString()
            )
            SYNC_KEYS.put(txn, name, key)
    return frozenset(got)


def newest(ctx: Context, view: View) -> tuple[bytes, Expanded] | None:
    """The key for writing: the latest that has not expired; of two of one time that of the later epoch."""
    best: tuple[int, int, bytes, SyncKey] | None = None
    expired = ctx.creds(view).expired_key_epoch
    for name in SYNC_KEYS.ids(view):
        held = SYNC_KEYS.get(view, name)
        if held is None:
            continue
        id = b64decode(name)
        epoch = int.from_bytes(id[_EPOCH_AT:], "big")
        if expired and epoch <= expired:
            continue
        if best is None or (held.timestamp, epoch) > best[:2]:
            best = (held.timestamp, epoch, id, held)
    return (best[2], expand(best[3].key_data)) if best is not None else None


def to_ask_for(ctx: Context, view: View, wanted: Iterable[str]) -> list[str]:
    """Those that nobody asked the phone for within a day."""
    asked: dict[str, float] = {}
    for name in COLLECTIONS:
        for key, at in collections.get(view, name).missing.items():
            asked[key] = max(at, asked.get(key, 0.0))
    return [key for key in wanted if ctx.now - asked.get(key, 0.0) >= ASK_AGAIN_SECONDS]


async def ask(ctx: Context, names: Iterable[str]) -> None:
    """Ask the phone for keys; its answer is a share. Without a phone nothing comes, and it is asked again in a day."""
    message = Message()
    control = message.protocolMessage
    control.type = ProtocolMessage.APP_STATE_SYNC_KEY_REQUEST
    for name in names:
        control.appStateSyncKeyRequest.keyIds.add(keyId=b64decode(name))
    try:
        await ask_phone(ctx, message)
    except ProtocolError:
        ctx.counts["failed.key_request"] += 1


async def ask_phone(ctx: Context, message: Message, *, priority: str = "high") -> str:
    """Send a peer message to our own phone; its id."""
    id = new_id(ctx)
    request = SendRequest(
        to=ctx.account.pn_jid.bare,
        id=id,
        message=message.SerializeToString(),
        facts=Facts(type="text"),
        peer=True,
        push_priority="high_force" if priority == "high_force" else "high",
    )
    await to_phone(ctx, request)
    return id
