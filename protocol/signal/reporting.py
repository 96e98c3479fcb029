"""The reporting token: proof, towards the server alone, that a reported message had this content (reference 02, 5.7)."""

from __future__ import annotations

from typing import Final

from protocol.crypto.primitives import hmac_sha256
from protocol.signal.secrets import UseCase, derive

#: Version of the list below, told in the stanza and beside the secret.
VERSION: Final = 2
_TOKEN: Final = 16
_MAX_VARINT: Final = 10

# Field numbers of Message that count: None keeps a field as it is, a dict reduces a sub-message to its fields.
_Fields = dict[int, "_Fields | None"]


def _keep(*numbers: int) -> _Fields:
    return dict.fromkeys(numbers)


_CONTEXT: Final = _keep(21, 22)
#: Wrapped messages contribute nothing, as in the Go library and in Baileys; the official client is said to differ.
_WRAPPER: Final[_Fields] = {1: {}}
_POLL: Final[_Fields] = {**_keep(2), 3: _keep(1, 2), 5: _CONTEXT, 8: _keep(1, 2)}
_VIDEO: Final[_Fields] = {**_keep(2, 6, 7, 13, 20), 17: _CONTEXT}
_FIELDS: Final[_Fields] = {
    1: None,
    3: {**_keep(2, 3, 8, 11, 25), 17: _CONTEXT},
    4: {**_keep(1, 16), 17: _CONTEXT},
    5: {**_keep(3, 4, 5, 16), 17: _CONTEXT},
    6: {**_keep(1, 30), 17: _CONTEXT},
    7: {**_keep(2, 7, 10, 20), 17: _CONTEXT},
    8: {**_keep(2, 7, 9, 21), 17: _CONTEXT},
    9: _VIDEO,
    12: {**_keep(1, 2, 15), 14: {}},
    18: {**_keep(6, 16), 17: _CONTEXT},
    26: {**_keep(4, 5, 8, 13), 17: _CONTEXT},
    28: {**_keep(1, 2, 4, 5, 6), 7: _CONTEXT},
    **dict.fromkeys((37, 53, 55, 58, 59, 74, 87, 92, 93, 94), _WRAPPER),
    **dict.fromkeys((49, 60, 64), _POLL),
    66: _VIDEO,
    88: {**_keep(1), 2: _keep(1), 3: _CONTEXT},
}


def reporting_token(message: bytes, secret: bytes, message_id: str, sender: str, chat: str) -> bytes | None:
    """The token of an encoded Message; None when nothing of its content counts.

    `sender` and `chat` without device, in the addressing of the chat. Not for reactions, votes and event responses.
    """
    try:
        content = _reduce(message, _FIELDS)
    except ValueError:
        return None
    if not content:
        return None
    key = derive(secret, message_id, sender, chat, UseCase.REPORT)
    return hmac_sha256(key, content)[:_TOKEN]


def _reduce(data: bytes, fields: _Fields) -> bytes:
    kept: list[tuple[int, bytes]] = []
    place = 0
    while place < len(data):
        start = place
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            _, place = _varint(data, place)
        elif wire == 1:
            place += 8
        elif wire == 5:
            place += 4
        elif wire == 2:
            length, begin = _varint(data, place)
            place = begin + length
            inside = fields.get(number)
            if inside is not None and place <= len(data):
                sub = _reduce(data[begin:place], inside)
                if sub:
                    kept.append((number, _encode_varint(tag) + _encode_varint(len(sub)) + sub))
                continue
        else:
            raise ValueError("unknown wire type")
        if place > len(data):
            raise ValueError("cut short")
        if number in fields:
            kept.append((number, data[start:place]))
    kept.sort(key=lambda field: field[0])
    return b"".join(raw for _, raw in kept)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(data[place : place + _MAX_VARINT]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, place + count + 1
    raise ValueError("cut short")


def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
