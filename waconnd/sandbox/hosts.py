"""The media hosts: HTTP/1.1 on loopback around `media.Blobs`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import h11

from waconnd.sandbox.media import Answer, Blobs

READ: Final = 65536
#: What a browser page would need to read the answers; real hosts send it too.
ALWAYS: Final = (("Access-Control-Allow-Origin", "*"),)


class MediaHost:
    """One listening host."""

    def __init__(self, blobs: Blobs, clock: Callable[[], float], *, broken: bool = False) -> None:
        self._blobs, self._clock = blobs, clock
        #: Answers everything with 503: clients must go on to the next host.
        self.broken = broken
        self.port = 0

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[None]:
        """Listen until the block ends."""
        server = await asyncio.start_server(self._connected, host, port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        with contextlib.suppress(ConnectionError, h11.RemoteProtocolError):
            while connection.our_state is not h11.MUST_CLOSE:
                answer = await self._request(connection, reader)
                if answer is None:
                    break
                body = b"" if answer.status == 204 else answer.body
                headers = [
                    *ALWAYS,
                    *answer.headers,
                    ("Content-Type", answer.type),
                    ("Content-Length", str(len(body))),
                ]
                for event in (
                    h11.Response(status_code=answer.status, headers=headers),
                    h11.Data(data=body),
                    h11.EndOfMessage(),
                ):
                    writer.write(connection.send(event) or b"")
                await writer.drain()
                if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
                    connection.start_next_cycle()
                else:
                    break
        writer.close()

    async def _request(self, connection: h11.Connection, reader: asyncio.StreamReader) -> Answer | None:
        method = target = ""
        body = bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(READ))
            elif isinstance(event, h11.Request):
                method, target = event.method.decode(), event.target.decode()
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._blobs.largest:
                    return Answer(413)
            elif isinstance(event, h11.EndOfMessage):
                if self.broken:
                    return Answer(503)
                return self._blobs.answer(method, target, bytes(body), self._clock())
            else:
                return None
