"""Whether the phones behind the accounts still show themselves: WhatsApp unlinks all devices of one that is away for two weeks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import anyio

from waconnd.announcements import PhoneUnseen

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.fleet import Fleet

DAY: Final = 86400.0
#: How long WhatsApp keeps devices linked whose phone is away.
UNLINK_SECONDS: Final = 14 * DAY
#: From then on it is told, once a day: there is time to find the phone.
WARN_SECONDS: Final = 10 * DAY
#: What the phone said while we were away comes in first.
READY_SECONDS: Final = 3600.0
#: It is kept this exactly: a commit an hour, not one a message.
GRAIN_SECONDS: Final = 3600.0
LOOK_SECONDS: Final = 300.0

ADVICE: Final = "Open WhatsApp on the phone, with a connection to the Internet."


async def watch(fleet: Fleet) -> None:
    """Look from time to time, for ever."""
    while True:
        for account in list(fleet.accounts.values()):
            await look(fleet, account)
        await anyio.sleep(LOOK_SECONDS)


async def look(fleet: Fleet, account: Account) -> None:
    """Keep when this account's phone was last seen, and warn when that is long ago."""
    seen, now = account.phone_seen_at, account.now()
    if seen > account.memo.phone_seen_at + GRAIN_SECONDS:
        await account.remember(phone_seen_at=seen)
    days = overdue(seen, account.standing.since if account.ready else None, now)
    if days:
        event = PhoneUnseen(
            at=now,
            # The same day is told once, over restarts too.
            key=f"phone_unseen/{seen:.0f}/{days}",
            seen_at=seen,
            unlink_at=seen + UNLINK_SECONDS,
            advice=ADVICE,
        )
        await fleet.archive.events.append(account.name, [event])


def overdue(seen: float, ready_since: float | None, now: float) -> int:
    """The day of the absence that is worth a warning; 0: none is due."""
    if not seen or ready_since is None or now - ready_since < READY_SECONDS or now - seen < WARN_SECONDS:
        return 0
    return math.floor((now - seen) / DAY)
