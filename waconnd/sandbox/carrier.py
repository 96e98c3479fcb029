"""The server's end of one websocket: intro, handshake, frames, stanzas."""

from __future__ import annotations

from protocol.crypto.curve import Entropy, KeyPair
from protocol.effects import Close, Send
from protocol.node import Node
from protocol.noise.handshake import ServerHandshake
from protocol.pb.login_pb2 import ClientPayload
from protocol.wire.codec import decode, encode
from protocol.wire.framing import IntroReader, frame


class ServerConnection:
    """Speaks the server side of the wire for one connection."""

    def __init__(self, static: KeyPair, chain: bytes, entropy: Entropy, now: float) -> None:
        self._reader = IntroReader()
        self._handshake = ServerHandshake(static, chain, entropy)
        self._stage = 0
        self._out: list[Send | Close] = []
        self._stanzas: list[Node] = []
        self.login: ClientPayload | None = None
        self.client_static = b""

    def receive(self, data: bytes, now: float) -> None:
        for payload in self._reader.feed(data):
            if self._stage == 0:
                self._out.append(Send(frame(self._handshake.respond(payload))))
                self._stage = 1
                if self._handshake.transport is not None:
                    self._done()
            elif self._stage == 1:
                self._handshake.accept(payload)
                self._done()
            else:
                self._stanzas.append(decode(self._transport.open(payload)))

    def _done(self) -> None:
        self._stage = 2
        transport = self._handshake.transport
        assert transport is not None
        self._transport = transport
        self.login = ClientPayload.FromString(self._handshake.payload)
        self.client_static = self._handshake.client_static

    def stanzas(self) -> list[Node]:
        taken, self._stanzas = self._stanzas, []
        return taken

    def outputs(self) -> list[Send | Close]:
        taken, self._out = self._out, []
        return taken

    def send(self, *nodes: Node) -> None:
        for node in nodes:
            self.send_encoded(encode(node))

    def send_encoded(self, data: bytes) -> None:
        self._out.append(Send(frame(self._transport.seal(data))))

    def close(self, code: int, reason: str) -> None:
        self._out.append(Close(code, reason))
