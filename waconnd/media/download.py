"""A file from the media hosts into a temporary one, every check made before it gets its name (reference 03, 5.6)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from protocol.content import MediaRef
from protocol.crypto.media import HASH, Decrypter, MediaError
from protocol.stanza.media import BadDirectPath, download_url
from waconnd import http_client
from waconnd.http_client import HttpError, Response, Route
from waconnd.media.hosts import MediaHosts
from waconnd.media.upload import HEADERS, MediaFailed

#: A larger file than any sender may make: what a hostile host can make us write.
MAX_BYTES: Final = 2 * 1024 * 1024 * 1024 + 1024
#: Busy hosts are asked so often, each time a second later, or when they say.
MAX_RETRIES: Final = 5
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_GONE: Final = frozenset({403, 404, 410})
#: A host that sends rubbish: another one may be right. The sender's own mistakes are final.
_OF_HOST: Final = frozenset({"too_short", "enc_sha256_mismatch", "mac_mismatch", "bad_length", "bad_padding"})
#: Decrypted in a thread when a piece is large enough for the thread to pay.
_THREADED: Final = 128 * 1024


class Expired(Exception):
    """The hosts no longer have it under this path."""


class _Busy(Exception):
    """Ask again."""

    def __init__(self, status: int, after: float) -> None:
        super().__init__(f"HTTP {status}")
        self.after = after


async def download(
    hosts: MediaHosts, ref: MediaRef, target: Path, *, route: Route, scheme: str, max_bytes: int = MAX_BYTES
) -> tuple[int, bytes]:
    """Size and hash of what was written to `target`. Raises Expired, MediaFailed, MediaError."""
    if len(ref.file_sha256) != HASH:
        raise MediaError("bad_hash_length", "the message does not say what its file's hash is")
    causes: dict[str, str] = {}
    hosts_left = [host.name for host in await hosts.to_read()]
    for attempt in range(1, MAX_RETRIES + 1):
        busy: dict[str, float] = {}
        for name in hosts_left:
            try:
                url = download_url(name, ref.direct_path, ref.file_enc_sha256, ref.kind, scheme=scheme)
                return await _fetch(url, ref, target, route, max_bytes)
            except BadDirectPath as error:
                raise MediaFailed(str(error), {}, "bad_media") from error
            except _Busy as error:
                causes[name], busy[name] = str(error), error.after
            except HttpError as error:
                causes[name] = str(error)
            except MediaError as error:
                if error.code not in _OF_HOST:
                    raise
                causes[name] = str(error)
        # Those that are only busy are asked again, all others gave their answer.
        hosts_left = list(busy)
        if not hosts_left or attempt == MAX_RETRIES:
            break
        await anyio.sleep(max(min(busy.values()), attempt))
    told = "; ".join(f"{name}: {why}" for name, why in causes.items())
    raise MediaFailed(f"no media host gave a sound file ({told})", causes, "download")


async def _fetch(url: str, ref: MediaRef, target: Path, route: Route, max_bytes: int) -> tuple[int, bytes]:
    async with http_client.get(url, route=route, headers=HEADERS[:2]) as response:
        if response.status in _GONE:
            raise Expired(f"HTTP {response.status}")
        if response.status in _BUSY:
            after = response.headers.get("retry-after", "")
            raise _Busy(response.status, float(after) if after.isascii() and after.isdigit() else 0.0)
        if response.status != 200:
            raise HttpError(f"HTTP {response.status}")
        if response.length > max_bytes:
            raise MediaFailed(
                f"the file has {response.length} bytes, {max_bytes} are allowed", {}, "too_large"
            )
        async with _temporary(target) as part:
            size, digest = await _write(response, ref, part, max_bytes)
            await anyio.to_thread.run_sync(part.replace, target)
    return size, digest


async def _write(response: Response, ref: MediaRef, part: Path, max_bytes: int) -> tuple[int, bytes]:
    """Decrypt while it comes. Nothing but a checked file leaves this function."""
    checker: Decrypter | _Plain
    # Channels do not encrypt, nor do some business pictures: those name no hash of an encrypted file.
    if ref.media_key and ref.file_enc_sha256:
        checker = Decrypter(
            ref.media_key, ref.kind, file_sha256=ref.file_sha256, file_enc_sha256=ref.file_enc_sha256
        )
    else:
        checker = _Plain(ref.file_sha256)
    size = received = 0
    held = bytearray()
    async with await anyio.open_file(part, "xb") as out:
        async for piece in response.pieces():
            held += piece
            received += len(piece)
            if received > max_bytes:
                raise MediaFailed(f"the file is longer than the {max_bytes} bytes allowed", {}, "too_large")
            if len(held) >= _THREADED:
                size += await out.write(await anyio.to_thread.run_sync(checker.update, bytes(held)))
                held.clear()
        size += await out.write(checker.update(bytes(held)))
        size += await out.write(checker.finish())
    return size, ref.file_sha256


class _Plain:
    """A file of a channel: not encrypted, its hash is all there is to check."""

    def __init__(self, want: bytes) -> None:
        self._want, self._hash = want, hashlib.sha256()

    def update(self, data: bytes) -> bytes:
        self._hash.update(data)
        return data

    def finish(self) -> bytes:
        if self._hash.digest() != self._want:
            raise MediaError(
                "enc_sha256_mismatch", "the file is not the one that was announced (hash differs)"
            )
        return b""


@asynccontextmanager
async def _temporary(target: Path) -> AsyncIterator[Path]:
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
