"""What a connection is about after the handshake: logging in, linking, or living. One object replaces another.

A stage takes the stanzas that decide over the connection itself and has a deadline; everything else goes to the
router. It moves the connection only through the few calls of `Host`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final, Protocol

from protocol.effects import Reaction
from protocol.engine import chores
from protocol.engine.closes import Verdict, of_failure, verdict
from protocol.engine.states import Step
from protocol.errors import ProtocolError
from protocol.events.connection import ConnectionOpened
from protocol.flows.context import Context
from protocol.flows.login import OFFLINE_SECONDS, become_active, note_success
from protocol.flows.pair import PairRefused, accept, failed, show_codes
from protocol.flows.runner import Handle
from protocol.node import BadNode, Node
from protocol.stanza import iq, linkcode, pairing, passkey, session

#: After the handshake the server says who we are to it.
LOGIN_SECONDS: Final = 20.0
#: At the first login others should find prekeys of ours as soon as they can write; but a server that does not take
#: them must not keep us out.
FIRST_CHORE_SECONDS: Final = 20.0
#: Notifications that are for a device without account.
_PAIRING: Final = frozenset({linkcode.TYPE, pairing.REFRESH, passkey.REQUEST, passkey.CONTINUATION})
#: The server ends the connection after pairing; if it forgets to, we do.
RESTART_SECONDS: Final = 10.0


class Host(Protocol):
    """The connection, as its stages see it."""

    ctx: Context
    server_chain: bytes
    resumed: bool

    @property
    def alive(self) -> bool:
        """Not ended yet."""

    def move(self, step: Step) -> None:
        """Follow the table of states."""

    def enter(self, stage: Stage) -> None:
        """Replace the stage."""

    def react(self, reaction: Reaction) -> None:
        """Carry out what a handler wants."""

    def start(self, coro: Coroutine[Any, object, Any], now: float, lane: str | None = None) -> Handle[Any]:
        """Start a flow."""

    def tell(self, node: Node) -> None:
        """Send at once."""

    def end(self, verdict: Verdict) -> None:
        """Close the connection."""


class Stage(Protocol):
    """One of the classes below."""

    #: Whether the connection is kept alive and watched meanwhile.
    pings: bool

    @property
    def deadline(self) -> float | None:
        """When `expired` is called."""

    def handle(self, node: Node) -> bool:
        """Take a stanza that decides over the connection. False: it is for the router."""

    def expired(self) -> None:
        """The deadline has come."""

    def watch(self, handle: Handle[Any]) -> None:
        """A flow was started."""


class LoggingIn:
    """Which of three things will the server say: success, failure, or references to show?"""

    pings = False

    def __init__(self, host: Host, opened_at: float) -> None:
        self._host = host
        self._opened_at, self._secured_at = opened_at, host.ctx.now
        self.deadline: float | None = host.ctx.now + LOGIN_SECONDS

    def handle(self, node: Node) -> bool:
        host = self._host
        linked = host.ctx.creds().account is not None
        if node.tag == "failure":
            host.end(of_failure(session.read_failure(node), host.ctx.now))
        elif node.tag == "success" and linked:
            self._succeeded(session.read_success(node))
        elif not linked and pairing.is_pair_device(node):
            host.move(Step.REFS)
            linking = Linking(host)
            host.enter(linking)
            return linking.handle(node)
        else:
            return not _before_login(host.ctx, node)
        return True

    def expired(self) -> None:
        self._host.end(verdict("login_timeout"))

    def watch(self, handle: Handle[Any]) -> None:
        """Flows that begin before the login end as they end."""

    def _succeeded(self, success: session.Success) -> None:
        host = self._host
        host.react(note_success(host.ctx, success, host.server_chain))
        host.move(Step.SUCCESS)
        now = host.ctx.now
        ms = {
            "handshake": round((self._secured_at - self._opened_at) * 1000),
            "login": round((now - self._secured_at) * 1000),
        }
        host.enter(Living(host, ms))


class Linking:
    """Codes are shown until the phone agrees, or until nobody has."""

    pings = True

    def __init__(self, host: Host) -> None:
        self._host = host
        self._flows: set[Handle[Any]] = set()
        self._agreed = False
        self.deadline: float | None = None

    def handle(self, node: Node) -> bool:
        if self._agreed:
            return not _before_login(self._host.ctx, node)
        try:
            if pairing.is_pair_device(node):
                refs = pairing.refs_of(node)
                self._host.react(Reaction(stanzas=(iq.result(node),)))
                self._host.start(show_codes(self._host.ctx, refs), self._host.ctx.now)
                return True
            if pairing.is_pair_success(node):
                self._pair(node)
                return True
        except BadNode:
            self._host.tell(iq.error(node, 400, "bad-request"))
            if not self._flows:
                self._host.end(verdict("pairing_failed", detail="The server sent nothing to show."))
            return True
        if node.tag == "failure":
            self._host.end(of_failure(session.read_failure(node), self._host.ctx.now))
            return True
        return not _before_login(self._host.ctx, node)

    def expired(self) -> None:
        self._host.end(verdict("restart_required" if self._agreed else "pairing_expired"))

    def watch(self, handle: Handle[Any]) -> None:
        """The window stays open as long as a flow of pairing lives."""
        if self._agreed:
            return
        self._flows.add(handle)
        self.deadline = None
        handle.watch(self._ended)

    def _pair(self, node: Node) -> None:
        host = self._host
        try:
            reaction = accept(host.ctx, node, host.server_chain)
        except PairRefused as refusal:
            host.tell(refusal.reply)
            bad = verdict(refusal.reason, code=refusal.code)
            host.ctx.tell(failed(host.ctx, bad.reason, bad.advice, code=bad.code))
            host.end(bad)
            return
        self._agreed = True
        self.deadline = host.ctx.now + RESTART_SECONDS
        host.move(Step.PAIR_SUCCESS)
        host.react(reaction)

    def _ended(self, handle: Handle[Any]) -> None:
        self._flows.discard(handle)
        if not self._flows and not self._agreed:
            # Not at once: the stanza that ended the last flow may be the one that everybody waits for.
            self.deadline = self._host.ctx.now


class Living:
    """Logged in: first the offline queue, then everyday life."""

    pings = True

    def __init__(self, host: Host, ms: dict[str, int]) -> None:
        self._host, self._ms = host, ms
        self._entered_at = host.ctx.now
        host.ctx.catching_up = True
        #: What stands between us and `ready`.
        self._missing = {"active", "offline"}
        self.deadline: float | None = None
        self._activating = False
        ctx = host.ctx
        if ctx.creds().server_has_pre_keys:
            self._activate()
        else:
            first, lane = chores.FIRST
            self.deadline = ctx.now + FIRST_CHORE_SECONDS
            host.start(first(ctx), ctx.now, lane).watch(lambda _: self._activate())

    def handle(self, node: Node) -> bool:
        # A second welcome or refusal changes nothing: the first one counts.
        if node.tag in ("success", "failure"):
            return True
        if "offline" in node.attrs and self._missing:
            self._wait_for_queue()
        if session.is_offline_end(node):
            self._done("offline")
        return False

    def expired(self) -> None:
        """Whoever waits, for the first chore or for the queue's end, has waited long enough."""
        if not self._activating:
            self.deadline = None
            self._activate()
            return
        self._host.ctx.catching_up = False
        self._done("offline")

    def watch(self, handle: Handle[Any]) -> None:
        """A flow's end is its starter's business."""

    def _activate(self) -> None:
        if not self._activating and self._host.alive:
            self._activating = True
            ctx = self._host.ctx
            self._host.start(become_active(ctx), ctx.now).watch(self._activated)
            self._host.react(Reaction(flows=tuple((chore(ctx), lane) for chore, lane in chores.BESIDE)))

    def _activated(self, handle: Handle[None]) -> None:
        if handle.error is None:
            self._wait_for_queue()
            self._done("active")
        elif isinstance(handle.error, ProtocolError):
            self._host.end(verdict("login_incomplete"))

    def _wait_for_queue(self) -> None:
        if "offline" in self._missing and self._activating:
            self.deadline = self._host.ctx.now + OFFLINE_SECONDS

    def _done(self, part: str) -> None:
        if part not in self._missing:
            return
        self._missing.discard(part)
        if part == "offline":
            self.deadline = None
        if not self._missing:
            self._ready()

    def _ready(self) -> None:
        host, ctx = self._host, self._host.ctx
        host.move(Step.CAUGHT_UP)
        ms = self._ms | {"catch_up": round((ctx.now - self._entered_at) * 1000)}
        ctx.tell(ConnectionOpened(at=ctx.now, resumed=host.resumed, ms=ms))
        host.react(Reaction(flows=tuple((chore(ctx), lane) for chore, lane in chores.AFTER_CATCH_UP)))


def _before_login(ctx: Context, node: Node) -> bool:
    """Whether a stanza makes sense while nobody is logged in. Whatever is for an account stays with the server."""
    if node.tag in ("iq", "ib") or (node.tag == "notification" and node.text("type") in _PAIRING):
        return True
    ctx.counts["early_stanza"] += 1
    return False
