"""A picture for a profile or a group: square, small, JPEG. Pillow (the extra `media`) makes it so; else it has to be."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread

from waconnd.media.pictures import measure
from waconnd.media.sealing import BadMedia
from waconnd.media.sources import opened
from waconnd.media.thumbnails import MAX_PIXELS
from waconnd.rpc.errors import RpcError

if TYPE_CHECKING:
    from waconnd.api.host import Daemon
    from waconnd.compose.params import MediaObject
    from waconnd.rpc.caller import Call

#: What the apps send.
SIDE: Final = 640
QUALITY: Final = 85
#: No picture for a profile is larger.
MAX_BYTES: Final = 16 * 1024 * 1024
#: Unchanged, it must fit into one stanza with room to spare.
MAX_PLAIN: Final = 256 * 1024


async def portrait(call: Call, daemon: Daemon, media: MediaObject) -> bytes:
    """The JPEG. Raises RpcError."""
    room = daemon.fleet.media
    urls = daemon.config.account_section(call.account).media_urls
    route = room.route(call.account, public_only=True)
    try:
        async with opened(media, call, daemon.spool, room.scratch, urls=urls, route=route) as file:
            if file.size > MAX_BYTES:
                raise RpcError("media_failed", f"a picture has at most {MAX_BYTES // 1024**2} MiB")
            return await anyio.to_thread.run_sync(_square, file.path.read_bytes())
    except BadMedia as error:
        raise RpcError("media_failed", str(error), cause=error.cause, retryable=False) from None


def _square(data: bytes) -> bytes:
    size = measure(data)
    if size is not None and size.width * size.height > MAX_PIXELS:
        raise RpcError("media_failed", "this picture has too many pixels", retryable=False)
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return _plain(data)
    try:
        opened_: Any = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        side = min(SIDE, *opened_.size)
        out = io.BytesIO()
        ImageOps.fit(opened_.convert("RGB"), (side, side)).save(out, "JPEG", quality=QUALITY)
    except Exception as error:
        # A decoder of foreign formats may fail in any way.
        raise RpcError("media_failed", "this is no picture that can be read", retryable=False) from error
    return out.getvalue()


def _plain(data: bytes) -> bytes:
    size = measure(data)
    if not data.startswith(b"\xff\xd8") or size is None:
        raise RpcError(
            "media_failed",
            "only JPEG pictures are taken here",
            advice="install the extra `media` (Pillow), or send a JPEG",
            retryable=False,
        )
    if len(data) > MAX_PLAIN or size.width != size.height:
        raise RpcError(
            "media_failed",
            f"without Pillow a picture must be square and have at most {MAX_PLAIN // 1024} KiB",
            advice="install the extra `media`, or send a JPEG of 640 x 640",
            retryable=False,
        )
    return data
