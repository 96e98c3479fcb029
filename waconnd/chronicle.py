"""What happens, as lines of the log: a follower of the events like any other, which knows how much each of them weighs.

A line carries the fields by which an admin filters (`WACONND_ACCOUNT`, `_EVENT`, `_STATE`, `_CODE`, `_SEQ`, `_MSGID`), and the
MESSAGE_ID of its event if that is notable. What a person wrote never comes here.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from typing import Any, Final

import msgspec

from waconnd.logs import fields
from waconnd.logs.sinks import NOTICE
from waconnd.rpc.events import Feed, Filter, Passing, Pruned, Row

log = logging.getLogger(__name__)

#: What is told; globs.
TYPES: Final = (
    "account.*",
    "call.missed",
    "connection.*",
    "contact.identity_changed",
    "message.recovered",
    "message.status",
    "message.undecryptable",
    "pair.expired",
    "pair.failed",
    "sync.history",
)
PAGE_ROWS: Final = 500
PAGE_BYTES: Final = 1024 * 1024
#: A retry is everyday; an account that does not come back after so many is worth a look.
PATIENCE: Final = 4
MINUTE: Final = 60.0

#: How much each state weighs; those that only a person ends are errors.
STATES: Final = {
    "ready": NOTICE,
    "stopped": NOTICE,
    "unlinked": NOTICE,
    "limited": logging.WARNING,
    "conflict": logging.ERROR,
    "logged_out": logging.ERROR,
    "failed": logging.ERROR,
}

#: Everything but states: how much it weighs, and the sentence, filled with the event's data.
SENTENCES: Final = {
    "account.linked": (NOTICE, "linked to a phone"),
    "account.logged_out": (logging.ERROR, "unlinked by %(by)s: %(reason)s (%(code)s)"),
    "account.conflict": (logging.ERROR, "another program connected with the same keys"),
    "account.limited": (logging.WARNING, "limited by WhatsApp: %(kind)s (%(code)s)"),
    "account.client_outdated": (
        logging.WARNING,
        "WhatsApp refuses, or will soon refuse, version %(version)s",
    ),
    "account.refused": (logging.ERROR, "login refused: %(reason)s (%(code)s)"),
    "account.phone_unseen": (
        logging.WARNING,
        "the phone was last seen at %(seen_at)s; WhatsApp unlinks this device at about %(unlink_at)s",
    ),
    "connection.attempt": (logging.DEBUG, "attempt %(n)s, after %(delay_s)s s"),
    "connection.opened": (logging.DEBUG, "connected: %(ms)s ms"),
    "connection.closed": (logging.DEBUG, "connection closed: %(reason)s (%(code)s)"),
    "connection.deaf": (logging.WARNING, "nothing but pings arrives; step %(rung)s of healing"),
    "connection.stanza_failed": (logging.WARNING, "a stanza %(stanza)s could not be handled: %(error)s"),
    "contact.identity_changed": (logging.INFO, "a contact has new keys"),
    "message.undecryptable": (logging.INFO, "message %(id)s could not be read yet: %(reason)s"),
    "message.recovered": (logging.DEBUG, "message %(id)s can be read now"),
    "pair.expired": (logging.INFO, "nobody scanned the code"),
    "pair.failed": (logging.WARNING, "not linked: %(reason)s (%(code)s)"),
    "sync.history": (logging.INFO, "history: %(messages)s messages in %(chats)s chats (%(kind)s)"),
}


class Line(msgspec.Struct, frozen=True):
    """One record of the log: a template, so that repeats are seen, and what fills it."""

    level: int
    sentence: str
    values: dict[str, Any]
    fields: dict[str, Any]


class Chronicle:
    """Turns events into lines."""

    def __init__(self) -> None:
        self._tries: Counter[str] = Counter()

    def line(self, account: str, type: str, seq: int, at: str, data: dict[str, Any]) -> Line | None:
        """None: not worth a line."""
        more: dict[str, Any] = {"account": account} if account else {}
        if seq:
            more["seq"] = seq
        if "code" in data:
            more["code"] = data["code"]
        if type.startswith("message.") and "id" in data:
            more["msgid"] = data["id"]
        match type:
            case "account.state":
                return self._state(account, at, data, more | {"state": data.get("to", "")})
            case "message.status":
                error = data.get("error") or {}
                if data.get("status") != "failed":
                    return None
                values = {"id": data.get("id", ""), "kind": error.get("kind", "unknown")}
                return Line(logging.WARNING, "message %(id)s was not sent: %(kind)s", values, more)
            case "pair.expired" if data.get("reason") != "timeout" or data.get("what") != "qr":
                return None
            case "pair.failed" if data.get("going_on"):
                return None
            case "sync.history" if not data.get("messages") or data.get("percent") != 100:
                return None
        if type not in SENTENCES:
            return None
        level, sentence = SENTENCES[type]
        return Line(level, _advised(sentence, data), data, more)

    def _state(self, account: str, at: str, data: dict[str, Any], more: dict[str, Any]) -> Line:
        to = str(data.get("to", ""))
        level = STATES.get(to, logging.INFO)
        # The word stands in the template: repeats are counted by it, and a rare state must not hide among frequent ones.
        sentence = to
        if to == "waiting":
            self._tries[account] += 1
            if self._tries[account] >= PATIENCE:
                level = logging.WARNING
        elif to not in ("connecting", "syncing"):
            self._tries.pop(account, None)
        elif data.get("from") == "waiting" or to == "syncing":
            level = logging.DEBUG
        values = dict(data)
        if data.get("reason"):
            sentence += ": %(reason)s"
        if data.get("code"):
            sentence += " (%(code)s)"
        if data.get("next_retry_at"):
            values["pause"] = _span(_seconds(data["next_retry_at"]) - _seconds(at))
            sentence += ", next try in %(pause)s"
        if data.get("until"):
            sentence += ", until %(until)s"
        if data.get("advice") and to != "stopped":
            sentence += ""
        return Line(level, sentence, values, more)

    def write(self, row: Row | Passing) -> None:
        """One event."""
        if row.type == "message.status" and b'"failed"' not in row.body:
            return  # they are the most frequent of all, and no line: not even read
        body: dict[str, Any] = msgspec.json.decode(row.body)
        line = self.line(row.account, row.type, row.seq, body["at"], body["data"])
        if line is None:
            return
        log.log(line.level, line.sentence, _Values(line.values), extra=fields(row.type, **line.fields))


class _Values(dict[str, Any]):
    """What is absent is empty: an event's optional members are no fault of the sentence."""

    def __missing__(self, key: str) -> str:
        return ""

    def __bool__(self) -> bool:
        # `logging` takes an empty mapping for no values at all.
        return True


def _advised(sentence: str, data: dict[str, Any]) -> str:
    return f"{sentence}. %(advice)s" if data.get("advice") else sentence


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < MINUTE else f"{seconds / MINUTE:.0f} min"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def follow(feed: Feed) -> None:
    """Write for ever what happens from now on."""
    after, place = feed.newest, feed.place
    want, chronicle = Filter(types=TYPES), Chronicle()
    while True:
        bell = feed.bell
        try:
            rows, upto, _ = await feed.read(after, want, limit=PAGE_ROWS, max_bytes=PAGE_BYTES)
        except Pruned:
            rows, upto = [], feed.newest
        passing, _ = feed.passing(place)
        place = feed.place
        for row in rows:
            chronicle.write(row)
        for event in passing:
            if want.wants(event):
                chronicle.write(event)
        if upto == after:
            await bell.wait()
        after = upto
