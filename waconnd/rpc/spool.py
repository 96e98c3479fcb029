"""Media on their way in: streamed by `PUT /media` into files of ours, named by a handle that only their owner can use."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import msgspec

from waconnd.rpc.errors import RpcError

#: What WhatsApp takes as a document.
MAX_SIZE: Final = 2 * 1024 * 1024 * 1024

#: Written to disk in pieces of this size, each in a worker thread.
PIECE: Final = 256 * 1024

#: A handle that nobody used is forgotten after a day.
KEEP_S: Final = 86400.0

#: Handles that one user may hold; each is a file.
MAX_PER_OWNER: Final = 256

#: Leave the disk this much for what matters more.
RESERVE: Final = 64 * 1024 * 1024


class Kept(msgspec.Struct, frozen=True):
    """What is known of one upload."""

    owner: int
    size: int
    sha256: str
    mimetype: str
    file_name: str
    at: float


class Spool:
    """A folder of uploads. What a send needs for longer, it copies."""

    def __init__(self, folder: Path, admit: Callable[[], None] = lambda: None) -> None:
        self._folder = folder
        #: Raises RpcError when there is no room for another file.
        self._admit = admit
        self._kept: dict[str, Kept] = {}

    def open(self) -> None:
        """Make the folder; what an earlier process left in it is of no use: its handles were in memory."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)

    async def put(
        self, chunks: AsyncIterator[bytes], *, owner: int, mimetype: str, file_name: str
    ) -> dict[str, Any]:
        """Keep a stream; gives the handle as `upload`."""
        self._make_room(owner)
        handle = f"u_{secrets.token_urlsafe(18)}"
        path = self._folder / handle
        digest = hashlib.sha256()
        size = 0
        done = False
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            piece = bytearray()
            async for chunk in chunks:
                piece += chunk
                size += len(chunk)
                if size > MAX_SIZE:
                    raise RpcError("invalid_request", f"a file may have {MAX_SIZE} bytes")
                if len(piece) >= PIECE:
                    await self._write(fd, bytes(piece), digest)
                    piece.clear()
            await self._write(fd, bytes(piece), digest)
            done = True
        finally:
            os.close(fd)
            if not done:
                path.unlink(missing_ok=True)
        self._kept[handle] = Kept(owner, size, digest.hexdigest(), mimetype, file_name[:255], time.time())
        return {"upload": handle, "size": size, "sha256": digest.hexdigest()}

    async def adopt(self, source: Path, *, owner: int, mimetype: str, file_name: str, sha256: str) -> str:
        """A handle for a file of ours, which lives on when its first name goes. Raises RpcError."""
        self._make_room(owner)
        handle = f"u_{secrets.token_urlsafe(18)}"
        await anyio.to_thread.run_sync(_link, source, self._folder / handle)
        size = (self._folder / handle).stat().st_size
        self._kept[handle] = Kept(owner, size, sha256, mimetype, file_name[:255], time.time())
        return handle

    def _make_room(self, owner: int) -> None:
        self.expire(time.time())
        self._admit()
        if sum(kept.owner == owner for kept in self._kept.values()) >= MAX_PER_OWNER:
            raise RpcError(
                "rate_limited", f"{MAX_PER_OWNER} uploads of yours wait to be used; use or drop some"
            )

    async def _write(self, fd: int, piece: bytes, digest: Any) -> None:
        space = os.fstatvfs(fd)
        if space.f_bavail * space.f_frsize < RESERVE:
            raise RpcError("disk_full", "too little space is left on the disk for uploads")

        def work() -> None:
            digest.update(piece)
            view = memoryview(piece)
            while view:
                view = view[os.write(fd, view) :]

        try:
            await anyio.to_thread.run_sync(work)
        except OSError as error:
            raise RpcError("disk_full", f"the upload cannot be kept: {error.strerror}") from error

    def find(self, handle: str, owner: int | None) -> tuple[Path, Kept]:
        """The file behind a handle. `owner` None may have all. Raises RpcError."""
        self.expire(time.time())
        kept = self._kept.get(handle)
        if kept is None or (owner is not None and kept.owner != owner):
            raise RpcError("not_found", "there is no upload with this handle (they are kept for a day)")
        return self._folder / handle, kept

    async def read(self, handle: str, *, owner: int | None) -> tuple[str, int, AsyncIterator[bytes]]:
        """The type, size and bytes."""
        path, kept = self.find(handle, owner)
        return kept.mimetype, kept.size, _pieces(path)

    def drop(self, handle: str) -> None:
        """Forget one."""
        if self._kept.pop(handle, None):
            (self._folder / handle).unlink(missing_ok=True)

    def expire(self, now: float) -> None:
        """Forget what is old."""
        for handle in [handle for handle, kept in self._kept.items() if kept.at < now - KEEP_S]:
            self.drop(handle)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while piece := await file.read(PIECE):
            yield piece
