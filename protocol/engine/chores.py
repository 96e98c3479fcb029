"""What a login sets in motion, in which order. Other families add their flows here.

`FIRST` comes before `active`, only at a login at which the server has no prekeys of ours. Beside it: at once, in their
lanes. After catching up: when the offline queue is empty. `REFRESH`: what to fetch when the server calls a part dirty.
"""

from __future__ import annotations

from typing import Final

from protocol.flows import (
    appstate,
    channels,
    groups,
    history,
    placeholder,
    prekeys,
    privacy,
    props,
    retry,
    sealed,
    tokens,
)
from protocol.flows.login import Chore

FIRST: Final[tuple[Chore, str]] = (prekeys.upload, prekeys.LANE)
BESIDE: Final[list[tuple[Chore, str | None]]] = [(prekeys.check, prekeys.LANE)]
AFTER_CATCH_UP: Final[list[tuple[Chore, str | None]]] = [
    (sealed.resume, None),
    (placeholder.resume, None),
    (retry.forget_old, None),
    (tokens.forget_old, None),
    (appstate.resume, appstate.LANE),
    (history.resume, history.LANE),
    (groups.load, "groups"),
    (channels.load, channels.LANE),
    (privacy.load, privacy.LANE),
    (props.load, props.LANE),
]

#: By the type of `<dirty>`.
REFRESH: Final[dict[str, Chore]] = {
    "account_sync": privacy.refresh_account,
    "groups": groups.refresh_all,
    "newsletter_metadata": channels.refresh_all,
    "syncd_app_state": appstate.sync_all,
}
#: These are fetched after the offline queue, which may still change them.
REFRESH_LATER: Final = frozenset({"groups", "newsletter_metadata"})
