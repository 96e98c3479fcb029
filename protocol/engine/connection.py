"""One websocket's life, sans-I/O: bytes and clock in; outputs, events and a verdict out.

Theory of operation. The host makes a new `Connection` for each websocket, feeds it by the verbs below and, after each,
carries out `outputs()` in order: `Save` (make durable, then call `committed`), `Send`, `Query` (reply by `answer`),
`Close`. A handshake turns into a channel, and on that channel one stage replaces another (`stages.py`): logging in,
linking, living. Each stanza goes first to whoever asked for it, then to the stage, then to the router's tables. How it
ended stands in `verdict`, a row of the policy table; whether and when to try again is the host's.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import msgspec

from protocol.crypto.curve import Entropy
from protocol.effects import Ask, Close, Output, Reaction, Send
from protocol.engine import facts, router
from protocol.engine.channel import Channel, Garbled, Tap
from protocol.engine.closes import Then, Verdict, of_socket, of_stream_error, verdict
from protocol.engine.handshaking import Handshaking
from protocol.engine.keepalive import Due, Keepalive
from protocol.engine.stages import LoggingIn, Stage
from protocol.engine.states import LINK, Link, Step, advance
from protocol.errors import LinkLost, LocalProtocolError, LoggedOut, StoreFailed
from protocol.events.base import Event
from protocol.events.connection import ConnectionClosed, ConnectionDeaf, StanzaFailed
from protocol.flows.context import Context, Settings
from protocol.flows.runner import Handle, Runner
from protocol.keystore import Keystore
from protocol.node import Node
from protocol.noise.errors import CertificateError, NoiseError
from protocol.stanza import acks, iq, session
from protocol.wire.framing import FrameError, FrameReader

T = TypeVar("T")

#: The code of every close of ours.
NORMAL: Final = 1000
#: How closely it is told when the phone was last seen.
PHONE_SECONDS: Final = 1.0
#: Stanzas in which devices of people speak; of a notification the server is the author.
_OF_DEVICES: Final = frozenset({"message", "receipt"})
#: Stanzas that show that the server lives, but not that it delivers.
_ABOUT_THE_LINK: Final = frozenset({"iq", "ib"})


class Connection:
    """The client's end. `root`: the public key that the server's certificates must lead to.

    `resume`: try the short handshake when there is a chain for it; no more after one of this process was refused.
    """

    def __init__(
        self,
        store: Keystore,
        entropy: Entropy,
        settings: Settings,
        root: bytes,
        now: float,
        *,
        resume: bool = True,
        tap: Tap | None = None,
    ) -> None:
        self.ctx = Context(store, entropy, settings)
        self.ctx.now = self.opened_at = now
        self.state = Link.HANDSHAKE
        #: How it ended; None while it lives.
        self.verdict: Verdict | None = None
        #: Of a handshake that has succeeded.
        self.server_chain = b""
        self.resumed = False
        #: When the account's phone was last seen at work, Unix seconds; 0: not on this connection.
        self.phone_seen_at = 0.0
        self._runner = Runner(store, next_id=iq.Ids(entropy))
        self._frames = FrameReader()
        self._handshake: Handshaking | None = Handshaking(
            self.ctx.creds(), settings, entropy, root, now, resume=resume
        )
        self._channel: Channel | None = None
        self._tap = tap
        self._stage: Stage | None = None
        self._keepalive = Keepalive(entropy, now)
        self._out: list[Send | Close] = [Send(self._handshake.opening)]

    # --- the verbs --------------------------------------------------------------------------------------------

    def receive(self, data: bytes | str, now: float) -> None:
        """A websocket message. A text message is none of WhatsApp's and is only counted."""
        self.ctx.now = now
        if not self.alive:
            return
        if isinstance(data, str):
            self.ctx.counts["text_frame"] += 1
            return
        if data and self._channel is not None:
            # A large frame may take minutes to arrive: as long as its bytes come, the server lives.
            self._keepalive.heard(now, news=False)
        try:
            for payload in self._frames.feed(data):
                self._payload(payload)
        except (FrameError, Garbled) as error:
            self.end(verdict("garbled", detail=f"{error}."))

    def outputs(self) -> list[Output]:
        """What the host has to carry out, in this order; each is handed out once."""
        self._flush()
        out: list[Output] = [*self.ctx.store.take_saves(), *self._out]
        self._out = []
        if self.alive:
            out += self._runner.queries()
        return out

    def events(self) -> list[Event]:
        """What has no row; the others ride in a `Save`."""
        return self.ctx.take_told()

    def deadline(self) -> float | None:
        """When `handle_deadline` wants to be called; None: not at all."""
        if not self.alive:
            return None
        if self._handshake is not None:
            return self._handshake.deadline
        assert self._stage is not None
        due = [self._runner.deadline(), self._stage.deadline]
        if self._stage.pings:
            due.append(self._keepalive.deadline)
        return min((when for when in due if when is not None), default=None)

    def handle_deadline(self, now: float) -> None:
        """The moment has come, or has passed."""
        self.ctx.now = now
        if not self.alive:
            return
        if self._handshake is not None:
            if now >= self._handshake.deadline:
                self._forget_chain()
                self.end(verdict("handshake_timeout"))
            return
        self._runner.handle_deadline(now)
        stage = self._stage
        if (
            stage is not None
            and stage.deadline is not None
            and now >= stage.deadline
            and self.verdict is None
        ):
            stage.expired()
        if stage is self._stage and stage is not None and stage.pings and self.alive:
            self._keep_alive(now)

    def close(self, now: float, reason: str = "stopped") -> None:
        """The host wants to stop (or, with the reason `reconnect`, a new connection)."""
        self.ctx.now = now
        self.end(verdict(reason))

    def lost(self, now: float, code: int = 1006) -> None:
        """The websocket is closed or broken; `code` is that of its close frame."""
        self.ctx.now = now
        if self.alive:
            self._forget_chain()
            self._ended_by_server(of_socket(code))
        if self.state is Link.CLOSING:
            self.state = advance(LINK, self.state, Step.CLOSED)

    def start(self, coro: Coroutine[Any, object, T], now: float, lane: str | None = None) -> Handle[T]:
        """Start a flow."""
        self.ctx.now = max(now, self.ctx.now)
        handle = self._runner.start(coro, now=self.ctx.now, lane=lane)
        if self._stage is not None:
            self._stage.watch(handle)
        return handle

    def committed(self, number: int, now: float) -> None:
        """All saves up to `number` are durable."""
        self.ctx.now = now
        self.ctx.store.committed(number)
        self._runner.committed(number, now)

    def failed(self) -> None:
        """A save could not be made durable: nothing that waited for it leaves, nothing more is staged."""
        self.ctx.store.failed()
        self.end(verdict("store_failed"), StoreFailed("a commit could not be made durable"))

    def answer(self, token: int, value: object, now: float) -> None:
        """The reply to a `Query`; an exception is raised in the flow that asked."""
        self.ctx.now = now
        self._runner.answer(token, value, now)

    @property
    def alive(self) -> bool:
        """Not ended yet."""
        return self.verdict is None

    @property
    def last_inbound_at(self) -> float:
        """When the server was last heard."""
        return self._keepalive.last_inbound_at

    # --- what stages use --------------------------------------------------------------------------------------

    def move(self, step: Step) -> None:
        """Follow the table of states."""
        self.state = advance(LINK, self.state, step)

    def enter(self, stage: Stage) -> None:
        """Replace the stage."""
        self._stage = stage
        self._keepalive.heard(self.ctx.now, news=True)

    def tell(self, node: Node) -> None:
        """Send past everything that waits for the disk."""
        self._runner.tell(node, at_once=True)

    def react(self, reaction: Reaction) -> None:
        """Carry out what a handler wants."""
        if reaction.txn is not None or reaction.events:
            self.ctx.store.stage(reaction.txn or self.ctx.txn(), reaction.events)
        self._runner.tell(*reaction.stanzas)
        self.ctx.tell(*reaction.ephemeral)
        for coro, lane in reaction.flows:
            self.start(coro, self.ctx.now, lane).watch(self._flow_ended)

    def end(self, verdict: Verdict, error: Exception | None = None) -> None:
        """Close. What was released has left before; what still waits for the disk never will.

        `error`: what flows are told in place of LinkLost.
        """
        if not self.alive:
            return
        self._flush()
        self.verdict = verdict
        self.move(_last_step(verdict))
        ctx = self.ctx
        fact = facts.of(verdict, ctx)
        if fact is not None and not ctx.store.broken:
            ctx.store.stage(ctx.txn(), (fact,))
        ctx.tell(
            ConnectionClosed(
                at=ctx.now,
                reason=verdict.reason,
                code=verdict.code,
                policy=verdict.then.value,
                transient=verdict.transient,
                advice=verdict.advice,
            )
        )
        gone = LoggedOut if verdict.state == "logged_out" else LinkLost
        self._runner.lost(error or gone(f"the connection ended: {verdict.reason}"))
        self._out.append(Close(NORMAL, verdict.reason))

    # --- the inside -------------------------------------------------------------------------------------------

    def _payload(self, payload: bytes) -> None:
        if not self.alive:
            return
        if self._channel is None:
            self._finish_handshake(payload)
            return
        try:
            node = self._channel.open(payload)
        except NoiseError as error:
            self.end(verdict("garbled", detail=f"{error}."))
            return
        if node is None:
            self.ctx.counts["unreadable_frame"] += 1
        else:
            self._dispatch(node)

    def _finish_handshake(self, payload: bytes) -> None:
        handshake = self._handshake
        assert handshake is not None
        if not payload:
            self.ctx.counts["unreadable_frame"] += 1
            return
        try:
            last, transport = handshake.finish(payload, self.ctx.now)
        except NoiseError as error:
            if handshake.resuming:
                self._forget_chain()
                self.end(verdict("resumption_refused"))
            else:
                proven = not isinstance(error, CertificateError)
                self.end(verdict("handshake_failed" if proven else "server_unproven", detail=str(error)))
            return
        if last:
            self._out.append(Send(last))
        self.server_chain, self.resumed = handshake.server_chain, not last
        self._handshake, self._channel = None, Channel(transport, self._tap)
        self.move(Step.SECURED)
        self.enter(LoggingIn(self, self.opened_at))

    def _dispatch(self, node: Node) -> None:
        ctx = self.ctx
        self._keepalive.heard(ctx.now, news=node.tag not in _ABOUT_THE_LINK)
        if "offline" in node.attrs:
            ctx.offline_seen += 1
        if node.tag in _OF_DEVICES:
            self._note_phone(node)
        if self._runner.receive(node, ctx.now):
            return
        if node.tag == "stream:error":
            self.end(of_stream_error(session.read_stream_error(node)))
        elif node.tag == "xmlstreamend":
            # The socket's end follows, or is forgotten: nothing more comes either way.
            self._ended_by_server(verdict("server_closed"))
        elif iq.is_ping(node):
            self.tell(iq.result(node))
        elif self._stage is not None and not self._stage.handle(node):
            self._route(node)

    def _ended_by_server(self, otherwise: Verdict) -> None:
        """After pairing it makes us log in by ending the connection, whether it says so or not."""
        self.end(verdict("restart_required") if self.state is Link.RESTARTING else otherwise)

    def _note_phone(self, node: Node) -> None:
        """What the account's phone itself says shows that it is on: WhatsApp unlinks devices whose phone is away for long."""
        if self.ctx.now - self.phone_seen_at < PHONE_SECONDS:
            return
        sender = node.jid("participant") or node.jid("from")
        if sender is None or sender.device or not self.ctx.is_me(sender):
            return
        # What waited at the server is as old as it says.
        sent = float(node.number("t")) or self.ctx.now
        self.phone_seen_at = max(self.phone_seen_at, min(sent, self.ctx.now))

    def _route(self, node: Node) -> None:
        try:
            for reaction in router.route(self.ctx, node):
                self.react(reaction)
        except Exception as error:
            # One stanza that nobody foresaw must not end the account: it is counted, named and, where the server
            # would repeat it for ever, acked. A message stays with the server: a later version may read it.
            self._fault(node.tag, node.text("type"), error)
            if node.tag in acks.CLASSES and node.tag != "message":
                self._runner.tell(acks.ack(node))

    def _flow_ended(self, handle: Handle[Any]) -> None:
        # The end of the connection is no fault of what went on over it.
        if handle.error is not None and not isinstance(handle.error, (LinkLost, StoreFailed)):
            self._fault("flow", handle.name, handle.error)

    def _fault(self, what: str, kind: str, error: Exception) -> None:
        self.ctx.counts[f"fault.{what}"] += 1
        name = f"{what} {kind}".strip()
        self.ctx.tell(StanzaFailed(at=self.ctx.now, stanza=name, error=type(error).__name__))

    def _flush(self) -> None:
        if not self.alive or self._channel is None:
            return
        for node in self._runner.released():
            try:
                self._out.append(Send(self._channel.seal(node)))
            except LocalProtocolError as error:
                # A stanza of ours that can't be written is ours to mend; the others must go on.
                self._fault(node.tag, "unsendable", error)

    def _keep_alive(self, now: float) -> None:
        match self._keepalive.due(now):
            case Due.PING:
                self.tell(iq.ping(self._runner.new_id()))
            case Due.DEAD:
                self.end(verdict("silent"))
            case Due.DEAF:
                self._deaf(1)
                self.start(_ask_again(), now)
            case Due.STILL_DEAF:
                self._deaf(2)
                self.end(verdict("deaf"))
            case None:
                pass

    def _deaf(self, rung: int) -> None:
        last = self._keepalive.last_news_at
        self.ctx.tell(ConnectionDeaf(at=self.ctx.now, last_inbound_at=last, rung=rung))

    def _forget_chain(self) -> None:
        """A resumption that did not work is not tried again: the full handshake always does."""
        if self._handshake is None or not self._handshake.resuming:
            return
        txn = self.ctx.txn()
        self.ctx.set_creds(txn, lambda creds: msgspec.structs.replace(creds, server_chain=b""))
        self.ctx.store.stage(txn)


async def _ask_again() -> None:
    await Ask(session.active(), lambda reply: None)


def _last_step(verdict: Verdict) -> Step:
    if verdict.reason == "stopped":
        return Step.STOP
    if verdict.state == "conflict":
        return Step.REPLACED
    return Step.REFUSED if verdict.then is Then.STOP else Step.LOST
