"""Nodes to bytes: one loop with a stack of its own, tokens and frequent addresses looked up ready-made."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from protocol.jid import DOMAINS, HOSTED, HOSTED_LID, INTEROP, MAX_DEVICE, MESSENGER, Jid
from protocol.node import Node
from protocol.wire.tags import (
    AD_JID,
    BINARY_8,
    BINARY_20,
    BINARY_20_LIMIT,
    BINARY_32,
    CACHED_JIDS,
    DICTIONARY_0,
    FB_JID,
    HEX_8,
    HEX_DIGITS,
    INTEROP_JID,
    JID_PAIR,
    LIST_8,
    LIST_16,
    MAX_DEPTH,
    MAX_LIST,
    MAX_PACKED,
    NIBBLE_8,
    NIBBLES,
    EncodeError,
)
from protocol.wire.tokens import DOUBLE, SINGLE

#: Devices and networks of the two servers with addresses of their own; the domain byte.
MAX_WIDE: Final = 2**16 - 1
MAX_AGENT: Final = 255


def encode(node: Node) -> bytes:
    """A node to one frame's plaintext, flag byte included, never compressed. Raises EncodeError."""
    out: list[bytes] = [b"\x00"]
    put = out.append
    words = _BYTES
    # One iterator per open list.
    stack = [iter((node,))]
    while stack:
        for item in stack[-1]:
            tag, attrs, content = item.tag, item.attrs, item.content
            if not tag:
                raise EncodeError("a node needs a tag")
            put(b"")
            header = len(out) - 1
            put(words.get(tag) or _string(tag))
            length = 1 if content is None else 2
            for key, value in attrs.items():
                if isinstance(value, str):
                    if not value:
                        continue
                    put(words.get(key) or _string(key))
                    put(words.get(value) or _string(value))
                elif isinstance(value, Jid):
                    put(words.get(key) or _string(key))
                    put(_cached_jid(value) if len(value.user) <= MAX_PACKED else _jid(value))
                else:
                    raise EncodeError(f"attribute {key!r} of <{tag}> is a {type(value).__name__}")
                length += 2
            out[header] = _LISTS[length] if length < 256 else _list(length)
            if content is None:
                continue
            if isinstance(content, bytes):
                put(_binary(content))
            elif isinstance(content, str):
                put(words.get(content) or _string(content))
            else:
                put(_list(len(content)))
                if content:
                    if len(stack) >= MAX_DEPTH:
                        raise EncodeError(f"nodes nest deeper than {MAX_DEPTH}")
                    stack.append(iter(content))
                    break
        else:
            stack.pop()
    return b"".join(out)


def _list(length: int) -> bytes:
    if length < 256:
        return _LISTS[length]
    if length > MAX_LIST:
        raise EncodeError(f"a list of {length}, more than {MAX_LIST}")
    return bytes((LIST_16, length >> 8, length & 0xFF))


def _binary(raw: bytes) -> bytes:
    length = len(raw)
    if length < 256:
        return _BINARY_8_HEADS[length] + raw
    if length < BINARY_20_LIMIT:
        return bytes((BINARY_20,)) + length.to_bytes(3, "big") + raw
    return bytes((BINARY_32,)) + length.to_bytes(4, "big") + raw


def _string(text: str) -> bytes:
    """Text that is no token."""
    length = len(text)
    if 0 < length <= MAX_PACKED:
        odd = length & 1
        if not text.strip(NIBBLES):
            digits, mark = text.replace("-", "a").replace(".", "b"), NIBBLE_8
        elif not text.strip(HEX_DIGITS):
            digits, mark = text, HEX_8
        else:
            return _binary(_utf8(text))
        if odd:
            digits += "f"
        return bytes((mark, odd << 7 | len(digits) >> 1)) + bytes.fromhex(digits)
    return _binary(_utf8(text))


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise EncodeError("text with half a surrogate pair") from error


def _jid(jid: Jid) -> bytes:
    server = jid.server
    if not 0 <= jid.device <= MAX_WIDE or not 0 <= jid.integrator <= MAX_WIDE:
        raise EncodeError(f"an address of {server} can't carry device {jid.device}")
    if server == INTEROP:
        numbers = jid.device.to_bytes(2, "big") + jid.integrator.to_bytes(2, "big")
        return bytes((INTEROP_JID,)) + _named(jid.user) + numbers + _named(server)
    if server == MESSENGER:
        return bytes((FB_JID,)) + _named(jid.user) + jid.device.to_bytes(2, "big") + _named(server)
    if jid.device or jid.agent or server in (HOSTED, HOSTED_LID):
        domain = jid.agent or DOMAINS.get(server)
        if domain is None or jid.device > MAX_DEVICE or not 0 <= domain <= MAX_AGENT:
            raise EncodeError(f"an address of {server} can't carry device {jid.device}")
        return bytes((AD_JID, domain, jid.device)) + _named(jid.user)
    return bytes((JID_PAIR,)) + (_named(jid.user) if jid.user else b"\x00") + _named(server)


_cached_jid = lru_cache(maxsize=CACHED_JIDS)(_jid)


def _named(text: str) -> bytes:
    if not text:
        raise EncodeError("an address needs user and server")
    return _BYTES.get(text) or _string(text)


_LISTS: Final = (b"\x00", *(bytes((LIST_8, length)) for length in range(1, 256)))
_BINARY_8_HEADS: Final = tuple(bytes((BINARY_8, length)) for length in range(256))
#: A token to its bytes.
_BYTES: Final[dict[str, bytes]] = {word: bytes((index,)) for index, word in enumerate(SINGLE) if word} | {
    word: bytes((DICTIONARY_0 + number, index))
    for number, words in enumerate(DOUBLE)
    for index, word in enumerate(words)
}
