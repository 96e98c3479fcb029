"""`account.frames`: what went over the wire lately, for a report about a misbehaving connection."""

from __future__ import annotations

import secrets
from typing import Annotated

from msgspec import Meta

from waconnd.api.host import fleet
from waconnd.frames import Shown
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method

#: Stanzas of one answer: the ring holds hardly more.
MOST: int = 5000


class FramesParams(Params, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=MOST, description="The newest so many.")] = MOST


class FramesResult(Result, frozen=True):
    """A recording that may be shown: no texts, no keys, no numbers. `waconnd sandbox replay` plays it to a client."""

    frames: list[Shown]


@method("account.frames", scope=Scope.ADMIN, account=True, mutates=False)
async def frames(call: Call, params: FramesParams) -> FramesResult:
    """The newest stanzas of the account's connections, oldest first; people and ids have other names in each recording."""
    shown = fleet(call).get(call.account).recorder.show(secrets.token_bytes(16))
    return FramesResult(shown[-params.limit :])
