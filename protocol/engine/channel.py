"""Stanzas through the Noise transport: sealed in the order of leaving, opened in the order of coming."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from protocol.errors import RemoteProtocolError
from protocol.node import Node
from protocol.noise.transport import Transport
from protocol.wire.codec import CodecError, decode, encode
from protocol.wire.framing import frame

#: One bad stanza is the server's slip; so many in a row mean that we have lost the thread.
MAX_UNREADABLE: Final = 3


class Garbled(RemoteProtocolError):
    """Too many frames in a row decrypt well and make no sense."""


#: Told of each stanza as it was written, before it is sealed or after it was opened.
Tap = Callable[[Literal["in", "out"], bytes], None]


class Channel:
    """One direction's cipher each way, and the codec."""

    def __init__(self, transport: Transport, tap: Tap | None = None) -> None:
        self._transport, self._tap = transport, tap
        self._unreadable = 0

    def seal(self, node: Node) -> bytes:
        """A stanza as one frame. Raises EncodeError for one that can't be written: nothing was sealed then."""
        data = encode(node)
        if self._tap is not None:
            self._tap("out", data)
        return frame(self._transport.seal(data))

    def open(self, payload: bytes) -> Node | None:
        """The stanza of a frame; None when there is none to be read in it.

        Raises NoiseError when it does not decrypt (fatal), Garbled at the third unreadable one in a row.
        """
        # An empty frame was never encrypted, so the cipher's counter has not moved: it is skipped.
        if not payload:
            self._bad("an empty frame")
            return None
        plaintext = self._transport.open(payload)
        if self._tap is not None:
            self._tap("in", plaintext)
        try:
            node = decode(plaintext)
        except CodecError as error:
            self._bad(str(error))
            return None
        self._unreadable = 0
        return node

    def _bad(self, why: str) -> None:
        self._unreadable += 1
        if self._unreadable >= MAX_UNREADABLE:
            raise Garbled(f"{MAX_UNREADABLE} frames in a row make no sense: {why}")
