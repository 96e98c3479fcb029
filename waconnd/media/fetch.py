"""Files of messages, fetched once and kept for a while: from the hosts, or by way of the phone when those have lost them."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
import msgspec

from protocol.content import MediaRef
from protocol.crypto.media import MediaError
from protocol.errors import TimedOut
from protocol.flows.media import MediaGone, upload_again
from protocol.flows.people import kind_of
from waconnd.compose import targets
from waconnd.disk import require_room
from waconnd.logs import fields
from waconnd.media.download import MAX_BYTES, Expired, download
from waconnd.media.upload import MediaFailed
from waconnd.rpc.errors import RpcError
from waconnd.store.archive.media import Media

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.fleet import Fleet

log = logging.getLogger(__name__)

#: Files fetched at the same time: beyond that each only gets slower.
AT_ONCE: Final = 8
_MIB: Final = 1024 * 1024


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A checked file. It may be swept away later: link or copy what is to stay."""

    path: Path
    size: int
    sha256: bytes
    mimetype: str
    file_name: str


class Fetcher:
    """`fleet.fetcher`."""

    def __init__(self, fleet: Fleet, folder: Path, max_mb: int) -> None:
        self._fleet, self._folder, self._max = fleet, folder, max_mb * _MIB
        self._turns: dict[tuple[str, str, str], anyio.Lock] = defaultdict(anyio.Lock)
        self._limit: anyio.CapacityLimiter | None = None

    def open(self) -> None:
        """Make the folder; half-written files of an earlier process go."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob(".*"):
            path.unlink(missing_ok=True)

    async def fetch(
        self, account: Account, target: targets.Target, *, refresh: bool = False, max_bytes: int = MAX_BYTES
    ) -> Fetched:
        """The file of a message. Raises RpcError `media_failed`, `media_expired`, NotFound."""
        place = (account.name, str(target.chat), target.id)
        async with self._turns[place]:
            try:
                return await self._fetch(account, target, refresh=refresh, max_bytes=max_bytes)
            finally:
                if not self._turns[place].statistics().tasks_waiting:
                    del self._turns[place]

    async def _fetch(
        self, account: Account, target: targets.Target, *, refresh: bool, max_bytes: int
    ) -> Fetched:
        held = await self._fleet.archive.media.get(account.name, str(target.chat), target.id)
        ref = msgspec.convert(held.reference, MediaRef, strict=False)
        path = self._folder / ref.file_sha256.hex()
        if not path.exists() or refresh:
            if self._limit is None:
                self._limit = anyio.CapacityLimiter(AT_ONCE)
            async with self._limit:
                ref = await self._bring(
                    account, target, held, ref, path, refresh=refresh, max_bytes=max_bytes
                )
            await anyio.to_thread.run_sync(self._sweep, path)
        size = (await anyio.Path(path).stat()).st_size
        await self._ready(account, target, held, ref, path, size)
        return Fetched(
            path=path,
            size=size,
            sha256=ref.file_sha256,
            mimetype=ref.mimetype,
            file_name=ref.file_name,
        )

    async def _bring(
        self,
        account: Account,
        target: targets.Target,
        held: Media,
        ref: MediaRef,
        path: Path,
        *,
        refresh: bool,
        max_bytes: int,
    ) -> MediaRef:
        """From the hosts; when they have lost it, the phone is asked once."""
        require_room(self._folder, self._fleet.media.least_free_mb)
        try:
            if not refresh and ref.direct_path:
                try:
                    await self._download(account, ref, path, max_bytes)
                except Expired:
                    log.info(
                        "a file has expired on the media hosts; the phone is asked for it",
                        extra=fields(account=account.name),
                    )
                else:
                    return ref
            ref = await self._renewed(account, target, held, ref)
            await self._download(account, ref, path, max_bytes)
        except (Expired, MediaGone) as error:
            await self._gone(account, target)
            raise RpcError(
                "media_expired", f"the file is no longer there: {error}", retryable=False
            ) from None
        except MediaFailed as error:
            raise RpcError(
                "media_failed", str(error), cause=error.cause, causes=error.causes or None
            ) from None
        except MediaError as error:
            raise RpcError("media_failed", str(error), cause=error.code, retryable=False) from None
        return ref

    async def _download(self, account: Account, ref: MediaRef, path: Path, max_bytes: int) -> None:
        room = self._fleet.media
        route = room.route(account.name)
        await download(room.hosts(account), ref, path, route=route, scheme=room.scheme, max_bytes=max_bytes)

    async def _renewed(
        self, account: Account, target: targets.Target, held: Media, ref: MediaRef
    ) -> MediaRef:
        if not ref.media_key:
            raise MediaGone("it is not encrypted, and such files can't be asked for again")
        author = None if target.from_me else target.sender
        try:
            path = await account.flow(
                lambda ctx: upload_again(
                    ctx, target.chat, target.id, ref.media_key, from_me=target.from_me, author=author
                ),
                lane=f"media/{target.id}",
            )
        except TimedOut:
            raise RpcError(
                "media_expired", "the phone did not answer; it must be on and online", retry_after_s=60
            ) from None
        fresh = msgspec.structs.replace(ref, direct_path=path, url="")
        await self._fleet.archive.media.set_state(
            account.name, held.chat, held.id, "remote", reference=msgspec.to_builtins(fresh)
        )
        return fresh

    async def _ready(
        self, account: Account, target: targets.Target, held: Media, ref: MediaRef, path: Path, size: int
    ) -> None:
        if held.state == "ready" and held.path == str(path):
            return
        archive = self._fleet.archive
        await archive.media.set_state(account.name, held.chat, held.id, "ready", path=str(path))
        data = {"sha256": ref.file_sha256.hex(), "mimetype": ref.mimetype, "size": size}
        await archive.events.append(account.name, [_event("media.ready", account, target, data)])

    async def _gone(self, account: Account, target: targets.Target) -> None:
        archive = self._fleet.archive
        await archive.media.set_state(account.name, str(target.chat), target.id, "expired")
        data = {"refresh": "failed"}
        await archive.events.append(account.name, [_event("media.expired", account, target, data)])

    def _sweep(self, keep: Path) -> None:
        """The oldest go when all together are too large."""
        found = [(path.stat(), path) for path in self._folder.iterdir() if not path.name.startswith(".")]
        total = sum(about.st_size for about, _ in found)
        for about, path in sorted(found, key=lambda one: one[0].st_mtime):
            if total <= self._max:
                return
            if path != keep:
                path.unlink(missing_ok=True)
                total -= about.st_size


def _event(kind: str, account: Account, target: targets.Target, data: dict[str, Any]) -> dict[str, Any]:
    at = account.now()
    return {
        "type": kind,
        "at": at,
        "key": f"{kind}/{target.chat}/{target.id}/{os.urandom(4).hex()}",
        "id": target.id,
        "chat": {"id": str(target.chat), "kind": kind_of(target.chat)},
        **data,
    }
