"""Where a file to send comes from: a descriptor, an upload, inline, a URL, a path; opened as a local file either way.

The daemon's rights must not serve another: a path is taken from root and the daemon's own user alone, a URL leads to
public addresses only.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import msgspec

from waconnd import http_client
from waconnd.http_client import HttpError, PrivateAddress, Route
from waconnd.media.sealing import PIECE, BadMedia
from waconnd.rpc.errors import RpcError
from waconnd.rpc.spool import MAX_SIZE

if TYPE_CHECKING:
    from waconnd.compose.params import MediaObject
    from waconnd.rpc.caller import Call
    from waconnd.rpc.spool import Spool

#: Larger data goes by `PUT /media` or a descriptor: it would fill the line.
MAX_INLINE: Final = 1024 * 1024
#: A pipe that gives nothing for so long is dead.
PIPE_SECONDS: Final = 30.0
_SOURCES: Final = ("fd", "upload", "data", "url", "path")


class Opened(msgspec.Struct, frozen=True):
    """A file that can be read from its beginning as often as needed."""

    path: Path
    size: int
    name: str = ""
    mimetype: str = ""


@asynccontextmanager
async def opened(
    media: MediaObject, call: Call, spool: Spool, folder: Path, *, urls: bool, route: Route
) -> AsyncIterator[Opened]:
    """The file behind a media object, for the time of the block. Raises RpcError, BadMedia."""
    given = [name for name in _SOURCES if getattr(media, name) not in (None, "")]
    if len(given) != 1:
        what = "names no file" if not given else f"names {len(given)} files ({', '.join(given)})"
        raise RpcError("invalid_params", f"a media object {what}: give one of {', '.join(_SOURCES)}")
    temporary = folder / f"in-{os.urandom(8).hex()}"
    try:
        match given[0]:
            case "fd":
                yield await _descriptor(call, media.fd or 0, temporary)
            case "upload":
                owner = None if call.rights.allows("admin") else call.peer.uid
                path, kept = spool.find(media.upload, owner)
                yield Opened(path, kept.size, kept.file_name, _useful(kept.mimetype))
            case "data":
                await anyio.Path(temporary).write_bytes(_decoded(media.data))
                yield _file(temporary, "")
            case "url":
                if not urls:
                    raise RpcError(
                        "permission_denied",
                        "files are not fetched from URLs here",
                        advice="set `media_urls = true` for the account, or fetch it yourself and stream it by `PUT /media`",
                    )
                yield await _fetched(media.url, temporary, route)
            case _:
                call.need_trust("a path")
                yield _regular(Path(media.path))
    finally:
        temporary.unlink(missing_ok=True)


def _regular(path: Path) -> Opened:
    try:
        if not path.is_absolute() or not stat.S_ISREG(path.stat().st_mode):
            raise RpcError("invalid_params", f"{str(path)[:200]!r} is not the absolute path of a file")
        return _file(path, path.name)
    except OSError as error:
        raise RpcError("not_found", f"{str(path)[:200]!r} can't be read: {error.strerror}") from None


def _file(path: Path, name: str) -> Opened:
    size = path.stat().st_size
    if size > MAX_SIZE:
        raise BadMedia("too_large", f"the file has {size} bytes; WhatsApp takes {MAX_SIZE}")
    return Opened(path, size, name)


async def _descriptor(call: Call, index: int, temporary: Path) -> Opened:
    if not 0 <= index < len(call.fds):
        raise RpcError(
            "invalid_params",
            f"descriptor {index} did not come along: {len(call.fds)} were passed (SCM_RIGHTS), counted from 0",
        )
    fd = call.fds[index]
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return _file(Path(f"/proc/self/fd/{fd}"), "")
    await _drain(fd, temporary)
    return _file(temporary, "")


async def _drain(fd: int, target: Path) -> None:
    """A pipe or socket: read as it comes."""
    os.set_blocking(fd, False)
    size = 0
    async with await anyio.open_file(target, "xb") as out:
        while True:
            try:
                piece = os.read(fd, PIECE)
            except BlockingIOError:
                with anyio.move_on_after(PIPE_SECONDS) as scope:
                    await anyio.wait_readable(fd)
                if scope.cancelled_caught:
                    raise BadMedia(
                        "bad_media", f"the descriptor gave nothing for {PIPE_SECONDS:g} s"
                    ) from None
                continue
            if not piece:
                return
            size += len(piece)
            if size > MAX_SIZE:
                raise BadMedia("too_large", f"a file may have {MAX_SIZE} bytes")
            await out.write(piece)


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RpcError("invalid_params", "`data` is no base64") from None
    if len(data) > MAX_INLINE:
        raise RpcError(
            "invalid_params", f"inline data may have {MAX_INLINE} bytes; stream more by `PUT /media`"
        )
    return data


async def _fetched(url: str, target: Path, route: Route) -> Opened:
    try:
        async with http_client.get(url, route=route) as response:
            if response.status != 200:
                raise BadMedia("bad_media", f"{urlsplit(url).hostname} answered HTTP {response.status}")
            size = 0
            async with await anyio.open_file(target, "xb") as out:
                async for piece in response.pieces():
                    size += len(piece)
                    if size > MAX_SIZE:
                        raise BadMedia("too_large", f"a file may have {MAX_SIZE} bytes")
                    await out.write(piece)
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
    except PrivateAddress as error:
        raise RpcError("permission_denied", str(error)) from None
    except HttpError as error:
        raise BadMedia("bad_media", f"the URL could not be read: {error}") from None
    name = Path(urlsplit(url).path).name
    return Opened(target, size, name, _useful(kind))


def _useful(mimetype: str) -> str:
    """What curl and browsers say when they know nothing is no type."""
    plain = mimetype.partition(";")[0].strip()
    unknown = ("", "application/octet-stream", "application/x-www-form-urlencoded", "binary/octet-stream")
    return "" if plain in unknown or "/" not in plain else mimetype
