"""One account: its directory, its link, its state, and the task that keeps it connected.

Nothing here is shared with other accounts. The supervisor is one loop: wait until a connection is wanted, run one,
ask the policy what its end means, wait as long as that says. It never gives up while the credentials are good.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import anyio
import msgspec

from protocol.creds import CREDS, CREDS_ID, Creds, new_creds
from protocol.effects import Question
from protocol.engine.closes import RULES, Then, Verdict, verdict
from protocol.engine.connection import Connection
from protocol.engine.states import Account as Fact
from protocol.engine.states import Fact as Happening
from protocol.engine.states import Link as LinkState
from protocol.events.base import Event
from protocol.events.pairing import CodeShown, PairExpired, PairFailed, QrShown
from protocol.flows.context import Context, Seen, Settings
from protocol.flows.runner import Handle
from protocol.keystore import Keystore, Txn
from waconnd.announcements import ConnectionAttempt
from waconnd.dial import Endpoint
from waconnd.entropy import entropy
from waconnd.frames import Recorder
from waconnd.link import Link
from waconnd.memo import ID as MEMO_ID
from waconnd.memo import MEMO, Memo
from waconnd.people import People
from waconnd.policy import Backoff
from waconnd.standing import Report, Standing
from waconnd.store.authdir import AuthDir

T = TypeVar("T")

#: Ends of a connection that are remembered over a restart: they need a human or a date.
_PARKING: Final = {
    "logged_out": Happening.LOGGED_OUT,
    "failed": Happening.DAMAGED,
    "limited": Happening.LIMITED,
}


#: States of a link that has ended.
_ENDED: Final = frozenset({LinkState.IDLE, LinkState.WAITING, LinkState.CONFLICT, LinkState.CLOSING})


class NotReady(Exception):
    """The account can't do this now; `state` says why not."""

    def __init__(self, report: Report) -> None:
        super().__init__(
            f"account {report.account!r} is {report.state}" + (f": {report.advice}" if report.advice else "")
        )
        self.report = report


class Surroundings(Protocol):
    """What an account needs of the daemon."""

    def now(self) -> float:
        """Unix seconds that never jump."""

    def endpoint(self, account: str) -> Endpoint:
        """Where to dial."""

    def settings(self, account: str) -> Settings:
        """What the core is told."""

    def noise_root(self) -> bytes:
        """The key that signs the server's certificates."""

    def told(self, account: str, events: Sequence[Event]) -> None:
        """Events without a row."""

    async def answer(self, account: Account, question: Question) -> object:
        """What a flow asks."""

    async def renew_version(self) -> bool:
        """The server called us outdated: True when a newer version was found."""


class Account:
    """Made by `open`; `run` is its life."""

    def __init__(self, name: str, path: Path, authdir: AuthDir, around: Surroundings) -> None:
        self.name, self.path = name, path
        self.authdir, self._around = authdir, around
        self.keystore = Keystore(authdir)
        #: Their bytes, themselves, and the name of this link.
        self._creds: tuple[bytes, Creds, str] | None = None
        self.link: Link | None = None
        self.backoff = Backoff(random.random)
        self.recorder = Recorder(around.now)
        #: A server that refused the short handshake once is not asked for it again by this process.
        self._resume = True
        creds = CREDS.get(self.keystore, CREDS_ID)
        self.memo = MEMO.get(self.keystore, MEMO_ID) or Memo()
        linked = creds is not None and creds.account is not None
        self.standing = Standing(Fact.LINKED if linked else Fact.UNLINKED, around.now)
        self._restore_park()
        if self.memo.until:
            self.standing.begin(LinkState.WAITING)
        elif self.linked and not self.memo.stopped and not self.memo.parked:
            # It is about to dial: nobody should read "stopped" meanwhile.
            self.standing.begin(LinkState.DIALING)
        self._wake = anyio.Event()
        self.moved = anyio.Event()
        #: Rings at every event without a row, and when the state moves.
        self.shown = anyio.Event()
        self._pairing = False
        self._ready_at = 0.0
        self._stopping = False
        #: What pairing shows at this moment; late callers join the window.
        self.qr: QrShown | None = None
        self.code: CodeShown | None = None
        self.code_number = ""
        self.expect = ""
        #: Questions that wait for a person.
        self.people = People(around.now)
        self._last_inbound: float | None = None
        self._phone_seen = self.memo.phone_seen_at
        #: What its connections brought that nobody handles, since the daemon began.
        self.seen = Seen()

    @classmethod
    async def open(
        cls, name: str, path: Path, around: Surroundings, *, create: bool = False, **options: Any
    ) -> Account:
        """Open its directory (see AuthDir.open); a new one gets keys."""
        authdir = await AuthDir.open(path, create=create, **options)
        account = cls(name, path, authdir, around)
        # By what is durable, not by `create`: we may have died between making the directory and the first commit.
        if authdir.seq == 0 and CREDS.get(account.keystore, CREDS_ID) is None:
            txn = account.keystore.txn()
            CREDS.put(txn, CREDS_ID, new_creds(os.urandom, around.now()))
            MEMO.put(txn, MEMO_ID, account.memo)
            await account.save(txn)
        return account

    # --- state ------------------------------------------------------------------------------------------------------

    @property
    def creds(self) -> Creds | None:
        """The credentials as they are now."""
        held = self._held_creds()
        return held[1] if held is not None else None

    def _held_creds(self) -> tuple[bytes, Creds, str] | None:
        """Every send asks several times, and they hardly ever change."""
        raw = self.keystore.get(CREDS.kind, CREDS_ID)
        if raw is None:
            return None
        if self._creds is None or self._creds[0] is not raw:
            creds = CREDS.decode(raw, CREDS_ID)
            linked = creds.account
            name = f"{linked.pn}/{creds.identity.public.hex()[:16]}" if linked is not None else ""
            self._creds = raw, creds, name
        return self._creds

    @property
    def linked(self) -> bool:
        """A phone has linked this device."""
        creds = self.creds
        return creds is not None and creds.account is not None

    @property
    def pairing_id(self) -> str:
        """Names this link: what was queued under another one never leaves under it."""
        held = self._held_creds()
        return held[2] if held is not None else ""

    def now(self) -> float:
        """Unix seconds that never jump."""
        return self._around.now()

    @property
    def phone_seen_at(self) -> float:
        """When the phone last showed itself, Unix seconds; 0: never yet."""
        link = self.link
        if link is not None and link.connection is not None:
            self._phone_seen = max(self._phone_seen, link.connection.phone_seen_at)
        return self._phone_seen

    @property
    def ready(self) -> bool:
        """Messages can be sent at this moment."""
        return self.standing.link is LinkState.READY

    def report(self) -> Report:
        """Everything that is to be known."""
        link = self.link
        if link is not None and link.connection is not None:
            self._last_inbound = link.connection.last_inbound_at or self._last_inbound
        return self.standing.report(self.name, self.creds, self._last_inbound, self.phone_seen_at)

    async def wait(self, words: Sequence[str]) -> Report:
        """Return once the state is one of these."""
        while self.standing.word not in words:
            await self.moved.wait()
        return self.report()

    # --- commands -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect, and stay connected. Leaves `conflict` and `failed`."""
        self.standing.happened(Happening.REPAIRED)
        self.standing.verdict = None
        if self.standing.link is LinkState.CONFLICT:
            self.standing.link = LinkState.IDLE
        await self.remember(stopped=False, parked="", parked_code=0, until=0.0)
        self.backoff.reset()
        self._poke()

    async def stop(self) -> None:
        """Disconnect, and stay so over restarts."""
        await self.remember(stopped=True)
        self._pairing = False
        self.standing.verdict = verdict("stopped")
        self.hang_up()

    def reconnect(self) -> None:
        """A new connection at once."""
        self.backoff.reset()
        self.hang_up("reconnect")
        self._poke()

    def pair(self, *, expect: str = "") -> None:
        """Open a pairing window, or join the one that is open."""
        self._pairing = True
        self.expect = expect
        if self.standing.fact in (Fact.UNLINKED, Fact.LOGGED_OUT, Fact.FAILED, Fact.OUTDATED):
            self.standing.happened(Happening.PAIR)
        self._poke()

    def cancel_pairing(self) -> None:
        """Close the window."""
        self._pairing = False
        if self.linked:
            return
        if self.link is None:
            # Between two tries.
            self.standing.happened(Happening.PAIR_ENDED)
            self.standing.verdict = self.standing.next_retry_at = None
        self.hang_up()
        self._poke()

    def begin(
        self, make: Callable[[Context], Coroutine[Any, object, T]], *, lane: str | None = None
    ) -> Handle[T]:
        """Start a flow on the live connection; those of one round of the loop share a commit. Raises NotReady."""
        link = self.link
        connection = link.connection if link is not None else None
        if (
            link is None
            or connection is None
            or self.standing.link not in (LinkState.READY, LinkState.SYNCING)
        ):
            raise NotReady(self.report())
        handle = connection.start(make(connection.ctx), self._around.now(), lane)
        link.turn_soon()
        return handle

    async def flow(
        self, make: Callable[[Context], Coroutine[Any, object, T]], *, lane: str | None = None
    ) -> T:
        """Run a flow on the live connection. Raises NotReady, and whatever the flow raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def ended(done: Any) -> None:
            if future.done():
                return
            if done.error is not None:
                future.set_exception(done.error)
            else:
                future.set_result(done.result)

        self.begin(make, lane=lane).watch(ended)
        return await future

    def start_flow(
        self, make: Callable[[Context], Coroutine[Any, object, Any]], *, lane: str | None = None
    ) -> None:
        """The same without waiting for its end, and also while pairing."""
        link = self.link
        if link is None or link.connection is None:
            raise NotReady(self.report())
        link.connection.start(make(link.connection.ctx), self._around.now(), lane)
        link.turn_soon()

    async def save(self, txn: Txn, events: tuple[Event, ...] = ()) -> None:
        """Make a change durable that no connection made."""
        if self.link is not None:
            # What its flows have staged is for the link to see through.
            self.link.turn()
        number = self.keystore.stage(txn, events)
        await self.authdir.commit(*self.keystore.take_saves())
        self.keystore.committed(number)

    async def close(self, *, tidy: bool = True) -> None:
        """Hang up, write everything, let go of the directory."""
        self._stopping = True
        self.hang_up()
        self._poke()
        await self.authdir.close(tidy=tidy)

    # --- the supervisor -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep connected for ever."""
        waited = 0.0
        while not self._stopping:
            if not self._wanted():
                self._settle(self._at_rest)
                await self._sleep(None)
                continue
            if self.memo.until > self._around.now():
                # A ban outlives a restart of ours.
                self.standing.next_retry_at = self.memo.until
                self._settle(LinkState.WAITING)
                await self._sleep(self.memo.until - self._around.now())
                await self._lift()
                continue
            link = Link(self, self.authdir, self._connection, self._around.now)
            self.link, self._ready_at = link, 0.0
            attempt = ConnectionAttempt(at=self._around.now(), n=self.backoff.attempts + 1, delay_s=waited)
            self._around.told(self.name, (attempt,))
            ended = await link.run(self._around.endpoint(self.name))
            _ = self.phone_seen_at
            if self.authdir.failure is not None:
                # Only recovery may open this directory again.
                raise self.authdir.failure
            waited = await self._after(ended)

    @property
    def _at_rest(self) -> LinkState:
        parked = self.memo.parked and RULES[self.memo.parked].state == "conflict"
        return LinkState.CONFLICT if parked and not self.memo.stopped else LinkState.IDLE

    def _wanted(self) -> bool:
        if self.memo.stopped or self._stopping:
            return False
        if self.linked:
            return not self.memo.parked or self.memo.until > 0
        return self._pairing

    def _connection(self, now: float) -> Connection:
        self.standing.last_connect_at = now
        root = self._around.noise_root()
        connection = Connection(
            self.keystore, entropy, self._settings(), root, now, resume=self._resume, tap=self.recorder
        )
        connection.ctx.seen = self.seen
        return connection

    def _settings(self) -> Settings:
        return msgspec.structs.replace(self._around.settings(self.name), expect_number=self.expect)

    async def _after(self, ended: Verdict) -> float:
        """What the end of a connection means; waits, and gives how long it wanted to."""
        now = self._around.now()
        ready_for = now - self._ready_at if self._ready_at else 0.0
        self.qr = self.code = None
        self.link = None
        if self._stopping or self.memo.stopped:
            self._settle(LinkState.IDLE)
            return 0.0
        self._resume = self._resume and ended.reason != "resumption_refused"
        if ended.reason == "client_outdated" and await self._around.renew_version():
            ended = verdict("reconnect")
        delay = self.backoff.delay(ended, ready_seconds=ready_for, now=now)
        # A window that somebody closed is no account that somebody stopped.
        self.standing.verdict = ended if self.linked or ended.reason != "stopped" else None
        self.standing.attempts = self.backoff.attempts
        if happening := _PARKING.get(ended.state):
            self.standing.happened(happening)
            await self.remember(parked=ended.reason, parked_code=ended.code, until=ended.until or 0.0)
        if delay is None:
            self._pairing = False
            if not self.linked:
                self.standing.happened(Happening.PAIR_ENDED)
            if ended.state == "conflict":
                await self.remember(parked=ended.reason)
            self._settle(self._at_rest)
            return 0.0
        self.standing.next_retry_at = now + delay if delay else None
        if delay or ended.then is not Then.AT_ONCE:
            self._settle(LinkState.WAITING)
        await self._sleep(delay)
        self.standing.next_retry_at = None
        await self._lift()
        return round(delay, 3)

    async def _lift(self) -> None:
        """A ban that has ended is forgotten."""
        if self.memo.until and self.memo.until <= self._around.now():
            self.standing.happened(Happening.EXPIRED)
            await self.remember(parked="", parked_code=0, until=0.0)

    async def _sleep(self, seconds: float | None) -> None:
        with anyio.move_on_after(seconds):
            await self._wake.wait()
        self._wake = anyio.Event()

    def _poke(self) -> None:
        self._wake.set()

    def hang_up(self, reason: str = "stopped") -> None:
        """End the link, if there is one."""
        if self.link is not None:
            self.link.stop(reason)

    def _restore_park(self) -> None:
        memo = self.memo
        if not memo.parked:
            return
        parked = verdict(memo.parked, code=memo.parked_code, until=memo.until or None)
        self.standing.verdict = parked
        if happening := _PARKING.get(parked.state):
            self.standing.happened(happening)
        elif parked.state == "conflict":
            self.standing.begin(LinkState.CONFLICT)

    async def remember(self, **changes: Any) -> None:
        """Change what outlives a restart."""
        memo = msgspec.structs.replace(self.memo, **changes)
        if memo == self.memo:
            return
        self.memo = memo
        txn = self.keystore.txn()
        MEMO.put(txn, MEMO_ID, memo)
        await self.save(txn)

    def _settle(self, state: LinkState) -> None:
        self.standing.link = state
        self._tell_state()

    def _tell_state(self) -> None:
        event = self.standing.changed()
        if event is None:
            return
        moved, self.moved = self.moved, anyio.Event()
        moved.set()
        shown, self.shown = self.shown, anyio.Event()
        shown.set()
        self._around.told(self.name, (event,))

    # --- what the link says (waconnd.link.Host) -------------------------------------------------------------------------

    def link_moved(self, state: LinkState) -> None:
        """The link is in another state."""
        if state is self.standing.link:
            return
        if state in _ENDED:
            # What follows is told when it is known: a retry at once is no `waiting`. It is not ready, though.
            self.standing.link = LinkState.DIALING
            return
        self.standing.link = state
        if state is LinkState.READY:
            self._ready_at = self._around.now()
            self.standing.attempts = 0
            if self.standing.fact is not Fact.LINKED:
                self.standing.happened(Happening.CLIENT_RENEWED)
                self.standing.happened(Happening.EXPIRED)
        if state is LinkState.RESTARTING:
            self.standing.happened(Happening.PAIRED)
            self._pairing = False
        self._tell_state()

    def link_told(self, events: Sequence[Event]) -> None:
        """Events without a row."""
        for event in events:
            match event:
                case QrShown():
                    self.qr = event
                case CodeShown():
                    self.code = event
                case PairExpired(what="code"):
                    self.code = None
                case PairExpired():
                    self.qr = None
                case PairFailed() if not event.going_on:
                    self.qr = self.code = None
        shown, self.shown = self.shown, anyio.Event()
        shown.set()
        self._around.told(self.name, events)

    async def link_asked(self, question: Question) -> object:
        """A flow's question."""
        return await self._around.answer(self, question)
