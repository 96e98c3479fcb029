"""`message.*`: what the archive knows of messages, and telling others that theirs were read."""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from protocol.jid import parse
from waconnd import acts
from waconnd.address import resolve
from waconnd.api.host import fleet
from waconnd.api.message_acts import InChat, MessageId
from waconnd.compose import targets
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import parse_time, rfc3339
from waconnd.store.archive import NotFound
from waconnd.store.archive.messages import PAGE_ROWS, Annotation, Message, Receipt
from waconnd.store.archive.polls import tally

Limit = Annotated[int, Meta(ge=1, le=PAGE_ROWS)]


class Note(Result, frozen=True, kw_only=True):
    """What somebody attached to a message."""

    kind: Annotated[str, Meta(description="reaction, vote, response, pin or keep.")]
    by: str = ""
    at: str
    value: dict[str, Any]


class DeviceProgress(Result, frozen=True, kw_only=True):
    """How far it came on one device."""

    device: Annotated[int, Meta(description="0 is the phone, others are linked devices.")]
    delivered_at: str | None = None
    read_at: str | None = None
    played_at: str | None = None


class Progress(Result, frozen=True, kw_only=True):
    """How far a message of ours came with one person: the first of their devices counts."""

    who: str
    delivered_at: str | None = None
    read_at: str | None = None
    played_at: str | None = None
    devices: list[DeviceProgress] = []


class MessageResult(Result, frozen=True, kw_only=True):
    """A message and what became of it. `data` is that of the event `message.received`."""

    id: str
    chat: str
    sender: str = ""
    from_me: bool
    kind: str
    sent_at: str
    status: Annotated[str, Meta(description="Of a message of ours.")] = ""
    server_id: str = ""
    edited_at: str | None = None
    revoked_at: str | None = None
    revoked_by: str = ""
    starred: bool = False
    data: Annotated[dict[str, Any], Meta(description="Empty when the account keeps no content.")] = {}
    notes: list[Note] = []
    results: Annotated[
        list[dict[str, Any]], Meta(description="Of a poll: `{option, votes}` for each option.")
    ] = []
    receipts: list[Progress] = []
    position: Annotated[str, Meta(description="For `before` and `after`.")] = ""


def described(
    row: Message, notes: list[Annotation] | None = None, receipts: list[Receipt] | None = None
) -> MessageResult:
    """A row as the socket shows it."""
    data = msgspec.json.decode(row.data, type=dict[str, Any]) if row.data else {}
    votes = [msgspec.json.decode(note.value) for note in notes or () if note.kind == "vote"]
    return MessageResult(
        id=row.id,
        chat=row.chat,
        sender=row.sender,
        from_me=row.from_me,
        kind=row.kind,
        sent_at=rfc3339(row.sent_at / 1000),
        status=row.status,
        server_id=row.server_id,
        edited_at=_at(row.edited_at),
        revoked_at=_at(row.revoked_at),
        revoked_by=row.revoked_by,
        starred=row.starred,
        data=data,
        notes=[
            Note(
                kind=note.kind, by=note.who, at=rfc3339(note.at / 1000), value=msgspec.json.decode(note.value)
            )
            for note in notes or ()
        ],
        results=tally(data, votes) if notes is not None and row.kind == "poll" else [],
        receipts=[_progress(who, list(told)) for who, told in groupby(receipts or (), lambda one: one.who)],
        position=row.position,
    )


def _progress(who: str, told: list[Receipt]) -> Progress:
    def times(*devices: Receipt) -> dict[str, str | None]:
        """The first of each kind."""
        names = ("delivered_at", "read_at", "played_at")
        return {
            name: _at(min(filter(None, (getattr(one, name) for one in devices)), default=0)) for name in names
        }

    each = [DeviceProgress(device=one.device, **times(one)) for one in told]
    return Progress(who=who, devices=each, **times(*told))


def _at(ms: int) -> str | None:
    return rfc3339(ms / 1000) if ms else None


async def _chat(call: Call, text: str) -> str:
    if not text:
        return ""
    jid = await resolve(fleet(call), call.account, text)
    return str(targets.canonical(fleet(call).get(call.account), jid))


class GetParams(Params, frozen=True, kw_only=True):
    id: MessageId
    chat: InChat = ""


@method(
    "message.get",
    scope=Scope.READ,
    account=True,
    errors=("not_found",),
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222"},
)
async def get(call: Call, params: GetParams) -> MessageResult:
    """One message with its reactions, votes and receipts."""
    archive, account = fleet(call).archive, fleet(call).get(call.account)
    target = await targets.find(fleet(call), account, params.id, params.chat)
    if target.row is None:
        raise NotFound(f"no message {target.id} is in the archive of {call.account}")
    notes = await archive.messages.annotations(call.account, target.row.chat, [target.id])
    receipts = await archive.messages.receipts(call.account, target.row.chat, target.id)
    return described(target.row, notes, receipts)


class ListParams(Params, frozen=True, kw_only=True):
    chat: Annotated[str, Meta(description="Absent: all chats.")] = ""
    before: Annotated[
        str, Meta(description="A message's id, its `position` or a time (RFC 3339): older ones.")
    ] = ""
    after: Annotated[str, Meta(description="The same: newer ones, oldest first.")] = ""
    limit: Limit = 50
    types: Annotated[list[str], Meta(description="Kinds of message, like `text` or `image`.")] = []


class ListResult(Result, frozen=True):
    messages: list[MessageResult]
    next: Annotated[str | None, Meta(description="Where the next page goes on; absent at the end.")] = None


@method(
    "message.list",
    scope=Scope.READ,
    account=True,
    errors=("not_found",),
    example={"chat": "+15550002222", "limit": 20},
)
async def list_(call: Call, params: ListParams) -> ListResult:
    """Messages, newest first; with `after`, oldest first from there."""
    archive = fleet(call).archive
    rows = await archive.messages.page(
        call.account,
        await _chat(call, params.chat),
        before=_position(params.before),
        after=_position(params.after),
        limit=params.limit,
        kinds=tuple(params.types),
    )
    return ListResult(
        [described(row) for row in rows], rows[-1].position if len(rows) == params.limit else None
    )


def _position(text: str) -> str:
    """A time as a position: before the first message of its millisecond."""
    if text[4:5] != "-":
        return text
    try:
        return f"{round(parse_time(text) * 1000)}-0"
    except ValueError:
        return text


class SearchParams(Params, frozen=True, kw_only=True):
    query: Annotated[str, Meta(min_length=1, max_length=200, description="Words, all of which must occur.")]
    chat: str = ""
    sender: str = ""
    since: str = ""
    until: str = ""
    limit: Limit = 20
    before: Annotated[int, Meta(description="`next` of the page before.")] = 0


class HitResult(Result, frozen=True):
    message: MessageResult
    snippet: Annotated[str, Meta(description="The words around the hit, which stands between ‹ and ›.")]


class SearchResult(Result, frozen=True):
    hits: list[HitResult]
    next: int | None = None


@method(
    "message.search",
    scope=Scope.READ,
    account=True,
    example={"query": "table tonight", "chat": "+15550002222"},
)
async def search(call: Call, params: SearchParams) -> SearchResult:
    """Find messages by their words, latest first."""
    hits = await fleet(call).archive.messages.search(
        call.account,
        params.query,
        chat=await _chat(call, params.chat),
        sender=await _chat(call, params.sender),
        since=_ms(params.since, "$.since"),
        until=_ms(params.until, "$.until"),
        before=params.before,
        limit=params.limit,
    )
    found = [HitResult(described(hit.message), hit.snippet) for hit in hits]
    return SearchResult(found, hits[-1].message.n if len(hits) == params.limit else None)


def _ms(text: str, path: str) -> int:
    try:
        return round(parse_time(text) * 1000) if text else 0
    except ValueError as error:
        raise RpcError("invalid_params", str(error), path=path) from None


class ReadParams(Params, frozen=True, kw_only=True):
    chat: str
    ids: Annotated[list[str], Meta(max_length=1000, description="These messages.")] = []
    up_to: Annotated[str, Meta(description="All up to this message. With neither: all there are.")] = ""
    played: Annotated[bool, Meta(description="Voice notes and view-once media were played.")] = False


class ReadResult(Result, frozen=True):
    count: Annotated[int, Meta(description="How many messages were marked.")]


@method(
    "message.mark_read",
    scope=Scope.SEND,
    account=True,
    errors=("not_ready", "not_found"),
    example={"chat": "+15550002222"},
)
async def mark_read(call: Call, params: ReadParams) -> ReadResult:
    """Tell the senders that their messages were read (or played), as far as the account's privacy allows."""
    archive, account = fleet(call).archive, fleet(call).get(call.account)
    chat = await _chat(call, params.chat)
    if params.ids:
        rows = [await archive.messages.get(call.account, id, chat) for id in params.ids]
    else:
        rows = await archive.messages.unread(call.account, chat, params.up_to)
    others = [(parse(row.sender), row.id) for row in rows if not row.from_me and row.sender]
    if rows:
        upto = max(row.sent_at for row in rows) / 1000
        via = call.peer.user
        await acts.mark_read(fleet(call), account, parse(chat), others, upto, via=via, played=params.played)
    return ReadResult(len(others))


class StageResult(Result, frozen=True):
    at: str
    stage: str
    detail: Annotated[str, Meta(description="For people. It names no content.")] = ""


class TraceParams(Params, frozen=True, kw_only=True):
    id: Annotated[str, Meta(min_length=1)]


class TraceResult(Result, frozen=True):
    id: str
    stages: list[StageResult]


@method(
    "message.trace",
    scope=Scope.READ,
    account=True,
    errors=("not_found",),
    example={"id": "3EB0A1B2C3D4E5F60718"},
)
async def trace(call: Call, params: TraceParams) -> TraceResult:
    """All that is known to have happened to a message, in order: queued, tried, sent, acknowledged, delivered, read, healed."""
    archive = fleet(call).archive
    found: list[tuple[int, str, str]] = []
    around = 0
    entry = await archive.outbox.by_message(call.account, params.id)
    if entry is not None:
        found.append((entry.made, "queued", f"as {entry.outbox_id}"))
        if entry.not_before > entry.made:
            found.append((entry.not_before, "due", ""))
    with suppress(NotFound):
        around = (await archive.messages.get(call.account, params.id)).seq
    for row in await archive.events.about(call.account, params.id, around):
        at, stage, why = _stage(row.body)
        # The server counts in whole seconds: the log's order is the truth.
        found.append((max(at, found[-1][0] if found else 0), stage, why))
    if entry is not None and entry.attempts > 1:
        found.append((entry.changed, "attempts", str(entry.attempts)))
    if entry is not None and entry.error:
        found.append((entry.changed, entry.status, entry.error))
    found += [(one.at, one.stage, one.detail) for one in await archive.traces.get(call.account, params.id)]
    if not found:
        raise NotFound(f"nothing is known of message {params.id}")
    found.sort(key=lambda one: one[0])
    return TraceResult(params.id, [StageResult(rfc3339(at / 1000), stage, why) for at, stage, why in found])


def _stage(body: bytes) -> tuple[int, str, str]:
    event = msgspec.json.decode(body, type=dict[str, Any])
    data, kind = event["data"], event["type"]
    by = data.get("by") or data.get("from") or {}
    who = f"by {by['id']}" if by.get("id") and not data.get("from_me") else ""
    device = f" device {data['device']}" if data.get("device") else ""
    word = str(data.get("status") or data.get("receipt") or kind.partition(".")[2])
    reason = str(data.get("reason") or (data.get("error") or {}).get("message", ""))
    return round(parse_time(event["at"]) * 1000), word, " ".join(filter(None, (who + device, reason)))
