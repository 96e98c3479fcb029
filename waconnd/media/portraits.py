"""Profile pictures: kept as files under the id that WhatsApp gives them, asked for again when that may be another."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import anyio.to_thread
import msgspec

from protocol.flows.profile import picture_of
from protocol.jid import Jid
from waconnd import http_client
from waconnd.http_client import HttpError
from waconnd.rpc.errors import RpcError

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.fleet import Fleet

#: The apps send squares of 640 pixels.
MAX_BYTES: Final = 4 * 1024 * 1024


class Portrait(msgspec.Struct, frozen=True):
    """A picture that is here."""

    path: Path
    etag: str


async def fetch(
    fleet: Fleet, account: Account, who: Jid, size: Literal["preview", "image"]
) -> Portrait | None:
    """The picture of a person or group; None when we may see none. Raises RpcError, NotReady."""
    folder = _folder(fleet, account.name)
    stem = hashlib.sha256(f"{who}/{size}".encode()).hexdigest()[:32]
    held = next(iter(sorted(folder.glob(f"{stem}.*.jpg"))), None) if folder.exists() else None
    known = held.name.split(".")[1] if held is not None else ""
    found = await account.flow(lambda ctx: picture_of(ctx, who, size, known=known))
    if found.unchanged and held is not None:
        return Portrait(held, known)
    if held is not None:
        held.unlink(missing_ok=True)
    if not found.url:
        return None
    data = await _download(fleet, account, found.url)
    etag = found.id if found.id.isalnum() else hashlib.sha256(found.id.encode()).hexdigest()[:16]
    path = folder / f"{stem}.{etag}.jpg"
    await anyio.to_thread.run_sync(_write, path, data)
    return Portrait(path, etag)


def _folder(fleet: Fleet, account: str) -> Path:
    return fleet.media.scratch.parent / "pictures" / account


async def _download(fleet: Fleet, account: Account, url: str) -> bytes:
    # The server writes the address out; the configuration says how media hosts are asked.
    url = f"{fleet.media.scheme}://{url.partition('://')[2]}"
    try:
        async with http_client.get(url, route=fleet.media.route(account.name)) as response:
            if response.status != 200:
                raise HttpError(f"HTTP {response.status}")
            return await response.small(MAX_BYTES)
    except HttpError as error:
        raise RpcError("media_failed", f"the picture could not be fetched: {error}") from error


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)
