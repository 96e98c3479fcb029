"""A Unix stream socket for anyio that also hears descriptors (SCM_RIGHTS), and never blocks."""

from __future__ import annotations

import array
import asyncio
import os
import select
import socket
from typing import Final

import anyio

#: One read: most requests fit, and a hostile sender cannot make us copy more at a time.
READ_SIZE: Final = 65536

#: A request names at most a file and its thumbnail; two spare.
MAX_FDS: Final = 4

_ROOM: Final = socket.CMSG_SPACE(MAX_FDS * array.array("i").itemsize)


Read = tuple[bytes, tuple[int, ...]]


class Stalled(Exception):
    """The other end did not read for too long."""


class UnixStream:
    """One accepted connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self._writing = anyio.Lock(fast_acquire=True)
        self._loop = asyncio.get_running_loop()
        self._watched = False
        #: Read while nobody waited.
        self._arrived: Read | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def receive(self, within_s: float | None = None) -> Read:
        """Bytes and the descriptors that came with them; no bytes at the end of the stream. Raises TimeoutError."""
        if self._arrived is None:
            # A body follows its head closely: what is there already need not go round by the loop.
            self._arrived = self._read()
        while self._arrived is None:
            if self.socket.fileno() < 0:
                raise anyio.ClosedResourceError
            if not self._watched:
                # Once for many requests: a conversation asks the kernel for nothing but its bytes.
                self._loop.add_reader(self.socket, self._readable)
                self._watched = True
            self._waiter = self._loop.create_future()
            timer = self._loop.call_later(within_s, self._expire) if within_s is not None else None
            try:
                await self._waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        arrived, self._arrived = self._arrived, None
        return arrived

    def _readable(self) -> None:
        if self._arrived is not None:
            # The reader is slower than the sender, who shall feel it.
            self._unwatch()
            return
        self._arrived = self._read()
        if self._arrived is not None:
            self._wake()

    def _read(self) -> Read | None:
        """None: there is nothing yet."""
        try:
            data, ancillary, _, _ = self.socket.recvmsg(READ_SIZE, _ROOM, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b"", ()
        return data, _descriptors(ancillary)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _expire(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())

    def _unwatch(self) -> None:
        if self._watched:
            self._loop.remove_reader(self.socket)
            self._watched = False

    async def send(self, data: bytes, *, within_s: float) -> None:
        """All of it, whole and in order with other senders. Raises Stalled when the reader takes nothing for so long."""
        async with self._writing:
            view = memoryview(data)
            while view:
                try:
                    view = view[self.socket.send(view) :]
                except (BlockingIOError, InterruptedError):
                    with anyio.move_on_after(within_s) as scope:
                        await anyio.wait_writable(self.socket)
                    if scope.cancelled_caught:
                        raise Stalled(f"nothing was read for {within_s:g} s") from None

    def send_now(self, data: bytes) -> None:
        """A last word, as far as it goes without waiting."""
        try:
            self.socket.send(data)
        except OSError:
            pass

    def peek(self) -> bytes:
        """The first byte if it is already there."""
        try:
            return self.socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return b""

    @property
    def hung_up(self) -> bool:
        """Whether the other end is gone altogether (not only done with writing)."""
        poll = select.poll()
        try:
            poll.register(self.socket, 0)
        except (ValueError, OSError):
            return True
        return any(flags & (select.POLLHUP | select.POLLERR) for _, flags in poll.poll(0))

    def close(self) -> None:
        """Close, waking whoever waits on it."""
        if self.socket.fileno() >= 0:
            self._unwatch()
            anyio.notify_closing(self.socket)
            self.socket.close()
            self._wake()
        if self._arrived is not None:
            close_all(self._arrived[1])
            self._arrived = None


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, ...]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return tuple(found)


def close_all(fds: tuple[int, ...]) -> None:
    """Close descriptors that nobody claimed."""
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            pass
