"""`events.*`: follow what happens, by cursor, without losing anything."""

from __future__ import annotations

from typing import Annotated

import anyio
import msgspec
from msgspec import Meta

from waconnd.api.host import host
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.site import filter_for
from waconnd.rpc.subscriptions import BATCH_BYTES, check_held, cursor_name, start_of

#: A page of pull mode.
MAX_PAGE = 1000

#: A pull that waits: longer than any proxy would keep it.
MAX_WAIT_S = 300.0

#: Subscriptions are told this many events ahead of their acks at most.
MAX_UNACKED = 10_000

After = Annotated[
    int | str | None,
    Meta(
        description='A seq (events after it), "now", or "cursor:NAME" (made here when new). 0: the oldest held.'
    ),
]
Accounts = Annotated[list[str] | None, Meta(description="Only these accounts.")]
Types = Annotated[list[str] | None, Meta(description="Only these types; globs like `message.*`.")]
Chats = Annotated[list[str] | None, Meta(description="Only these chats, by canonical address.")]


class SubscribeParams(Params, frozen=True):
    accounts: Accounts = None
    types: Types = None
    chats: Chats = None
    after: After = "now"
    max_unacked: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MAX_UNACKED,
                description="With a named cursor: pause when so many are sent and not acked.",
            ),
        ]
        | None
    ) = None
    passing: Annotated[
        bool, Meta(description="Also events without a row: QR codes, presence, typing, `connection.*`.")
    ] = True


class Subscribed(Result, frozen=True):
    sub: str
    from_seq: int
    oldest_seq: int
    newest_seq: int


@method(
    "events.subscribe",
    scope=Scope.READ,
    errors=("cursor_expired", "unsupported", "rate_limited"),
    example={"types": ["message.*"], "after": "cursor:bot"},
)
async def subscribe(call: Call, params: SubscribeParams) -> Subscribed:
    """Follow events on this connection: first what is held after the cursor, then live, with no gap and no double.

    Events arrive as `event` notifications. A slow reader reads later; nothing is dropped for it. With `max_unacked` the
    subscription pauses until `events.ack` moves the cursor.
    """
    subscriptions = call.caller.subscriptions
    if subscriptions is None:
        raise RpcError(
            "unsupported",
            "a subscription needs a JSON-RPC connection of its own",
            advice="by HTTP: `GET /events`, or `events.read` with `wait_s`",
        )
    feed = host(call).feed
    seq, cursor = await start_of(feed, params.after)
    if params.max_unacked is not None and cursor is None:
        raise RpcError("invalid_params", '`max_unacked` needs `after: "cursor:NAME"`', path="$.max_unacked")
    want = filter_for(call.caller, params.accounts, params.types, params.chats)
    subscription, begin = subscriptions.open(
        feed, want, seq, cursor=cursor, max_unacked=params.max_unacked, passing=params.passing
    )
    call.then.append(begin)
    return Subscribed(subscription.sub, seq + 1, await feed.log.oldest(), feed.newest)


class ReadParams(Params, frozen=True):
    accounts: Accounts = None
    types: Types = None
    chats: Chats = None
    after: After = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 100
    wait_s: Annotated[float, Meta(ge=0, le=MAX_WAIT_S, description="Wait so long for the first event.")] = 0


class Events(Result, frozen=True):
    events: list[msgspec.Raw]
    next: int
    newest_seq: int


@method(
    "events.read",
    scope=Scope.READ,
    errors=("cursor_expired",),
    deadline_s=MAX_WAIT_S + 15,
    example={"after": "cursor:cron", "types": ["message.received"], "limit": 50},
)
async def read(call: Call, params: ReadParams) -> Events:
    """A page of events after a cursor, for shells and cron: pass `next` as the following `after`, or ack it."""
    feed = host(call).feed
    seq, _ = await start_of(feed, params.after)
    want = filter_for(call.caller, params.accounts, params.types, params.chats)
    until = anyio.current_time() + params.wait_s
    while True:
        bell = feed.bell
        rows, upto, _ = await feed.read(seq, want, limit=params.limit, max_bytes=BATCH_BYTES)
        left = until - anyio.current_time()
        if rows or (upto == seq and left <= 0):
            break
        if upto == seq:
            # Only the wait has a limit: a read from the disk is never cut short.
            with anyio.move_on_after(left):
                await bell.wait()
        seq = upto
    events = [msgspec.Raw(b'{"seq":%d,%b' % (row.seq, row.body[1:])) for row in rows]
    return Events(events, upto, feed.newest)


class AckParams(Params, frozen=True):
    cursor: str
    seq: Annotated[int, Meta(ge=0, description="Everything up to here is handled.")]


class Acked(Result, frozen=True):
    seq: int


@method(
    "events.ack",
    scope=Scope.READ,
    mutates=False,
    errors=("cursor_expired", "permission_denied"),
    example={"cursor": "bot", "seq": 48211},
)
async def ack(call: Call, params: AckParams) -> Acked:
    """Durably move a named cursor forward. An older seq than the stored one changes nothing."""
    feed = host(call).feed
    if params.seq:
        await check_held(feed, max(params.seq, await feed.log.oldest()))
    seq = await feed.log.set_cursor(cursor_name(params.cursor), params.seq)
    if call.caller.subscriptions is not None:
        call.caller.subscriptions.acked(params.cursor, seq)
    return Acked(seq)


class UnsubscribeParams(Params, frozen=True):
    sub: str


@method("events.unsubscribe", scope=Scope.READ, errors=("not_found",), example={"sub": "s1"})
async def unsubscribe(call: Call, params: UnsubscribeParams) -> Done:
    """End a subscription of this connection."""
    subscriptions = call.caller.subscriptions
    if subscriptions is None or subscriptions.stop(params.sub) is None:
        raise RpcError("not_found", f"this connection has no subscription `{params.sub[:40]}`")
    return Done(ok=True)


class Cursor(Result, frozen=True):
    name: str
    seq: int
    behind: int


class Cursors(Result, frozen=True):
    cursors: list[Cursor]


@method("events.cursors", scope=Scope.READ)
async def cursors(call: Call, params: NoParams) -> Cursors:
    """All named cursors, and how far each is behind."""
    feed = host(call).feed
    rows = await feed.log.cursors()
    return Cursors([Cursor(row.name, row.seq, max(0, feed.newest - row.seq)) for row in rows])


class CursorDeleteParams(Params, frozen=True):
    cursor: str


@method(
    "events.cursor_delete", scope=Scope.READ, mutates=False, errors=("not_found",), example={"cursor": "bot"}
)
async def cursor_delete(call: Call, params: CursorDeleteParams) -> Done:
    """Forget a named cursor."""
    host(call).queues.forget(params.cursor)
    if not await host(call).feed.log.delete_cursor(params.cursor):
        raise RpcError("not_found", f"there is no cursor `{params.cursor[:100]}`")
    return Done(ok=True)
