"""The media hosts of one account: asked for once, kept as long as the server says, renewed when they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from protocol.flows.media import media_hosts
from protocol.stanza.media import WELL_KNOWN, Host, Hosts
from waconnd.account import NotReady

if TYPE_CHECKING:
    from waconnd.account import Account

#: Renew a little early, so that no upload starts with a token about to end.
EARLY_SECONDS: Final = 10.0


class MediaHosts:
    """Kept per account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._held: Hosts | None = None
        self._until = 0.0
        self._asking = anyio.Lock()

    async def get(self, *, refused: Hosts | None = None) -> Hosts:
        """Hosts and token; `refused` were those that no longer work. Raises NotReady and what the question raises."""
        async with self._asking:
            held = self._held
            if held is not None and held is not refused and self._account.now() < self._until:
                return held
            held = await self._account.flow(media_hosts)
            self._held, self._until = held, self._account.now() + max(0.0, held.ttl - EARLY_SECONDS)
            return held

    async def to_read(self) -> tuple[Host, ...]:
        """For downloads, which the well-known hosts serve without a connection too."""
        try:
            return (await self.get()).hosts
        except NotReady:
            return tuple(Host(name) for name in WELL_KNOWN)
