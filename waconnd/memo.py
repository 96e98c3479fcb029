"""What is remembered of an account beside its keys: `account.json`."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from protocol.keystore import Table

KIND: Final = "account"
ID: Final = ""


class Memo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Decisions that outlive a restart."""

    v: int = 1
    #: Somebody stopped it; it stays so until somebody starts it.
    stopped: bool = False
    labels: dict[str, str] = {}
    #: `account.configure`: keys of `[account.NAME]` that were set at run time.
    config: dict[str, Any] = {}
    #: Why the account needs a human, if it does: a reason of the policy table.
    parked: str = ""
    parked_code: int = 0
    #: Not before this moment (a ban's end), Unix seconds.
    until: float = 0.0
    #: WhatsApp allows no new chats until then: the name of the limit, Unix seconds.
    new_chats_limit: str = ""
    new_chats_until: float = 0.0
    #: When the phone last showed itself, Unix seconds (see waconnd.phones).
    phone_seen_at: float = 0.0


MEMO: Final = Table(KIND, Memo)
