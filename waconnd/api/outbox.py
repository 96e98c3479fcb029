"""`outbox.*`: what was promised to be sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from waconnd.api.host import fleet
from waconnd.errands import errand
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339
from waconnd.store.archive.outbox import PAGE_ROWS, Entry

Status = Literal[
    "queued", "sent", "server_ack", "delivered", "read", "played", "failed", "cancelled", "expired"
]


class EntryResult(Result, frozen=True, kw_only=True):
    """A row, without its content."""

    outbox_id: str
    id: str
    chat: str
    status: Status
    made_at: str
    changed_at: str
    key: str = ""
    via: Annotated[str, Meta(description="Whose wish it was.")] = ""
    attempts: int = 0
    error: str = ""
    not_before: str | None = None
    not_after: str | None = None
    result: Annotated[dict[str, Any], Meta(description="What the server said, and devices left out.")] = {}


def described(entry: Entry) -> EntryResult:
    """A row as the socket shows it."""
    return EntryResult(
        outbox_id=entry.outbox_id,
        id=entry.id,
        chat=entry.chat,
        status=entry.status,
        made_at=rfc3339(entry.made / 1000),
        changed_at=rfc3339(entry.changed / 1000),
        key="" if entry.key == entry.outbox_id else entry.key,
        via=errand(entry).via,
        attempts=entry.attempts,
        error=entry.error,
        not_before=rfc3339(entry.not_before / 1000) if entry.not_before else None,
        not_after=rfc3339(entry.not_after / 1000) if entry.not_after else None,
        result=msgspec.json.decode(entry.result, type=dict[str, Any]) if entry.result else {},
    )


class ListParams(Params, frozen=True, kw_only=True):
    status: Annotated[list[Status], Meta(description="Only these. Absent: all.")] = []
    after: Annotated[int, Meta(ge=0, description="`next` of the page before.")] = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS)] = 50


class ListResult(Result, frozen=True):
    entries: list[EntryResult]
    next: int | None = None


@method("outbox.list", scope=Scope.READ, account=True, example={"status": ["queued", "failed"]})
async def list_(call: Call, params: ListParams) -> ListResult:
    """Messages that wait or were sent in the last days, in the order in which they came."""
    rows = await fleet(call).archive.outbox.page(
        call.account, tuple(params.status), after=params.after, limit=params.limit
    )
    return ListResult([described(row) for row in rows], rows[-1].n if len(rows) == params.limit else None)


class OneParams(Params, frozen=True):
    outbox_id: str


@method(
    "outbox.get",
    scope=Scope.READ,
    account=True,
    errors=("not_found",),
    example={"outbox_id": "o1f0a99c2d4e5b6a7"},
)
async def get(call: Call, params: OneParams) -> EntryResult:
    """One row."""
    return described(await fleet(call).archive.outbox.get(call.account, params.outbox_id))


@method(
    "outbox.cancel",
    scope=Scope.SEND,
    account=True,
    errors=("not_found",),
    example={"outbox_id": "o1f0a99c2d4e5b6a7"},
)
async def cancel(call: Call, params: OneParams) -> EntryResult:
    """Take back what has not left yet."""
    entry = await fleet(call).archive.outbox.cancel(call.account, params.outbox_id)
    if entry.status != "cancelled":
        raise RpcError(
            "invalid_params",
            f"the message is {entry.status}: it can't be cancelled any more",
            advice="`message.revoke` deletes a message that has left",
        )
    for waiting in errand(entry).waiting:
        fleet(call).media.drop(waiting)
    return described(entry)


@method(
    "outbox.retry",
    scope=Scope.SEND,
    account=True,
    errors=("not_found",),
    example={"outbox_id": "o1f0a99c2d4e5b6a7"},
)
async def retry(call: Call, params: OneParams) -> EntryResult:
    """Try a failed, expired or cancelled message once more, under the same id."""
    entry = await fleet(call).archive.outbox.get(call.account, params.outbox_id)
    missing = [w.file for w in errand(entry).waiting if not (fleet(call).media.outgoing / w.file).exists()]
    if missing:
        raise RpcError("not_found", "the file of this message is gone; send it anew")
    entry = await fleet(call).archive.outbox.retry(call.account, params.outbox_id)
    if entry.status not in ("queued", "sent"):
        raise RpcError("invalid_params", f"the message is {entry.status}: there is nothing to try again")
    return described(entry)
