"""From `success` to a working session: what is done in which order (reference 01, 7.3), and the way out (8)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from protocol.creds import Creds
from protocol.effects import Ask, Expect, Pause, Reaction, Tell
from protocol.errors import LoggedOut, TimedOut
from protocol.flows.context import Context
from protocol.node import Node
from protocol.stanza import pairing, session

Chore = Callable[[Context], Coroutine[Any, object, None]]

#: The next piece of the offline queue is asked for so long after the first stanza of the last one.
NEXT_BATCH_SECONDS: Final = 0.1
#: No queued stanza for so long: the queue is taken for empty.
OFFLINE_SECONDS: Final = 60.0
#: Shutting down must not hang on a server that does not answer.
LOGOUT_SECONDS: Final = 5.0


def note_success(ctx: Context, success: session.Success, server_chain: bytes) -> Reaction:
    """What the login itself leaves behind, durable before anything else of this session."""
    if success.time:
        ctx.clock_offset = success.time - ctx.now
    txn = ctx.txn()
    ctx.set_creds(txn, lambda creds: _logged_in(creds, success, server_chain))
    return Reaction(txn=txn)


async def become_active(ctx: Context) -> None:
    """Ask for delivery."""
    await Ask(session.active(), _nothing)
    await Tell((session.unified_session(ctx.now, ctx.clock_offset),))


async def pull_offline(ctx: Context, total: int) -> None:
    """Ask for the offline queue piece by piece; some servers send no more than a handful without it."""
    while True:
        await Tell((session.offline_batch(),))
        try:
            node = await Expect(_is_queued_or_end, OFFLINE_SECONDS)
        except TimedOut:
            return
        if session.is_offline_end(node) or ctx.offline_seen >= total:
            return
        await Pause(NEXT_BATCH_SECONDS)
        if ctx.offline_seen >= total or not ctx.catching_up:
            return


async def refresh_dirty(
    ctx: Context, type: str, timestamp: str, refresh: Chore | None, *, later: bool
) -> None:
    """Fetch anew what the server calls dirty, then say so. `later`: after the offline queue."""
    if later and ctx.catching_up:
        try:
            await Expect(session.is_offline_end, 2 * OFFLINE_SECONDS)
        except TimedOut:
            pass
        # The stanza goes to its handler first.
        await Pause()
    if refresh is not None:
        await refresh(ctx)
    await Ask(session.clean(type, timestamp), _nothing)


async def logout(ctx: Context, reason: str = "user_initiated") -> bool:
    """Unlink this device. False: the server did not confirm it, and the phone may still list us.

    The host stops sending and reconnecting first, and sets the credentials aside afterwards.
    """
    try:
        await Ask(pairing.remove(ctx.account.pn_jid, reason), _nothing, LOGOUT_SECONDS)
    except TimedOut:
        return False
    except LoggedOut:
        # The server may end the stream instead of answering: that is the confirmation.
        return True
    return True


def _logged_in(creds: Creds, success: session.Success, server_chain: bytes) -> Creds:
    account = creds.account
    assert account is not None
    if success.lid is not None:
        lid = success.lid.on(account.pn_jid.device)
        account = msgspec.structs.replace(account, lid=str(lid))
    return msgspec.structs.replace(
        creds, account=account, login_count=creds.login_count + 1, server_chain=server_chain
    )


def _is_queued_or_end(node: Node) -> bool:
    return "offline" in node.attrs or session.is_offline_end(node)


def _nothing(_: Node) -> None:
    return None
