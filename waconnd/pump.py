"""From the outbox to the wire: whatever is due leaves, in order per chat, each row exactly once or said to have failed.

A row goes out under its own stanza id however often it is tried, so a second copy is none for the receiver. A send
whose fate is unknown (link lost before the ack) waits for the next connection; one that was refused for good fails.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import anyio
import anyio.abc
import anyio.lowlevel
import msgspec

from protocol.effects import Commit
from protocol.errors import LinkLost, ProtocolError, StoreFailed, TimedOut
from protocol.events.base import Durable
from protocol.flows.context import Context
from protocol.flows.send import NoCiphertext, SendRefused, SendRequest, SendResult, lane, send
from protocol.jid import parse
from protocol.stanza.message import Facts
from waconnd.account import Account, NotReady
from waconnd.metrics import Metrics
from waconnd.store.archive import Archive, ArchiveError
from waconnd.store.archive.outbox import Entry

log = logging.getLogger(__name__)

#: Rows on their way at once: enough to fill the wire, few enough that a lost link leaves little in doubt.
IN_FLIGHT: Final = 256
#: A refusal that passes is tried so often, with doubling pauses from this many seconds.
MAX_ATTEMPTS: Final = 8
RETRY_SECONDS: Final = 2.0
#: The archive refuses (disk full): look again after this.
TROUBLE_SECONDS: Final = 2.0


class OwnStatus(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="message.status"):
    """The server's word on a message of ours, or that there will be none."""

    ids: list[str]
    outbox_id: str
    chat: dict[str, str]
    status: str
    error: dict[str, Any] | None = None
    server_id: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What whoever waits for a row is told."""

    status: str
    error: str = ""
    kind: str = ""
    result: SendResult | None = None


class Pump:
    """One account's way out."""

    def __init__(self, account: Account, archive: Archive, metrics: Metrics) -> None:
        self._account, self._archive, self._metrics = account, archive, metrics
        self._flying: set[str] = set()
        #: outbox id → who waits for the server's word.
        self._waiters: dict[str, list[anyio.Event]] = {}
        self.outcomes: dict[str, Outcome] = {}

    async def run(self) -> None:
        """For ever."""
        async with anyio.create_task_group() as group:
            while True:
                await self._account.wait(("ready",))
                try:
                    await self._round(group)
                except ArchiveError as error:
                    log.warning("the outbox can't be read: %s", error)
                    await anyio.sleep(TROUBLE_SECONDS)

    async def landed(self, outbox_id: str) -> Outcome:
        """Wait for the server's word on a row that was just added."""
        event = anyio.Event()
        self._waiters.setdefault(outbox_id, []).append(event)
        try:
            await event.wait()
            return self.outcomes[outbox_id]
        finally:
            waiters = self._waiters.get(outbox_id, [])
            if event in waiters:
                waiters.remove(event)
            if not waiters:
                self._waiters.pop(outbox_id, None)
                self.outcomes.pop(outbox_id, None)

    async def _round(self, group: anyio.abc.TaskGroup) -> None:
        """While ready: take what is due, start it, wait for more."""
        outbox, name = self._archive.outbox, self._account.name
        await outbox.requeue(name)
        while self._account.ready:
            seen = outbox.version
            for entry in await outbox.expire(name):
                await self._tell(entry, "failed", Outcome("expired", entry.error, "timeout"))
            room = IN_FLIGHT - len(self._flying)
            entries = await outbox.take(name, room) if room > 0 else []
            for entry in entries:
                self._flying.add(entry.outbox_id)
                group.start_soon(self._send, entry)
            if entries:
                await anyio.lowlevel.checkpoint()
                continue
            await self._idle(seen)

    async def _idle(self, seen: int) -> None:
        due = await self._archive.outbox.next_at(self._account.name)
        pause = None if due is None else max(0.0, due / 1000 - time.time())
        with anyio.move_on_after(pause):
            async with anyio.create_task_group() as group:

                async def watch() -> None:
                    await self._archive.outbox.wait(seen)
                    group.cancel_scope.cancel()

                async def gone() -> None:
                    while self._account.ready:
                        await self._account.moved.wait()
                    group.cancel_scope.cancel()

                group.start_soon(watch)
                group.start_soon(gone)

    async def _send(self, entry: Entry) -> None:
        started = time.monotonic()
        try:
            outcome = await self._try(entry)
        finally:
            self._flying.discard(entry.outbox_id)
        name = self._account.name
        if outcome is None:
            self._metrics.sends.add(account=name, outcome="again")
            return
        if outcome.status == "server_ack":
            self._metrics.send_seconds.observe(time.monotonic() - started, account=name)
        self._metrics.sends.add(account=name, outcome=outcome.status)
        await self._tell(entry, outcome.status, outcome)

    async def _try(self, entry: Entry) -> Outcome | None:
        """None: it waits for another try, and the row says so."""
        outbox, name = self._archive.outbox, self._account.name
        to = parse(entry.chat)
        facts = msgspec.convert(entry.meta.get("facts", {}), Facts)
        audience = tuple(parse(jid) for jid in entry.meta.get("audience", ()))
        request = SendRequest(to=to, id=entry.id, message=entry.content, facts=facts, audience=audience)
        if entry.pairing and entry.pairing != self._account.pairing_id:
            return Outcome("failed", "it was queued under another link of this account", "not_linked")
        try:
            result = await self._account.flow(
                lambda ctx: _send_and_note(ctx, request, entry.outbox_id), lane=lane(to)
            )
        except (LinkLost, NotReady, StoreFailed, TimedOut):
            # Its fate is unknown: the same id goes again on the next connection.
            await outbox.defer(name, entry.outbox_id)
            return None
        except SendRefused as refused:
            if refused.transient and entry.attempts < MAX_ATTEMPTS:
                pause = max(refused.backoff or 0.0, RETRY_SECONDS * 2**entry.attempts)
                await outbox.defer(name, entry.outbox_id, until=round((time.time() + pause) * 1000))
                return None
            return Outcome("failed", str(refused), f"refused_{refused.code}")
        except NoCiphertext as error:
            return Outcome("failed", str(error), "recipient_unreachable")
        except ProtocolError as error:
            return Outcome("failed", str(error), "server_error")
        except Exception as error:
            log.exception("message %s could not be sent: a fault of ours", entry.id)
            return Outcome("failed", f"a fault of ours ({type(error).__name__}); see the log", "internal")
        return Outcome("server_ack", result=result)

    async def _tell(self, entry: Entry, status: str, outcome: Outcome) -> None:
        """Row, event and whoever waits, in this order. The event of a success rode in the send's own commit."""
        name = self._account.name
        result = outcome.result
        if result is not None:
            told = msgspec.json.encode(result).decode()
            await self._archive.outbox.mark(name, entry.outbox_id, "server_ack", result=told, attempt=True)
        else:
            if outcome.status != "expired":
                await self._archive.outbox.mark(
                    name, entry.outbox_id, "failed", error=outcome.error, attempt=True
                )
            at = self._account.now()
            error = {"kind": outcome.kind, "message": outcome.error}
            event = _status(at, entry.id, entry.outbox_id, entry.chat, status, error=error)
            await self._archive.events.append(name, [event])
        if waiters := self._waiters.get(entry.outbox_id):
            self.outcomes[entry.outbox_id] = outcome
            for waiter in waiters:
                waiter.set()


async def _send_and_note(ctx: Context, request: SendRequest, outbox_id: str) -> SendResult:
    """The ack becomes an event in the order of the wire: before the receipts that follow it."""
    result = await send(ctx, request)
    event = _status(
        float(result.at), request.id, outbox_id, result.chat, "server_ack", server_id=result.server_id
    )
    await Commit(ctx.txn(), events=(event,))
    return result


def _status(
    at: float,
    id: str,
    outbox_id: str,
    chat: str,
    status: str,
    *,
    error: dict[str, Any] | None = None,
    server_id: str = "",
) -> OwnStatus:
    return OwnStatus(
        at=at,
        key=f"message.status/{id}/{outbox_id}/{status}",
        ids=[id],
        outbox_id=outbox_id,
        chat={"id": chat},
        status=status,
        error=error,
        server_id=server_id,
    )
