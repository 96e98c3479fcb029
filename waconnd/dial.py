"""From an address to an open websocket, each stage with its own deadline and its own name in the error."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import anyio
import msgspec
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Event, State
from websockets.typing import Origin
from websockets.uri import parse_uri
from websockets.utils import apply_mask

from waconnd import proxy
from waconnd.entropy import entropy

#: Seconds for each stage; a person's patience for the whole is about twenty.
DNS_SECONDS: Final = 10.0
TCP_SECONDS: Final = 10.0
PROXY_SECONDS: Final = 10.0
TLS_SECONDS: Final = 10.0
UPGRADE_SECONDS: Final = 10.0
#: A frame of the protocol is below 2^24 bytes; one message may hold a little more than one.
MAX_MESSAGE: Final = 2**24 + 2**16
#: One read of the socket. Large, because all stanzas of one read share one fsync.
READ_SIZE: Final = 256 * 1024
#: Seconds between two addresses of one host that are tried (RFC 8305 says 250 ms).
HAPPY_EYEBALLS: Final = 0.25
CLOSE_SECONDS: Final = 2.0
#: The first two bytes of a frame (RFC 6455, 5.2): a whole binary message; its payload is masked.
_BINARY: Final = 0x82
_MASKED: Final = 0x80


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where WhatsApp is. The sandbox, or any other server, is only another endpoint."""

    websocket_url: str = "wss://web.whatsapp.com/ws/chat"
    origin: str = "https://web.whatsapp.com"
    ca_file: str = ""
    proxy: str = ""


class DialError(Exception):
    """No websocket: at which stage, with which HTTP status if there was one, and why in words."""

    def __init__(
        self,
        stage: str,
        detail: str,
        *,
        status: int | None = None,
        retry_after: float = 0.0,
        timed_out: bool = False,
    ) -> None:
        super().__init__(f"{stage}: {detail}")
        self.stage, self.detail, self.timed_out = stage, detail, timed_out
        self.status, self.retry_after = status, retry_after


class SocketClosed(Exception):
    """The websocket is gone; `code` is 1006 when the other end just went away."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code, self.reason = code, reason


class TextFrame(msgspec.Struct, frozen=True):
    """A text message: never part of the protocol; the reader warns and goes on."""

    size: int


class WebSocket:
    """A client's websocket over an anyio stream, driven by the sans-I/O half of `websockets`."""

    def __init__(self, stream: ByteStream, protocol: ClientProtocol, early: list[Event]) -> None:
        self._stream = stream
        self._protocol = protocol
        #: What came in one read with the answer to the upgrade.
        self._early = early
        self._parts: list[bytes] = []
        self._text = False
        self._frames: list[bytes] = []
        self._sending = anyio.Lock()

    async def receive(self) -> list[bytes | TextFrame]:
        """Every message that is there, at least one. Raises SocketClosed."""
        while True:
            messages = self._messages()
            await self._flush()
            if messages:
                return messages
            if self._protocol.close_expected():
                raise self._closed()
            try:
                data = await self._stream.receive(READ_SIZE)
            except anyio.EndOfStream:
                self._protocol.receive_eof()
                raise self._closed() from None
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError) as error:
                raise SocketClosed(1006, f"connection lost ({type(error).__name__})") from error
            self._protocol.receive_data(data)

    async def send(self, *messages: bytes) -> None:
        """Binary messages, in one write."""
        if self._protocol.state is not State.OPEN:
            # The server has closed it, and the reader has not come round to say so yet.
            raise self._closed()
        self._frames += map(_frame, messages)
        await self._flush()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, but never wait long for an answer."""
        # The goodbye is a courtesy.
        with anyio.move_on_after(CLOSE_SECONDS, shield=True), contextlib.suppress(Exception):
            self._protocol.send_close(code, reason)
            await self._flush()
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(self._stream)

    async def _flush(self) -> None:
        async with self._sending:
            frames, self._frames = self._frames, []
            data = b"".join([*frames, *self._protocol.data_to_send()])
            if not data:
                return
            try:
                await self._stream.send(data)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError) as error:
                raise SocketClosed(1006, f"connection lost ({type(error).__name__})") from error

    def _messages(self) -> list[bytes | TextFrame]:
        messages: list[bytes | TextFrame] = []
        events, self._early = [*self._early, *self._protocol.events_received()], []
        for event in events:
            if not isinstance(event, Frame):
                continue
            if event.opcode in (Opcode.TEXT, Opcode.BINARY):
                self._text = event.opcode is Opcode.TEXT
                self._parts = [bytes(event.data)]
            elif event.opcode is Opcode.CONT:
                self._parts.append(bytes(event.data))
            else:
                continue
            if event.fin:
                data = b"".join(self._parts)
                self._parts = []
                messages.append(TextFrame(len(data)) if self._text else data)
        return messages

    def _closed(self) -> SocketClosed:
        close = self._protocol.close_rcvd
        if close is None:
            return SocketClosed(1006, "the server closed the connection")
        return SocketClosed(close.code, close.reason or "the server closed the connection")


def _frame(data: bytes) -> bytes:
    """A binary message with its mask. `websockets` asks the kernel for each mask, and each such call hands the
    interpreter to another thread and waits to get it back; the core's random bytes are drawn by the thousand.
    """
    size, mask = len(data), entropy(4)
    if size < 126:
        head = bytes((_BINARY, _MASKED | size))
    elif size < 1 << 16:
        head = struct.pack("!BBH", _BINARY, _MASKED | 126, size)
    else:
        head = struct.pack("!BBQ", _BINARY, _MASKED | 127, size)
    return head + mask + apply_mask(data, mask)


@asynccontextmanager
async def dial(endpoint: Endpoint) -> AsyncIterator[WebSocket]:
    """Open a websocket. Raises DialError; whatever was opened is closed on the way out."""
    uri = urlsplit(endpoint.websocket_url)
    host, secure = uri.hostname or "", uri.scheme == "wss"
    port = uri.port or (443 if secure else 80)
    stream = await _tcp(host, port, endpoint.proxy)
    try:
        if secure:
            stream = await _tls(stream, host, endpoint.ca_file)
        protocol, early = await _upgrade(stream, endpoint)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
        raise
    websocket = WebSocket(stream, protocol, early)
    try:
        yield websocket
    finally:
        await websocket.close()


async def _tcp(host: str, port: int, proxy_url: str) -> ByteStream:
    via = proxy.parse(proxy_url) if proxy_url else None
    target, target_port = (via.hostname or "", via.port or 0) if via else (host, port)
    with _stage("dns", DNS_SECONDS, f"looking up {target}"):
        try:
            await anyio.getaddrinfo(target, target_port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise DialError("dns", f"{target} could not be looked up ({error.strerror or error})") from error
    with _stage("tcp", TCP_SECONDS, f"connecting to {target}:{target_port}"):
        try:
            stream: ByteStream = await anyio.connect_tcp(
                target, target_port, happy_eyeballs_delay=HAPPY_EYEBALLS
            )
        except OSError as error:
            raise DialError("tcp", f"{target}:{target_port} could not be reached ({error})") from error
    if via is None:
        return stream
    try:
        with _stage("proxy", PROXY_SECONDS, "waiting for the proxy"):
            await proxy.tunnel(stream, via, host, port)
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
        if isinstance(
            error, proxy.ProxyError | anyio.IncompleteRead | anyio.DelimiterNotFound | anyio.EndOfStream
        ):
            raise DialError("proxy", str(error) or "the proxy closed the connection") from error
        raise
    return stream


async def _tls(stream: ByteStream, host: str, ca_file: str) -> ByteStream:
    context = ssl.create_default_context(cafile=ca_file or None)
    with _stage("tls", TLS_SECONDS, "the TLS handshake"):
        try:
            return await TLSStream.wrap(stream, hostname=host, ssl_context=context, standard_compatible=False)
        except ssl.SSLCertVerificationError as error:
            raise DialError(
                "tls", f"the certificate of {host} is not trusted ({error.verify_message})"
            ) from error
        except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
            raise DialError("tls", f"TLS with {host} failed ({error})") from error


async def _upgrade(stream: ByteStream, endpoint: Endpoint) -> tuple[ClientProtocol, list[Event]]:
    protocol = ClientProtocol(
        parse_uri(endpoint.websocket_url),
        origin=Origin(endpoint.origin),
        extensions=None,
        max_size=MAX_MESSAGE,
    )
    request = protocol.connect()
    request.headers["Cache-Control"] = request.headers["Pragma"] = "no-cache"
    protocol.send_request(request)
    with _stage("upgrade", UPGRADE_SECONDS, "waiting for the websocket upgrade"):
        try:
            await stream.send(b"".join(protocol.data_to_send()))
            while not (events := protocol.events_received()):
                protocol.receive_data(await stream.receive(READ_SIZE))
        except anyio.EndOfStream as error:
            raise DialError("upgrade", "the server closed the connection during the upgrade") from error
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise DialError("upgrade", "the connection broke during the upgrade") from error
    response = events[0]
    failure = protocol.handshake_exc
    if failure is not None:
        if isinstance(failure, InvalidStatus) and isinstance(response, Response):
            status = response.status_code
            raise DialError(
                "upgrade",
                f"the server answered HTTP {status} to the websocket upgrade",
                status=status,
                retry_after=_retry_after(response.headers),
            )
        raise DialError("upgrade", f"the server's answer is no websocket upgrade ({failure})")
    return protocol, events[1:]


def _retry_after(headers: Headers) -> float:
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0


class _stage:  # noqa: N801 - reads as a statement
    """A deadline that names its stage."""

    def __init__(self, stage: str, seconds: float, doing: str) -> None:
        self._stage, self._seconds, self._doing = stage, seconds, doing
        self._scope = anyio.fail_after(seconds)

    def __enter__(self) -> None:
        self._scope.__enter__()

    def __exit__(self, *exc: object) -> bool | None:
        try:
            return self._scope.__exit__(*exc)  # type: ignore[arg-type]
        except TimeoutError:
            raise DialError(
                self._stage, f"{self._doing} took longer than {self._seconds:g} s", timed_out=True
            ) from None
