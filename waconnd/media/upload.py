"""An encrypted file to the media hosts: host after host, token renewed once, large ones resumed (reference 03, 5.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec

from protocol.stanza.media import Hosts, upload_url
from waconnd import http_client
from waconnd.http_client import Body, HttpError, Route
from waconnd.media.hosts import MediaHosts
from waconnd.media.sealing import PIECE

#: From this size on it pays to ask first what the host has already.
RESUME_BYTES: Final = 5 * 1024 * 1024
HEADERS: Final = (
    ("Origin", "https://web.whatsapp.com"),
    ("Referer", "https://web.whatsapp.com/"),
    ("Content-Type", "application/octet-stream"),
)
_REFUSED: Final = frozenset({401, 403})
_FINAL: Final = {413: "too_large", 415: "bad_media"}


class MediaFailed(Exception):
    """It could not be moved. `causes`: host → what went wrong there."""

    def __init__(self, why: str, causes: dict[str, str], cause: str = "") -> None:
        super().__init__(why)
        self.causes, self.cause = causes, cause


class Placed(msgspec.Struct, frozen=True):
    """Where the file lies now."""

    direct_path: str
    url: str = ""
    handle: str = ""


class _Again(Exception):
    """The token was refused."""


async def upload(
    hosts: MediaHosts,
    path: Path,
    kind: str,
    digest: bytes,
    *,
    route: Route,
    scheme: str,
    newsletter: bool = False,
) -> Placed:
    """Raises MediaFailed, NotReady."""
    size = (await anyio.Path(path).stat()).st_size
    causes: dict[str, str] = {}
    held = await hosts.get()
    for attempt in (1, 2):
        try:
            return await _through(
                held, path, size, kind, digest, causes, route=route, scheme=scheme, newsletter=newsletter
            )
        except _Again:
            if attempt == 1:
                held = await hosts.get(refused=held)
    raise MediaFailed("the media hosts refuse our token, a renewed one too", causes, "upload")


async def _through(
    held: Hosts,
    path: Path,
    size: int,
    kind: str,
    digest: bytes,
    causes: dict[str, str],
    *,
    route: Route,
    scheme: str,
    newsletter: bool,
) -> Placed:
    for host in held.hosts:
        url = upload_url(host.name, kind, digest, held.auth, newsletter=newsletter, scheme=scheme)
        try:
            offset = 0
            if size >= RESUME_BYTES:
                known = await _ask_resume(url, path, size, route)
                if isinstance(known, Placed):
                    return known
                offset = known
            return await _send(url, path, size, offset, route)
        except HttpError as error:
            causes[host.name] = str(error)
    told = "; ".join(f"{name}: {why}" for name, why in causes.items())
    raise MediaFailed(f"no media host took the file ({told})", causes, "upload")


async def _ask_resume(url: str, path: Path, size: int, route: Route) -> int | Placed:
    """How much of it is there already; any trouble here means nothing."""
    nothing = Body(0, _pieces(path, size))
    try:
        async with http_client.request(
            "POST", f"{url}&resume=1", route=route, headers=HEADERS, body=nothing
        ) as response:
            if response.status in _REFUSED:
                raise _Again
            if response.status != 200:
                return 0
            said = _json(await response.small())
    except HttpError:
        return 0
    if said.get("resume") == "complete" and said.get("direct_path"):
        return _placed(said)
    have = str(said.get("resume", ""))
    return int(have) if have.isascii() and have.isdigit() and int(have) < size else 0


async def _send(url: str, path: Path, size: int, offset: int, route: Route) -> Placed:
    where = f"{url}&file_offset={offset}" if offset else url
    body = Body(size - offset, _pieces(path, offset))
    async with http_client.request("POST", where, route=route, headers=HEADERS, body=body) as response:
        status, answer = response.status, await response.small()
    if status in _REFUSED:
        raise _Again
    if status in _FINAL:
        raise MediaFailed(
            f"the media host refuses this file (HTTP {status})", {url: str(status)}, _FINAL[status]
        )
    if status >= 400:
        raise HttpError(f"HTTP {status}")
    said = _json(answer)
    if not isinstance(said.get("direct_path"), str):
        raise HttpError("the answer names no path")
    return _placed(said)


def _json(answer: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise HttpError("the answer is no JSON") from error


def _placed(said: dict[str, Any]) -> Placed:
    return Placed(str(said["direct_path"]), str(said.get("url", "")), str(said.get("handle", "")))


async def _pieces(path: Path, offset: int) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(offset)
        while piece := await file.read(PIECE):
            yield piece
