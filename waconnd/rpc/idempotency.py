"""Results remembered under the client's key, so that a repeated request is answered and not done again.

In memory: it covers a client that lost its connection and asks again. What must hold over a restart (`message.send`) keeps its
keys in its own durable row and is declared with `owns_key`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from waconnd.rpc.errors import RpcError

#: Results of some 200 bytes each: below a megabyte in all.
MAX_KEYS: Final = 4096


class _Entry:
    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        self.done = anyio.Event()
        self.result: bytes | None = None


class Keys:
    """The recent keys of one daemon."""

    def __init__(self, limit: int = MAX_KEYS) -> None:
        self._limit = limit
        self._entries: OrderedDict[tuple[str, ...], _Entry] = OrderedDict()

    async def once(self, owner: tuple[str, ...], body: bytes, run: Callable[[], Awaitable[bytes]]) -> bytes:
        """Run it, or give what the same key gave before. A failed run is forgotten: it may be tried again."""
        digest = hashlib.sha256(body).digest()
        while entry := self._entries.get(owner):
            if entry.digest != digest:
                sentence = f"key `{owner[-1]}` was used for another request"
                raise RpcError("idempotency_conflict", sentence)
            await entry.done.wait()
            if entry.result is not None:
                return entry.result
        entry = self._entries[owner] = _Entry(digest)
        try:
            entry.result = await run()
        finally:
            if entry.result is None:
                del self._entries[owner]
            entry.done.set()
        self._trim()
        return entry.result

    def _trim(self) -> None:
        for owner in list(self._entries):
            if len(self._entries) <= self._limit:
                return
            if self._entries[owner].done.is_set():
                del self._entries[owner]
