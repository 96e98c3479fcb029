"""What must change when an older state comes back: ratchets that would repeat go, identity stays.

A chain that repeats encrypts two messages under one key and can't read what was sent meanwhile. Peers open new
sessions by retry receipts; that costs a round trip a peer, once.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.creds import CREDS, CREDS_ID
from protocol.errors import RecordDamaged
from protocol.keystore import Changes, Kind, View
from waconnd.store.errors import Damage, Harm, damaged

#: Chains, and what was concluded from them.
RATCHETS: Final = (Kind.SESSION, Kind.SENDER_KEY, Kind.SENDER_KEY_MEMORY, Kind.DEVICE_LIST, Kind.RETRY_COUNT)
#: The server may hold prekeys of any id that was handed out since the copy was made. An upload has 812 at most and
#: ids are 24 bits wide: this leaves room for dozens of uploads.
PRE_KEY_LEAP: Final = 50_000
MAX_PRE_KEY_ID: Final = 0xFFFFFE


def drop_ratchets(view: View) -> Changes:
    """The changes that turn an old copy into one that may be used."""
    changes: Changes = {}
    for kind in (*RATCHETS, Kind.PRE_KEY):
        for id in view.ids(kind):
            changes[kind, id] = None
    try:
        creds = CREDS.get(view, CREDS_ID)
    except RecordDamaged as error:
        why = f"makes no sense to this program ({error.why}); was it written by a newer one?"
        raise damaged(Damage("creds.json", Harm.UNPARSABLE, why)) from error
    if creds is not None:
        leap = (creds.next_pre_key_id + PRE_KEY_LEAP - 1) % MAX_PRE_KEY_ID + 1
        creds = msgspec.structs.replace(
            creds, next_pre_key_id=leap, first_unuploaded_pre_key_id=leap, server_has_pre_keys=False
        )
        changes[CREDS.kind, CREDS_ID] = CREDS.encode(creds)
    return changes
