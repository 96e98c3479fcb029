"""Chats and contacts as the phone and the groups describe them."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from waconnd.store.archive.body import Fields, millis, text_of
from waconnd.store.archive.change import Change, Handler, ident, number, part, text
from waconnd.store.archive.people import learn, merged, update
from waconnd.store.archive.project_changes import delete, mark_read
from waconnd.store.archive.project_message import kind_of

#: Members of a contact event that name the person, not what changed.
_PERSON: Final = frozenset({"id", "pn", "lid", "contact", "kind", "push_name"})
#: Members without a column: they stand in `info` while they say something.
_BESIDE: Final = ("locked", "note")
#: Messages removed with a chat in one go; a million would stop the thread for seconds.
_ROW: Final = "select n, account, chat, id, sender, text from message where account = ? and chat = ?"


def chat_updated(connection: sqlite3.Connection, change: Change) -> None:
    """Members that are there were changed; all others stay."""
    data = change.data
    chat = ident(data, "chat") or text(data, "id")
    if not chat:
        return
    ensure(connection, change.account, chat, part(data, "chat"))
    set_members(connection, change.account, chat, {**part(data, "changed"), **data})


def history_chat(connection: sqlite3.Connection, change: Change) -> None:
    """How a chat stood when the phone wrote it down: what is known since is newer."""
    data = change.data
    chat = ident(data, "chat")
    if not chat:
        return
    held = connection.execute(
        "select archived, pinned_at, muted_until, timer_s, unread, marked_unread, read_upto from chat"
        " where account = ? and id = ?",
        (change.account, chat),
    ).fetchone()
    ensure(connection, change.account, chat, part(data, "chat"))
    connection.execute(
        "update chat set last_at = max(last_at, ?) where account = ? and id = ?",
        (number(data, "last_at"), change.account, chat),
    )
    if held is None or not any(held):
        set_members(connection, change.account, chat, data)


def ensure(connection: sqlite3.Connection, account: str, chat: str, about: Fields) -> None:
    """A row for this chat."""
    connection.execute(
        "insert into chat(account, id, kind, name) values(?, ?, ?, ?) on conflict(account, id) do update set"
        " name = case when excluded.name != '' then excluded.name else name end",
        (account, chat, text(about, "kind") or kind_of(chat), text(about, "name")),
    )


def set_members(connection: sqlite3.Connection, account: str, chat: str, members: Fields) -> None:
    """One statement for each member that we keep."""
    sets: Fields = {}
    if "archived" in members:
        sets["archived"] = number(members, "archived")
    if "pinned_at" in members or "pinned" in members:
        pinned = millis(members.get("pinned_at")) or number(members, "pinned")
        sets["pinned_at"] = pinned
    if "muted_until" in members:
        # -1, or a time past all calendars: for ever.
        sets["muted_until"] = millis(members["muted_until"])
    elif members.get("muted") is False:
        sets["muted_until"] = 0
    if "timer_s" in members:
        sets["timer_s"] = number(members, "timer_s")
    if isinstance(members.get("name"), str):
        sets["name"] = members["name"]
    if isinstance(members.get("labels"), list):
        sets["labels"] = msgspec.json.encode(members["labels"]).decode()
    for name, value in sets.items():
        connection.execute(
            f"update chat set {name} = ? where account = ? and id = ?",  # noqa: S608 (names from above)
            (value, account, chat),
        )
    if members.get("pinned") is False:
        connection.execute("update chat set pinned_at = 0 where account = ? and id = ?", (account, chat))
    beside: Fields = {name: members[name] or None for name in _BESIDE if name in members}
    if beside:
        _merge_info(connection, account, chat, beside)
    if isinstance(members.get("info"), dict):
        _merge_info(connection, account, chat, members["info"])
    if members.get("read_upto"):
        mark_read(connection, account, chat, millis(members["read_upto"]))
    _set_unread(connection, account, chat, members)


def _set_unread(connection: sqlite3.Connection, account: str, chat: str, members: Fields) -> None:
    unread: Any = members.get("unread", members.get("marked_unread"))
    if unread is True:
        connection.execute("update chat set marked_unread = 1 where account = ? and id = ?", (account, chat))
    elif unread is False or unread == 0:
        connection.execute(
            "update chat set marked_unread = 0, unread = 0, read_upto = max(read_upto, last_at)"
            " where account = ? and id = ?",
            (account, chat),
        )
    elif isinstance(unread, int):
        connection.execute("update chat set unread = ? where account = ? and id = ?", (unread, account, chat))


def _merge_info(connection: sqlite3.Connection, account: str, chat: str, members: Fields) -> None:
    held = connection.execute(
        "select info from chat where account = ? and id = ?", (account, chat)
    ).fetchone()
    connection.execute(
        "update chat set info = ? where account = ? and id = ?", (merged(held[0], members), account, chat)
    )


def chat_deleted(connection: sqlite3.Connection, change: Change) -> None:
    """The chat and its messages; starred ones stay when the user said so, newer ones than he saw too."""
    chat = ident(change.data, "chat") or text(change.data, "id")
    if not _empty(connection, change, chat):
        connection.execute("delete from chat where account = ? and id = ?", (change.account, chat))


def chat_cleared(connection: sqlite3.Connection, change: Change) -> None:
    """The messages go, the chat stays."""
    chat = ident(change.data, "chat") or text(change.data, "id")
    _empty(connection, change, chat)
    connection.execute(
        "update chat set unread = 0, marked_unread = 0, last_n = coalesce((select n from message m where"
        " m.account = ?1 and m.chat = ?2 order by sent_at desc, n desc limit 1), 0) where account = ?1 and id = ?2",
        (change.account, chat),
    )


def _empty(connection: sqlite3.Connection, change: Change, chat: str) -> bool:
    """Remove messages up to the time that is meant; whether some stay."""
    keep = bool(change.data.get("keep_starred"))
    upto = millis(change.data.get("upto"))
    where = (" and not starred" if keep else "") + (f" and sent_at <= {upto}" if upto else "")
    cursor = connection.execute(_ROW + where, (change.account, chat))
    cursor.row_factory = sqlite3.Row
    for row in cursor.fetchall():
        delete(connection, row)
    left = connection.execute(
        "select 1 from message where account = ? and chat = ? limit 1", (change.account, chat)
    ).fetchone()
    return left is not None


def contact_updated(connection: sqlite3.Connection, change: Change) -> None:
    """Names and facts about a person."""
    data = change.data
    person = part(data, "contact") or data
    members = {name: value for name, value in {**person, **data}.items() if name not in _PERSON}
    said = {"id": ident(data, "contact") or text(data, "id"), "push_name": text(data, "push_name")}
    for name in ("pn", "lid"):
        said[name] = text(person, name)
    id = learn(connection, change.account, said, change.now)
    if id:
        update(connection, change.account, id, members)


def identity_changed(connection: sqlite3.Connection, change: Change) -> None:
    """Noted until somebody trusts the new key."""
    id = learn(connection, change.account, part(change.data, "contact"), change.now)
    if id:
        update(connection, change.account, id, {"identity_changed_at": text_of(change.at)})


def contact_moved(connection: sqlite3.Connection, change: Change) -> None:
    """A person has another number or hidden id: the chat goes on under the new one."""
    old, new = ident(change.data, "old"), ident(change.data, "new")
    if not old or not new or old == new:
        return
    if old.rpartition("@")[2] != new.rpartition("@")[2]:
        pair = {"pn": old, "lid": new} if new.endswith("@lid") else {"pn": new, "lid": old}
        learn(connection, change.account, pair, change.now)
    move_chat(connection, change.account, old, new)


def move_chat(connection: sqlite3.Connection, account: str, old: str, new: str) -> None:
    """Two chats with one person become one."""
    held = connection.execute(
        "select kind, name, unread, read_upto, last_at, last_n, archived, pinned_at, muted_until, timer_s, local"
        " from chat where account = ? and id = ?",
        (account, old),
    ).fetchone()
    if held is None:
        return
    connection.execute(
        "insert into chat(account, id, kind, name, unread, read_upto, last_at, last_n, archived, pinned_at,"
        " muted_until, timer_s, local) values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " on conflict(account, id) do update set unread = unread + excluded.unread,"
        " name = case when name = '' then excluded.name else name end,"
        " last_n = case when excluded.last_at > last_at then excluded.last_n else last_n end,"
        " last_at = max(last_at, excluded.last_at), read_upto = max(read_upto, excluded.read_upto),"
        " pinned_at = max(pinned_at, excluded.pinned_at), muted_until = max(muted_until, excluded.muted_until),"
        " local = json_patch(excluded.local, local)",
        (account, new, *held),
    )
    connection.execute("delete from chat where account = ? and id = ?", (account, old))
    for table in ("message", "annotation", "receipt", "media", "early"):
        connection.execute(
            f"update or ignore {table} set chat = ? where account = ? and chat = ?",  # noqa: S608 (names from above)
            (new, account, old),
        )
    connection.execute("update outbox set chat = ? where account = ? and chat = ?", (new, account, old))


def blocklist_changed(connection: sqlite3.Connection, change: Change) -> None:
    """Who is blocked now, and who is no more."""
    for name, blocked in (("blocked", 1), ("unblocked", 0)):
        people: Any = change.data.get(name)
        for person in people if isinstance(people, list) else []:
            id = learn(
                connection, change.account, person if isinstance(person, dict) else {"id": person}, change.now
            )
            connection.execute(
                "update contact set blocked = ? where account = ? and id = ?", (blocked, change.account, id)
            )


def group_changed(connection: sqlite3.Connection, change: Change) -> None:
    """A group's subject is its chat's name."""
    data = change.data
    group = part(data, "group")
    chat = ident(data, "group") or ident(data, "chat") or text(data, "id")
    if not chat:
        return
    name = text(group, "subject") or text(group, "name") or text(data, "subject")
    ensure(connection, change.account, chat, {"kind": kind_of(chat), "name": name})


HANDLERS: Final[dict[str, Handler]] = {
    "chat.updated": chat_updated,
    "history.chat": history_chat,
    "chat.deleted": chat_deleted,
    "chat.cleared": chat_cleared,
    "contact.updated": contact_updated,
    "contact.moved": contact_moved,
    "contact.identity_changed": identity_changed,
    "blocklist.changed": blocklist_changed,
    "group.joined": group_changed,
    "group.updated": group_changed,
    "channel.joined": group_changed,
    "channel.updated": group_changed,
}
