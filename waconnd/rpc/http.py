"""HTTP/1.1 on the socket, parsed by h11: one exchange after the other, bounded, with streamed bodies both ways.

A browser must never be a client: a page that somebody proxied the socket to could else send messages. So a request with
`Origin`, `Referer` or `Sec-Fetch-Site` is refused, and so is a `Host` with a dot in it: a name that DNS rebinding could use has one.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import h11
import msgspec

from waconnd.rpc.errors import RpcError
from waconnd.rpc.stream import UnixStream, close_all

#: A request line and headers of a well-behaved client are below one.
MAX_HEADERS: Final = 16 * 1024

#: As a line of JSON-RPC.
MAX_BODY: Final = 2 * 1024 * 1024

#: From the first byte of a request to the end of its headers.
HEADERS_S: Final = 30.0

#: Between two pieces of a streamed body.
BODY_IDLE_S: Final = 30.0

#: Between two requests on one connection.
KEEP_ALIVE_S: Final = 75.0

#: A reader that takes nothing for so long is gone; it resumes by its cursor.
STALLED_S: Final = 30.0

#: How often we look whether a client that waits is still there.
HANGUP_S: Final = 1.0

_BROWSER: Final = (b"origin", b"referer", b"sec-fetch-site")

JSON: Final = "application/json"

_REASONS: Final = {
    100: "Continue",
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    429: "Too Many Requests",
    499: "Client Closed Request",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Hangup(Exception):
    """The client is gone."""


class Exchange:
    """One request and its response."""

    def __init__(self, connection: HttpConnection, request: h11.Request) -> None:
        self._connection = connection
        self.method = request.method.decode("ascii", "replace")
        # Always a path on a socket of our own: an absolute URL here is some proxy's mistake, and finds no page.
        path, _, query = request.target.decode("ascii", "replace").partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        self.responded = False

    def refuse_browsers(self) -> None:
        """Raise RpcError for what a web page could have caused."""
        for name in _BROWSER:
            if name.decode() in self.headers:
                raise RpcError(
                    "permission_denied",
                    f"a request with `{name.decode().title()}` is refused: web pages have no business here",
                    advice="a web panel talks to its own server, and that server to this socket",
                )
        host = self.headers.get("host", "").rpartition(":")[0] or self.headers.get("host", "")
        if "." in host or "[" in host:
            raise RpcError(
                "permission_denied", "`Host` is `localhost` on this socket, or any name without a dot"
            )

    async def body(self) -> AsyncIterator[bytes]:
        """The request's body as it comes. Raises RpcError when it stalls or breaks off."""
        while True:
            try:
                event = await self._connection.next_event(BODY_IDLE_S, "the body")
            except h11.RemoteProtocolError as error:
                raise RpcError("invalid_request", f"the body makes no sense: {error}") from None
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise Hangup

    async def small_body(self) -> bytes:
        """The whole body, bounded."""
        out = bytearray()
        async for chunk in self.body():
            out += chunk
            if len(out) > MAX_BODY:
                sentence = f"the body may have {MAX_BODY} bytes; send large data by `PUT /media`"
                raise RpcError("invalid_request", sentence)
        return bytes(out)

    async def respond(
        self,
        status: int,
        body: bytes,
        content_type: str = JSON,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """A whole response."""
        await self._connection.send(
            self._head(
                status, [*headers, ("Content-Type", content_type), ("Content-Length", str(len(body)))]
            ),
            # A HEAD's response says how long it would be, and stays empty.
            h11.Data(data=b"" if self.method == "HEAD" else body),
            h11.EndOfMessage(),
        )

    async def fail(self, error: RpcError) -> None:
        """An error object with its status."""
        retry = error.data.get("retry_after_s")
        headers = [] if retry is None else [("Retry-After", str(max(1, round(retry))))]
        body = msgspec.json.encode({"error": error.as_object()}) + b"\n"
        await self.respond(error.http_status, body, headers=headers)

    async def begin(
        self, content_type: str, headers: Iterable[tuple[str, str]] = ()
    ) -> Callable[[bytes], Awaitable[None]]:
        """A response of unknown length: gives what writes its pieces."""
        await self._connection.send(
            self._head(200, [*headers, ("Content-Type", content_type), ("Cache-Control", "no-store")])
        )

        async def write(data: bytes) -> None:
            await self._connection.send(h11.Data(data=data))

        return write

    async def end(self) -> None:
        """The end of what `begin` began."""
        await self._connection.send(h11.EndOfMessage())

    def _head(self, status: int, headers: list[tuple[str, str]]) -> h11.Response:
        self.responded = True
        headers += [("Server", "waconnd"), ("X-Content-Type-Options", "nosniff")]
        if not self._connection.reusable:
            headers.append(("Connection", "close"))
        reason = _REASONS.get(status, "").encode()
        return h11.Response(status_code=status, headers=headers, reason=reason)


class HttpConnection:
    """A connection whose first byte was a letter."""

    def __init__(self, stream: UnixStream, first: bytes) -> None:
        self._stream = stream
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADERS)
        self._h11.receive_data(first)

    async def run(self, handle: Callable[[Exchange], Awaitable[None]]) -> None:
        """Serve one exchange after the other until either side is done."""
        try:
            first = True
            while True:
                event = await self.next_event(HEADERS_S if first else KEEP_ALIVE_S, "the request")
                first = False
                if not isinstance(event, h11.Request):
                    return
                await self._one(Exchange(self, event), handle)
                if not await self._again():
                    return
        except Hangup:
            return
        except h11.RemoteProtocolError as error:
            await self._bad(error.error_status_hint, str(error))
        except RpcError as error:
            await self._bad(error.http_status, error.message)

    async def _one(self, exchange: Exchange, handle: Callable[[Exchange], Awaitable[None]]) -> None:
        error: RpcError | None = None
        gone = False
        # Who hangs up while we work for them ends the work; what was made durable stays.
        with anyio.CancelScope() as scope, self._watching(scope):
            try:
                exchange.refuse_browsers()
                await handle(exchange)
            except RpcError as raised:
                error = raised
            except Hangup:
                gone = True
        if error is not None and not exchange.responded:
            await exchange.fail(error)
        elif gone or error is not None or not exchange.responded:
            raise Hangup

    @contextmanager
    def _watching(self, scope: anyio.CancelScope) -> Iterator[None]:
        """What the kernel knows of the other end has no event to wait for while we don't read: it is looked at now and then."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def look() -> None:
            nonlocal timer
            if self._stream.hung_up:
                scope.cancel()
            else:
                timer = loop.call_later(HANGUP_S, look)

        timer = loop.call_later(HANGUP_S, look)
        try:
            yield
        finally:
            timer.cancel()

    async def _again(self) -> bool:
        if self._h11.our_state is not h11.DONE:
            return False
        # What the handler left unread of the body is read away, as far as it is small.
        drained = 0
        while self._h11.their_state is h11.SEND_BODY:
            event = await self.next_event(BODY_IDLE_S, "the rest of the body")
            if isinstance(event, h11.Data):
                drained += len(event.data)
            if drained > MAX_BODY or isinstance(event, h11.ConnectionClosed):
                return False
        if self._h11.their_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        return True

    @property
    def reusable(self) -> bool:
        """Whether another request may follow: not after a body that the handler did not want."""
        return (
            self._h11.their_state in (h11.DONE, h11.SEND_BODY)
            and not self._h11.they_are_waiting_for_100_continue
        )

    async def next_event(self, within_s: float, what: str) -> h11.Event | type:
        """The next thing that the client says. Raises RpcError when it takes too long."""
        while True:
            event = self._h11.next_event()
            if not isinstance(event, type) or event is h11.PAUSED:
                return event
            if self._h11.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
            try:
                data, fds = await self._stream.receive(within_s)
                close_all(fds)
            except TimeoutError:
                if self._h11.their_state is h11.IDLE and not self._h11.trailing_data[0]:
                    raise Hangup from None
                raise RpcError("timeout", f"{what} did not come within {within_s:g} s") from None
            self._h11.receive_data(data)

    async def send(self, *events: h11.Event) -> None:
        """In one write: each wakes the client."""
        data = b"".join(self._h11.send(event) or b"" for event in events)
        if data:
            with anyio.CancelScope(shield=True):
                await self._stream.send(data, within_s=STALLED_S)

    async def _bad(self, status: int, sentence: str) -> None:
        if self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        body = msgspec.json.encode({"error": RpcError("invalid_request", sentence).as_object()}) + b"\n"
        headers = [("Content-Type", JSON), ("Content-Length", str(len(body))), ("Connection", "close")]
        reason = _REASONS.get(status, "Bad Request").encode()
        await self.send(
            h11.Response(status_code=status, headers=headers, reason=reason),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
