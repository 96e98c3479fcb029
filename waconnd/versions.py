"""Which version of WhatsApp Web we say we are: configured, fetched, or built in; never older than built in."""

from __future__ import annotations

import logging
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio
import h11
import msgspec

from protocol.flows.context import Settings
from waconnd.config import Config

log = logging.getLogger(__name__)

Version = tuple[int, int, int]
BUILT_IN: Final[Version] = Settings().version
#: Looked up again after a day, and when a login was refused for it.
FRESH_SECONDS: Final = 86400.0
FETCH_SECONDS: Final = 15.0
#: The page is some hundred kilobytes.
MAX_PAGE: Final = 4 * 1024 * 1024
HOST: Final = "web.whatsapp.com"
PATTERN: Final = re.compile(rb'\\?"client_revision\\?":\s*(\d+)')


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
            first, second, third = configured.split(".")
            return int(first), int(second), int(third)
        return max(BUILT_IN, self._fetched.version) if self._fetched else BUILT_IN

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
            if not self._fixed and (self.age is None or self.age > FRESH_SECONDS):
                await self.renew()
            await anyio.sleep(FRESH_SECONDS / 24)

    async def renew(self) -> bool:
        """Fetch now; True when that brought a newer one. Against another server than WhatsApp's nothing is fetched."""
        if self._fixed:
            return False
        before = self.current
        try:
            with anyio.fail_after(FETCH_SECONDS):
                page = await _fetch("/sw.js")
        except Exception as error:
            log.info("the current version of WhatsApp Web could not be looked up: %s", error)
            return False
        found = PATTERN.search(page)
        if found is None:
            log.warning("WhatsApp's page names no version any more; an upgrade of waconnd may be needed")
            return False
        self._fetched = Fetched((2, 3000, int(found[1])), time.time())
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        await anyio.Path(self._path).write_bytes(msgspec.json.encode(self._fetched))
        return self.current > before


async def _fetch(path: str) -> bytes:
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
