"""What every flow and inbound handler gets: the store, the clock's last value, entropy, who we are."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Final

import msgspec

from protocol.creds import CREDS, CREDS_ID, Account, Creds
from protocol.crypto.curve import Entropy
from protocol.errors import LocalProtocolError
from protocol.events.base import Event
from protocol.jid import Jid
from protocol.keystore import Keystore, Txn, View
from protocol.node import Node
from protocol.stanza.shape import label, shape
from protocol.stanza.version import BUILT_IN, Version

#: So many kinds of news at once is a new protocol, not drift.
STRANGE: Final = 32


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the host decides. Everything has a default that suits a server."""

    device_name: str = "waconnd"
    #: DeviceProps.PlatformType; 1 is CHROME.
    platform_type: int = 1
    version: Version = BUILT_IN
    #: The longest history that a new link asks for.
    full_history: bool = False
    history_days: int = 0
    auto_receipts: bool = True
    #: Chats of which nothing is read: their addresses, under any name, or kinds (`status`, `group`, `channel`).
    ignore: frozenset[str] = frozenset()
    #: Pair with this phone number only (digits); another phone is refused. Empty: with any.
    expect_number: str = ""


class Seen:
    """What came that nobody handles. The host keeps one for an account, whatever happens to its connections."""

    def __init__(self) -> None:
        #: What nobody knows, what is left aside on purpose, what could not be handled: `unknown.notification.foo`,
        #: `ignored.call`, `fault.message`.
        self.counts: Counter[str] = Counter()
        #: The shapes of the newest of those that nobody knows, without any content.
        self.strange: deque[str] = deque(maxlen=STRANGE)


class Context:
    """One per connection. `now` is Unix time that never jumps: the host takes the wall clock once per connection
    and adds the monotonic clock; the engine sets it on entry of each verb.
    """

    def __init__(self, store: Keystore, entropy: Entropy, settings: Settings) -> None:
        self.store = store
        self.random = entropy
        self.settings = settings
        self.now = 0.0
        #: Server clock minus ours, from `success`.
        self.clock_offset = 0.0
        #: While the offline queue is being replayed.
        self.catching_up = False
        #: We said "available": receipts are then plain, else `inactive`.
        self.available = False
        #: Stanzas of the offline queue that this connection has brought so far.
        self.offline_seen = 0
        self.seen = Seen()
        self._told: list[Event] = []
        self._creds: tuple[bytes, Creds] | None = None
        #: The newest commit when they were last looked up.
        self._creds_at = -1

    @property
    def counts(self) -> Counter[str]:
        """What was counted of what nobody handles."""
        return self.seen.counts

    @property
    def strange(self) -> deque[str]:
        """The shapes of what nobody knows."""
        return self.seen.strange

    def unknown(self, family: str, name: str, node: Node) -> None:
        """Nobody handles this: counted, and its shape kept for whoever looks why."""
        self.counts[f"unknown.{family}.{label(name)}"] += 1
        seen = shape(node)
        if seen not in self.strange:
            self.strange.append(seen)

    def tell(self, *events: Event) -> None:
        """Tell the host something that has no row (a QR code, typing); what has one rides in a commit."""
        self._told.extend(events)

    def take_told(self) -> list[Event]:
        """What was told since the last call."""
        told, self._told = self._told, []
        return told

    def txn(self) -> Txn:
        """A transaction; it must be committed before the next await."""
        return self.store.txn()

    def creds(self, view: View | None = None) -> Creds:
        """The credentials as the newest transaction left them."""
        if view is None and self._creds is not None and self._creds_at == self.store.staged:
            return self._creds[1]
        self._creds_at = self.store.staged if view is None else -1
        raw = (view or self.store).get(CREDS.kind, CREDS_ID)
        if raw is None:
            raise LocalProtocolError("no credentials: the account was never opened")
        if self._creds is None or self._creds[0] is not raw:
            self._creds = (raw, CREDS.decode(raw, CREDS_ID))
        return self._creds[1]

    def set_creds(self, txn: Txn, change: Callable[[Creds], Creds]) -> Creds:
        """Read, change, write back."""
        creds = change(self.creds(txn))
        CREDS.put(txn, CREDS_ID, creds)
        return creds

    @property
    def account(self) -> Account:
        """Who we are; LocalProtocolError while unlinked."""
        account = self.creds().account
        if account is None:
            raise LocalProtocolError("this account is not linked")
        return account

    def is_me(self, jid: Jid) -> bool:
        """Our account, under either name, on any device."""
        account = self.creds().account
        if account is None:
            return False
        own = account.lid_jid if jid.is_lid else account.pn_jid
        return own is not None and jid.user == own.user and jid.is_user
