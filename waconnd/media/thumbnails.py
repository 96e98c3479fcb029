"""Small pictures for messages and link previews, when Pillow is installed (the extra `media`); else there is none."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, Final

#: What the apps send.
SIDE: Final = 100
QUALITY: Final = 50
#: Larger ones would make the message heavy.
MAX_BYTES: Final = 10 * 1024
#: A picture of this many pixels takes 120 MB to decode; larger ones get no thumbnail.
MAX_PIXELS: Final = 40_000_000


def thumbnail(file: BinaryIO) -> bytes:
    """A JPEG of at most 100 pixels a side; empty when it can't be made."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return b""
    try:
        file.seek(0)
        opened: Any = Image.open(file)
        if opened.width * opened.height > MAX_PIXELS:
            return b""
        opened.draft("RGB", (SIDE, SIDE))
        small: Any = ImageOps.exif_transpose(opened)
        small.thumbnail((SIDE, SIDE))
        out = io.BytesIO()
        small.convert("RGB").save(out, "JPEG", quality=QUALITY)
    except Exception:
        # A decoder of foreign formats may fail in any way; the thumbnail is an ornament.
        return b""
    return out.getvalue() if out.tell() <= MAX_BYTES else b""
