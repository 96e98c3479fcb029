"""The messages of a batch on their way into their table, the index of words, and their chats: together."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from waconnd.store.archive import bulk
from waconnd.store.archive.index import add_text, add_texts, drop_text

if TYPE_CHECKING:
    from waconnd.store.archive.change import Batch, Change

#: Kinds that stand for something else to come: a later, complete message replaces them.
_STAND_INS: Final = frozenset({"placeholder", "unsupported", ""})

_INTO: Final = (
    "insert into message(n, account, chat, id, sender, from_me, seq, sent_at, kind, text, server_id, expires_at,"
    " status, data, secret, starred)"
)
_CHAT: Final = """
    insert into chat(account, id, kind, name, unread, last_at, last_n)
    values(:account, :chat, :kind, :name, json_array_length(:unread), :at, :n)
    on conflict(account, id) do update set
      name = case when excluded.name != '' then excluded.name else name end,
      unread = unread + (case when :unread = '[]' then 0
        else (select count(*) from json_each(:unread) where value > read_upto) end),
      last_n = case when excluded.last_at > last_at
        or (excluded.last_at = last_at and (last_n = 0 or excluded.last_n > last_n))
        then excluded.last_n else last_n end,
      last_at = max(last_at, excluded.last_at)
"""


class Arrival(msgspec.Struct, kw_only=True):
    """A message that may be new."""

    change: Change
    chat: str
    id: str
    sender: str
    own: bool
    sent_at: int
    kind: str
    #: The words that it can be found by.
    words: str
    server_id: str
    expires_at: int
    status: str
    data: bytes
    secret: bytes
    starred: bool
    #: Where its file lies, as JSON.
    media: bytes
    chat_kind: str
    chat_name: str
    #: It counts as unread when it is new.
    news: bool
    #: It happened before we were here.
    past: bool
    #: The number of its row once it has one; 0: there was nothing to do.
    n: int = 0
    new: bool = False

    @property
    def key(self) -> tuple[str, str, str, str]:
        """One message of one author."""
        return self.change.account, self.chat, self.id, self.sender


class _Held(msgspec.Struct, frozen=True):
    n: int
    kind: str
    words: str
    revoked_at: int


def settle(connection: sqlite3.Connection, batch: Batch) -> list[Arrival]:
    """Write those that wait; gives those that are new."""
    arrivals, batch.arrivals = list(batch.arrivals.values()), {}
    if not arrivals:
        return []
    held = _held(connection, arrivals)
    fresh = [one for one in arrivals if one.key not in held]
    if fresh:
        _insert(connection, batch, fresh)
    for one in arrivals:
        if not one.new:
            _replace(connection, one, held[one.key])
    _touch_chats(connection, [one for one in arrivals if one.n])
    return fresh


def _held(
    connection: sqlite3.Connection, arrivals: Sequence[Arrival]
) -> dict[tuple[str, str, str, str], _Held]:
    """Which of them have a row."""
    ids: dict[str, list[str]] = {}
    for one in arrivals:
        ids.setdefault(one.change.account, []).append(one.id)
    return {
        (account, chat, id, sender): _Held(*rest)
        for account, wanted in ids.items()
        for chat, id, sender, *rest in connection.execute(
            "select chat, id, sender, n, kind, text, revoked_at from message where account = ?"
            " and id in (select value from json_each(?))",
            (account, msgspec.json.encode(wanted).decode()),
        )
    }


def _insert(connection: sqlite3.Connection, batch: Batch, fresh: Sequence[Arrival]) -> None:
    """What happens now is numbered upwards from 1. History comes newest first and is numbered downwards from -1, so that of
    messages of one second the later one has the higher number, however the history is cut into pieces.
    """
    if batch.numbers is None:
        # Each end by itself: asked for both at once, SQLite looks at all rows.
        batch.numbers = connection.execute(
            "select min(coalesce((select min(n) from message), 0), 0),"
            " max(coalesce((select max(n) from message), 0), 0)"
        ).fetchone()
    low, high = batch.numbers
    for one in fresh:
        one.new = True
        if one.past:
            low = one.n = low - 1
        else:
            high = one.n = high + 1
    batch.numbers = low, high
    bulk.insert(
        connection,
        _INTO,
        [
            (
                one.n, one.change.account, one.chat, one.id, one.sender, one.own, one.change.seq, one.sent_at,
                one.kind, one.words, one.server_id, one.expires_at, one.status, one.data, one.secret, one.starred,
            )
            for one in fresh
        ],
    )  # fmt: skip
    add_texts(connection, [(one.n, one.words, one.change.account) for one in fresh if one.words])
    _keep_media(connection, [one for one in fresh if one.media])


def _replace(connection: sqlite3.Connection, one: Arrival, held: _Held) -> None:
    """The complete message in place of what stood for it."""
    if held.revoked_at or held.kind not in _STAND_INS or one.kind in _STAND_INS:
        return
    one.n, account = held.n, one.change.account
    drop_text(connection, one.n, account, held.words)
    connection.execute(
        "update message set seq = ?, kind = ?, text = ?, expires_at = ?, data = ?, secret = ? where n = ?",
        (one.change.seq, one.kind, one.words, one.expires_at, one.data, one.secret, one.n),
    )
    add_text(connection, one.n, account, one.words)
    if one.media:
        _keep_media(connection, [one])


def _keep_media(connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> None:
    bulk.insert(
        connection,
        "insert into media(account, chat, id, sender, reference, at)",
        [(one.change.account, one.chat, one.id, one.sender, one.media, one.change.at) for one in arrivals],
        " on conflict do update set reference = excluded.reference",
    )


def _touch_chats(connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> None:
    """Names, what is unread, and which message is the last."""
    chats: dict[tuple[str, str], list[Arrival]] = {}
    for one in arrivals:
        chats.setdefault((one.change.account, one.chat), []).append(one)
    for (account, chat), those in chats.items():
        last = max(those, key=lambda one: (one.sent_at, one.n))
        unread = [one.sent_at for one in those if one.news and one.new]
        names = [one.chat_name for one in those if one.chat_name]
        connection.execute(
            _CHAT,
            {
                "account": account,
                "chat": chat,
                "kind": those[0].chat_kind,
                "name": names[-1] if names else "",
                "unread": msgspec.json.encode(unread).decode(),
                "at": last.sent_at,
                "n": last.n,
            },
        )
