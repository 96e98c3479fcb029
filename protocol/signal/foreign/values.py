"""Values as other programs write them: bytes in JSON, in all the forms that are found in the wild."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, Final

from protocol.crypto.curve import KEY, untag
from protocol.crypto.primitives import CryptoError
from protocol.errors import ProtocolError

#: Numbers on the wire are u32.
_MAX: Final = 2**32 - 1
_DIGITS: Final = 10


class ForeignError(ProtocolError):
    """A value of another program's store makes no sense. Skip that file: what it held heals by itself."""


def as_bytes(value: object) -> bytes:
    """Bytes from any of: a Buffer with base64, a Buffer with numbers, an object of numbered bytes, bare base64."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    try:
        if isinstance(value, str):
            return b64decode(value, validate=True)
        if isinstance(value, list):
            return bytes(value)
        if isinstance(value, Mapping):
            if value.get("type") == "Buffer":
                return as_bytes(value["data"])
            return bytes(value[str(place)] for place in range(len(value)))
    except (Base64Error, ValueError, TypeError, KeyError) as error:
        raise ForeignError("a value that should be bytes can't be read") from error
    raise ForeignError("a value that should be bytes is missing")


def buffer(data: bytes) -> dict[str, str]:
    """Bytes as Baileys writes them into files."""
    return {"type": "Buffer", "data": text(data)}


def text(data: bytes) -> str:
    """Bytes as bare base64."""
    return b64encode(data).decode()


def as_key(value: object) -> bytes:
    """A public key with or without type byte, to its 32 bytes."""
    try:
        return untag(as_bytes(value))
    except CryptoError as error:
        raise ForeignError("a public key has a wrong length") from error


def as_secret(value: object) -> bytes:
    """Exactly 32 bytes: a private, root or chain key."""
    data = as_bytes(value)
    if len(data) != KEY:
        raise ForeignError(f"a key has {len(data)} bytes instead of {KEY}")
    return data


def as_number(value: object, lowest: int = 0) -> int:
    """A whole number of 32 bits; numbers written as text too."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        raise ForeignError("a value that should be a number is none")
    if not lowest <= value <= _MAX:
        raise ForeignError(f"the number {value} is out of range")
    return int(value)


def as_milliseconds(value: object) -> int:
    """A moment as JavaScript has it; 0 when it makes no sense: nothing hangs on it but an order."""
    return int(value) if isinstance(value, (int, float)) and 0 < value < 2**53 else 0


def as_object(value: object) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise ForeignError("a value that should be an object is none")
    return value
