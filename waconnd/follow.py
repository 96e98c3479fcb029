"""Work that follows an account's events by a cursor of its own, so that none is skipped and none done twice by a restart."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec

from waconnd.logs import fields
from waconnd.store.archive import ArchiveError
from waconnd.store.archive.errors import CursorExpired, UnknownCursor
from waconnd.store.archive.events import Filter

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.fleet import Fleet

log = logging.getLogger(__name__)

#: After a trouble of the archive.
PAUSE_SECONDS: Final = 5.0

#: `type` and `data` of each event.
Told = dict[str, Any]
Handler = Callable[[Sequence[Told]], Awaitable[None]]


async def follow(
    fleet: Fleet,
    account: Account,
    name: str,
    types: Sequence[str],
    *,
    on: Callable[[], object],
    handle: Handler,
) -> None:
    """For ever, while the account is ready. What happens while `on` says no is passed over, and costs nothing."""
    while True:
        await account.wait(("ready",))
        try:
            await _follow(fleet, account, f"{name}:{account.name}", tuple(types), on, handle)
        except ArchiveError as error:
            log.warning("%s waits for a moment: %s", name, error, extra=fields(account=account.name))
            await anyio.sleep(PAUSE_SECONDS)


async def _follow(
    fleet: Fleet,
    account: Account,
    cursor: str,
    types: tuple[str, ...],
    on: Callable[[], object],
    handle: Handler,
) -> None:
    archive = fleet.archive
    after = archive.events.newest
    if on():
        try:
            after = (await archive.cursors.get(cursor)).seq
        except UnknownCursor:
            await archive.cursors.ack(cursor, after)
    wanted = Filter(accounts=(account.name,), types=types)
    while True:
        try:
            page = await archive.events.read(after, wanted)
        except CursorExpired as expired:
            after = expired.oldest - 1
            continue
        active = bool(on())
        if active and page.events:
            await handle([msgspec.json.decode(row.body, type=Told) for row in page.events])
        after = page.next
        if active and page.events:
            await archive.cursors.ack(cursor, after)
        if not page.more:
            await archive.events.wait(after)
