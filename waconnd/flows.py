"""Whole acts on an account that take several steps of several parts."""

from __future__ import annotations

import logging
from typing import Final

import anyio

from protocol.errors import LinkLost, ProtocolError
from protocol.flows.login import logout
from waconnd.account import Account, NotReady
from waconnd.logs import fields

log = logging.getLogger(__name__)

#: WhatsApp confirms within a second or so, if it can be reached at all.
LOGOUT_SECONDS: Final = 8.0


async def unlink(account: Account) -> bool:
    """Tell WhatsApp that this device goes; True when it confirmed. Nothing is erased here."""
    with anyio.move_on_after(LOGOUT_SECONDS):
        try:
            await account.flow(logout)
        except LinkLost:
            # The server ends the connection before it answers: that is the confirmation.
            return True
        except (NotReady, ProtocolError) as error:
            log.warning("WhatsApp was not told of the logout: %s", error, extra=fields(account=account.name))
            return False
        return True
    return False
