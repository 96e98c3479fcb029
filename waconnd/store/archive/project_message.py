"""Messages into their table: content, search words, media references, and what they do to chat and contact."""

from __future__ import annotations

import sqlite3
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from waconnd.store.archive.body import Fields, millis
from waconnd.store.archive.change import Change, Handler, ident, number, part, text
from waconnd.store.archive.index import add_text, drop_text
from waconnd.store.archive.people import learn
from waconnd.store.archive.project_changes import apply_early

#: Members of a body (and of media) in which a person would search.
_WORDS: Final = ("text", "caption", "name", "title", "description", "address", "file_name", "footer")
#: Kinds that stand for something else to come: a later, complete message replaces them.
_STAND_INS: Final = frozenset({"placeholder", "unsupported", ""})
#: The type of messages that happened before we were here; they come newest first.
HISTORY: Final = "history.message"
#: Kinds that nobody has to read.
_SILENT: Final = frozenset({"protocol"})
#: Words of one message in the index: the longest text message has 65,536 characters.
MAX_WORDS: Final = 70_000

_encode = msgspec.json.Encoder().encode


def received(connection: sqlite3.Connection, change: Change) -> None:
    """A message, whoever sent it: ours from here, ours from another device, or somebody else's."""
    data = change.data
    chat, id = ident(data, "chat"), text(data, "id")
    if not chat or not id:
        return
    own = bool(data.get("from_me")) or change.type != "message.received"
    if change.type in _KEEP_SIDE:
        own = bool(data.get("from_me"))
    sender = ident(data, "from")
    learn(connection, change.account, part(data, "from"), change.now, change.batch.met)
    n, new = _write(connection, change, chat, id, sender, own=own)
    if n:
        _touch_chat(connection, change, chat, n, own=own, new=new)
    if new:
        apply_early(connection, change, chat, id)


def undecryptable(connection: sqlite3.Connection, change: Change) -> None:
    """A place is kept for it: lists show that something is missing, and its recovery fills it."""
    placeholder = {**change.data, "body": {"kind": "placeholder"}}
    received(connection, msgspec.structs.replace(change, data=placeholder))


def _write(
    connection: sqlite3.Connection, change: Change, chat: str, id: str, sender: str, *, own: bool
) -> tuple[int, bool]:
    """The row's number (0: nothing to do) and whether it is new."""
    data, full = change.data, change.store == "full"
    kind = text(part(data, "body"), "kind")
    words = _words(data) if full else ""
    ttl = number(part(data, "ephemeral"), "ttl_s")
    sent_at = millis(data.get("sent_at")) or change.at
    values: Fields = {
        "account": change.account,
        "chat": chat,
        "id": id,
        "sender": sender,
        "from_me": own,
        "seq": change.seq,
        "sent_at": sent_at,
        "kind": kind,
        "text": words,
        "server_id": str(data.get("server_id", "")),
        "expires_at": sent_at + ttl * 1000 if ttl else 0,
        "status": text(data, "status") or ("sent" if own and change.live else ""),
        "data": _encode(data) if full else b"",
        "starred": bool(data.get("starred")),
        "secret": _secret(change.private),
    }
    inserted = connection.execute(_INSERT, {**values, "past": change.type == HISTORY})
    new = inserted.rowcount == 1
    if new:
        n = inserted.lastrowid or 0
    else:
        n, old_kind, old_words, revoked_at = connection.execute(
            "select n, kind, text, revoked_at from message where account = ? and id = ? and chat = ? and sender = ?",
            (change.account, id, chat, sender),
        ).fetchone()
        if revoked_at or old_kind not in _STAND_INS or kind in _STAND_INS:
            return 0, False
        drop_text(connection, n, change.account, old_words)
        connection.execute(_REPLACE, {**values, "n": n})
    add_text(connection, n, change.account, words)
    reference = part(change.private, "media")
    if reference and full:
        connection.execute(
            "insert into media(account, chat, id, sender, reference, at) values(?, ?, ?, ?, ?, ?)"
            " on conflict do update set reference = excluded.reference",
            (change.account, chat, id, sender, _encode(reference), change.at),
        )
    return n, new


#: What happens now is numbered upwards from 1. History comes newest first and is numbered downwards from -1, so that of
#: messages of one second the later one has the higher number, however the history is cut into pieces.
_INSERT: Final = (
    "insert into message(n, account, chat, id, sender, from_me, seq, sent_at, kind, text, server_id, expires_at, status,"
    " data, secret, starred) values(case when :past"
    " then min((select coalesce(min(n), 0) from message), 0) - 1"
    " else max((select coalesce(max(n), 0) from message), 0) + 1 end, :account, :chat, :id, :sender, :from_me, :seq, :sent_at, :kind, :text, :server_id, :expires_at,"
    " :status, :data, :secret, :starred) on conflict(account, id, chat, sender) do nothing"
)
_REPLACE: Final = (
    "update message set seq = :seq, kind = :kind, text = :text, expires_at = :expires_at, data = :data,"
    " secret = :secret where n = :n"
)


def _touch_chat(
    connection: sqlite3.Connection, change: Change, chat: str, n: int, *, own: bool, new: bool
) -> None:
    data = change.data
    about = part(data, "chat")
    sent_at = millis(data.get("sent_at")) or change.at
    unread = int(change.live and new and not own and text(part(data, "body"), "kind") not in _SILENT)
    connection.execute(
        """
        insert into chat(account, id, kind, name, unread, last_at, last_n)
        values(:account, :chat, :kind, :name, :unread, :at, :n)
        on conflict(account, id) do update set
          name = case when excluded.name != '' then excluded.name else name end,
          unread = unread + (case when excluded.unread and excluded.last_at > read_upto then 1 else 0 end),
          archived = archived,
          last_n = case when excluded.last_at > last_at
            or (excluded.last_at = last_at and (last_n = 0 or excluded.last_n > last_n))
            then excluded.last_n else last_n end,
          last_at = max(last_at, excluded.last_at)
        """,
        {
            "account": change.account,
            "chat": chat,
            "kind": text(about, "kind") or kind_of(chat),
            "name": text(about, "name"),
            "unread": unread,
            "at": sent_at,
            "n": n,
        },
    )


def _secret(private: Fields) -> bytes:
    held: Any = private.get("secret") or b""
    return b64decode(held) if isinstance(held, str) else bytes(held)


def kind_of(chat: str) -> str:
    """The kind of chat that an address names."""
    server = chat.rpartition("@")[2]
    kinds = {"g.us": "group", "newsletter": "channel", "broadcast": "broadcast"}
    return "status" if chat == "status@broadcast" else kinds.get(server, "user")


def _words(data: Fields) -> str:
    return " ".join(_find_words(part(data, "body"), part(data, "media")))[:MAX_WORDS]


def _find_words(*places: Any) -> Iterator[str]:
    for place in places:
        for name in _WORDS:
            value = text(place, name)
            if value:
                yield value
        options = place.get("options")
        if isinstance(options, list):
            for option in options:
                if isinstance(option, str):
                    yield option
                elif isinstance(option, dict):
                    yield text(option, "name")


#: Types that say themselves whose message it is.
_KEEP_SIDE: Final = frozenset({"message.recovered", "message.undecryptable", "channel.message", HISTORY})

HANDLERS: Final[dict[str, Handler]] = {
    "message.received": received,
    "message.sent_elsewhere": received,
    "message.sent": received,
    "message.recovered": received,
    "message.undecryptable": undecryptable,
    "channel.message": received,
    HISTORY: received,
}
