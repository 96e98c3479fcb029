"""One Unix socket: accepts, decides by the first byte, and keeps every client to its share.

    {  [  or space   JSON-RPC lines: pipelined, many calls at once, subscriptions
    A-Z              HTTP/1.1: one exchange after the other

No JSON-RPC text begins with a letter and no HTTP request with a brace, so the two cannot be confused. A client that is slow, greedy
or hostile meets a limit of its own connection or user; the others do not notice.
"""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import anyio
import anyio.abc

from waconnd.rpc.caller import Caller
from waconnd.rpc.dispatch import Dispatcher
from waconnd.rpc.errors import RpcError
from waconnd.rpc.http import Exchange, HttpConnection
from waconnd.rpc.lines import NULL, error_line
from waconnd.rpc.peers import Access, Peer, peer_of
from waconnd.rpc.session import Session
from waconnd.rpc.site import Site
from waconnd.rpc.stream import Stalled, UnixStream, close_all

log = logging.getLogger(__name__)

#: A machine with more local clients than this has a leak in one of them.
MAX_CONNECTIONS: Final = 128

#: One user cannot take the socket away from the others.
MAX_PER_UID: Final = 32

#: Before the first byte: a client that says nothing holds a place for no reason.
FIRST_BYTE_S: Final = 300.0

#: Accepting failed for lack of descriptors: wait for some to come back instead of spinning.
ACCEPT_PAUSE_S: Final = 0.2


class Calls:
    """What is being answered: `with calls:` for each."""

    def __init__(self) -> None:
        self.count = 0
        #: Set while there is none.
        self.none = anyio.Event()
        self.none.set()

    def __enter__(self) -> None:
        if not self.count:
            self.none = anyio.Event()
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1
        if not self.count:
            self.none.set()


class Server:
    """Serves methods on listening sockets."""

    def __init__(self, dispatcher: Dispatcher, site: Site, access: Callable[[], Access]) -> None:
        self._dispatcher = dispatcher
        self._site = site
        # Asked at each connection, so that a reload of the configuration holds for the next one.
        self._access = access
        self._per_uid: Counter[int] = Counter()
        self._open: set[UnixStream] = set()
        self._accepting = anyio.CancelScope()
        self._calls = Calls()

    @property
    def connections(self) -> int:
        """How many clients there are."""
        return len(self._open)

    @property
    def calls(self) -> int:
        """How many calls are unfinished."""
        return self._calls.count

    async def serve(self, listeners: Sequence[socket.socket]) -> None:
        """Serve until `drain()`."""
        async with anyio.create_task_group() as clients:
            with self._accepting:
                async with anyio.create_task_group() as accepting:
                    for listener in listeners:
                        accepting.start_soon(self._accept, listener, clients)
            for stream in list(self._open):
                stream.close()
            clients.cancel_scope.cancel()

    async def drain(self, grace_s: float) -> bool:
        """Give calls in flight some time, then close everything. False when some did not finish."""
        with anyio.move_on_after(grace_s):
            await self._calls.none.wait()
        finished = not self._calls.count
        self._accepting.cancel()
        return finished

    async def _accept(self, listener: socket.socket, clients: anyio.abc.TaskGroup) -> None:
        listener.setblocking(False)
        while True:
            try:
                sock, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                await anyio.wait_readable(listener)
                continue
            except OSError as error:
                log.warning("cannot accept a connection: %s", error)
                await anyio.sleep(ACCEPT_PAUSE_S)
                continue
            stream = UnixStream(sock)
            peer = self._admit(stream)
            if peer is not None:
                clients.start_soon(self._client, stream, peer)

    def _admit(self, stream: UnixStream) -> Peer | None:
        try:
            peer = peer_of(stream.socket)
        except OSError:
            stream.close()
            return None
        sentence = ""
        if len(self._open) >= MAX_CONNECTIONS:
            sentence = f"{MAX_CONNECTIONS} connections are open; close one first"
        elif self._per_uid[peer.uid] >= MAX_PER_UID:
            sentence = f"user {peer.user} holds {MAX_PER_UID} connections; close one first"
        if sentence:
            stream.send_now(error_line(NULL, RpcError("rate_limited", sentence, retry_after_s=1)) + b"\n")
            stream.close()
            return None
        self._open.add(stream)
        self._per_uid[peer.uid] += 1
        return peer

    async def _client(self, stream: UnixStream, peer: Peer) -> None:
        try:
            await self._speak(stream, peer)
        except* (Stalled, OSError, anyio.ClosedResourceError) as group:
            error: BaseException = group
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            log.debug("connection of uid %d closed: %s", peer.uid, str(error) or type(error).__name__)
        except* Exception:
            # One connection's bug must not take the others along.
            log.exception("connection of uid %d failed", peer.uid)
        finally:
            self._open.discard(stream)
            self._per_uid[peer.uid] -= 1
            if not self._per_uid[peer.uid]:
                del self._per_uid[peer.uid]
            stream.close()

    async def _speak(self, stream: UnixStream, peer: Peer) -> None:
        with anyio.move_on_after(FIRST_BYTE_S) as waiting:
            data, fds = await stream.receive()
        if waiting.cancelled_caught or not data:
            return
        rights = self._access().rights(peer)
        if not rights.grants:
            log.info("uid %d connected and has no rights here", peer.uid)
        if data[:1] in b"{[ \t\r\n":
            caller = Caller(peer, rights, transport="lines")
            await Session(self._dispatcher, stream, caller, self._calls).run(data, fds)
            return
        close_all(fds)
        if b"A" <= data[:1] <= b"Z":

            async def exchange(one: Exchange) -> None:
                # A caller for each exchange: the token of one must not narrow the next.
                with self._calls:
                    await self._site.handle(one, Caller(peer, rights, transport="http"))

            await HttpConnection(stream, data).run(exchange)
            return
        sentence = "this socket speaks JSON-RPC lines (begin with `{`) and HTTP/1.1 (begin with a verb)"
        stream.send_now(error_line(NULL, RpcError("invalid_request", sentence)) + b"\n")
