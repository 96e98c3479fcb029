"""Files of incoming messages fetched at once, where the configuration says so; by a cursor, so that none is skipped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec

from protocol.jid import parse
from waconnd.compose.targets import Target
from waconnd.logs import fields
from waconnd.rpc.errors import RpcError
from waconnd.store.archive import ArchiveError
from waconnd.store.archive.errors import CursorExpired, UnknownCursor
from waconnd.store.archive.events import Filter

if TYPE_CHECKING:
    from collections.abc import Callable

    from waconnd.account import Account
    from waconnd.fleet import Fleet

log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_TYPES: Final = ("message.received", "message.recovered")
#: After a trouble of the archive.
PAUSE_SECONDS: Final = 5.0


async def run(fleet: Fleet, account: Account, megabytes: Callable[[], int]) -> None:
    """For ever; it costs nothing while it is switched off."""
    cursor = f"download:{account.name}"
    while True:
        await account.wait(("ready",))
        try:
            await _follow(fleet, account, megabytes, cursor)
        except ArchiveError as error:
            log.warning(
                "incoming files are not fetched for a moment: %s", error, extra=fields(account=account.name)
            )
            await anyio.sleep(PAUSE_SECONDS)


async def _follow(fleet: Fleet, account: Account, megabytes: Callable[[], int], cursor: str) -> None:
    archive = fleet.archive
    after = archive.events.newest
    if megabytes():
        try:
            after = (await archive.cursors.get(cursor)).seq
        except UnknownCursor:
            await archive.cursors.ack(cursor, after)
    wanted = Filter(accounts=(account.name,), types=_TYPES)
    while True:
        try:
            page = await archive.events.read(after, wanted)
        except CursorExpired as expired:
            after = expired.oldest - 1
            continue
        limit = megabytes() * _MIB
        for row in page.events if limit else ():
            await _one(fleet, account, row.body, limit)
        after = page.next
        if limit and page.events:
            await archive.cursors.ack(cursor, after)
        if not page.more:
            await archive.events.wait(after)


async def _one(fleet: Fleet, account: Account, body: bytes, limit: int) -> None:
    data = msgspec.json.decode(body, type=dict[str, Any])["data"]
    media = data.get("media")
    if not media or int(media.get("size") or 0) > limit:
        return
    target = Target(
        chat=parse(data["chat"]["id"]),
        id=data["id"],
        from_me=bool(data.get("from_me")),
        sender=parse(data["from"]["id"]) if data.get("from", {}).get("id") else None,
    )
    try:
        await fleet.fetcher.fetch(account, target, max_bytes=limit)
    except (RpcError, ArchiveError) as error:
        log.info(
            "the file of message %s was not fetched: %s",
            target.id,
            error,
            extra=fields(account=account.name, msgid=target.id),
        )
    except Exception:
        # Whatever a strange file does, the next one has its turn.
        log.exception(
            "the file of message %s could not be fetched",
            target.id,
            extra=fields(account=account.name, msgid=target.id),
        )
