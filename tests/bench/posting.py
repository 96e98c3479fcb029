"""HTTP on the socket as curl speaks it: one write for a request, and no more read of the answer than its length.

Python's `http.client` writes head and body one after the other and reads headers as those of a mail; what that takes is its own.
"""

from __future__ import annotations

import socket
from typing import Final, Self

LENGTH: Final = b"content-length: "


class Poster:
    """One kept connection."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def __call__(self, method: str, body: bytes) -> bytes:
        """Call a method; raises RuntimeError for any other answer than a result."""
        head = f"POST /{method} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._read()
        head_bytes, _, answer = data.partition(b"\r\n\r\n")
        (length,) = [
            int(line[len(LENGTH) :]) for line in head_bytes.lower().split(b"\r\n") if line.startswith(LENGTH)
        ]
        while len(answer) < length:
            answer += self._read()
        if not head_bytes.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(answer.decode()[:300])
        return answer

    def _read(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise RuntimeError("the daemon hung up")
        return data
