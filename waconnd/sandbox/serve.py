"""`waconnd sandbox serve`: the sandbox as a process, with its control socket."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path

import anyio
import msgspec

from waconnd.paths import own_socket
from waconnd.rpc.dispatch import Dispatcher
from waconnd.rpc.events import CursorRow, Feed, Page, Row
from waconnd.rpc.listen import SocketInUse, bind
from waconnd.rpc.peers import Access
from waconnd.rpc.server import Server
from waconnd.rpc.site import Site
from waconnd.sandbox.control import catalogue
from waconnd.sandbox.sandbox import Sandbox


def control_socket() -> Path:
    """Where a sandbox of this user listens for scripts."""
    named = os.environ.get("WACONND_SANDBOX_SOCKET")
    return Path(named) if named else own_socket().with_name("sandbox.sock")


class Household:
    """What the control methods act on."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def account_names(self) -> Sequence[str]:
        """A sandbox has people, no accounts."""
        return ()


class Nothing(msgspec.Struct, frozen=True):
    """An empty page."""

    upto: int
    rows: tuple[Row, ...] = ()
    gap: tuple[int, int] | None = None


class NoEvents:
    """The sandbox keeps no event log: `expect` and `received` show what happened."""

    newest = 0

    async def oldest(self) -> int:
        return 1

    async def wait(self, after: int) -> None:
        await anyio.sleep_forever()

    async def read(
        self,
        after: int,
        *,
        accounts: Collection[str] | None = None,
        types: Collection[str] | None = None,
        chats: Collection[str] | None = None,
        limit: int,
    ) -> Page:
        return Nothing(upto=after)

    async def cursor(self, name: str) -> int | None:
        return None

    async def set_cursor(self, name: str, seq: int) -> int:
        return 0

    async def cursors(self) -> Sequence[CursorRow]:
        return ()

    async def delete_cursor(self, name: str) -> bool:
        return False


@contextlib.asynccontextmanager
async def controlled(sandbox: Sandbox, path: Path) -> AsyncIterator[None]:
    """Serve `sandbox.*` on a socket until the block ends."""
    dispatcher = Dispatcher(catalogue(), Household(sandbox))
    server = Server(dispatcher, Site(dispatcher, Feed(NoEvents())), lambda: Access({}, {}))
    listener = bind(path, mode=0o600)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            yield
            await server.drain(0.5)
            tasks.cancel_scope.cancel()
    finally:
        listener.close()
        await anyio.Path(path).unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def opened(
    sandbox: Sandbox, path: Path, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[None]:
    """All sockets of a sandbox, until the block ends. Raises SocketInUse with a sentence for people."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(sandbox.serving(host=host, port=port))
        except OSError as error:
            why = "something else listens there" if error.errno == errno.EADDRINUSE else error.strerror
            raise SocketInUse(
                f"the sandbox can't listen on {host}:{port}: {why}; choose another port (`[sandbox] listen` for"
                " `waconnd serve --sandbox`, `--port` for `waconnd sandbox serve`)"
            ) from None
        await stack.enter_async_context(controlled(sandbox, path))
        yield


async def serve(
    sandbox: Sandbox, path: Path, *, port: int = 0, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with opened(sandbox, path, port=port):
        ready()
        await stop.wait()
