"""As much of WhatsApp's business as a connection needs: pair one phone, welcome it, answer the requests of a login."""

from __future__ import annotations

import random

from protocol.crypto.curve import generate
from protocol.flows import phone
from protocol.jid import LID, SERVER, USER, Jid
from protocol.node import Node
from protocol.stanza import admission, linkcode, pairing, session
from tests.support.pump import Pump

PN = Jid("15550001111", USER, 7)
LID_JID = Jid("100000000000001", LID, 7)
REFS = [f"2@ref{n}" for n in range(6)]


class Toy:
    """One account with one companion at most."""

    def __init__(self, seed: int = 5) -> None:
        self.rng = random.Random(seed)
        self.primary = generate(self.rng.randbytes)
        self.linked: bytes | None = None
        self.newcomer: admission.Newcomer | None = None
        self.vouched: phone.Vouched | None = None
        self.hello: linkcode.Hello | None = None
        self.typed: phone.TypedCode | None = None
        self.login_counts: list[int] = []
        self.pre_keys = 0
        #: Stanzas of the offline queue, each with its `offline` attribute.
        self.queue: list[Node] = []
        self.primer = 5
        self.batches = 0
        self.wrong_codes = 0
        self.offline = True
        self.silent = False
        self._serial = 0

    def id(self) -> str:
        self._serial += 1
        return f"s{self._serial}"

    def greet(self, pump: Pump) -> None:
        match pump.server.who:
            case admission.Newcomer() as newcomer:
                self.newcomer = newcomer
                pump.server.send(pairing.pair_device(self.id(), REFS))
            case admission.Returning(login_count=count) if pump.server.client_static == self.linked:
                self.login_counts.append(count)
                pump.server.send(session.success(pump.now, LID_JID))
            case _:
                pump.server.end_stream(session.failure(401))

    def scan(self, pump: Pump, qr: str, *, secret: bytes = b"", pn: Jid = PN) -> None:
        """The phone's camera, and the owner's yes."""
        code = pairing.parse_qr(qr)
        assert self.newcomer is not None
        assert code.identity == self.newcomer.identity
        assert code.noise == pump.server.client_static
        self.agree(pump, secret or code.adv_secret, pn=pn)

    def agree(self, pump: Pump, secret: bytes, *, pn: Jid = PN) -> None:
        assert self.newcomer is not None
        self.vouched = phone.vouch(
            self.primary,
            self.newcomer.identity,
            secret,
            self.rng.randbytes,
            raw_id=77,
            key_index=3,
            timestamp=int(pump.now),
        )
        success = pairing.PairSuccess(self.vouched.container, pn, LID_JID, "android", "", True, int(pump.now))
        pump.server.send(pairing.pair_success("pair", success))
        pump.run()

    def type_code(self, pump: Pump, code: str) -> None:
        assert self.hello is not None
        self.typed = phone.TypedCode(self.primary, code, self.hello.wrapped, self.rng.randbytes)
        answer = linkcode.PrimaryHello(b"ref", self.typed.wrapped, self.primary.public)
        pump.server.send(linkcode.primary_hello(self.id(), pump.now, answer))
        pump.run()

    def serve(self, pump: Pump, node: Node) -> None:
        if self.silent:
            return
        if node.tag == "iq" and node.text("id") == "pair":
            self._signed(pump, node)
        elif node.tag == "iq" and node.text("type") in ("get", "set"):
            self._answer(pump, node)
        elif node.tag == "ib" and (batch := node.child("offline_batch")):
            self.batches += 1
            self._deliver(pump, batch.number("count"))

    def _signed(self, pump: Pump, node: Node) -> None:
        if node.text("type") == "error":
            pump.server.close(1006, "refused")
            return
        assert self.vouched is not None and self.newcomer is not None
        phone.complete(self.vouched, self.newcomer.identity, *pairing.read_signed(node))
        self.linked = pump.server.client_static
        pump.server.end_stream(session.stream_error(515))

    def _answer(self, pump: Pump, node: Node) -> None:
        children: list[Node] = []
        xmlns = node.text("xmlns")
        if xmlns == "encrypt" and node.child("count"):
            children = [Node("count", {"value": str(self.pre_keys)})]
        elif xmlns == "encrypt" and (listed := node.child("list")):
            self.pre_keys += len(listed.children)
        elif xmlns == "encrypt" and node.child("digest") and self.pre_keys:
            parts = [Node("registration", {}, bytes(4)), Node("hash", {}, bytes(20))]
            children = [Node("digest", {}, parts)]
        elif xmlns == "md" and (reg := node.child(linkcode.TYPE)):
            if reg.text("stage") == linkcode.HELLO:
                self.hello = linkcode.read_companion_hello(node)
                pump.server.send(linkcode.hello_answer(node, b"ref"))
                return
            if reg.text("stage") == linkcode.FINISH:
                assert self.typed is not None
                _, bundle, identity = linkcode.read_companion_finish(node)
                self._result(pump, node, [])
                try:
                    self.agree(pump, self.typed.finish(bundle, identity))
                except linkcode.LinkCodeError:
                    # A real phone tells only the person who mistyped.
                    self.wrong_codes += 1
                return
        elif xmlns == "md" and node.child("remove-companion-device"):
            self.linked = None
            pump.server.end_stream(session.conflict("device_removed"))
            return
        elif xmlns == "w:g2":
            children = [Node("groups")]
        self._result(pump, node, children)
        if xmlns == "passive" and self.offline:
            if self.queue:
                pump.server.send(session.ib(Node("offline_preview", {"count": str(len(self.queue))})))
                self._deliver(pump, self.primer)
            else:
                self._offline_end(pump)

    def _result(self, pump: Pump, node: Node, children: list[Node]) -> None:
        attrs = {"from": SERVER, "type": "result", "id": node.text("id"), "t": str(int(pump.now))}
        pump.server.send(Node("iq", attrs, children or None))

    def _deliver(self, pump: Pump, count: int) -> None:
        piece, self.queue = self.queue[:count], self.queue[count:]
        pump.server.send(*piece)
        if piece and not self.queue:
            self._offline_end(pump)

    @staticmethod
    def _offline_end(pump: Pump) -> None:
        pump.server.send(session.ib(Node("offline", {"count": "0"})))
