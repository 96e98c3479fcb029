"""Small pictures and stickers out of others, when Pillow is installed (the extra `media`)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO, Final

#: What the apps send.
SIDE: Final = 100
QUALITY: Final = 50
#: Larger ones would make the message heavy.
MAX_BYTES: Final = 10 * 1024
#: A picture of this many pixels takes 120 MB to decode; larger ones get no thumbnail.
MAX_PIXELS: Final = 40_000_000
#: An animated sticker of ten seconds.
MAX_FRAMES: Final = 150


#: Stickers are squares of this side.
STICKER_SIDE: Final = 512


class NotDrawn(Exception):
    """Pillow is missing, or the file is no picture that it knows."""


def sticker(source: Path, target: Path) -> None:
    """WebP, 512 by 512, with transparent margins; animations keep moving. Raises NotDrawn."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise NotDrawn("Pillow is not installed") from None
    try:
        with Image.open(source) as opened:
            picture: Any = opened
            if picture.width * picture.height > MAX_PIXELS:
                raise NotDrawn("the picture has too many pixels")
            frames, durations = [], []
            for index in range(min(getattr(picture, "n_frames", 1), MAX_FRAMES)):
                picture.seek(index)
                side = (STICKER_SIDE, STICKER_SIDE)
                frames.append(ImageOps.pad(picture.convert("RGBA"), side, color=(0, 0, 0, 0)))
                durations.append(int(picture.info.get("duration", 100)))
        more = (
            {"save_all": True, "append_images": frames[1:], "duration": durations} if len(frames) > 1 else {}
        )
        frames[0].save(target, "WEBP", quality=80, **more)
    except NotDrawn:
        raise
    except Exception as error:
        raise NotDrawn("the picture could not be read") from error


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
