"""Files that the protocol itself refers to: app state and history. Fetched like media, with every check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from protocol.content import MediaRef
from protocol.crypto.media import MediaError
from protocol.errors import ProtocolError
from protocol.flows.questions import BlobFailed, BlobGone, WantBlob
from waconnd.account import NotReady
from waconnd.http_client import HttpError
from waconnd.media.download import Expired, download
from waconnd.media.upload import MediaFailed

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.fleet import Fleet

#: A copy of a collection is read whole into memory.
MAX_STATE: Final = 64 * 1024 * 1024
#: A piece of history is read from its file bit by bit.
MAX_HISTORY: Final = 256 * 1024 * 1024


async def fetch(fleet: Fleet, account: Account, wanted: WantBlob, target: Path, max_bytes: int) -> None:
    """Download, check and decrypt into a file. Raises BlobFailed, BlobGone."""
    room = fleet.media
    ref = MediaRef(
        kind=wanted.kind,
        direct_path=wanted.direct_path,
        media_key=wanted.media_key,
        file_sha256=wanted.sha256,
        file_enc_sha256=wanted.enc_sha256,
    )
    try:
        await download(
            room.hosts(account),
            ref,
            target,
            route=room.route(account.name),
            scheme=room.scheme,
            max_bytes=max_bytes,
        )
    except Expired as error:
        raise BlobGone(f"the media hosts no longer have it ({error})") from error
    except (MediaFailed, MediaError, HttpError, NotReady, ProtocolError, OSError) as error:
        raise BlobFailed(f"{type(error).__name__}: {error}") from error


async def read(fleet: Fleet, account: Account, wanted: WantBlob) -> bytes:
    """The whole of a file of app state. Raises BlobFailed, BlobGone."""
    target = fleet.media.temporary()
    try:
        await fetch(fleet, account, wanted, target, MAX_STATE)
        return await anyio.to_thread.run_sync(target.read_bytes)
    finally:
        target.unlink(missing_ok=True)
