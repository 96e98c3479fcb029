"""The archive's event log and cursors, in the shape that the socket follows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from waconnd.rpc.errors import RpcError
from waconnd.rpc.events import Pruned
from waconnd.store.archive import Archive
from waconnd.store.archive.cursors import Cursor
from waconnd.store.archive.errors import ArchiveError, CursorExpired, UnknownCursor
from waconnd.store.archive.events import PAGE_ROWS, Filter, Row

#: No account has this name: a filter of it matches nothing.
NOBODY = "\0"


class Stretch(msgspec.Struct, frozen=True):
    """A page of the log."""

    rows: Sequence[Row]
    upto: int
    gap: tuple[int, int] | None


class ArchiveLog:
    """`waconnd.rpc.events.EventLog` over an open archive."""

    def __init__(self, archive: Archive) -> None:
        self._events = archive.events
        self._cursors = archive.cursors

    @property
    def newest(self) -> int:
        return self._events.newest

    async def oldest(self) -> int:
        return (await self._events.bounds()).oldest

    async def wait(self, after: int) -> int:
        return await self._events.wait(after)

    async def read(
        self,
        after: int,
        *,
        accounts: Collection[str] | None = None,
        types: Collection[str] | None = None,
        chats: Collection[str] | None = None,
        limit: int,
    ) -> Stretch:
        # What concerns the daemon itself stands under the empty account. An empty filter lets nothing pass.
        wanted = Filter(
            accounts=() if accounts is None else ("", *accounts),
            types=() if types is None else tuple(types) or (NOBODY,),
            chats=() if chats is None else tuple(chats) or (NOBODY,),
        )
        try:
            page = await self._events.read(after, wanted, limit=min(limit, PAGE_ROWS))
        except CursorExpired as expired:
            raise Pruned(expired.oldest) from None
        return Stretch(page.events, page.next, page.gap)

    async def cursor(self, name: str) -> int | None:
        try:
            return (await self._cursors.get(name)).seq
        except UnknownCursor:
            return None

    async def set_cursor(self, name: str, seq: int) -> int:
        try:
            return await self._cursors.ack(name, seq)
        except ArchiveError as error:
            raise RpcError("invalid_params", str(error), path="$.cursor") from None

    async def cursors(self) -> Sequence[Cursor]:
        return await self._cursors.all()

    async def delete_cursor(self, name: str) -> bool:
        return await self._cursors.delete(name)
