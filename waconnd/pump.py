"""From the outbox to the wire: whatever is due leaves, in order per chat, each row exactly once or said to have failed.

A row goes out under its own stanza id however often it is tried, so a second copy is none for the receiver. A send
whose fate is unknown (link lost before the ack) waits for the next connection; one that was refused for good fails.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Self

import anyio
import anyio.abc
import anyio.lowlevel
import msgspec

from protocol.content.media import located, uploaded_of
from protocol.effects import Commit
from protocol.events.account import AccountLimited
from protocol.events.message import (
    MessageStatus,
)
from protocol.flows.context import Context
from protocol.flows.runner import Handle
from protocol.flows.send import SendRefused, SendRequest, SendResult, lane, send
from protocol.jid import Jid, parse
from protocol.pb.e2e_pb2 import Message
from waconnd.account import Account
from waconnd.errands import Errand, Landed, OwnStatus, errand, own_status
from waconnd.governor import Governor
from waconnd.logs import fields
from waconnd.media.room import MediaRoom
from waconnd.metrics import Metrics
from waconnd.outcomes import Again, NotOnWhatsapp, OtherLink, Outcome, judged
from waconnd.reach import first_address
from waconnd.store.archive import Archive, ArchiveError
from waconnd.store.archive.outbox import Draft, Entry
from waconnd.store.authdir import Entry as Inboxed

log = logging.getLogger(__name__)

#: Rows on their way at once: enough to fill the wire, few enough that a lost link leaves little in doubt.
IN_FLIGHT: Final = 256
#: Sends of one account begin no closer than so many seconds: one alone leaves at once, and those that come in a stream
#: leave together. Between two programs and three threads a turn costs more than a message, and whoever queues
#: messages one by one is answered meanwhile.
PACE: Final = 0.02
#: The same where nobody waits for the server's word.
PATIENT_PACE: Final = 0.05
#: So many are encrypted in one go: meanwhile the commit and the frames of those before them are on their way.
ABREAST: Final = 32
#: A full wire is filled again when so few are left: rows are fetched by many at a time.
REFILL: Final = IN_FLIGHT // 2
#: The archive refuses (disk full): look again after this.
TROUBLE_SECONDS: Final = 2.0


class Waiter:
    """Somebody who wants to know what became of a row, within `with`; begin before the row is added, and no word is missed."""

    def __init__(self, pump: Pump, outbox_id: str, id: str) -> None:
        self._pump, self._outbox_id, self._id = pump, outbox_id, id
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Future[Outcome | None] = self._loop.create_future()

    def __enter__(self) -> Self:
        self._pump.waiters.setdefault(self._outbox_id, []).append(self)
        self._pump.watched[self._id] = self._outbox_id
        return self

    def __exit__(self, *_: object) -> None:
        others = self._pump.waiters[self._outbox_id]
        others.remove(self)
        if not others:
            del self._pump.waiters[self._outbox_id]
            self._pump.watched.pop(self._id, None)

    def tell(self, outcome: Outcome | None) -> None:
        if not self._told.done():
            self._told.set_result(outcome)

    async def outcome(self, until: float) -> Outcome | None:
        """Once it is known; None when it is not by then (by the loop's clock)."""
        timer = self._loop.call_at(until, self.tell, None)
        try:
            return await self._told
        finally:
            timer.cancel()


class Turn:
    """Rows of one chat are prepared one after the other; what waits for an upload is not overtaken."""

    def __init__(self) -> None:
        self.users = 0
        self.lock = anyio.Lock()


class Pump:
    """One account's way out."""

    def __init__(
        self,
        account: Account,
        archive: Archive,
        metrics: Metrics,
        media: MediaRoom,
        per_minute: Callable[[], float],
    ) -> None:
        self._account, self._archive, self._metrics, self._media = account, archive, metrics, media
        self.governor = Governor(per_minute, account.now)
        self.governor.restore(account.memo.new_chats_limit, account.memo.new_chats_until)
        self._flying: set[str] = set()
        #: Rows may wait for room.
        self._full = False
        #: Chats in which something was said before, under the names that were written to.
        self.spoken: set[Jid] = set()
        #: Where rows are sent from, while `run` runs.
        self._group: anyio.abc.TaskGroup | None = None
        #: Rows that leave together; when they will, and when others last did.
        self._leaving: list[tuple[Entry, Errand]] = []
        self._departure: asyncio.TimerHandle | None = None
        self._left_at = 0.0
        #: The outbox' version at which nothing waited there: as long as it stands, a new row need not wait either.
        self._clear = -1
        #: Rows being stored that may not leave at once.
        self._behind = 0
        #: outbox id → who waits for the server's word.
        self.waiters: dict[str, list[Waiter]] = {}
        #: Message id → the row that somebody waits for.
        self.watched: dict[str, str] = {}
        #: Chat → its rows that are being prepared, one after the other.
        self._turns: dict[str, Turn] = {}

    async def run(self) -> None:
        """For ever."""
        async with anyio.create_task_group() as group:
            self._group = group
            self._turns.clear()
            try:
                while True:
                    await self._account.wait(("ready",))
                    try:
                        await self._round()
                    except ArchiveError as error:
                        log.warning(
                            "the outbox can't be read: %s", error, extra=fields(account=self._account.name)
                        )
                        await anyio.sleep(TROUBLE_SECONDS)
            finally:
                self._group = None

    async def add(self, draft: Draft, about: Errand, *, patient: bool = False) -> tuple[Entry, bool]:
        """Into the outbox; True when it is new. Where nothing waits it need not be looked for: it leaves from here.

        `patient`: nobody waits for the server's word.
        """
        outbox, name = self._archive.outbox, self._account.name
        if self._may_leave(draft, about):
            return await outbox.add(name, draft, leaving=partial(self._begin, about=about, patient=patient))
        self._behind += 1
        try:
            return await outbox.add(name, draft)
        finally:
            self._behind -= 1

    def _may_leave(self, draft: Draft, about: Errand) -> bool:
        """Whether nothing could be overtaken."""
        return (
            self._clear == self._archive.outbox.version
            and not self._behind
            and self._group is not None
            and self._account.ready
            and len(self._flying) < IN_FLIGHT
            and not draft.not_before
            and not draft.not_after
            and (about.free or self.governor.allow(new=about.new))
        )

    def _begin(self, entry: Entry, about: Errand, *, patient: bool = False) -> None:
        self._flying.add(entry.outbox_id)
        self._leaving.append((entry, about))
        self._depart_at(self._left_at + (PATIENT_PACE if patient else PACE))

    def _depart_at(self, at: float) -> None:
        if self._departure is not None:
            if self._departure.when() <= at:
                return
            self._departure.cancel()
        self._departure = asyncio.get_running_loop().call_at(at, self._depart)

    def _depart(self) -> None:
        self._departure = None
        self._left_at = asyncio.get_running_loop().time()
        rows, self._leaving = self._leaving[:ABREAST], self._leaving[ABREAST:]
        for entry, about in rows:
            self._start(entry, about)
        if self._leaving:
            self._depart_at(0.0)

    def _start(self, entry: Entry, about: Errand) -> None:
        """What needs nothing more is encrypted now, in the order of the rows; else a task sees to it."""
        if self._group is None:
            self._flying.discard(entry.outbox_id)
            return
        if about.new or about.waiting or entry.chat in self._turns:
            turn = self._turns.setdefault(entry.chat, Turn())
            turn.users += 1
            self._group.start_soon(self._prepare, entry, turn)
            return
        try:
            self._send(entry, parse(entry.chat), about)
        except Exception as error:
            self._failed(entry, error)

    def stored(self, batch: Sequence[Inboxed]) -> None:
        """Rows of the log are durable, the server's word on our messages among them."""
        for inboxed in batch:
            event = inboxed.event
            if isinstance(event, OwnStatus):
                if event.private is not None:
                    self._told(event.outbox_id, Outcome(event.status, result=event.private.result))
            elif isinstance(event, MessageStatus) and self.watched:
                # A receipt says that it arrived, also when the line was lost before the server's own word.
                for id in event.ids:
                    if outbox_id := self.watched.get(id):
                        self._told(outbox_id, Outcome(event.status))

    async def _round(self) -> None:
        """While ready: take what is due, start it, wait for more."""
        outbox, name = self._archive.outbox, self._account.name
        await outbox.requeue(name)
        while self._account.ready:
            seen = outbox.version
            look = await outbox.look(name, IN_FLIGHT - len(self._flying))
            if look.over:
                for entry in await outbox.expire(name):
                    await self._tell(entry, "failed", Outcome("expired", entry.error, "timeout"))
            entries, free_at = await self._next(look.due)
            for entry in entries:
                self._begin(entry, errand(entry))
            if entries:
                await anyio.lowlevel.checkpoint()
                continue
            self._full = len(self._flying) >= IN_FLIGHT
            if not self._full and not look.due and look.next_at is None:
                self._clear = seen
            await self._idle(seen, free_at, look.next_at)

    async def _next(self, due: list[Entry]) -> tuple[list[Entry], float | None]:
        """Rows that may leave now; and when the governor lets more go, if it held some back."""
        outbox, name = self._archive.outbox, self._account.name
        room = IN_FLIGHT - len(self._flying)
        chosen: list[str] = []
        held: dict[str, bool] = {}
        self._choose(due, chosen, held)
        if any(held.values()) and len(chosen) < room:
            # New chats wait; those that know us go on past them.
            self._choose(await outbox.due(name, room, known_only=True), chosen, held)
        free_at = min((self.governor.level(new=new).free_at for new in held.values()), default=None)
        return (await outbox.claim(name, chosen) if chosen else []), free_at

    def _choose(self, due: list[Entry], chosen: list[str], held: dict[str, bool]) -> None:
        """`held`: chat → whether its first waiting row is one of a new chat."""
        for entry in due:
            if entry.outbox_id in self._flying or entry.outbox_id in chosen or entry.chat in held:
                continue
            about = errand(entry)
            if about.free or self.governor.allow(new=about.new):
                chosen.append(entry.outbox_id)
            else:
                held[entry.chat] = about.new

    async def _idle(self, seen: int, free_at: float | None, due: int | None) -> None:
        pauses = [] if due is None else [max(0.0, due / 1000 - time.time())]
        if free_at is not None:
            pauses.append(max(0.0, free_at - self._account.now()))
        pause = min(pauses, default=None)
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

    async def _prepare(self, entry: Entry, turn: Turn) -> None:
        """Recipient looked up, files uploaded: in its turn, so that the rows of a chat leave in their order."""
        try:
            async with turn.lock:
                ready, to = await self._prepared(entry)
                self._send(ready, to, errand(ready))
        except Exception as error:
            await self._unsent(entry, error)
        finally:
            turn.users -= 1
            if not turn.users:
                self._turns.pop(entry.chat, None)

    def _send(self, entry: Entry, to: Jid, about: Errand) -> None:
        """Into the chat's lane."""
        if entry.pairing and entry.pairing != self._account.pairing_id:
            raise OtherLink
        request = SendRequest(
            to=to,
            id=entry.id,
            message=entry.content,
            facts=about.facts,
            audience=tuple(parse(jid) for jid in about.audience),
            via=about.via,
            outbox_id=entry.outbox_id,
            told=about.told,
        )
        started = time.monotonic()

        def ended(done: Handle[SendResult]) -> None:
            if done.error is not None:
                self._failed(entry, done.error)
                return
            # Who waits is told by the event that rode in the send's own commit, once that is a row.
            name = self._account.name
            self._metrics.send_seconds.observe(time.monotonic() - started, account=name)
            self._metrics.sends.add(account=name, outcome="server_ack")
            self._landed(entry)

        self._account.begin(lambda ctx: _send_and_note(ctx, request), lane=lane(to)).watch(ended)

    def _failed(self, entry: Entry, error: Exception) -> None:
        if self._group is not None:
            self._group.start_soon(self._unsent, entry, error)
        else:
            self._flying.discard(entry.outbox_id)

    def _landed(self, entry: Entry) -> None:
        """It is not under way any more."""
        self._flying.discard(entry.outbox_id)
        if self._full and len(self._flying) <= REFILL:
            self._full = False
            self._archive.outbox.nudge()

    async def _unsent(self, entry: Entry, error: Exception) -> None:
        """It did not come through: over, or it waits for another try, and the row says so."""
        try:
            outcome = await self._judge(entry, error)
        finally:
            self._landed(entry)
        self._metrics.sends.add(account=self._account.name, outcome=outcome.status if outcome else "again")
        if outcome is not None:
            await self._tell(entry, outcome.status, outcome)

    async def _judge(self, entry: Entry, error: Exception) -> Outcome | None:
        verdict = judged(error, entry.attempts)
        if isinstance(verdict, Again):
            until = round((time.time() + verdict.pause) * 1000) if verdict.pause else 0
            await self._archive.outbox.defer(
                self._account.name, entry.outbox_id, until=until, counted=verdict.counted
            )
            return None
        if verdict.kind == "internal":
            log.error(
                "message %s could not be sent: a fault of ours",
                entry.id,
                exc_info=error,
                extra=fields(account=entry.account, msgid=entry.id),
            )
        if isinstance(error, SendRefused) and (limit := self.governor.refused(error.code)) is not None:
            return await self._limited(verdict, error.code, limit)
        return verdict

    async def _prepared(self, entry: Entry) -> tuple[Entry, Jid]:
        """What takes time before a row can be encrypted; done once, and the row knows it."""
        about, to, account = errand(entry), parse(entry.chat), self._account
        if about.new:
            found = await first_address(account, to)
            if found is None:
                raise NotOnWhatsapp(f"+{to.user} is not on WhatsApp")
            to = found
        if not about.waiting:
            return entry, to
        message = Message.FromString(entry.content)
        facts = about.facts
        for waiting in about.waiting:
            placed = await self._media.place(account, waiting, uploaded_of(message))
            message = located(message, placed)
            facts = msgspec.structs.replace(facts, media_id=placed.handle if waiting.newsletter else "")
        done = msgspec.structs.replace(about, facts=facts, waiting=())
        entry = msgspec.structs.replace(entry, content=message.SerializeToString(), meta=done.as_meta())
        await self._archive.outbox.rewrite(account.name, entry.outbox_id, entry.content, entry.meta)
        for waiting in about.waiting:
            self._media.drop(waiting)
        return entry, to

    async def _limited(self, outcome: Outcome, code: int, limit: tuple[str, float]) -> Outcome:
        """Some refusals are limits of the account, which are obeyed and told."""
        name, until = limit
        await self._account.remember(new_chats_limit=name, new_chats_until=until)
        at = self._account.now()
        told = AccountLimited(
            at=at,
            key=f"account.limited/{name}/{at:.3f}",
            kind=name,
            code=code,
            until=until,
            advice="nothing goes to new chats until then; chats that know the account go on",
        )
        await self._archive.events.append(self._account.name, [told])
        return msgspec.structs.replace(outcome, retry_at=until)

    async def _tell(self, entry: Entry, status: str, outcome: Outcome) -> None:
        """What will not arrive: row, event and whoever waits, in this order."""
        name = self._account.name
        if outcome.status != "expired":
            kept = msgspec.json.encode({"kind": outcome.kind, "retry_at": outcome.retry_at}).decode()
            await self._archive.outbox.mark(
                name, entry.outbox_id, "failed", error=outcome.error, result=kept, attempt=True
            )
        for waiting in errand(entry).waiting:
            self._media.drop(waiting)
        at = self._account.now()
        error = {"kind": outcome.kind, "message": outcome.error}
        event = own_status(at, entry.id, entry.outbox_id, entry.chat, status, error=error)
        await self._archive.events.append(name, [event])
        self._told(entry.outbox_id, outcome)

    def _told(self, outbox_id: str, outcome: Outcome) -> None:
        for waiter in self.waiters.get(outbox_id, ()):
            waiter.tell(outcome)


async def _send_and_note(ctx: Context, request: SendRequest) -> SendResult:
    """The ack becomes an event in the order of the wire: before the receipts that follow it."""
    result = await send(ctx, request)
    event = own_status(
        float(result.at),
        request.id,
        request.outbox_id,
        result.chat,
        "server_ack",
        server_id=result.server_id,
        private=Landed(result),
    )
    await Commit(ctx.txn(), events=(event,))
    return result
