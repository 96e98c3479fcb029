"""What stands under a link: title, description and picture of the page, read by the daemon when it may."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

from protocol.content.outgoing import Preview
from waconnd import http_client
from waconnd.http_client import HttpError, Response, Route
from waconnd.media.thumbnails import thumbnail

LINK: Final = re.compile(r"https?://[^\s<>\"']+")
#: What is needed of a page stands in its head.
MAX_PAGE: Final = 512 * 1024
MAX_PICTURE: Final = 5 * 1024 * 1024
MAX_TITLE: Final = 256
MAX_DESCRIPTION: Final = 512
#: Pages show themselves differently to strangers; this one they know.
HEADERS: Final = (("User-Agent", "WhatsApp/2"), ("Accept", "text/html"))


async def of_text(text: str, route: Route) -> Preview | None:
    """The preview of the first link; a page that can't be read has none, and the message goes without."""
    found = LINK.search(text)
    if found is None:
        return None
    url = found[0].rstrip(".,;:!?)")
    try:
        async with http_client.get(url, route=route, headers=HEADERS) as response:
            if response.status != 200 or "html" not in response.headers.get("content-type", "html"):
                return None
            page = _Head()
            page.feed((await _first(response, MAX_PAGE)).decode("utf-8", "replace"))
    except HttpError:
        return None
    if not page.title:
        return None
    return Preview(
        url=url,
        title=page.title[:MAX_TITLE],
        description=page.description[:MAX_DESCRIPTION],
        thumbnail=await _picture(urljoin(url, page.picture), route) if page.picture else b"",
    )


async def _picture(url: str, route: Route) -> bytes:
    try:
        async with http_client.get(url, route=route) as response:
            if response.status != 200 or response.length > MAX_PICTURE:
                return b""
            return thumbnail(io.BytesIO(await response.small(MAX_PICTURE)))
    except HttpError:
        return b""


async def _first(response: Response, limit: int) -> bytes:
    out = bytearray()
    async for piece in response.pieces():
        out += piece
        if len(out) >= limit:
            break
    return bytes(out[:limit])


class _Head(HTMLParser):
    """Reads `<title>` and the `og:` members."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._meta: dict[str, str] = {}
        self._in_title = False
        self._title = ""

    @property
    def title(self) -> str:
        return self._meta.get("og:title") or self._title.strip()

    @property
    def description(self) -> str:
        return self._meta.get("og:description") or self._meta.get("description", "")

    @property
    def picture(self) -> str:
        return self._meta.get("og:image", "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta":
            name = (given.get("property") or given.get("name") or "").lower()
            self._meta.setdefault(name, (given.get("content") or "").strip())
        self._in_title = tag == "title" and not self._title

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title += data
