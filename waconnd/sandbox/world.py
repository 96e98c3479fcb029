"""The server as one object: `opened`, `receive`, `handle_deadline` in; `outputs()` out. It does no I/O.

A carrier (a websocket, a pipe in a test) makes a link with `connect`, tells what the handshake proved with `opened`, and then hands
over stanzas. Simulated devices live behind links of their own and are served before each verb returns.
"""

from __future__ import annotations

import heapq

from protocol.errors import RemoteProtocolError
from protocol.node import BadNode, Node
from protocol.stanza.admission import Newcomer, Returning
from waconnd.sandbox import calls, iq, linking, messages, presence, receipts, session
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.state import Device, Link


class World(Core):
    """See the module."""

    def connect(self) -> Link:
        """A new connection."""
        self._tick += 1
        link = Link(self._tick)
        self.links[link.id] = link
        return link

    def opened(self, link: Link, who: Newcomer | Returning, static: bytes, now: float) -> None:
        """The handshake is done: an unpaired companion registers, a paired device logs in."""
        self.now = now
        link.static = static
        if isinstance(who, Newcomer):
            linking.register(self, link, who)
        else:
            session.login(self, link, who)
        self.settle()

    def disconnected(self, link: Link, now: float) -> None:
        """The carrier lost the connection."""
        self.now = now
        device = link.device
        self.forget_link(link)
        link.closed = True
        if device is not None and device.available and device.link is None:
            presence.went_away(self, device)
        self.settle()

    def receive(self, link: Link, node: Node, now: float) -> None:
        """One stanza from a client."""
        self.now = now
        self._handle(link, node)
        self.settle()

    def submit(self, link: Link, node: Node) -> None:
        """One stanza of a simulated device; `settle` must follow when all are in."""
        self._handle(link, node)

    def handle_deadline(self, now: float) -> None:
        """Do what is due."""
        self.now = max(self.now, now)
        while self._timers and self._timers[0][0] <= self.now:
            heapq.heappop(self._timers)[2]()
        self.settle()

    def settle(self) -> None:
        """Serve the simulated devices until they have nothing more to say."""
        while self._inbox:
            link, node = self._inbox.popleft()
            resident = self._residents.get(link.id)
            if resident is None:
                continue
            for answer in resident.receive(node):
                self._handle(link, answer)

    def _handle(self, link: Link, node: Node) -> None:
        if link.closed:
            return
        try:
            self._route(link, node)
        except (BadNode, Refused) as error:
            self.complain(f"<{node.tag}>: {error}")
            self.emit(link, Node("error", {"code": "479", "text": "smax-invalid"}))
        except RemoteProtocolError as error:
            self.complain(f"<{node.tag}>: {error}")
            session.stream_error(self, link, None, Node("xml-not-well-formed"))

    def _route(self, link: Link, node: Node) -> None:
        device = link.device
        if node.tag == "iq":
            self._iq(link, device, node)
        elif node.tag == "ib":
            session.inbound_ib(self, link, node)
        elif device is None:
            self.complain(f"<{node.tag}> from a connection that is not logged in")
        elif node.tag == "message":
            self.tell("message", device, node)
            messages.message(self, device, node)
        elif node.tag == "receipt":
            receipts.receipt(self, device, node)
        elif node.tag == "ack":
            receipts.ack(self, device, node)
        elif node.tag == "presence":
            presence.presence(self, device, node)
        elif node.tag == "chatstate":
            presence.chatstate(self, device, node)
        elif node.tag == "call":
            calls.call(self, device, node)

    def _iq(self, link: Link, device: Device | None, node: Node) -> None:
        if node.text("type") in ("result", "error"):
            if link.awaiting.pop(node.text("id"), "") == "pair-success":
                linking.signed(self, link, node)
            return
        self.emit(link, iq.answer(self, device, node) if device else iq.answer_unpaired(self, link, node))
        after, self.after_reply = self.after_reply, []
        for call in after:
            call()
