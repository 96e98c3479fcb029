"""A client that sends bytes and reads lines."""

from __future__ import annotations

from typing import Any

import anyio
import msgspec


class Wire:
    """One connection."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.buffer = b""

    @classmethod
    async def to(cls, house: Any) -> Wire:
        return cls(await anyio.connect_unix(house.socket))

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)

    async def line(self) -> Any:
        with anyio.fail_after(5):
            while b"\n" not in self.buffer:
                self.buffer += await self.stream.receive()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return msgspec.json.decode(line)

    async def call(self, method: str, **params: Any) -> Any:
        await self.send(msgspec.json.encode({"id": 1, "method": method, "params": params}) + b"\n")
        while True:
            got = await self.line()
            if "id" in got:
                return got

    async def closed(self) -> bool:
        with anyio.fail_after(5):
            try:
                while True:
                    self.buffer += await self.stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return True
