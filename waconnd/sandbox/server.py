"""The websocket side: one listener, one carrier for each connection, one task that keeps the world's time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, Literal

from websockets.asyncio.server import ServerConnection as Socket
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from protocol.crypto.curve import KeyPair
from protocol.effects import Close
from protocol.engine.server import Faults as WireFaults
from protocol.engine.server import ServerConnection
from protocol.errors import ProtocolError
from protocol.node import Node
from protocol.wire.framing import frame
from waconnd.sandbox.core import End
from waconnd.sandbox.state import Link
from waconnd.sandbox.world import World

PATH: Final = "/ws/chat"
#: Frames have 24 bits of length; a message may hold a few of them.
MAX_MESSAGE: Final = 1 << 25
#: Bytes of a frame that opens under no key.
GARBLED: Final = bytes(32)
#: How far a connection comes before it is stopped on demand: its upgrade, its first message, its login.
Stage = Literal["", "upgrade", "hello", "login"]
#: Wake at least this often, so that a clock that jumped is noticed.
LONGEST_SLEEP: Final = 0.5


class Carrier:
    """A websocket and the link behind it."""

    def __init__(self, socket: Socket, wire: ServerConnection, link: Link) -> None:
        self.socket, self.wire, self.link = socket, wire, link
        self.ending = False
        #: Came as far as it may: nothing is heard or said any more.
        self.stopped = False
        self.wake = asyncio.Event()


class Listener:
    """Serves a world on a loopback port."""

    def __init__(
        self, world: World, static: KeyPair, chain: Callable[[], bytes], clock: Callable[[], float]
    ) -> None:
        self.world = world
        self._static, self._chain, self._clock = static, chain, clock
        self._carriers: dict[int, Carrier] = {}
        self._serving = False
        self._timer_wake = asyncio.Event()
        #: Upgrades are refused with this HTTP status while it is set.
        self.refuse_upgrade = 0
        #: Connections come no further than this, and are then dropped, or kept without a word.
        self.stop_at: Stage = ""
        self.stop_silently = False
        #: How new connections misbehave before and below the stanzas.
        self.wire_faults = WireFaults()
        self.port = 0

    @contextlib.asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[None]:
        """Listen until the block ends."""
        async with serve(
            self._connected,
            host,
            port,
            process_request=self._upgrade,
            compression=None,
            max_size=MAX_MESSAGE,
            ping_interval=None,
            close_timeout=0.5,
        ) as server:
            self._serving = True
            self.port = next(iter(server.sockets)).getsockname()[1]
            timer = asyncio.create_task(self._keep_time())
            try:
                yield
            finally:
                self._serving = False
                timer.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await timer

    async def _upgrade(self, socket: Socket, request: Request) -> Response | None:
        if self.stop_at == "upgrade":
            if self.stop_silently:
                await asyncio.Event().wait()  # until the client or the library has enough
            socket.transport.abort()
            return None
        if self.refuse_upgrade:
            return socket.respond(self.refuse_upgrade, "refused on demand\n")
        if not request.path.partition("?")[0].endswith(PATH):
            return socket.respond(404, f"websockets are served under {PATH}\n")
        return None

    async def _connected(self, socket: Socket) -> None:
        now = self._clock()
        link = self.world.connect()
        wire = ServerConnection(
            self._static, self._chain(), self.world.random.branch(f"link {link.id}"), now, self.wire_faults
        )
        carrier = self._carriers[link.id] = Carrier(socket, wire, link)
        writer = asyncio.create_task(self._write(carrier))
        try:
            async for data in socket:
                if isinstance(data, bytes):
                    self._received(carrier, data)
        except ConnectionClosed:
            pass
        finally:
            self._carriers.pop(link.id, None)
            self.world.disconnected(link, self._clock())
            self.flush()
            carrier.ending = True
            carrier.wake.set()
            await writer

    def _received(self, carrier: Carrier, data: bytes) -> None:
        now = self._clock()
        wire, link = carrier.wire, carrier.link
        known = wire.who is not None
        if carrier.stopped or (not known and self._stops(carrier, "hello")):
            return
        try:
            wire.receive(data, now)
        except ProtocolError as error:
            self.world.complain(f"link {link.id}: {error}")
            self.world.end(link, str(error))
        else:
            if not known and wire.who is not None:
                if self._stops(carrier, "login"):
                    return
                self.world.opened(link, wire.who, wire.client_static, now)
            for node in wire.stanzas():
                self.world.receive(link, node, now)
        carrier.wake.set()
        self.flush()

    def _stops(self, carrier: Carrier, stage: Stage) -> bool:
        if self.stop_at != stage:
            return False
        carrier.stopped = True
        if not self.stop_silently:
            carrier.socket.transport.abort()
        return True

    def flush(self) -> None:
        """Hand what the world has to say to the connections that it is for; in memory somebody else takes it."""
        if not self._serving:
            return
        for link, item in self.world.outputs():
            carrier = self._carriers.get(link.id)
            if carrier is None:
                continue
            if isinstance(item, End):
                carrier.ending = True
            elif isinstance(item, Node):
                carrier.wire.send(item)
            else:
                carrier.wire.send_encoded(item)
            carrier.wake.set()
        for link in self.world.faults.take_cuts():
            self.cut(link)
        self._timer_wake.set()

    def cut(self, link: Link) -> None:
        """Drop a connection at once, as a dead network does."""
        carrier = self._carriers.get(link.id)
        if carrier is not None:
            carrier.socket.transport.abort()

    def garble(self, link: Link) -> None:
        """Send a frame that opens under no key."""
        carrier = self._carriers.get(link.id)
        if carrier is not None:
            carrier.wire.send_raw(frame(GARBLED))
            carrier.wake.set()

    async def _write(self, carrier: Carrier) -> None:
        """Everything that is ready leaves as one websocket message: borders of messages mean nothing."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await carrier.wake.wait()
                carrier.wake.clear()
                parts = []
                for output in carrier.wire.outputs():
                    if isinstance(output, Close):
                        carrier.ending = True
                    else:
                        parts.append(output.data)
                slow = self.world.faults.slow.get(carrier.link.id, 0.0)
                if slow or carrier.wire.faults.sliver:
                    for part in parts:
                        await asyncio.sleep(len(part) / slow if slow else 0)
                        await carrier.socket.send(part)
                elif parts:
                    await carrier.socket.send(b"".join(parts))
                if carrier.ending:
                    # The real server ends the stream without a close frame; what was written must get out first.
                    await asyncio.sleep(0.05)
                    carrier.socket.transport.close()
                    return

    async def _keep_time(self) -> None:
        while True:
            now = self._clock()
            due = self.world.deadline()
            if due is not None and due <= now:
                self.world.handle_deadline(now)
                self.flush()
                continue
            self._timer_wake.clear()
            wait = LONGEST_SLEEP if due is None else min(LONGEST_SLEEP, max(0.0, due - now))
            # Not wait_for: in Python 3.11 it can swallow the cancellation that comes with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._timer_wake.wait()
