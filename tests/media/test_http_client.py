"""The HTTP client against servers that behave and that do not."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import pytest
from anyio.abc import SocketStream

from waconnd.http_client import Body, HttpError, PrivateAddress, Route, get, request

Serve = Callable[[SocketStream, bytes], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """Gives each connection's head to `serve`."""

    async def handle(stream: SocketStream) -> None:
        async with stream:
            head = b""
            with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while b"\r\n\r\n" not in head:
                    head += await stream.receive()
                await serve(stream, head)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield f"http://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_body_goes_up_and_an_answer_comes_down() -> None:
    async def serve(stream: SocketStream, head: bytes) -> None:
        body = head.split(b"\r\n\r\n")[1]
        while len(body) < 6:
            body += await stream.receive()
        await stream.send(answer(200, body.upper()))

    async with server(serve) as url:
        up = Body(6, pieces(b"abc", b"def"))
        async with request("POST", f"{url}/x?y=1", route=Route(), body=up) as response:
            assert (response.status, await response.small()) == (200, b"ABCDEF")


async def test_redirects_are_followed_and_end() -> None:
    async def serve(stream: SocketStream, head: bytes) -> None:
        path = head.split(b" ")[1].decode()
        if path == "/end":
            await stream.send(answer(200, b"here"))
        else:
            await stream.send(answer(302, b"", f"Location: {'/end' if path == '/start' else path + 'x'}"))

    async with server(serve) as url:
        async with get(f"{url}/start", route=Route()) as response:
            assert await response.small() == b"here"
        with pytest.raises(HttpError, match="redirects"):
            async with get(f"{url}/loop", route=Route()):
                pass


async def test_an_early_refusal_is_heard_while_the_body_still_goes() -> None:
    async def serve(stream: SocketStream, head: bytes) -> None:
        await stream.send(answer(413, b"too large", "Connection: close"))

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(2000):
            yield bytes(64 * 1024)

    async with server(serve) as url:
        body = Body(2000 * 64 * 1024, endless())
        try:
            async with request("POST", url, route=Route(idle_s=5), body=body) as response:
                assert response.status == 413
        except HttpError as error:
            # A reset may overtake the answer; it must be an error in words all the same.
            assert "connection" in str(error)


async def test_silence_has_an_end() -> None:
    async def serve(stream: SocketStream, head: bytes) -> None:
        await anyio.sleep(30)

    async with server(serve) as url:
        with pytest.raises(HttpError, match="said nothing"):
            async with request("GET", url, route=Route(idle_s=0.1)):
                pass


async def test_an_answer_that_breaks_off_is_none() -> None:
    async def serve(stream: SocketStream, head: bytes) -> None:
        await stream.send(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nonly this")

    async with server(serve) as url, request("GET", url, route=Route()) as response:
        with pytest.raises(HttpError):
            await response.small()


async def test_nonsense_is_an_error_in_words() -> None:
    async def serve(stream: SocketStream, head: bytes) -> None:
        await stream.send(b"\x00\x01\x02 nonsense\r\n\r\n")

    async with server(serve) as url:
        with pytest.raises(HttpError):
            async with request("GET", url, route=Route()):
                pass


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://192.168.1.1/",
    ],
)
async def test_a_strangers_url_reaches_no_private_address(url: str) -> None:
    with pytest.raises(PrivateAddress):
        async with get(url, route=Route(public_only=True)):
            pass


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/", "http://", "gopher://x/"])
async def test_only_http_is_asked(url: str) -> None:
    with pytest.raises(HttpError):
        async with get(url, route=Route()):
            pass


async def test_nobody_there() -> None:
    with pytest.raises(HttpError, match="could not be reached"):
        async with get("http://127.0.0.1:1/", route=Route()):
            pass
