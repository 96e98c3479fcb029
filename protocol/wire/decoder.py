"""Bytes to nodes, whatever the bytes are.

One loop over local variables with a stack of its own: no recursion, so depth costs nothing but its check, and twice
the speed of a function for every string. What is rare (packed text, addresses, long bytes) is read by small functions
found in a table by tag.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final

from protocol.jid import INTEROP, MESSENGER, SERVERS, USER, Jid
from protocol.node import Node
from protocol.wire.tags import (
    AD_JID,
    BINARY_8,
    BINARY_20,
    BINARY_32,
    CACHED_JIDS,
    COMPRESSED,
    DICTIONARY_0,
    FB_JID,
    HEX_8,
    INFLATE_PIECE,
    INTEROP_JID,
    JID_PAIR,
    LIST_8,
    LIST_16,
    LIST_EMPTY,
    MAX_ATTRS,
    MAX_DEPTH,
    MAX_INFLATED,
    MAX_NODES,
    NIBBLE_8,
    NIBBLES,
    NODE_BYTES,
    CodecError,
)
from protocol.wire.tokens import DOUBLE, SINGLE

#: Nodes of so few attributes are bounded by the limit on nodes alone; all others are counted.
FREE_ATTRS: Final = 2
#: How many lists may be open around one: the root is in none, the deepest node in one less than MAX_DEPTH.
DEEPEST_LIST: Final = MAX_DEPTH - 2

Reader = Callable[[bytes, int], tuple[Any, int]]


def decode(data: bytes) -> Node:
    """One frame's plaintext, flag byte included, to the node in it. Raises CodecError whatever the bytes are."""
    if not data:
        raise CodecError("an empty frame")
    start = 1
    if data[0] & COMPRESSED:
        data, start = _inflate(data[1:]), 0
    try:
        return _decode(data, start)
    except IndexError:
        raise CodecError(f"a frame of {len(data)} bytes ends inside a node") from None
    except UnicodeDecodeError as error:
        raise CodecError("a name is not UTF-8") from error


def _decode(data: bytes, pos: int) -> Node:
    size = len(data)
    words, ads = _WORDS, _ADS
    nodes, attributes = MAX_NODES, MAX_ATTRS
    # One frame per open list: the node's tag and attributes, its children so far, how many are to come.
    stack: list[tuple[str, dict[str, Any], list[Node], int]] = []
    siblings: list[Node] = []
    missing = 1
    while True:
        # The header: a list of tag, attributes and perhaps content.
        mark = data[pos]
        if mark == LIST_8:
            length = data[pos + 1]
            pos += 2
        elif mark == LIST_16:
            length = data[pos + 1] << 8 | data[pos + 2]
            pos += 3
        else:
            raise CodecError(f"byte {mark} at {pos} where a node should start")
        tag = words[data[pos]]
        pos += 1
        if tag is None:
            tag, pos = _NAMES[data[pos - 1]](data, pos)
            if not tag:
                raise CodecError(f"a node without tag at {pos}")
        attrs: dict[str, Any] = {}
        if length > 2:
            count = length - 1 >> 1
            if count > FREE_ATTRS:
                attributes -= count
                if attributes < 0:
                    raise CodecError(f"more than {MAX_ATTRS} attributes")
            # What a list promises costs nothing until it is read, and reading ends with the data.
            while count:
                count -= 1
                key = words[data[pos]]
                pos += 1
                if key is None:
                    key, pos = _NAMES[data[pos - 1]](data, pos)
                value: str | Jid | None = words[data[pos]]
                pos += 1
                if value is None:
                    mark = data[pos - 1]
                    if mark == AD_JID and data[pos + 2] == NIBBLE_8:
                        # The commonest of all addresses: that of a device.
                        end = pos + 4 + (data[pos + 3] & 0x7F)
                        raw = data[pos:end]
                        value = ads.get(raw) or _keep(ads, raw, _ad_jid)
                        pos = end
                    else:
                        value, pos = _VALUES[mark](data, pos)
                attrs[key] = value
        elif not length:
            raise CodecError(f"a list of nothing at {pos} where a node should start")
        if length & 1:
            node = Node(tag, attrs)
        else:
            mark = data[pos]
            pos += 1
            if mark == BINARY_8:
                end = pos + 1 + data[pos]
                if end > size:
                    raise CodecError(f"content at {pos} is cut off")
                node = Node(tag, attrs, data[pos + 1 : end])
                pos = end
            elif mark == LIST_8 or mark == LIST_16:  # noqa: PLR1714, SIM109 -- twice as fast as `in`
                if mark == LIST_8:
                    length = data[pos]
                    pos += 1
                else:
                    length = data[pos] << 8 | data[pos + 1]
                    pos += 2
                nodes -= length
                if nodes < 0 or length * NODE_BYTES > size - pos:
                    raise CodecError(f"{length} nodes at {pos}, more than fit")
                if length:
                    if len(stack) > DEEPEST_LIST:
                        raise CodecError(f"nodes nest deeper than {MAX_DEPTH}")
                    stack.append((tag, attrs, siblings, missing))
                    siblings = []
                    missing = length
                    continue
                node = Node(tag, attrs)
            else:
                content = words[mark]
                if content is None:
                    content, pos = _CONTENTS[mark](data, pos)
                node = Node(tag, attrs, content)
        # The node is complete, and with it perhaps the lists it is the last of.
        siblings.append(node)
        missing -= 1
        while not missing:
            if not stack:
                if pos != size:
                    raise CodecError(f"{size - pos} bytes after the node")
                return node
            children = siblings
            tag, attrs, siblings, missing = stack.pop()
            node = Node(tag, attrs, children)
            siblings.append(node)
            missing -= 1


def _inflate(packed: bytes) -> bytes:
    """Piece by piece: what inflates beyond the limit has cost the limit and one piece, not the doubled buffers."""
    inflater = zlib.decompressobj()
    pieces: list[bytes] = []
    total, rest = 0, packed
    while not inflater.eof:
        try:
            piece = inflater.decompress(rest, INFLATE_PIECE)
        except zlib.error as error:
            raise CodecError("a compressed frame does not inflate") from error
        if not piece and not inflater.eof:
            raise CodecError("a compressed frame is cut off")
        total += len(piece)
        if total > MAX_INFLATED:
            raise CodecError(
                f"a compressed frame of {len(packed)} bytes inflates to more than {MAX_INFLATED}"
            )
        pieces.append(piece)
        rest = inflater.unconsumed_tail
    if inflater.unused_data:
        raise CodecError("bytes after a compressed frame's end")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unassigned(data: bytes, pos: int) -> tuple[str, int]:
    raise CodecError(f"byte {data[pos - 1]} at {pos - 1} has no meaning there")


def _dictionary(number: int) -> Reader:
    words = DOUBLE[number]
    return lambda data, pos: (words[data[pos]], pos + 1)


def _bytes_20(data: bytes, pos: int) -> tuple[bytes, int]:
    return _slice(data, pos + 3, (data[pos] & 0x0F) << 16 | data[pos + 1] << 8 | data[pos + 2])


def _bytes_32(data: bytes, pos: int) -> tuple[bytes, int]:
    return _slice(data, pos + 4, data[pos] << 24 | data[pos + 1] << 16 | data[pos + 2] << 8 | data[pos + 3])


def _slice(data: bytes, start: int, length: int) -> tuple[bytes, int]:
    end = start + length
    if end > len(data):
        raise CodecError(f"{length} bytes at {start} are cut off")
    return data[start:end], end


def _text(read: Callable[[bytes, int], tuple[bytes, int]], errors: str) -> Reader:
    def text(data: bytes, pos: int) -> tuple[str, int]:
        raw, end = read(data, pos)
        return str(raw, "utf-8", errors), end

    return text


def _name_8(data: bytes, pos: int) -> tuple[str, int]:
    end = pos + 1 + data[pos]
    if end > len(data):
        raise CodecError(f"a name at {pos} is cut off")
    return str(data[pos + 1 : end], "utf-8"), end


def _value_8(data: bytes, pos: int) -> tuple[str, int]:
    end = pos + 1 + data[pos]
    if end > len(data):
        raise CodecError(f"text at {pos} is cut off")
    return str(data[pos + 1 : end], "utf-8", "replace"), end


def _nibbles(data: bytes, pos: int) -> tuple[str, int]:
    head = data[pos]
    end = pos + 1 + (head & 0x7F)
    digits = data[pos + 1 : end].hex()
    if head & 0x80 or not digits.isdecimal():
        digits = _unpack(digits, head).replace("a", "-").replace("b", ".")
        if digits.strip(NIBBLES):
            raise CodecError(f"packed text at {pos} has half bytes without meaning")
    if end > len(data):
        raise CodecError(f"packed text at {pos} is cut off")
    return digits, end


def _hex(data: bytes, pos: int) -> tuple[str, int]:
    head = data[pos]
    end = pos + 1 + (head & 0x7F)
    if end > len(data):
        raise CodecError(f"packed text at {pos} is cut off")
    return _unpack(data[pos + 1 : end].hex(), head).upper(), end


def _unpack(digits: str, head: int) -> str:
    """An odd count leaves a filler in the last half byte, which nobody looks at."""
    if not head & 0x80:
        return digits
    if not digits:
        raise CodecError("packed text of an odd length below one")
    return digits[:-1]


def _part(data: bytes, pos: int) -> tuple[str, int]:
    """User or server of an address: text, never an address or a list."""
    mark = data[pos]
    word = _WORDS[mark]
    return (word, pos + 1) if word is not None else _NAMES[mark](data, pos + 1)


def _user(data: bytes, pos: int) -> tuple[str, int]:
    user, pos = _part(data, pos)
    if not user:
        raise CodecError("an address without user")
    return user, pos


def _jid_pair(data: bytes, pos: int) -> tuple[Jid, int]:
    if data[pos] == NIBBLE_8:
        # Digits, and a server that is a token: nearly every address without device.
        end = pos + 3 + (data[pos + 1] & 0x7F)
        if data[end - 1] < DICTIONARY_0:
            raw = data[pos:end]
            return _PAIRS.get(raw) or _keep(_PAIRS, raw, _read_pair), end
    return _read_pair(data, pos)


def _read_pair(data: bytes, pos: int) -> tuple[Jid, int]:
    user, pos = ("", pos + 1) if data[pos] == LIST_EMPTY else _part(data, pos)
    server, pos = _part(data, pos)
    if not server:
        raise CodecError("an address without server")
    return Jid(user, server), pos


def _ad_jid(data: bytes, pos: int) -> tuple[Jid, int]:
    domain, device = data[pos], data[pos + 1]
    user, pos = _user(data, pos + 2)
    server = SERVERS.get(domain)
    if server is None:
        return Jid(user, USER, device, agent=domain), pos
    return Jid(user, server, device), pos


def _keep(seen: dict[bytes, Jid], raw: bytes, read: Reader) -> Jid:
    """Read an address and remember it. A full dict is emptied: an order of use costs more than it saves."""
    found: Jid = read(raw, 0)[0]
    if len(seen) >= CACHED_JIDS:
        seen.clear()
    seen[raw] = found
    return found


def _fb_jid(data: bytes, pos: int) -> tuple[Jid, int]:
    user, pos = _user(data, pos)
    device = data[pos] << 8 | data[pos + 1]
    server, pos = _part(data, pos + 2)
    if server != MESSENGER:
        raise CodecError("a Messenger address of another server")
    return Jid(user, server, device), pos


def _interop_jid(data: bytes, pos: int) -> tuple[Jid, int]:
    user, pos = _user(data, pos)
    device, integrator = data[pos] << 8 | data[pos + 1], data[pos + 2] << 8 | data[pos + 3]
    server, pos = _part(data, pos + 4)
    if server != INTEROP:
        raise CodecError("an interop address of another server")
    return Jid(user, server, device, integrator), pos


def _as_text(read: Reader) -> Reader:
    def text(data: bytes, pos: int) -> tuple[str, int]:
        value, pos = read(data, pos)
        return str(value), pos

    return text


def _readers(special: dict[int, Reader]) -> list[Reader]:
    common = {DICTIONARY_0 + number: _dictionary(number) for number in range(len(DOUBLE))}
    common |= {NIBBLE_8: _nibbles, HEX_8: _hex}
    return [(common | special).get(mark, _unassigned) for mark in range(256)]


#: Addresses by their bytes.
_ADS: Final[dict[bytes, Jid]] = {}
_PAIRS: Final[dict[bytes, Jid]] = {}

#: A byte to its word; None where more bytes belong to it.
_WORDS: Final[tuple[str | None, ...]] = (
    None,
    *SINGLE[1:],
    *(None,) * (256 - len(SINGLE)),
)
_JIDS: Final[dict[int, Reader]] = {
    JID_PAIR: _jid_pair,
    AD_JID: _ad_jid,
    FB_JID: _fb_jid,
    INTEROP_JID: _interop_jid,
}

#: Tags, keys and the parts of an address: broken UTF-8 is refused.
_NAMES: Final = _readers(
    {BINARY_8: _name_8, BINARY_20: _text(_bytes_20, "strict"), BINARY_32: _text(_bytes_32, "strict")}
)
#: Values of attributes: people's names are among them, broken UTF-8 is replaced.
_VALUES: Final = _readers(
    {BINARY_8: _value_8, BINARY_20: _text(_bytes_20, "replace"), BINARY_32: _text(_bytes_32, "replace")}
    | _JIDS
    | {LIST_EMPTY: lambda data, pos: ("", pos)}
)
_CONTENTS: Final = _readers(
    {BINARY_20: _bytes_20, BINARY_32: _bytes_32}
    | {mark: _as_text(read) for mark, read in _JIDS.items()}
    | {LIST_EMPTY: lambda data, pos: (None, pos)}
)
