"""`events.take` and `events.done`: the event log as a queue for several workers."""

from __future__ import annotations

from typing import Annotated

import anyio
import msgspec
from msgspec import Meta

from waconnd.api.events import MAX_WAIT_S, Accounts, Chats, Types
from waconnd.api.host import host
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.site import filter_for
from waconnd.rpc.subscriptions import cursor_name

#: Events for one worker at a time.
MAX_TAKEN = 100
#: What takes longer than an hour is a job of its own.
MAX_LEASE_S = 3600.0


class TakeParams(Params, frozen=True):
    queue: Annotated[str, Meta(description="A named cursor (made here when new, from now on).")]
    accounts: Accounts = None
    types: Types = None
    chats: Chats = None
    limit: Annotated[int, Meta(ge=1, le=MAX_TAKEN)] = 1
    lease_s: Annotated[
        float, Meta(gt=0, le=MAX_LEASE_S, description="What is not done by then goes to another worker.")
    ] = 60.0
    wait_s: Annotated[float, Meta(ge=0, le=MAX_WAIT_S, description="Wait so long for the first event.")] = 0


class Taken(Result, frozen=True):
    events: list[msgspec.Raw]
    undone: Annotated[int, Meta(description="Events read for this queue and not done, these among them.")]


@method(
    "events.take",
    scope=Scope.READ,
    mutates=False,
    errors=("cursor_expired", "rate_limited"),
    deadline_s=MAX_WAIT_S + 15,
    example={"queue": "answers", "types": ["message.received"], "limit": 10, "lease_s": 30},
)
async def take(call: Call, params: TakeParams) -> Taken:
    """The next events of a queue that several workers share.

    Each goes to one of them; those of one chat are handled in order, by one worker at a time. Tell `events.done` when you are
    through; what is not done when its lease ends is given out again.
    """
    feed, queues = host(call).feed, host(call).queues
    want = filter_for(call.caller, params.accounts, params.types, params.chats)
    queue = await queues.open(feed, cursor_name(params.queue), want)
    until = anyio.current_time() + params.wait_s
    while True:
        bell = feed.bell
        await queue.fill(feed)
        now = anyio.current_time()
        rows = queue.take(now, params.limit, params.lease_s)
        if rows or now >= until:
            break
        with anyio.move_on_after(min(until, queue.next_return() or until) - now):
            await bell.wait()
    return Taken([msgspec.Raw(b'{"seq":%d,%b' % (row.seq, row.body[1:])) for row in rows], queue.undone)


class DoneParams(Params, frozen=True):
    queue: str
    seqs: Annotated[list[int], Meta(max_length=MAX_TAKEN, description="Events that were handled.")]


class Handled(Result, frozen=True):
    seq: Annotated[int, Meta(description="Where the cursor stands now: everything up to here is done.")]
    undone: int


@method(
    "events.done",
    scope=Scope.READ,
    mutates=False,
    errors=("not_found",),
    example={"queue": "answers", "seqs": [48211]},
)
async def done(call: Call, params: DoneParams) -> Handled:
    """These events of a queue are handled. The cursor moves behind the last one before which all are; durable on return."""
    name = cursor_name(params.queue)
    queue = host(call).queues.find(name)
    if queue is None:
        raise RpcError("not_found", f"nothing was taken from the queue `{name}` since the daemon started")
    feed = host(call).feed
    seq = await feed.log.set_cursor(name, queue.done(params.seqs))
    # A chat may be free now for somebody who waits.
    feed.ring()
    return Handled(seq, queue.undone)
