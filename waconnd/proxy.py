"""Tunnels through an HTTP (CONNECT) or SOCKS5 proxy, before TLS. Nothing here knows what travels inside."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream

#: A CONNECT answer is a status line and a few headers.
MAX_ANSWER: Final = 16 * 1024
SOCKS_ERRORS: Final = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


class ProxyError(Exception):
    """The proxy refused or spoke nonsense; the sentence says which."""


def parse(url: str) -> SplitResult:
    """Check a proxy URL. Raises ValueError with a sentence for the person who configured it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "socks5", "socks5h") or not parts.hostname or not parts.port:
        raise ValueError(f"proxy {parts.scheme}://…: use http://host:port or socks5://host:port")
    return parts


async def tunnel(stream: ByteStream, proxy: SplitResult, host: str, port: int) -> None:
    """Ask the proxy for a tunnel; afterwards the stream is the target's."""
    if proxy.scheme == "http":
        await _connect(stream, proxy, host, port)
    else:
        await _socks5(stream, proxy, host, port)


async def _connect(stream: ByteStream, proxy: SplitResult, host: str, port: int) -> None:
    lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
    if proxy.username:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
    await stream.send("\r\n".join([*lines, "", ""]).encode())
    answer = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", MAX_ANSWER)
    status = answer.split(b"\r\n", 1)[0].split(b" ")
    if len(status) < 2 or status[1] != b"200":
        raise ProxyError(
            f"the proxy answered {b' '.join(status).decode('latin-1')!r} to CONNECT {host}:{port}"
        )


async def _socks5(stream: ByteStream, proxy: SplitResult, host: str, port: int) -> None:
    reader = BufferedByteReceiveStream(stream)
    await stream.send(b"\x05\x01\x02" if proxy.username else b"\x05\x01\x00")
    version, method = await reader.receive_exactly(2)
    if version != 5 or method == 0xFF:
        raise ProxyError("the proxy speaks no SOCKS5 or wants another way to log in")
    if method == 2:
        name, password = unquote(proxy.username or "").encode(), unquote(proxy.password or "").encode()
        await stream.send(b"\x01" + bytes((len(name),)) + name + bytes((len(password),)) + password)
        if (await reader.receive_exactly(2))[1] != 0:
            raise ProxyError("the proxy refused the user name or password")
    target = host.encode("idna")
    await stream.send(b"\x05\x01\x00\x03" + bytes((len(target),)) + target + port.to_bytes(2, "big"))
    head = await reader.receive_exactly(4)
    if head[1] != 0:
        raise ProxyError(f"the proxy could not reach {host}:{port}: {SOCKS_ERRORS.get(head[1], head[1])}")
    length = {1: 4, 4: 16}.get(head[3]) or (await reader.receive_exactly(1))[0]
    await reader.receive_exactly(length + 2)
