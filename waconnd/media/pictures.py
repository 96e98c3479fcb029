"""Width and height of pictures from their headers: JPEG, PNG, GIF, WebP; no pixel is decoded."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

#: Frames of a JPEG that carry its size: all SOF markers but DHT, JPG and DAC.
_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Markers without a length.
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
#: EXIF orientations in which width and height change places.
_TURNED: Final = frozenset({5, 6, 7, 8})
_ORIENTATION: Final = 0x0112


class Picture(msgspec.Struct, frozen=True):
    """What a header tells."""

    width: int
    height: int
    animated: bool = False


def measure(head: bytes) -> Picture | None:
    """None when it is none of the four, or broken."""
    try:
        if head.startswith(b"\xff\xd8"):
            return _jpeg(head)
        if head.startswith(b"\x89PNG"):
            width, height = struct.unpack_from(">II", head, 16)
            return Picture(width, height, b"acTL" in head[:4096])
        if head.startswith(b"GIF8"):
            width, height = struct.unpack_from("<HH", head, 6)
            return Picture(width, height, head.count(b"\x21\xf9\x04") > 1)
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return _webp(head)
    except (struct.error, IndexError):
        return None
    return None


def _jpeg(head: bytes) -> Picture | None:
    at, turned = 2, False
    while True:
        while head[at] == 0xFF and head[at + 1] == 0xFF:
            at += 1
        if head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if marker in _BARE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", head, at + 2)
        if marker == 0xE1 and head[at + 4 : at + 10] == b"Exif\0\0":
            turned = _orientation(head[at + 10 : at + 2 + length]) in _TURNED
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return Picture(height, width) if turned else Picture(width, height)
        at += 2 + length


def _orientation(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for index in range(count):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * index)
        if tag == _ORIENTATION:
            return int(value)
    return 1


def _webp(head: bytes) -> Picture | None:
    kind = head[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return Picture(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return Picture((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
        return Picture(width, height, bool(head[20] & 0x02))
    return None
