"""Votes in words: followers of the log read what was chosen, and how the poll stands with it.

On the wire a vote names its options by hash. A vote that comes before its poll is told by its hashes alone.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from waconnd.store.archive.body import Encoded, Fields, millis, reworded
from waconnd.store.archive.change import ident, part, text

VOTE: Final = "message.poll_vote"

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def names_of(poll: Fields) -> dict[str, str]:
    """Hash → name of each option, in the poll's order; `poll` is the message's data."""
    options: Any = part(part(poll, "body"), "poll").get("options", ())
    return {hashlib.sha256(name.encode()).hexdigest(): name for name in options if isinstance(name, str)}


def tally(poll: Fields, votes: Iterable[Fields]) -> list[Fields]:
    """How many chose each option; what matches none is not counted."""
    chosen = Counter(hash for vote in votes for hash in dict.fromkeys(vote.get("hashes") or ()))
    return [{"option": name, "votes": chosen[hash]} for hash, name in names_of(poll).items()]


def worded(connection: sqlite3.Connection, row: Encoded) -> Encoded:
    """A vote with the names of its options and the poll's result."""
    target = part(row.data, "target")
    place = (row.account, ident(target, "chat") or ident(row.data, "chat"), text(target, "id"))
    held = connection.execute(
        "select data from message where account = ? and chat = ? and id = ? and kind = 'poll'"
        " order by sender = ? desc limit 1",
        (*place, ident(target, "from")),
    ).fetchone()
    if held is None or not held[0]:
        return row
    poll = _decode(held[0])
    names, who = names_of(poll), ident(row.data, "by")
    votes: dict[str, Fields] = {who: row.data}
    for other, at, value in connection.execute(
        "select who, at, value from annotation where account = ? and chat = ? and id = ? and kind = 'vote'",
        place,
    ):
        if other != who or at > (millis(row.data.get("sent_at")) or row.at):
            votes[other] = _decode(value)
    options = [names[hash] for hash in row.data.get("hashes") or () if hash in names]
    return reworded(row, options=options, results=tally(poll, votes.values()))
