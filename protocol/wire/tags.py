"""The bytes that say what follows them, and how much of anything one frame may hold (reference 01, 3.2 and 3.8)."""

from __future__ import annotations

from typing import Final

from protocol.errors import LocalProtocolError, RemoteProtocolError

#: Real stanzas stay below 10.
MAX_DEPTH: Final = 64
#: What a list's two size bytes can say.
MAX_LIST: Final = 2**16 - 1
#: In one frame; the largest real ones (a community's members) stay below 20,000.
MAX_NODES: Final = 200_000
#: In one frame. Nodes alone do not bound them: 65535 bytes of size can be spent on attributes, too.
MAX_ATTRS: Final = 500_000
#: What a compressed frame may become.
MAX_INFLATED: Final = 16 * 2**20
INFLATE_PIECE: Final = 2**20
#: Writers pack no longer text; readers take twice as much.
MAX_PACKED: Final = 127
#: What the four length bytes of BINARY_32 may say is bounded by the frame; BINARY_20 has 20 bits.
BINARY_20_LIMIT: Final = 2**20
#: The same people come again and again; at most 1.5 MB, since only packed users are kept.
CACHED_JIDS: Final = 8192

COMPRESSED: Final = 2

LIST_EMPTY: Final = 0
DICTIONARY_0: Final = 236
INTEROP_JID: Final = 245
FB_JID: Final = 246
AD_JID: Final = 247
LIST_8: Final = 248
LIST_16: Final = 249
JID_PAIR: Final = 250
HEX_8: Final = 251
BINARY_8: Final = 252
BINARY_20: Final = 253
BINARY_32: Final = 254
NIBBLE_8: Final = 255

NIBBLES: Final = "0123456789-."
HEX_DIGITS: Final = "0123456789ABCDEF"
#: The smallest node: list tag, its size, a token.
NODE_BYTES: Final = 3


class CodecError(RemoteProtocolError):
    """A frame that decrypts but makes no sense; the connection can go on without it."""


class EncodeError(LocalProtocolError):
    """A node that the wire can't carry."""
