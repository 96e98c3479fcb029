"""One row for one person: an account by number and by hidden id is the same contact."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from waconnd.store.archive.body import Fields
from waconnd.store.archive.change import text

_PN: Final = "@s.whatsapp.net"
_LID: Final = "@lid"
#: Members of a contact with a column of their own.
_COLUMNS: Final = ("name", "push_name", "business_name")


def learn(
    connection: sqlite3.Connection,
    account: str,
    person: Fields,
    now: int,
    met: set[tuple[str, str, str, str]] | None = None,
    **more: Any,
) -> str:
    """Take in what an event says about somebody. Returns the contact's id (the hidden one when it is known).

    `met` remembers who is known just so, as long as no contact is changed in another way.
    """
    id = text(person, "id")
    pn = text(person, "pn") or (id if id.endswith(_PN) else "")
    lid = text(person, "lid") or (id if id.endswith(_LID) else "")
    if not pn and not lid:
        return ""
    said = text(person, "push_name") or text(person, "name")
    just_so = (account, pn, lid, said)
    if met is not None and just_so in met and not more:
        return lid or pn
    # Nearly always somebody who is known under just these names.
    known = connection.execute(
        "select pn, lid, push_name from contact where account = ? and id = ?", (account, lid or pn)
    ).fetchone()
    if known is not None and not more:
        held_pn, held_lid, held_name = known
        if held_pn == (pn or held_pn) and held_lid == (lid or held_lid) and held_name == (said or held_name):
            if met is not None:
                met.add(just_so)
            return lid or pn
    if met is not None:
        met.clear()
    rows = connection.execute(
        "select id, pn, lid from contact where account = ?1 and id in (?2, ?3)"
        " union select id, pn, lid from contact where account = ?1 and pn = ?2 and pn != ''"
        " union select id, pn, lid from contact where account = ?1 and lid = ?3 and lid != ''",
        (account, pn, lid),
    ).fetchall()
    pn = pn or next((row[1] for row in rows if row[1]), "")
    lid = lid or next((row[2] for row in rows if row[2]), "")
    target = lid or pn
    connection.execute(
        "insert into contact(account, id, pn, lid, push_name, changed) values(?, ?, ?, ?, ?, ?)"
        " on conflict(account, id) do update set pn = case when excluded.pn != '' then excluded.pn else pn end,"
        " lid = case when excluded.lid != '' then excluded.lid else lid end,"
        " push_name = case when excluded.push_name != '' then excluded.push_name else push_name end,"
        " changed = excluded.changed",
        (account, target, pn, lid, said, now),
    )
    if pn and lid and rows != [(target, pn, lid)]:
        shown = any(row[0] == pn for row in rows)
        connection.execute("insert into temp.moved values(?, ?, ?, ?)", (account, pn, lid, shown))
    for row in rows:
        if row[0] != target and (row[1] in ("", pn) and row[2] in ("", lid)):
            _merge(connection, account, row[0], target)
        elif row[0] != target and row[1] == pn:
            # The number has another owner now: the old contact keeps its hidden id only.
            connection.execute("update contact set pn = '' where account = ? and id = ?", (account, row[0]))
    if more:
        update(connection, account, target, more)
    return target


def update(connection: sqlite3.Connection, account: str, id: str, members: Fields) -> None:
    """Set members of a contact: those with a column there, all else beside each other in `info`."""
    for name in _COLUMNS:
        if isinstance(members.get(name), str):
            connection.execute(
                f"update contact set {name} = ? where account = ? and id = ?",  # noqa: S608 (one of three names)
                (members[name], account, id),
            )
    rest = {name: value for name, value in members.items() if name not in _COLUMNS}
    if rest:
        held = connection.execute(
            "select info from contact where account = ? and id = ?", (account, id)
        ).fetchone()
        if held is not None:
            info = merged(held[0], rest)
            connection.execute(
                "update contact set info = ? where account = ? and id = ?", (info, account, id)
            )


def merged(held: str, members: Fields) -> str:
    """JSON object with more members; None takes one away."""
    fields: Fields = msgspec.json.decode(held, type=dict[str, Any]) | members
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None}).decode()


def _merge(connection: sqlite3.Connection, account: str, old: str, new: str) -> None:
    row = connection.execute(
        "select name, push_name, business_name, blocked, info, local from contact where account = ? and id = ?",
        (account, old),
    ).fetchone()
    name, push_name, business_name, blocked, info, local = row
    connection.execute(
        "update contact set name = case when name = '' then ? else name end,"
        " push_name = case when push_name = '' then ? else push_name end,"
        " business_name = case when business_name = '' then ? else business_name end,"
        " blocked = max(blocked, ?), info = json_patch(?, info), local = json_patch(?, local)"
        " where account = ? and id = ?",
        (name, push_name, business_name, blocked, info, local, account, new),
    )
    connection.execute("delete from contact where account = ? and id = ?", (account, old))
