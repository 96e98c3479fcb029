"""Messages into their table: content, search words, media references, and what they do to chat and contact."""

from __future__ import annotations

import sqlite3
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from waconnd.store.archive import arrivals
from waconnd.store.archive.arrivals import Arrival
from waconnd.store.archive.body import Fields, millis
from waconnd.store.archive.change import Batch, Change, Handler, ident, number, part, text
from waconnd.store.archive.people import learn
from waconnd.store.archive.project_changes import apply_early

#: Members of a body (and of media) in which a person would search.
_WORDS: Final = ("text", "caption", "name", "title", "description", "address", "file_name", "footer")
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
    arrival = _arrival(change, chat, id, sender, own=own)
    if arrival.key in change.batch.arrivals:
        settle(connection, change.batch)
    change.batch.arrivals[arrival.key] = arrival


def settle(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write the messages that wait, and carry out what came before them."""
    for one in arrivals.settle(connection, batch):
        apply_early(connection, one.change, one.chat, one.id)


def undecryptable(connection: sqlite3.Connection, change: Change) -> None:
    """A place is kept for it: lists show that something is missing, and its recovery fills it."""
    placeholder = {**change.data, "body": {"kind": "placeholder"}}
    received(connection, msgspec.structs.replace(change, data=placeholder))


def _arrival(change: Change, chat: str, id: str, sender: str, *, own: bool) -> Arrival:
    data, full = change.data, change.store == "full"
    about, kind = part(data, "chat"), text(part(data, "body"), "kind")
    ttl = number(part(data, "ephemeral"), "ttl_s")
    sent_at = millis(data.get("sent_at")) or change.at
    media = part(change.private, "media") if full else {}
    return Arrival(
        change=change,
        chat=chat,
        id=id,
        sender=sender,
        own=own,
        sent_at=sent_at,
        kind=kind,
        words=_words(data) if full else "",
        server_id=str(data.get("server_id", "")),
        expires_at=sent_at + ttl * 1000 if ttl else 0,
        status=text(data, "status") or ("sent" if own and change.live else ""),
        data=_encode(data) if full else b"",
        secret=_secret(change.private),
        starred=bool(data.get("starred")),
        media=_encode(media) if media else b"",
        chat_kind=text(about, "kind") or kind_of(chat),
        chat_name=text(about, "name"),
        news=change.live and not own and kind not in _SILENT,
        past=change.type == HISTORY,
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
