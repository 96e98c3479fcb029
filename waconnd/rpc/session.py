"""One connection that speaks JSON-RPC lines: many calls at once, up to a limit, then it is read no further."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final

import anyio
import anyio.abc
import anyio.lowlevel
import msgspec

from waconnd.rpc.caller import Caller
from waconnd.rpc.dispatch import Dispatcher
from waconnd.rpc.errors import RpcError
from waconnd.rpc.lines import Failure, LineReader, Request, error_line, parse, result_line
from waconnd.rpc.stream import MAX_FDS, UnixStream, close_all
from waconnd.rpc.subscriptions import Subscriptions

#: Calls of one connection that may be unfinished; then we stop reading, and back-pressure reaches the client.
MAX_IN_FLIGHT: Final = 64

#: A client that takes nothing for so long is gone or broken; it comes back and resumes by its cursor.
STALLED_S: Final = 30.0

#: How often a connection whose client has finished writing is looked at.
HANGUP_S: Final = 1.0

Deliver = Callable[[bytes | None], Awaitable[None]]


class Session:
    """Reads requests, runs them side by side, writes answers as they come."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        stream: UnixStream,
        caller: Caller,
        calls: AbstractContextManager[object],
    ) -> None:
        self._dispatcher = dispatcher
        self._stream = stream
        self._caller = caller
        self._calls = calls
        self._reader = LineReader()
        self._slots = anyio.Semaphore(MAX_IN_FLIGHT, fast_acquire=True)
        self._in_flight = 0
        self._quiet = anyio.Event()
        self._running: dict[bytes, anyio.CancelScope] = {}
        self._fds: tuple[int, ...] = ()
        #: Ready, and not handed to the kernel yet.
        self._answers: list[bytes] = []

    async def run(self, data: bytes, fds: tuple[int, ...]) -> None:
        """Until the client is gone, or has finished writing and got all its answers."""
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                self._caller.notify = self._send
                self._caller.subscriptions = subscriptions = Subscriptions(tasks, self._tell)
                while data:
                    await self._take(data, fds)
                    data, fds = await self._stream.receive()
                # `echo … | nc -U` closes its half and waits for the answer.
                while (self._in_flight or subscriptions.live) and not self._stream.hung_up:
                    with anyio.move_on_after(HANGUP_S):
                        await (self._quiet.wait() if self._in_flight else anyio.sleep_forever())
                tasks.cancel_scope.cancel()
        finally:
            close_all(self._fds)

    async def _take(self, data: bytes, fds: tuple[int, ...]) -> None:
        items = self._reader.feed(data)
        # The kernel ends a read behind the bytes that carried descriptors: they belong to the line of the last byte.
        held, self._fds = self._fds, ()
        if not items:
            if self._reader.partial:
                self._fds = _bounded(held + fds)
            else:
                close_all(held + fds)
            return
        if self._reader.partial:
            self._fds, fds = _bounded(fds), ()
        for n, item in enumerate(items):
            mine = _bounded((held if n == 0 else ()) + (fds if n == len(items) - 1 else ()))
            if isinstance(item, Failure):
                close_all(mine)
                await self._send(error_line(item.id, item.error) + b"\n")
            else:
                await self._line(item, mine)

    async def _line(self, line: bytes, fds: tuple[int, ...]) -> None:
        asked = parse(line)
        if isinstance(asked, Request):
            await self._start(asked, fds, self._reply)
            return
        close_all(fds)
        if isinstance(asked, Failure):
            await self._send(error_line(asked.id, asked.error) + b"\n")
            return
        gather = _Gather(len(asked.items), self._send)
        for item in asked.items:
            if isinstance(item, Failure):
                await gather(error_line(item.id, item.error))
            else:
                await self._start(item, (), gather)

    async def _start(self, request: Request, fds: tuple[int, ...], deliver: Deliver) -> None:
        if request.method == "$/cancel":
            close_all(fds)
            self._cancel(request)
            await deliver(None if request.id is None else result_line(request.id, b"null"))
            return
        try:
            await self._slots.acquire()
        except BaseException:
            close_all(fds)
            raise
        self._in_flight += 1
        self._tasks.start_soon(self._call, request, fds, deliver)

    async def _call(self, request: Request, fds: tuple[int, ...], deliver: Deliver) -> None:
        scope = anyio.CancelScope()
        then: list[Callable[[], object]] = []
        if request.id is not None:
            self._running[request.id] = scope
        try:
            with self._calls:
                error: RpcError | None = None
                answer: bytes | None = None
                try:
                    with scope:
                        result = await self._dispatcher.answer(request, self._caller, fds, then)
                        answer = b"" if request.id is None else result_line(request.id, result)
                except RpcError as raised:
                    error = raised
                if answer is None and request.id is not None:
                    said = error or RpcError("cancelled", f"{request.method} was cancelled")
                    answer = error_line(request.id, said)
                await deliver(answer or None)
        finally:
            close_all(fds)
            if request.id is not None and self._running.get(request.id) is scope:
                del self._running[request.id]
            self._slots.release()
            self._in_flight -= 1
            if not self._in_flight:
                self._quiet.set()
                self._quiet = anyio.Event()
        if then:
            await self._flush()
        for go in then:
            go()

    def _cancel(self, request: Request) -> None:
        try:
            which = msgspec.json.decode(request.params, type=dict[str, msgspec.Raw]).get("id")
        except msgspec.DecodeError:
            return
        scope = self._running.get(bytes(which)) if which is not None else None
        if scope is not None:
            scope.cancel()

    async def _reply(self, answer: bytes | None) -> None:
        if answer is None:
            return
        self._answers.append(answer)
        if len(self._answers) == 1:
            if self._in_flight > 1:
                # What others have ready in this turn goes along: each write wakes the client.
                await anyio.lowlevel.checkpoint()
            await self._flush()

    async def _flush(self) -> None:
        if self._answers:
            await self._tell(b"")

    async def _tell(self, data: bytes) -> None:
        """Behind the answers that are ready: an event that follows from a call comes after its answer."""
        answers, self._answers = self._answers, []
        await self._send(b"".join(answer + b"\n" for answer in answers) + data)

    async def _send(self, data: bytes) -> None:
        # Half a line would garble all that follows: once begun it is finished, or the connection closed.
        with anyio.CancelScope(shield=True):
            await self._stream.send(data, within_s=STALLED_S)


def _bounded(fds: tuple[int, ...]) -> tuple[int, ...]:
    close_all(fds[MAX_FDS:])
    return fds[:MAX_FDS]


class _Gather:
    """The answers of one batch, sent together when the last is there."""

    def __init__(self, count: int, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._left = count
        self._send = send
        self._answers: list[bytes] = []

    async def __call__(self, answer: bytes | None) -> None:
        if answer is not None:
            self._answers.append(answer)
        self._left -= 1
        if not self._left and self._answers:
            await self._send(b"[" + b",".join(self._answers) + b"]\n")
