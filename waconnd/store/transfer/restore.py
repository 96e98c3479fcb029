"""An own export back into an empty directory: identity stays, ratchets that would repeat go."""

from __future__ import annotations

from typing import Final

from protocol.creds import CREDS, CREDS_ID
from protocol.keystore import Changes, Key
from waconnd.store.restore import drop_ratchets
from waconnd.store.transfer.export import Opened
from waconnd.store.transfer.report import Held, Import, TransferError, finished

_NOTE: Final = (
    "sessions and sender keys were left behind: repeating them would break the encryption; contacts open new ones by"
    " themselves, their first messages may come a moment later"
)


def restored(opened: Opened) -> Import:
    """The records for the new directory. The account that was exported must not run any more."""
    creds = CREDS.get(Held(opened.changes), CREDS_ID)
    if creds is None or creds.account is None:
        raise TransferError("this export holds no linked account")
    kept: dict[Key, bytes | None] = dict(opened.changes)
    changes: Changes = drop_ratchets(Held(opened.changes))
    kept.update(changes)
    return finished("waconnd", kept, [], [_NOTE, f"exported at {opened.manifest.made_at}"])
