"""One connection of one account, from the dial to its end: the only place where the core meets I/O.

It feeds the `Connection` and carries out what that asks: bytes to the websocket in order, commits to the account's
directory, questions to the account, one timer. It decides nothing: the end is a verdict from the policy table.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import anyio

from protocol.effects import Close, Query, Question, Send
from protocol.engine.closes import Verdict, of_socket, of_stage, of_upgrade, verdict
from protocol.engine.connection import Connection
from protocol.engine.states import Link as State
from protocol.events.base import Event
from protocol.keystore import Save
from waconnd.dial import DialError, Endpoint, SocketClosed, TextFrame, WebSocket, dial
from waconnd.logs import fields
from waconnd.store.authdir import AuthDir

log = logging.getLogger(__name__)

#: Stanzas are handled in one go for no longer than this: other accounts and the socket wait meanwhile.
SLICE_SECONDS: Final = 0.01
#: So many durable events may wait for the archive before no more is read: pressure reaches the server by TCP.
MAX_UNDRAINED: Final = 20_000
DRAIN_SECONDS: Final = 0.05
#: Commits in flight at which reading pauses.
MAX_COMMITS: Final = 2_000
#: How long a close that we asked for may take to leave.
GOODBYE_SECONDS: Final = 3.0


class Host(Protocol):
    """The account, as its link sees it."""

    name: str

    def link_moved(self, state: State) -> None:
        """The link is in another state."""

    def link_told(self, events: Sequence[Event]) -> None:
        """Events without a row."""

    async def link_asked(self, question: Question) -> object:
        """Answer a flow's question; what is raised is raised in the flow."""


class Clock:
    """Unix time that never jumps: the wall clock taken once, then the monotonic one."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() + self._offset


class Link:
    """`await link.run()` gives the verdict on its end."""

    def __init__(
        self, host: Host, authdir: AuthDir, make: Callable[[float], Connection], clock: Callable[[], float]
    ) -> None:
        self._host, self._authdir, self._make, self._clock = host, authdir, make, clock
        self._loop = asyncio.get_running_loop()
        self.connection: Connection | None = None
        self._socket: WebSocket | None = None
        self._outbox: list[bytes] = []
        self._output = anyio.Event()
        self._commits = 0
        self._room = anyio.Event()
        self._room.set()
        self._timer: asyncio.TimerHandle | None = None
        self._armed: float | None = None
        self._ended: Verdict | None = None
        self._scope: anyio.CancelScope | None = None
        self._questions: list[Query] = []
        self._asked = anyio.Event()
        #: A turn will come in this round of the loop.
        self._turning = False
        #: Nothing is carried out any more: what is staged now belongs to the next link.
        self._over = False
        #: Monotonic seconds: since when a write has been stuck, 0 when none is.
        self.writing_since = 0.0

    async def run(self, endpoint: Endpoint) -> Verdict:
        """Dial, converse, end."""
        self._host.link_moved(State.DIALING)
        try:
            with anyio.CancelScope() as self._scope:
                async with dial(endpoint) as socket:
                    return await self._converse(socket)
            return self._ended or verdict("stopped")
        except DialError as error:
            log.info("no connection: %s", error, extra=fields(account=self._host.name))
            if error.status is not None:
                return of_upgrade(error.status, error.retry_after)
            return of_stage(error.stage, timed_out=error.timed_out)
        finally:
            self._stop()

    def stop(self, reason: str = "stopped") -> None:
        """Close from our side; `run` returns soon."""
        if self.connection is not None:
            self.connection.close(self._clock(), reason)
            self.turn()
        elif self._scope is not None:
            self._ended = verdict(reason)
            self._scope.cancel()

    def turn_soon(self) -> None:
        """`turn` in the next round of the loop: what is said to the connection until then shares commits and frames."""
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self.turn)

    def turn(self) -> None:
        """Carry out what the core wants. Call it after everything that was said to the connection."""
        self._turning = False
        connection = self.connection
        if connection is None or self._over:
            return
        saves: list[Save] = []
        for output in connection.outputs():
            match output:
                case Save():
                    saves.append(output)
                case Send():
                    self._outbox.append(output.data)
                    self._output.set()
                case Query():
                    self._questions.append(output)
                    self._asked.set()
                case Close():
                    self._ended = self._ended or connection.verdict or of_socket(output.code)
                    self._output.set()
        if saves:
            self._save(saves)
        if events := connection.events():
            self._host.link_told(events)
        self._host.link_moved(connection.state)
        self._arm()

    # --- durable work ---------------------------------------------------------------------------------------------

    def _save(self, saves: list[Save]) -> None:
        self._commits += len(saves)
        if self._commits >= MAX_COMMITS:
            self._room = anyio.Event()
        future = self._authdir.submit(*saves)
        future.add_done_callback(functools.partial(self._saved, saves[-1].number, len(saves)))

    def _saved(self, number: int, count: int, future: asyncio.Future[None]) -> None:
        connection = self.connection
        self._commits -= count
        if self._commits < MAX_COMMITS:
            self._room.set()
        if connection is None:
            return
        error = future.exception()
        if error is None:
            connection.committed(number, self._clock())
        else:
            log.error("a commit failed: %s", error, extra=fields(account=self._host.name))
            connection.failed()
            self._ended = self._ended or verdict("store_failed", detail=str(error))
            self._output.set()
        self.turn_soon()

    # --- the websocket ---------------------------------------------------------------------------------------------

    async def _converse(self, socket: WebSocket) -> Verdict:
        self._socket = socket
        self.connection = self._make(self._clock())
        self.turn()
        async with anyio.create_task_group() as group:
            group.start_soon(self._read, socket)
            group.start_soon(self._answer)
            await self._write(socket)
            group.cancel_scope.cancel()
        assert self._ended is not None
        return self._ended

    async def _read(self, socket: WebSocket) -> None:
        connection = self.connection
        assert connection is not None
        try:
            while True:
                started = time.monotonic()
                for message in await socket.receive():
                    if isinstance(message, TextFrame):
                        log.warning(
                            "a text message of %d bytes was ignored: the protocol has none",
                            message.size,
                            extra=fields(account=self._host.name),
                        )
                        continue
                    connection.receive(message, self._clock())
                    if time.monotonic() - started > SLICE_SECONDS:
                        self.turn()
                        await asyncio.sleep(0)
                        started = time.monotonic()
                self.turn()
                await self._room.wait()
                while self._authdir.undrained > MAX_UNDRAINED:
                    await anyio.sleep(DRAIN_SECONDS)
        except SocketClosed as closed:
            self._end(closed.code)

    async def _write(self, socket: WebSocket) -> None:
        """Until the end: whatever is queued leaves in order, a close after all of it."""
        try:
            while True:
                await self._output.wait()
                self._output = anyio.Event()
                data, self._outbox = self._outbox, []
                self.writing_since = time.monotonic() if data else 0.0
                deadline = GOODBYE_SECONDS if self._ended else None
                with anyio.move_on_after(deadline):
                    await socket.send(*data)
                self.writing_since = 0.0
                if self._ended is not None:
                    return
        except SocketClosed as closed:
            self._end(closed.code)

    async def _answer(self) -> None:
        async with anyio.create_task_group() as group:
            while True:
                await self._asked.wait()
                self._asked = anyio.Event()
                questions, self._questions = self._questions, []
                for query in questions:
                    group.start_soon(self._answer_one, query)

    async def _answer_one(self, query: Query) -> None:
        try:
            value = await self._host.link_asked(query.question)
        except Exception as error:
            value = error
        if self.connection is not None:
            self.connection.answer(query.token, value, self._clock())
            self.turn()

    # --- time and the end --------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        connection = self.connection
        deadline = connection.deadline() if connection is not None and self._ended is None else None
        if deadline == self._armed:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed = deadline
        if deadline is not None:
            self._timer = self._loop.call_later(max(0.0, deadline - self._clock()), self._due)

    def _due(self) -> None:
        self._timer, self._armed = None, None
        if self.connection is not None:
            self.connection.handle_deadline(self._clock())
            self.turn()

    def _end(self, code: int) -> None:
        """The socket is gone: tell the core, which keeps the first reason."""
        if self.connection is not None:
            self.connection.lost(self._clock(), code)
            self.turn()
            self._ended = self._ended or self.connection.verdict
        self._output.set()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.connection is not None:
            self.connection.lost(self._clock())
            self.turn()
        self._over = True
