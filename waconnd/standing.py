"""Where an account stands: the two state tables, the last verdict, and the one word made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from protocol.creds import Creds
from protocol.engine import states
from protocol.engine.closes import Verdict
from protocol.engine.states import Account, Link
from protocol.events.account import Me
from protocol.events.base import Durable


class AccountState(Durable, frozen=True, kw_only=True, omit_defaults=True, tag="account.state"):
    """The account's word changed, or what is to be known about it did."""

    from_: str = msgspec.field(name="from")
    to: str
    reason: str = ""
    code: int = 0
    transient: bool = True
    advice: str = ""
    next_retry_at: float | None = None
    until: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be known of an account at this moment. Times are Unix seconds."""

    account: str
    state: str
    since: float
    reason: str = ""
    code: int = 0
    transient: bool = True
    advice: str = ""
    next_retry_at: float | None = None
    until: float | None = None
    attempts: int = 0
    last_connect_at: float | None = None
    last_inbound_at: float | None = None
    phone_seen_at: float | None = None
    me: Me | None = None


class Standing:
    """Moves by facts and by the link; whoever watches hears of every change of the word."""

    def __init__(self, fact: Account, now: Callable[[], float]) -> None:
        self.fact = fact
        self.link = Link.IDLE
        self.verdict: Verdict | None = None
        self.next_retry_at: float | None = None
        self.attempts = 0
        self.last_connect_at: float | None = None
        self._now = now
        self.since = now()
        self._told = self.word

    @property
    def word(self) -> str:
        """The one word."""
        return states.word(self.fact, self.link)

    def begin(self, link: Link) -> None:
        """Where it stands when it is opened: no change, so no event."""
        self.link = link
        self._told = self.word

    def happened(self, fact: states.Fact) -> None:
        """Follow the table of accounts; what changes nothing is no fault."""
        self.fact = states.ACCOUNT[self.fact].get(fact, self.fact)

    def changed(self) -> AccountState | None:
        """The event that tells of a change since the last call, or None."""
        word = self.word
        if word == self._told:
            return None
        before, self._told = self._told, word
        self.since = self._now()
        fields = self._facts()
        key = f"account.state/{self.since:.6f}/{word}"
        return AccountState(at=self.since, key=key, from_=before, to=word, **fields)

    def report(
        self, account: str, creds: Creds | None, last_inbound_at: float | None, phone_seen_at: float
    ) -> Report:
        """For `account.get`."""
        linked = creds.account if creds else None
        me = None
        if creds and linked:
            me = Me(
                number=f"+{linked.pn_jid.user}",
                lid=str(linked.lid_jid.bare) if linked.lid_jid else "",
                name=creds.push_name,
                platform=linked.platform,
                business_name=linked.business_name,
            )
        return Report(
            account=account,
            state=self.word,
            since=self.since,
            attempts=self.attempts,
            last_connect_at=self.last_connect_at,
            last_inbound_at=last_inbound_at,
            phone_seen_at=phone_seen_at or None,
            me=me,
            **self._facts(),
        )

    def _facts(self) -> dict[str, Any]:
        verdict = self.verdict
        if verdict is None or self.word in ("ready", "syncing", "pairing"):
            return {}
        return {
            "reason": verdict.reason,
            "code": verdict.code,
            "transient": verdict.transient,
            "advice": verdict.advice,
            "next_retry_at": self.next_retry_at,
            "until": verdict.until,
        }
