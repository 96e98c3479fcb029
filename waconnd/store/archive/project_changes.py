"""What happens to a message later: edits, revokes, reactions, votes, receipts, delivery status."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from waconnd.store.archive import progress
from waconnd.store.archive.body import Fields, millis
from waconnd.store.archive.change import Change, Handler, ident, part, text
from waconnd.store.archive.index import add_text, drop_text
from waconnd.store.archive.people import learn

#: Members of a change that say what it is about, not what it says.
_ADDRESS: Final = frozenset(
    {"target", "by", "from", "chat", "id", "from_me", "sent_at", "retried", "broadcast", "results"}
)
#: Receipts by which our other devices tell what was read there.
_OWN_DEVICES: Final = frozenset({"read_self", "played_self"})
#: What stays of a message that was revoked: that there was one.
_KEPT: Final = ("id", "sent_at", "chat", "from", "from_me", "server_id")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def edited(connection: sqlite3.Connection, change: Change) -> None:
    """New text for an old message, unless a newer edit or its end is known."""
    row = _target(connection, change)
    at = _at(change)
    if row is None or row["revoked_at"] or row["edited_at"] >= at or not _may_edit(connection, change, row):
        return
    words, data = row["text"], row["data"]
    if change.store == "full" and data:
        fields = _decode(data)
        fields["body"] = part(fields, "body") | (part(change.data, "body") or part(change.data, "new"))
        if "mentions" in change.data:
            fields["mentions"] = change.data["mentions"]
        data = _encode(fields)
        words = text(fields["body"], "text") or text(fields["body"], "caption") or words
    _rewrite(connection, row, words, data)
    connection.execute("update message set edited_at = ? where n = ?", (at, row["n"]))


def revoked(connection: sqlite3.Connection, change: Change) -> None:
    """The message is gone for everybody: its content goes here too."""
    row = _target(connection, change)
    if row is None or row["revoked_at"]:
        return
    fields = _decode(row["data"]) if row["data"] else {}
    kept = {name: fields[name] for name in _KEPT if name in fields} | {"body": {"kind": "revoked"}}
    _rewrite(connection, row, "", _encode(kept) if row["data"] else b"")
    connection.execute(
        "update message set revoked_at = ?, revoked_by = ?, kind = 'revoked' where n = ?",
        (_at(change), _who(change), row["n"]),
    )
    connection.execute(
        "delete from media where account = ? and chat = ? and id = ? and sender = ?",
        (change.account, row["chat"], row["id"], row["sender"]),
    )


def annotated(connection: sqlite3.Connection, change: Change) -> None:
    """A reaction, a vote, an answer: the newest of each person stands, an emptied one included."""
    row = _target(connection, change)
    if row is None:
        return
    learn(connection, change.account, part(change.data, "by") or part(change.data, "from"), change.now)
    value = {name: held for name, held in change.data.items() if name not in _ADDRESS}
    kind = ANNOTATIONS[change.type]
    connection.execute(
        "insert into annotation values(?, ?, ?, ?, ?, ?, ?) on conflict do update set"
        " at = excluded.at, value = excluded.value where excluded.at >= at",
        (
            change.account,
            row["chat"],
            row["id"],
            kind,
            "" if kind in _SHARED else _who(change),
            _at(change),
            _encode(value if change.store == "full" else {}).decode(),
        ),
    )


def starred(connection: sqlite3.Connection, change: Change) -> None:
    """Marked by the user, on any of the own devices."""
    row = _target(connection, change)
    if row is not None:
        connection.execute(
            "update message set starred = ? where n = ?", (int(bool(change.data.get("on", True))), row["n"])
        )


def deleted(connection: sqlite3.Connection, change: Change) -> None:
    """Deleted for the user alone."""
    row = _target(connection, change, wait=False)
    if row is not None:
        delete(connection, row)


def delete(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    """A message and all that hangs on it."""
    drop_text(connection, row["n"], row["account"], row["text"])
    connection.execute("delete from message where n = ?", (row["n"],))
    place = (row["account"], row["chat"], row["id"])
    for table in ("annotation", "receipt", "media"):
        connection.execute(f"delete from {table} where account = ? and chat = ? and id = ?", place)  # noqa: S608


def status(connection: sqlite3.Connection, change: Change) -> None:
    """How far a message of ours came; also told to its outbox row."""
    data, chat, new = change.data, ident(change.data, "chat"), text(change.data, "status")
    for id in _ids(data):
        if progress.one_of_many(chat, new):
            progress.note(change, chat, id, progress.RECEIPTS[new])
            # They are counted, against what the server told the sender.
            progress.settle(connection, change.batch)
            progress.raise_when_all(connection, change.account, chat, id, change.at)
        else:
            progress.tell(change, chat, id, new, listed=True, result=_result(change))
        if data.get("server_id"):
            connection.execute(
                "update message set server_id = ? where account = ? and id = ? and from_me",
                (str(data["server_id"]), change.account, id),
            )


def only_rises(change: Change) -> bool:
    """A status that needs nothing but the row, and is counted by nobody."""
    counted = progress.one_of_many(ident(change.data, "chat"), text(change.data, "status"))
    return not counted and not change.data.get("server_id")


def outbox_status(change: Change) -> None:
    """The same for rows that wait in the outbox of an account that keeps no messages."""
    chat, new = ident(change.data, "chat"), text(change.data, "status")
    if progress.one_of_many(chat, new):
        return
    for id in _ids(change.data):
        progress.tell(change, chat, id, new, listed=False, result=_result(change))


def _result(change: Change) -> str:
    result = part(change.private, "result")
    return _encode(result).decode() if result else ""


def only_notes(change: Change) -> bool:
    """A receipt of somebody else's, which is kept and changes nothing more."""
    return _kind(change.data) not in _OWN_DEVICES


def receipt(connection: sqlite3.Connection, change: Change) -> None:
    """Somebody got, read or played messages; or we did, on another device."""
    data = change.data
    kind, chat = _kind(data), ident(data, "chat")
    if kind in _OWN_DEVICES:
        read_upto(connection, change.account, chat, _ids(data))
        return
    column = progress.RECEIPTS.get(kind)
    if column is None:
        return
    learn(connection, change.account, part(data, "by"), change.now, change.batch.met)
    for id in _ids(data):
        progress.note(change, chat, id, column)


def _kind(data: Fields) -> str:
    # `type` is the event's own name on the wire of the socket, so a receipt's kind comes under another.
    return (text(data, "receipt") or text(data, "kind")).replace("-", "_")


def read_upto(connection: sqlite3.Connection, account: str, chat: str, ids: list[str]) -> None:
    """Everything up to the newest of these messages was read by the user."""
    newest = 0
    for id in ids:
        found = connection.execute(
            "select max(sent_at) from message where account = ? and id = ? and chat = ?", (account, id, chat)
        ).fetchone()[0]
        newest = max(newest, found or 0)
    if newest:
        mark_read(connection, account, chat, newest)


def mark_read(connection: sqlite3.Connection, account: str, chat: str, upto: int) -> None:
    """Count anew what lies behind; a place that was read stays read."""
    held = connection.execute(
        "select read_upto from chat where account = ? and id = ?", (account, chat)
    ).fetchone()
    if held is None or held[0] >= upto:
        return
    connection.execute(
        "update chat set read_upto = ?3, marked_unread = 0, unread = (select count(*) from message where"
        " account = ?1 and chat = ?2 and sent_at > ?3 and not from_me and seq > 0 and kind != 'protocol')"
        " where account = ?1 and id = ?2",
        (account, chat, upto),
    )


def apply_early(connection: sqlite3.Connection, change: Change, chat: str, id: str) -> None:
    """What came before its message is carried out now, oldest first."""
    batch = change.batch
    if batch.early is None:
        batch.early = connection.execute("select 1 from early limit 1").fetchone() is not None
    if not batch.early:
        return
    rows = connection.execute(
        "select type, at, data from early where account = ? and chat = ? and id = ? order by at",
        (change.account, chat, id),
    ).fetchall()
    for type, at, data in rows:
        late = msgspec.structs.replace(change, type=type, at=at, data=_decode(data), private={})
        HANDLERS[type](connection, late)
    if rows:
        connection.execute(
            "delete from early where account = ? and chat = ? and id = ?", (change.account, chat, id)
        )


def _target(connection: sqlite3.Connection, change: Change, *, wait: bool = True) -> sqlite3.Row | None:
    """The message that a change is about; a change that came first waits for it in `early`."""
    data = change.data
    target = part(data, "target")
    id = text(target, "id") or text(data, "target") or text(data, "id")
    chat = ident(target, "chat") or ident(data, "chat")
    cursor = connection.execute(
        "select n, account, chat, id, sender, from_me, text, data, edited_at, revoked_at from message"
        " where account = ? and id = ? and chat = ? order by sender = ? desc limit 1",
        (change.account, id, chat, ident(target, "from")),
    )
    cursor.row_factory = sqlite3.Row
    row: sqlite3.Row | None = cursor.fetchone()
    if row is None and wait and id and chat:
        change.batch.early = True
        connection.execute(
            "insert or replace into early values(?, ?, ?, ?, ?, ?, ?)",
            (change.account, chat, id, change.type, change.at, change.now, _encode(data)),
        )
    return row


def _may_edit(connection: sqlite3.Connection, change: Change, row: sqlite3.Row) -> bool:
    """Only who wrote a message may change it; two addresses of one person are that person."""
    who, sender = _who(change), row["sender"]
    if not who or not sender or who == sender:
        return True
    known = connection.execute(
        "select pn, lid from contact where account = ? and (pn = ?2 or lid = ?2)", (change.account, who)
    ).fetchone()
    if known is not None and sender in known:
        return True
    return who.rpartition("@")[2] != sender.rpartition("@")[2] and not (known and all(known))


def _rewrite(connection: sqlite3.Connection, row: sqlite3.Row, words: str, data: bytes) -> None:
    if words != row["text"]:
        drop_text(connection, row["n"], row["account"], row["text"])
        add_text(connection, row["n"], row["account"], words)
    connection.execute("update message set text = ?, data = ? where n = ?", (words, data, row["n"]))


def _who(change: Change) -> str:
    return ident(change.data, "by") or ident(change.data, "from")


def _at(change: Change) -> int:
    return millis(change.data.get("sent_at")) or change.at


def _ids(data: Fields) -> list[str]:
    ids: Any = data.get("ids")
    if isinstance(ids, list):
        return [id for id in ids if isinstance(id, str)]
    return [text(data, "id")] if text(data, "id") else []


ANNOTATIONS: Final = {
    "message.reaction": "reaction",
    "message.poll_vote": "vote",
    "message.event_response": "response",
    "message.pinned": "pin",
    "message.kept": "keep",
}
#: A chat has one state of these, whoever set it last.
_SHARED: Final = frozenset({"pin", "keep"})

HANDLERS: Final[dict[str, Handler]] = {
    "message.edited": edited,
    "message.revoked": revoked,
    "message.starred": starred,
    "message.deleted": deleted,
    "message.status": status,
    "receipt.received": receipt,
    **dict.fromkeys(ANNOTATIONS, annotated),
}
