"""The byte stream: an intro once, then frames of three length bytes and a payload (reference 01, 1.2 and 1.3)."""

from __future__ import annotations

from typing import Final

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.wire.tokens import DICTIONARY_VERSION

#: "WA", the protocol's magic, the dictionary's version. Also the prologue of the Noise handshake.
MAGIC: Final = b"WA\x06" + bytes((DICTIONARY_VERSION,))
#: Announces routing info: three length bytes and the info follow, then MAGIC.
ROUTING: Final = b"ED\x00\x01"
LENGTH_BYTES: Final = 3
#: What three length bytes can say.
MAX_PAYLOAD: Final = 2**24 - 1


class FrameError(RemoteProtocolError):
    """The stream can't be cut into frames; it is lost."""


def intro(routing_info: bytes = b"") -> bytes:
    """What stands before the client's first frame. Routing info too long for its length field is left out."""
    if not routing_info or len(routing_info) > MAX_PAYLOAD:
        return MAGIC
    return ROUTING + len(routing_info).to_bytes(LENGTH_BYTES, "big") + routing_info + MAGIC


def frame(payload: bytes) -> bytes:
    """One frame."""
    if len(payload) > MAX_PAYLOAD:
        raise LocalProtocolError(f"a frame carries {MAX_PAYLOAD} bytes at most, not {len(payload)}")
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


class FrameReader:
    """Cuts a stream into payloads, however it arrives; the borders of websocket messages mean nothing.

    Never holds more than one unfinished frame of at most `limit` bytes. A frame may be empty; what that means is
    for the layer above to say.
    """

    __slots__ = ("_buffer", "limit")

    def __init__(self, limit: int = MAX_PAYLOAD) -> None:
        self.limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived, give the payloads that are complete now. Raises FrameError above the limit."""
        stream: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            stream = self._buffer
        payloads: list[bytes] = []
        start, end = 0, len(stream)
        while end - start >= LENGTH_BYTES:
            body = start + LENGTH_BYTES
            length = int.from_bytes(stream[start:body], "big")
            if length > self.limit:
                raise FrameError(f"a frame of {length} bytes where {self.limit} is the limit")
            if end - body < length:
                break
            start = body + length
            payloads.append(bytes(stream[body:start]))
        if stream is self._buffer:
            del self._buffer[:start]
        else:
            self._buffer += data[start:]
        return payloads


class IntroReader:
    """The server's side of a stream: the intro first, byte by byte if need be, then frames.

    `routing_info` is None until the intro is complete.
    """

    __slots__ = ("_buffer", "frames", "routing_info")

    def __init__(self, limit: int = MAX_PAYLOAD) -> None:
        self.frames = FrameReader(limit)
        self.routing_info: bytes | None = None
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Like `FrameReader.feed`. Raises FrameError at the first byte that fits no intro."""
        if self.routing_info is not None:
            return self.frames.feed(data)
        self._buffer += data
        buffer = self._buffer
        magic_at, info = 0, b""
        if buffer[:1] == ROUTING[:1]:
            _expect(buffer[: len(ROUTING)], ROUTING)
            info_at = len(ROUTING) + LENGTH_BYTES
            if len(buffer) < info_at:
                return []
            magic_at = info_at + int.from_bytes(buffer[len(ROUTING) : info_at], "big")
            if magic_at > info_at + self.frames.limit:
                raise FrameError("the routing info is longer than the limit")
            info = bytes(buffer[info_at:magic_at])
        end = magic_at + len(MAGIC)
        _expect(buffer[magic_at:end], MAGIC)
        if len(buffer) < end:
            return []
        self.routing_info = info
        self._buffer = bytearray()
        return self.frames.feed(bytes(buffer[end:]))


def _expect(found: bytes | bytearray, wanted: bytes) -> None:
    if not wanted.startswith(found):
        raise FrameError(f"the stream starts with {bytes(found).hex()}, not with {wanted.hex()}")
