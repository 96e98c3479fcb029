"""Persons who are found to be one: whatever was known under the number goes on under the hidden id, and is told.

`learn` notes pairs that are new in a table of the connection; here the chats follow, and one event tells of the move
when anybody can have seen the old id.
"""

from __future__ import annotations

import sqlite3

from waconnd.store.archive.body import Encoded, encode
from waconnd.store.archive.project_chat import move_chat


def settle(connection: sqlite3.Connection, now: int) -> list[Encoded]:
    """Move what has to move; the events that tell of it."""
    if connection.execute("select 1 from temp.moved limit 1").fetchone() is None:
        return []
    rows = connection.execute(
        "select account, old, new, max(merged) from temp.moved group by account, old, new"
    ).fetchall()
    connection.execute("delete from temp.moved")
    told: list[Encoded] = []
    for account, old, new, merged in rows:
        seen = connection.execute(
            "select 1 from chat where account = ? and id = ?", (account, old)
        ).fetchone()
        if seen is None and not merged:
            continue
        move_chat(connection, account, old, new)
        event = {
            "type": "contact.moved",
            "key": f"contact.moved/{old}/{new}/{now}",
            "at": float(now),
            "old": old,
            "new": new,
        }
        told.append(encode(account, event))
    return told
