"""What a file is, from its first bytes; its name decides only between formats that share a container."""

from __future__ import annotations

import mimetypes
from typing import Final

#: Enough for every mark below and for the headers of pictures.
HEAD_BYTES: Final = 64 * 1024
UNKNOWN: Final = "application/octet-stream"

_MARKS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
)
#: Brands of ISO media files that are no video.
_BRANDS: Final = {
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"heic": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
    b"3gp4": "video/3gpp",
    b"3gp5": "video/3gpp",
}
#: Office documents are archives: there the name knows more.
_CONTAINERS: Final = frozenset({"application/zip", UNKNOWN, "text/plain"})


def mimetype(head: bytes, name: str = "") -> str:
    """The type of a file."""
    found = _by_content(head)
    if found in _CONTAINERS and name:
        guessed = mimetypes.guess_type(name, strict=False)[0]
        return guessed or found
    return found


def _by_content(head: bytes) -> str:
    for offset, mark, kind in _MARKS:
        if head.startswith(mark, offset):
            return kind
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"OggS"):
        return "audio/ogg; codecs=opus" if b"OpusHead" in head[:128] else "audio/ogg"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:
        return "audio/mpeg"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    if head and b"\0" not in head[:1024]:
        try:
            head[:1024].decode("utf-8", "strict" if len(head) <= 1024 else "ignore")
        except UnicodeDecodeError:
            return UNKNOWN
        return "text/plain"
    return UNKNOWN
