"""Labels, settings and whole collections of app state into their tables, and persons who got another id."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from waconnd.store.archive.body import Fields
from waconnd.store.archive.change import Change, Handler, ident, part, text
from waconnd.store.archive.project_chat import ensure

LABEL: Final = "label/"
#: Members of a label event that describe the label itself.
_ABOUT: Final = ("name", "color", "predefined", "position")

_encode = msgspec.json.Encoder().encode


def set_setting(connection: sqlite3.Connection, account: str, name: str, value: Any, at: int) -> None:
    """Keep a value under a name; None takes it away."""
    if value is None:
        connection.execute("delete from setting where account = ? and name = ?", (account, name))
        return
    connection.execute(
        "insert into setting(account, name, value, at) values(?, ?, ?, ?) on conflict(account, name) do update set"
        " value = excluded.value, at = excluded.at",
        (account, name, _encode(value).decode(), at),
    )


def settings_changed(connection: sqlite3.Connection, change: Change) -> None:
    """One setting of the account."""
    name = text(change.data, "name")
    if name:
        set_setting(connection, change.account, name, change.data.get("value"), change.at)


def label_changed(connection: sqlite3.Connection, change: Change) -> None:
    """A label, or where it hangs."""
    data = change.data
    label = text(data, "label")
    if part(data, "target"):
        _label_message(connection, change, label)
    elif ident(data, "chat"):
        _label_chat(connection, change, label)
    elif data.get("deleted"):
        set_setting(connection, change.account, LABEL + label, None, change.at)
        for chat, held in connection.execute(
            "select id, labels from chat where account = ? and labels != '[]'", (change.account,)
        ).fetchall():
            _write_labels(connection, change.account, chat, _without(held, label))
    else:
        row = connection.execute(
            "select value from setting where account = ? and name = ?", (change.account, LABEL + label)
        ).fetchone()
        about: Fields = msgspec.json.decode(row[0], type=dict[str, Any]) if row is not None else {}
        about |= {name: data[name] for name in _ABOUT if name in data}
        set_setting(connection, change.account, LABEL + label, about, change.at)


def _label_chat(connection: sqlite3.Connection, change: Change, label: str) -> None:
    chat = ident(change.data, "chat")
    ensure(connection, change.account, chat, part(change.data, "chat"))
    held = connection.execute(
        "select labels from chat where account = ? and id = ?", (change.account, chat)
    ).fetchone()[0]
    labels = _without(held, label) + ([label] if change.data.get("labeled") else [])
    _write_labels(connection, change.account, chat, labels)


def _label_message(connection: sqlite3.Connection, change: Change, label: str) -> None:
    target = part(change.data, "target")
    value = {"label": label, "on": bool(change.data.get("labeled"))}
    connection.execute(
        "insert into annotation values(?, ?, ?, 'label', ?, ?, ?) on conflict do update set"
        " at = excluded.at, value = excluded.value where excluded.at >= at",
        (
            change.account,
            ident(target, "chat") or ident(change.data, "chat"),
            text(target, "id"),
            label,
            change.at,
            _encode(value).decode(),
        ),
    )


def _without(held: str, label: str) -> list[str]:
    return [one for one in msgspec.json.decode(held, type=list[str]) if one != label]


def _write_labels(connection: sqlite3.Connection, account: str, chat: str, labels: list[str]) -> None:
    connection.execute(
        "update chat set labels = ? where account = ? and id = ?", (_encode(labels).decode(), account, chat)
    )


HANDLERS: Final[dict[str, Handler]] = {
    "settings.changed": settings_changed,
    "label.changed": label_changed,
}
