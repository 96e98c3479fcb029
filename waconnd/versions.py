"""Which version of WhatsApp Web we say we are: configured, fetched, or built in; never older than built in."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio
import h11
import msgspec

from protocol.stanza.version import BUILT_IN, SOURCES, Version, choose, find, is_stale, parse
from waconnd.config import Config

log = logging.getLogger(__name__)

#: How often we look whether it is time to look.
CHECK_SECONDS: Final = 3600.0
FETCH_SECONDS: Final = 15.0
#: The page is some hundred kilobytes.
MAX_PAGE: Final = 4 * 1024 * 1024
HOST: Final = "web.whatsapp.com"


class Fetched(msgspec.Struct, frozen=True):
    """A version and when it was seen, kept over restarts."""

    version: Version
    at: float


class Versions:
    """One for the daemon: all accounts say the same."""

    def __init__(self, config: Callable[[], Config], path: Path) -> None:
        self._config, self._path = config, path
        self._fetched: Fetched | None = None
        try:
            self._fetched = msgspec.json.decode(path.read_bytes(), type=Fetched)
        except (OSError, msgspec.DecodeError):
            pass

    @property
    def source(self) -> str:
        """`config`, `fetched` or `builtin`."""
        if self._config().endpoint.version:
            return "config"
        return "fetched" if self._fetched and self._fetched.version > BUILT_IN else "builtin"

    @property
    def current(self) -> Version:
        """What the next connection says."""
        configured = self._config().endpoint.version
        if configured:
            return parse(configured)
        return choose(self._fetched.version if self._fetched else None)

    @property
    def age(self) -> float | None:
        """Seconds since it was fetched."""
        return time.time() - self._fetched.at if self._fetched else None

    @property
    def _fixed(self) -> bool:
        endpoint = self._config().endpoint
        return bool(endpoint.version) or HOST not in endpoint.websocket_url

    async def run(self) -> None:
        """Look once a day. A failure is no fault: the version at hand is good until the server says otherwise."""
        while True:
            if not self._fixed and (self._fetched is None or is_stale(self._fetched.at, time.time())):
                await self.renew()
            await anyio.sleep(CHECK_SECONDS)

    async def renew(self) -> bool:
        """Fetch now; True when that brought a newer one. Against another server than WhatsApp's nothing is fetched."""
        if self._fixed:
            return False
        before = self.current
        found = await _look()
        if found is None:
            return False
        self._fetched = Fetched(found, time.time())
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        await anyio.Path(self._path).write_bytes(msgspec.json.encode(self._fetched))
        return self.current > before


async def _look() -> Version | None:
    """The version that WhatsApp's own files name, from the first that does."""
    for url in SOURCES:
        try:
            with anyio.fail_after(FETCH_SECONDS):
                page = await _fetch(url)
        except Exception as error:
            log.info("the current version of WhatsApp Web could not be looked up at %s: %s", url, error)
            continue
        if found := find(page.decode("utf-8", "replace")):
            return found
        log.warning("%s names no version any more; an upgrade of waconnd may be needed", url)
    return None


async def _fetch(url: str) -> bytes:
    path = url.removeprefix(f"https://{HOST}") or "/"
    stream = await anyio.connect_tcp(
        HOST, 443, tls=True, ssl_context=ssl.create_default_context(), tls_standard_compatible=False
    )
    async with stream:
        http = h11.Connection(h11.CLIENT)
        headers = [
            ("Host", HOST),
            ("Connection", "close"),
            ("sec-fetch-site", "none"),
            (
                "User-Agent",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0",
            ),
        ]
        request = http.send(h11.Request(method="GET", target=path, headers=headers)) or b""
        await stream.send(request + (http.send(h11.EndOfMessage()) or b""))
        body = bytearray()
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                try:
                    http.receive_data(await stream.receive())
                except anyio.EndOfStream:
                    http.receive_data(b"")
            elif isinstance(event, h11.Response) and event.status_code != 200:
                raise ConnectionError(f"HTTP {event.status_code}")
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_PAGE:
                    raise ConnectionError("the page is too large")
            elif isinstance(event, h11.EndOfMessage):
                return bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionError("the connection ended early")
