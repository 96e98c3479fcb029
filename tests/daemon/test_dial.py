"""Dialing against real servers on loopback: every stage fails with its own name, and in time."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from http import HTTPStatus

import anyio
import pytest
from websockets.asyncio.server import serve

from waconnd import dial as dialing
from waconnd.dial import DialError, Endpoint, SocketClosed, TextFrame, dial


@asynccontextmanager
async def websocket_server(handler, **options):
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def tcp_server(handler):
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")

    async def closing(stream):
        async with stream:
            await handler(stream)

    async with anyio.create_task_group() as group:
        group.start_soon(listener.serve, closing)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        group.cancel_scope.cancel()
    await listener.aclose()


def at(port):
    return Endpoint(websocket_url=f"ws://127.0.0.1:{port}/ws/chat", origin="https://web.whatsapp.com")


async def test_messages_of_all_lengths_arrive_whole():
    sent = [os.urandom(size) for size in (0, 1, 125, 126, 65_535, 65_536, 300_000)]
    got = []

    async def handler(connection):
        async for message in connection:
            got.append(message)
            if len(got) == len(sent):
                await connection.send(b"all")

    async with websocket_server(handler) as port, dial(at(port)) as socket:
        await socket.send(*sent)
        assert await socket.receive() == [b"all"]
    assert got == sent


async def test_messages_both_ways_and_text_told_apart():
    seen = {}

    async def handler(connection):
        seen["origin"] = connection.request.headers["Origin"]
        await connection.send("text is not of this protocol")
        await connection.send(b"one")
        await connection.send([b"t", b"w", b"o"])
        seen["got"] = await connection.recv()

    async with websocket_server(handler) as port, dial(at(port)) as socket:
        await socket.send(b"hello")
        messages = []
        while len(messages) < 3:
            messages += await socket.receive()
        assert messages == [TextFrame(28), b"one", b"two"]
        with pytest.raises(SocketClosed) as caught:
            while True:
                await socket.receive()
        assert caught.value.code == 1000
    assert seen == {"origin": "https://web.whatsapp.com", "got": b"hello"}


async def test_a_refused_upgrade_names_its_status():
    def refuse(connection, request):
        response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "later")
        response.headers["Retry-After"] = "7"
        return response

    async with websocket_server(lambda c: None, process_request=refuse) as port:
        with pytest.raises(DialError) as caught:
            async with dial(at(port)):
                pass
    assert (caught.value.stage, caught.value.status, caught.value.retry_after) == ("upgrade", 503, 7.0)


async def test_a_silent_server_is_given_up(monkeypatch):
    monkeypatch.setattr(dialing, "UPGRADE_SECONDS", 0.1)
    async with tcp_server(lambda stream: anyio.sleep_forever()) as port:
        with pytest.raises(DialError, match="upgrade"):
            async with dial(at(port)):
                pass


async def test_a_server_that_is_no_websocket():
    async def handler(stream):
        await stream.receive()
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await stream.aclose()

    async with tcp_server(handler) as port:
        with pytest.raises(DialError) as caught:
            async with dial(at(port)):
                pass
    assert caught.value.status == 200


async def test_nobody_listens():
    async with tcp_server(lambda stream: None) as port:
        pass
    with pytest.raises(DialError) as caught:
        async with dial(at(port)):
            pass
    assert caught.value.stage == "tcp"


async def test_an_unknown_name():
    with pytest.raises(DialError) as caught:
        async with dial(Endpoint(websocket_url="ws://no-such-host.invalid/ws/chat")):
            pass
    assert caught.value.stage == "dns"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_through_a_proxy(scheme):
    targets = []

    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async def proxy(stream):
        async with stream:
            if scheme == "http":
                head = await stream.receive()
                host, port = head.split()[1].decode().split(":")
                reply = b"HTTP/1.1 200 Connection established\r\n\r\n"
            else:
                await stream.receive()
                await stream.send(b"\x05\x00")
                request = await stream.receive()
                size = request[4]
                host, port = request[5 : 5 + size].decode(), int.from_bytes(request[5 + size :], "big")
                reply = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"
            targets.append(host)
            async with await anyio.connect_tcp(host, int(port)) as inner:
                await stream.send(reply)

                async def pipe(source, sink):
                    try:
                        while True:
                            await sink.send(await source.receive())
                    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                        group.cancel_scope.cancel()

                async with anyio.create_task_group() as group:
                    group.start_soon(pipe, stream, inner)
                    group.start_soon(pipe, inner, stream)

    async with websocket_server(echo) as port, tcp_server(proxy) as proxy_port:
        endpoint = Endpoint(
            websocket_url=f"ws://127.0.0.1:{port}/ws/chat", proxy=f"{scheme}://127.0.0.1:{proxy_port}"
        )
        async with dial(endpoint) as socket:
            await socket.send(b"through")
            assert await socket.receive() == [b"through"]
    assert targets == ["127.0.0.1"]


async def test_a_proxy_that_refuses():
    async def handler(stream):
        await stream.receive()
        await stream.send(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    async with tcp_server(handler) as port:
        with pytest.raises(DialError, match="403"):
            async with dial(Endpoint(websocket_url="ws://127.0.0.1:1/", proxy=f"http://127.0.0.1:{port}")):
                pass
