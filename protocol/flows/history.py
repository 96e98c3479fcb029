"""History from the phone: announced by a message, noted before that is acked, read into the archive by the host.

Theory of operation. The announcement becomes a task, which outlives us. The host surveys the piece; what it finds of
names, tokens and settings is committed here first, so that every message is filed under its person's one name. Then the
host carries the messages over, and the task ends in one commit with the event that tells of it and the receipt that the
phone waits for. Pieces are taken one by one; each may come twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.content.history import Facts, HistoryDamaged
from protocol.crypto.media import seal_retry
from protocol.effects import Commit, Lookup, Pause, Question
from protocol.events.state import HistorySynced
from protocol.flows import privacy, tokens
from protocol.flows.appstate_keys import ask_phone
from protocol.flows.context import Context
from protocol.flows.mapping import learn_many
from protocol.flows.questions import BlobFailed, BlobGone, WantBlob
from protocol.flows.send_person import wire_name
from protocol.flows.soft import Soft
from protocol.jid import Jid, parse
from protocol.keystore import Kind, Txn
from protocol.node import Attr, Node
from protocol.pb.e2e_pb2 import (
    HistorySyncNotification,
    HistorySyncType,
    Message,
    PeerDataOperationRequestType,
    ProtocolMessage,
)
from protocol.pb.mms_pb2 import ServerErrorReceipt
from protocol.stanza import receipt

LANE: Final = "history"
PREFIX: Final = "history/"
#: What may pass is tried again after so many seconds, then at the next login.
PAUSES: Final = (2.0, 10.0, 60.0)
#: Names committed between two turns of other work.
AT_ONCE: Final = 200
_IV: Final = 12

#: By the wire's number.
KINDS: Final = {
    HistorySyncType.INITIAL_BOOTSTRAP: "initial",
    HistorySyncType.INITIAL_STATUS_V3: "status",
    HistorySyncType.FULL: "full",
    HistorySyncType.RECENT: "recent",
    HistorySyncType.PUSH_NAME: "names",
    HistorySyncType.NON_BLOCKING_DATA: "settings",
    HistorySyncType.ON_DEMAND: "on_demand",
}


class Task(msgspec.Struct, frozen=True):
    """An announced piece of history."""

    id: str
    notification: bytes
    at: float
    v: int = 1

    def __repr__(self) -> str:
        return f"Task({self.id})"


TASKS: Final = Soft(Kind.TODO, Task)


class Survey(Question, frozen=True, tag="history_survey"):
    """Fetch a piece and read who is who; keep it for `Carry`. Answer Facts.

    Raises BlobGone, BlobFailed, HistoryDamaged.
    """

    id: str
    blob: WantBlob | None
    inline: bytes

    def __repr__(self) -> str:
        return f"Survey({self.id})"


class Carry(Question, frozen=True, tag="history_carry"):
    """Carry the messages of a surveyed piece into the archive and forget it. Answer Carried.

    `settled`: app state has been read, which knows better how chats stand.
    """

    id: str
    settled: bool


class Carried(msgspec.Struct, frozen=True):
    """What came into the archive."""

    chats: int
    messages: int


def put_down(txn: Txn, id: str, notification: HistorySyncNotification, now: float) -> None:
    """Note the task in the transaction that the message arrived in."""
    TASKS.put(txn, PREFIX + id, Task(id, notification.SerializeToString(), now))


async def resume(ctx: Context) -> None:
    """After a login: what an earlier life did not finish."""
    for id in sorted(id for id in TASKS.ids(ctx.store) if id.startswith(PREFIX)):
        await take(ctx, id.removeprefix(PREFIX))


async def take(ctx: Context, id: str) -> None:
    """One piece, to its end. For the lane."""
    for pause in (*PAUSES, None):
        task = TASKS.get(ctx.store, PREFIX + id)
        if task is None:
            return
        told = HistorySyncNotification.FromString(task.notification)
        try:
            await _take(ctx, task, told)
        except BlobGone:
            await _finish(ctx, task, told, Carried(0, 0), None, error="gone", then=_again(ctx, task, told))
            return
        except HistoryDamaged:
            await _finish(ctx, task, told, Carried(0, 0), None, error="damaged")
            return
        except BlobFailed:
            if pause is None:
                return
            await Pause(pause)
        else:
            return


async def _take(ctx: Context, task: Task, told: HistorySyncNotification) -> None:
    if told.syncType not in KINDS:
        await _finish(ctx, task, told, Carried(0, 0), None)
        return
    inline = told.initialHistBootstrapInlinePayload
    blob = None
    if not inline:
        blob = WantBlob("md-msg-hist", told.directPath, told.mediaKey, told.fileSha256, told.fileEncSha256)
    facts = await Lookup(Survey(task.id, blob, inline), Facts)
    await _learn(ctx, facts)
    settled = told.syncType not in (HistorySyncType.INITIAL_BOOTSTRAP, HistorySyncType.ON_DEMAND)
    carried = await Lookup(Carry(task.id, settled), Carried)
    await _finish(ctx, task, told, carried, facts)


async def _learn(ctx: Context, facts: Facts) -> None:
    """Who is who, tokens, settings: taken from every piece."""
    pairs = [pair for one, other in facts.pairs if (pair := _pair(one, other)) is not None]
    for start in range(0, len(pairs), AT_ONCE):
        txn = ctx.txn()
        learn_many(txn, pairs[start : start + AT_ONCE])
        if txn.changes:
            await Commit(txn)
        else:
            await Pause()
    txn = ctx.txn()
    for token in facts.tokens:
        chat = _user(token.chat)
        if chat is not None:
            tokens.note(txn, chat, token.token, token.at)
    creds = ctx.creds(txn)
    fresh = msgspec.structs.replace(
        creds,
        nct_salt=creds.nct_salt or facts.nct_salt,
        lid_migrated=creds.lid_migrated or facts.migrated,
    )
    if fresh != creds:
        ctx.set_creds(txn, lambda _: fresh)
    told = None
    if facts.default_timer_s is not None and privacy.default_timer(txn) is None:
        # Notices, once one has come, know better.
        told = privacy.note_timer(ctx, txn, facts.default_timer_s)
    if txn.changes:
        await Commit(txn, events=(told,) if told else ())


async def _finish(
    ctx: Context,
    task: Task,
    told: HistorySyncNotification,
    carried: Carried,
    facts: Facts | None,
    *,
    error: str = "",
    then: Sequence[Node] = (),
) -> None:
    txn = ctx.txn()
    TASKS.delete(txn, PREFIX + task.id)
    percent = told.progress if told.HasField("progress") else 100
    whole = told.syncType in (HistorySyncType.RECENT, HistorySyncType.FULL) and percent >= 100
    if whole and not ctx.creds(txn).history_synced:
        ctx.set_creds(txn, lambda creds: msgspec.structs.replace(creds, history_synced=True))
    demanded = told.syncType == HistorySyncType.ON_DEMAND
    more = None
    if demanded and facts is not None and facts.chats:
        more = facts.chats[0].more
    event = HistorySynced(
        at=ctx.now,
        key=f"sync.history/{task.id}",
        kind=KINDS.get(told.syncType, "none"),
        percent=percent,
        chats=carried.chats,
        messages=carried.messages,
        request=told.peerDataRequestSessionId,
        more=more,
        error=error,
    )
    done = receipt.history_handled(ctx.account.pn_jid, task.id)
    await Commit(txn, then=(done, *then), events=(event,))


def _again(ctx: Context, task: Task, told: HistorySyncNotification) -> tuple[Node, ...]:
    """The file is gone: ask the phone to upload it once more; it announces it anew (reference 04, 2.5)."""
    iv = ctx.random(_IV)
    plain = ServerErrorReceipt(stanzaId=task.id).SerializeToString()
    sealed = seal_retry(told.mediaKey, task.id, plain, iv)
    attrs: dict[str, Attr] = {
        "id": task.id,
        "type": "server-error",
        "to": ctx.account.pn_jid.bare,
        "category": "peer",
    }
    inner = Node("encrypt", {}, [Node("enc_p", {}, sealed), Node("enc_iv", {}, iv)])
    return (Node("receipt", attrs, [inner]),)


async def request(ctx: Context, chat: Jid, id: str, *, from_me: bool, at: int, count: int) -> str:
    """Ask the phone for messages older than this one; the id of the request."""
    message = Message()
    control = message.protocolMessage
    control.type = ProtocolMessage.PEER_DATA_OPERATION_REQUEST_MESSAGE
    operation = control.peerDataOperationRequestMessage
    operation.peerDataOperationRequestType = PeerDataOperationRequestType.HISTORY_SYNC_ON_DEMAND
    wanted = operation.historySyncOnDemandRequest
    wanted.chatJid = str(wire_name(ctx, chat) if chat.is_user else chat)
    wanted.oldestMsgId, wanted.oldestMsgFromMe = id, from_me
    wanted.onDemandMsgCount = count
    # Seconds, in spite of the name.
    wanted.oldestMsgTimestampMs = at
    return await ask_phone(ctx, message, priority="high_force")


def _pair(one: str, other: str) -> tuple[Jid, Jid] | None:
    first, second = _user(one), _user(other)
    if first is None or second is None or first.is_lid == second.is_lid:
        return None
    return first, second


def _user(text: str) -> Jid | None:
    try:
        jid = parse(text.replace("@c.us", "@s.whatsapp.net"))
    except ValueError:
        return None
    return jid.bare if jid.is_user and jid.user else None
