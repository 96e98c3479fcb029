"""Questions that only a person can answer (a passkey, "does the phone show this code?"), waiting for a method call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import anyio

from protocol.errors import TimedOut

T = TypeVar("T")


class People:
    """One question of each kind at a time; a newer one replaces the older."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[str, asyncio.Future[Any]] = {}

    async def wait(self, kind: str, expires_at: float, answer: type[T]) -> T:
        """The answer, or TimedOut."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if older := self._open.get(kind):
            older.cancel()
        self._open[kind] = future
        try:
            with anyio.fail_after(max(0.0, expires_at - self._now())):
                value = await future
        except TimeoutError:
            raise TimedOut(f"nobody answered the {kind} question in time") from None
        finally:
            if self._open.get(kind) is future:
                del self._open[kind]
        assert isinstance(value, answer)
        return value

    def asked(self, kind: str) -> bool:
        """Whether somebody waits for this."""
        return kind in self._open

    def answer(self, kind: str, value: object) -> bool:
        """False when nobody asked (any more)."""
        future = self._open.get(kind)
        if future is None or future.done():
            return False
        future.set_result(value)
        return True
