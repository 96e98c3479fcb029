"""Putting a message into the outbox, and waiting until it has come as far as its sender wants to know.

The row is durable before anything is answered. What a wait that runs out of time returns is the state reached: the
message goes on by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import anyio
import msgspec

from protocol.content import facts
from protocol.crypto.primitives import sha256
from protocol.events.message import Person
from protocol.flows import people
from protocol.flows.outgoing import ID_PREFIX, DeviceFailure, SendResult
from protocol.jid import Jid, parse
from protocol.pb.e2e_pb2 import Message
from waconnd.account import Account, NotReady
from waconnd.compose import targets
from waconnd.entropy import entropy
from waconnd.errands import Errand, Told
from waconnd.media.room import Waiting
from waconnd.outcomes import Outcome
from waconnd.pump import Waiter
from waconnd.rpc.errors import KINDS, RpcError
from waconnd.rpc.times import rfc3339
from waconnd.store.archive.outbox import Draft, Entry, new_id

if TYPE_CHECKING:
    from waconnd.fleet import Fleet

Wait = Literal["queued", "server", "delivered"]

#: How long a send waits for the server's word when the caller says nothing.
SERVER_SECONDS: Final = 60.0
#: Chats known to have messages that are remembered: more only cost a look into the archive.
MAX_SPOKEN: Final = 10_000
#: States that only a person ends.
RESTING: Final = frozenset({"stopped", "conflict", "failed"})
_OPEN: Final = frozenset({"queued", "sent"})
_OVER: Final = frozenset({"failed", "expired", "cancelled"})
_DELIVERED: Final = frozenset({"delivered", "read", "played"})
_ARRIVED: Final = frozenset({"server_ack", *_DELIVERED})
#: Among the last messages of a chat that knows us one has arrived.
LOOKED_AT: Final = 10


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """A built message and all that belongs to its row."""

    to: Jid
    message: Message
    #: Whose wish it is.
    via: str
    key: str = ""
    #: Over what the caller said: decides whether a key means the same message.
    hash: bytes = b""
    #: A reaction, an edit: it goes in its chat's order, but is no message to the governor.
    free: bool = False
    not_before: float = 0.0
    not_after: float = 0.0
    audience: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    told: tuple[Told, ...] = ()
    #: Chosen before, when other messages refer to it; that of the post which a channel's edit or revoke is about.
    id: str = ""
    #: What the stanza says of a change of a channel's post, whose content does not tell.
    edit: str = ""


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row stands."""

    entry: Entry
    status: str
    chat: dict[str, str]
    at: float
    server_id: str = ""
    devices: int = 0
    failures: tuple[DeviceFailure, ...] = ()


def message_id(to: Jid) -> str:
    """A fresh message id."""
    return ID_PREFIX + sha256(entropy(32) + str(to).encode())[:9].hex().upper()


def digest(method: str, said: Any) -> bytes:
    """What a key stands for."""
    return sha256(method.encode() + b"\0" + msgspec.json.encode(said, order="deterministic"))


async def is_new(fleet: Fleet, account: Account, to: Jid) -> bool:
    """Whether nothing was ever said in this chat: then the recipient is looked up, and the smaller bucket counts."""
    spoken = fleet.pumps[account.name].spoken
    if not to.is_user or to in spoken or targets.context(account).is_me(to):
        return False
    chat = str(targets.canonical(account, to))
    said = await fleet.archive.messages.page(account.name, chat, limit=LOOKED_AT)
    if not any(not row.from_me or row.status in _ARRIVED for row in said):
        return True
    if len(spoken) >= MAX_SPOKEN:
        spoken.clear()
    spoken.add(to)
    return False


async def known_key(fleet: Fleet, account: str, key: str, hash: bytes) -> Entry | None:
    """The row of an earlier call with this key. Raises RpcError when it was another message."""
    held = await fleet.archive.outbox.by_key(account, key) if key else None
    if held is not None and held.hash != hash:
        raise RpcError(
            "idempotency_conflict",
            f"key {key!r} was used for another message ({held.outbox_id})",
            account=account,
        )
    return held


async def post(fleet: Fleet, account: Account, parcel: Parcel, wait: Wait, seconds: float | None) -> Posted:
    """Store it, and wait. Raises RpcError when it has failed by then."""
    to, message = parcel.to, parcel.message
    if not account.pairing_id or account.standing.word == "logged_out":
        # A row never leaves under another link than the one that it was meant for, and there is none.
        raise NotReady(account.report())
    new = not parcel.free and await is_new(fleet, account, to)
    if new and wait != "queued":
        _obey_limits(fleet, account)
    said = facts(message)
    errand = Errand(
        facts=msgspec.structs.replace(said, edit=parcel.edit) if parcel.edit else said,
        audience=parcel.audience,
        new=new,
        free=parcel.free,
        via=parcel.via,
        waiting=parcel.waiting,
        told=parcel.told,
    )
    draft = Draft(
        chat=str(to),
        id=parcel.id or message_id(to),
        content=message.SerializeToString(),
        hash=parcel.hash,
        key=parcel.key,
        meta=errand.as_meta(),
        not_before=round(parcel.not_before * 1000),
        not_after=round(parcel.not_after * 1000),
        pairing=account.pairing_id,
        outbox_id=new_id(entropy),
    )
    pump = fleet.pumps[account.name]
    with Waiter(pump, draft.outbox_id, draft.id) as waiter:
        entry, fresh = await pump.add(draft, errand, patient=wait == "queued")
        if not fresh:
            return await again(fleet, account, entry, wait, seconds)
        if wait == "queued":
            # It may be on its way already; what was asked for, and is promised, is that it stands in the queue.
            return _posted(account, msgspec.structs.replace(entry, status="queued"))
        seconds = seconds or SERVER_SECONDS
        if not _hopeful(account, parcel, seconds):
            return _posted(account, entry)
        deadline = anyio.current_time() + seconds
        outcome = await waiter.outcome(deadline)
        if outcome is None:
            return _posted(account, await fleet.archive.outbox.get(account.name, entry.outbox_id))
        if outcome.error:
            raise failure(await fleet.archive.outbox.get(account.name, entry.outbox_id), outcome)
        entry = msgspec.structs.replace(entry, status=outcome.status)
        if wait == "delivered":
            with anyio.move_on_at(deadline):
                await _delivered(fleet, account.name, entry.outbox_id)
            entry = await fleet.archive.outbox.get(account.name, entry.outbox_id)
        return _posted(account, entry, outcome.result)


def _hopeful(account: Account, parcel: Parcel, seconds: float) -> bool:
    """Whether waiting can bring more than `queued`: the account comes back by itself, and the message is due by then."""
    return parcel.not_before < account.now() + seconds and account.standing.word not in RESTING


async def again(fleet: Fleet, account: Account, entry: Entry, wait: Wait, seconds: float | None) -> Posted:
    """The answer to a call that was made before: the same message, as far as it has come."""
    if wait != "queued" and entry.status in _OPEN:
        deadline = anyio.current_time() + (seconds or SERVER_SECONDS)
        with Waiter(fleet.pumps[account.name], entry.outbox_id, entry.id) as waiter:
            entry = await fleet.archive.outbox.get(account.name, entry.outbox_id)
            if entry.status in _OPEN:
                await waiter.outcome(deadline)
        entry = await fleet.archive.outbox.get(account.name, entry.outbox_id)
    if wait == "delivered" and entry.status not in _OVER:
        with anyio.move_on_after(seconds or SERVER_SECONDS):
            await _delivered(fleet, account.name, entry.outbox_id)
        entry = await fleet.archive.outbox.get(account.name, entry.outbox_id)
    if entry.status in _OVER and wait != "queued":
        raise failure(entry, _remembered(entry))
    result = msgspec.json.decode(entry.result, type=SendResult) if entry.result and _landed(entry) else None
    return _posted(account, entry, result)


def _landed(entry: Entry) -> bool:
    return entry.status not in _OPEN and entry.status not in _OVER


def _remembered(entry: Entry) -> Outcome:
    held = msgspec.json.decode(entry.result or b"{}", type=dict[str, Any])
    kind = str(held.get("kind", "")) or ("timeout" if entry.status == "expired" else "cancelled")
    return Outcome(entry.status, entry.error, kind, retry_at=float(held.get("retry_at") or 0.0))


def failure(entry: Entry, outcome: Outcome) -> RpcError:
    """Why a row will not arrive."""
    kind = outcome.kind if outcome.kind in KINDS else "server_error"
    return RpcError(
        kind,
        outcome.error or f"the message is {entry.status}",
        retryable=False if kind in ("timeout", "cancelled") else None,
        account=entry.account,
        until=rfc3339(outcome.retry_at) if outcome.retry_at else None,
        id=entry.id,
        outbox_id=entry.outbox_id,
        status=entry.status,
    )


def _obey_limits(fleet: Fleet, account: Account) -> None:
    """A first message that could only wait for hours is refused at once; who wants to wait says so."""
    governor = fleet.pumps[account.name].governor
    now = account.now()
    if governor.locked_until <= now:
        return
    raise RpcError(
        "account_limited",
        f"WhatsApp lets this account write to no new chats ({governor.lock})",
        account=account.name,
        retry_after_s=round(governor.locked_until - now, 1),
        until=rfc3339(governor.locked_until),
        advice="`wait=queued` sends it when the limit has passed",
    )


async def _delivered(fleet: Fleet, account: str, outbox_id: str) -> None:
    """Until somebody's device has it: in groups the first of them counts."""
    archive = fleet.archive
    while True:
        seen = archive.events.newest
        entry = await archive.outbox.get(account, outbox_id)
        if entry.status in _DELIVERED:
            return
        result = msgspec.json.decode(entry.result, type=SendResult) if entry.result else None
        chat = result.chat if result else entry.chat
        if any(
            one.delivered_at or one.read_at
            for one in await archive.messages.receipts(account, chat, entry.id)
        ):
            return
        await archive.events.wait(seen)


def _posted(account: Account, entry: Entry, result: SendResult | None = None) -> Posted:
    to = parse(result.chat if result else entry.chat)
    # Persons stand under their one name, and their number with it.
    named = people.person(account.keystore, to) if to.is_user else people.chat(account.keystore, to)
    shown = {"id": named.id, "kind": named.kind, "pn": named.pn if isinstance(named, Person) else ""}
    return Posted(
        entry=entry,
        status=entry.status,
        chat={name: value for name, value in shown.items() if value},
        at=float(result.at) if result else entry.made / 1000,
        server_id=result.server_id if result else "",
        devices=result.devices if result else 0,
        failures=result.failures if result else (),
    )
