"""The other end of one websocket: intro, handshake, admission, stanzas both ways. Whom to let in is its owner's.

It speaks as the real server does and, by its knobs, as servers and networks sometimes do: late, garbled, in slivers.
"""

from __future__ import annotations

import zlib
from typing import Final, Literal

import msgspec

from protocol.crypto.curve import Entropy, KeyPair
from protocol.effects import Close, Send
from protocol.engine.channel import Channel
from protocol.node import Node
from protocol.noise.handshake import Pattern, ServerHandshake
from protocol.noise.transport import Transport
from protocol.pb.login_pb2 import ClientPayload
from protocol.stanza import session
from protocol.stanza.admission import Newcomer, NotAdmitted, Returning, admit
from protocol.stanza.version import Version
from protocol.wire.codec import encode
from protocol.wire.framing import IntroReader, frame

#: The flag byte of a compressed stanza.
COMPRESSED: Final = b"\x02"


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How this end misbehaves."""

    #: Answer a resumption by falling back to the full handshake.
    resume: Literal["accept", "fallback"] = "accept"
    #: Bytes that are no handshake message, in place of ours.
    garbage: bool = False
    #: Cut everything into websocket messages of so many bytes; 0: one message a frame.
    sliver: int = 0
    #: Compress every stanza longer than so many bytes.
    compress_above: int | None = None
    #: Refuse versions below.
    oldest: Version | None = None


class ServerConnection:
    """The server's end. `receive` raises RemoteProtocolError for what no client may send."""

    def __init__(
        self, static: KeyPair, chain: bytes, entropy: Entropy, now: float, faults: Faults | None = None
    ) -> None:
        self.now = now
        self.faults = faults or Faults()
        self._reader = IntroReader()
        self._handshake: ServerHandshake | None = ServerHandshake(
            static, chain, entropy, resume=self.faults.resume
        )
        self._transport: Transport | None = None
        self._channel: Channel | None = None
        self._answered = False
        self._stanzas: list[Node] = []
        self._out: list[Send | Close] = []
        #: Known when the handshake is through: the payload as it came, and what it asks for.
        self.login: ClientPayload | None = None
        self.who: Newcomer | Returning | None = None
        self.client_static = b""
        self.pattern: Pattern = "XX"
        self.closed = False

    @property
    def routing_info(self) -> bytes:
        """What stood before the handshake."""
        return self._reader.routing_info or b""

    def receive(self, data: bytes, now: float) -> None:
        """A websocket message. Raises RemoteProtocolError."""
        self.now = now
        for payload in self._reader.feed(data):
            if self.closed:
                return
            if self._channel is not None:
                node = self._channel.open(payload)
                if node is not None:
                    self._stanzas.append(node)
            elif payload:
                self._shake(payload)

    def outputs(self) -> list[Send | Close]:
        """What is to be carried out, in this order."""
        out, self._out = self._out, []
        return out

    def stanzas(self) -> list[Node]:
        """What the client has sent since the last call."""
        stanzas, self._stanzas = self._stanzas, []
        return stanzas

    def send(self, *nodes: Node) -> None:
        """Send stanzas. After the end nothing leaves any more."""
        for node in nodes:
            self.send_encoded(encode(node))

    def send_encoded(self, data: bytes) -> None:
        """Send a stanza as it was encoded (with its flag byte), or bytes that are none."""
        if self.closed or self._transport is None:
            return
        limit = self.faults.compress_above
        if limit is not None and len(data) > limit and not data[0]:
            data = COMPRESSED + zlib.compress(data[1:])
        self.send_raw(frame(self._transport.seal(data)))

    def send_raw(self, data: bytes) -> None:
        """Bytes of the stream, whatever they are."""
        step = self.faults.sliver or len(data)
        self._out += [Send(data[start : start + step]) for start in range(0, len(data), step)]

    def end_stream(self, last: Node) -> None:
        """Say why, and hang up: `<stream:error>` or `<failure>`, the end of the stream, then no close frame."""
        self.send(last, Node("xmlstreamend"))
        self.close(1006, last.tag)

    def close(self, code: int, reason: str) -> None:
        """Hang up. Code 1006: without a close frame, as the real server does."""
        if not self.closed:
            self.closed = True
            self._out.append(Close(code, reason))

    def _shake(self, payload: bytes) -> None:
        handshake = self._handshake
        assert handshake is not None
        if self._answered:
            handshake.accept(payload)
        else:
            self._answered = True
            answer = handshake.respond(payload)
            self.send_raw(frame(bytes(len(answer)) if self.faults.garbage else answer))
        if handshake.transport is not None:
            self._admit(handshake, handshake.transport)

    def _admit(self, handshake: ServerHandshake, transport: Transport) -> None:
        self._handshake, self._transport, self._channel = None, transport, Channel(transport)
        self.client_static, self.pattern = handshake.client_static, handshake.pattern
        try:
            self.who = admit(handshake.payload, oldest=self.faults.oldest)
        except NotAdmitted as refusal:
            self.end_stream(session.failure(refusal.reason))
        else:
            self.login = ClientPayload.FromString(handshake.payload)
