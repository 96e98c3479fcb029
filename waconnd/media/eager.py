"""Files of incoming messages fetched at once, where the configuration says so; by a cursor, so that none is skipped."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from protocol.jid import parse
from waconnd.compose.targets import Target
from waconnd.follow import Told, follow
from waconnd.logs import fields
from waconnd.rpc.errors import RpcError
from waconnd.store.archive import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from waconnd.account import Account
    from waconnd.fleet import Fleet

log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_TYPES: Final = ("message.received", "message.recovered")


async def run(fleet: Fleet, account: Account, megabytes: Callable[[], int]) -> None:
    """For ever; it costs nothing while it is switched off."""

    async def handle(events: Sequence[Told]) -> None:
        limit = megabytes() * _MIB
        for one in events:
            await _one(fleet, account, one["data"], limit)

    await follow(fleet, account, "download", _TYPES, on=megabytes, handle=handle)


async def _one(fleet: Fleet, account: Account, data: Told, limit: int) -> None:
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
