"""HTTP/1.1 as a client: h11 over anyio, bodies streamed both ways, limits on silence instead of on the whole.

One connection a request: media transfers are few and large. With `public_only` the address that is dialled has been
looked at, so that nobody can make the daemon read what only its host may reach.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin, urlsplit

import anyio
import h11
import msgspec
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

from waconnd import proxy

CONNECT_SECONDS: Final = 15.0
#: A transfer lives as long as something moves.
IDLE_SECONDS: Final = 60.0
MAX_REDIRECTS: Final = 5
READ_SIZE: Final = 64 * 1024
#: Answers that are read whole are a few hundred bytes of JSON, or a page's head.
MAX_SMALL: Final = 1024 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class HttpError(Exception):
    """No usable answer, and why in words."""


class PrivateAddress(HttpError):
    """The address belongs to this host or its network, which a stranger's URL has no business with."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """How to get out: proxy, authorities, and whether private addresses are refused."""

    proxy: str = ""
    ca_file: str = ""
    public_only: bool = False
    idle_s: float = IDLE_SECONDS


class Body(msgspec.Struct, frozen=True):
    """What is uploaded: its length and its pieces."""

    length: int
    pieces: AsyncIterator[bytes]


class Response:
    """Status and headers; the body comes when it is asked for."""

    def __init__(self, wire: _Wire, head: h11.Response) -> None:
        self._wire = wire
        self.status = head.status_code
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}

    @property
    def length(self) -> int:
        """What the server announces, 0 when it does not."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises HttpError when it breaks off."""
        while True:
            event = await self._wire.event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise HttpError("the server closed the connection within its answer")

    async def small(self, limit: int = MAX_SMALL) -> bytes:
        """The whole body of an answer that must be small."""
        out = bytearray()
        async for piece in self.pieces():
            out += piece
            if len(out) > limit:
                raise HttpError(f"the answer is longer than {limit} bytes")
        return bytes(out)


class _Wire:
    """A stream with h11 on it."""

    def __init__(self, stream: ByteStream, idle_s: float) -> None:
        self._stream, self._idle = stream, idle_s
        self.connection = h11.Connection(h11.CLIENT)

    async def event(self) -> object:
        """The next thing that the server says."""
        while True:
            try:
                event = self.connection.next_event()
                if event is not h11.NEED_DATA:
                    return event
                self.connection.receive_data(await self._read())
            except h11.RemoteProtocolError as error:
                raise HttpError(f"the server's answer makes no sense ({error})") from error

    async def _read(self) -> bytes:
        try:
            with anyio.fail_after(self._idle):
                return await self._stream.receive(READ_SIZE)
        except TimeoutError:
            raise HttpError(f"the server said nothing for {self._idle:g} s") from None
        except anyio.EndOfStream:
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError, OSError) as error:
            raise HttpError(f"the connection broke ({type(error).__name__})") from error

    async def send(self, event: h11.Event) -> None:
        """Raises HttpError when nothing can be written."""
        data = self.connection.send(event)
        if not data:
            return
        try:
            with anyio.fail_after(self._idle):
                await self._stream.send(data)
        except TimeoutError:
            raise HttpError(f"the server took nothing for {self._idle:g} s") from None
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError, OSError) as error:
            raise HttpError(f"the connection broke while sending ({type(error).__name__})") from error


@asynccontextmanager
async def request(
    method: str, url: str, *, route: Route, headers: Iterable[tuple[str, str]] = (), body: Body | None = None
) -> AsyncIterator[Response]:
    """One exchange, redirects not followed. Raises HttpError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HttpError(f"{parts.scheme or 'this'} is no address that can be asked; https is")
    stream = await _connect(parts.scheme, parts.hostname, parts.port, route)
    try:
        wire = _Wire(stream, route.idle_s)
        target = parts.path or "/"
        head = [("Host", parts.netloc.rpartition("@")[2]), ("Connection", "close"), *headers]
        if body is not None:
            head.append(("Content-Length", str(body.length)))
        await wire.send(
            h11.Request(
                method=method, target=target + (f"?{parts.query}" if parts.query else ""), headers=head
            )
        )
        await _send_body(wire, body)
        yield Response(wire, await _head(wire))
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)


@asynccontextmanager
async def get(url: str, *, route: Route, headers: Iterable[tuple[str, str]] = ()) -> AsyncIterator[Response]:
    """A GET that follows redirects; each hop is looked at like the first."""
    given = list(headers)
    for _ in range(MAX_REDIRECTS + 1):
        async with request("GET", url, route=route, headers=given) as response:
            where = response.headers.get("location", "")
            if response.status not in _REDIRECTS or not where:
                yield response
                return
        url = urljoin(url, where)
    raise HttpError(f"more than {MAX_REDIRECTS} redirects")


async def _send_body(wire: _Wire, body: Body | None) -> None:
    """A server that refuses early closes its reading half: its answer says more than our error."""
    try:
        if body is not None:
            async for piece in body.pieces:
                await wire.send(h11.Data(data=piece))
        await wire.send(h11.EndOfMessage())
    except HttpError:
        if wire.connection.their_state is h11.SEND_RESPONSE:
            return
        raise


async def _head(wire: _Wire) -> h11.Response:
    while True:
        event = await wire.event()
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse):
            raise HttpError("the server closed the connection without an answer")


async def _connect(scheme: str, host: str, port: int | None, route: Route) -> ByteStream:
    number = port or (443 if scheme == "https" else 80)
    via = proxy.parse(route.proxy) if route.proxy else None
    try:
        with anyio.fail_after(CONNECT_SECONDS):
            target = (via.hostname or "", via.port or 0) if via else (host, number)
            address = await _public(host, number) if route.public_only and via is None else target[0]
            stream: ByteStream = await anyio.connect_tcp(address, target[1])
            try:
                if via is not None:
                    await proxy.tunnel(stream, via, host, number)
                if scheme == "https":
                    context = ssl.create_default_context(cafile=route.ca_file or None)
                    stream = await TLSStream.wrap(
                        stream, hostname=host, ssl_context=context, standard_compatible=False
                    )
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await anyio.aclose_forcefully(stream)
                raise
            return stream
    except TimeoutError:
        raise HttpError(f"{host} could not be reached within {CONNECT_SECONDS:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise HttpError(f"the certificate of {host} is not trusted ({error.verify_message})") from error
    except (OSError, proxy.ProxyError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
        raise HttpError(f"{host} could not be reached ({error or type(error).__name__})") from error


async def _public(host: str, port: int) -> str:
    """An address of the host, all of whose addresses are public: what is looked at is what is dialled."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        ip = ipaddress.ip_address(address.partition("%")[0])
        inner = getattr(ip, "ipv4_mapped", None) or ip
        if not inner.is_global or inner.is_multicast:
            raise PrivateAddress(
                f"{host} is an address of a private network; the daemon reads public ones only"
            )
    if not addresses:
        raise HttpError(f"{host} has no address")
    return addresses[0]
