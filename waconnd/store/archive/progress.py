"""How far messages of ours came: with each device of a person, with a person, and as a whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from waconnd.store.archive import bulk
from waconnd.store.archive.change import Batch, Change, Word, ident, number

#: A status only rises. `failed` is final only for what never reached the server.
RANKS: Final = {"queued": 1, "sent": 2, "failed": 3, "server_ack": 4, "delivered": 5, "read": 6, "played": 7}
#: Status → all that it may follow, those that no rank knows included, as a list for SQL: one statement each.
_BELOW: Final = {
    new: "({})".format(
        ", ".join(f"'{old}'" for old in ["", "cancelled", "expired", *RANKS] if RANKS.get(old, 0) < rank)
    )
    for new, rank in RANKS.items()
}
RECEIPTS: Final = {"delivered": "delivered_at", "": "delivered_at", "read": "read_at", "played": "played_at"}

#: Account, id of the message, when (ms), what the sender was told as JSON, and how often.
Raise = tuple[str, str, int, str, int]

#: Chats in which a message has many recipients.
MANY: Final = ("@g.us", "@broadcast")


def one_of_many(chat: str, new: str) -> bool:
    """In a group one person's word is that person's: it stands with the receipts."""
    return chat.endswith(MANY) and new in RECEIPTS


def note(change: Change, chat: str, id: str, column: str) -> None:
    """What one device told; the first time of each kind stays."""
    who = ident(change.data, "by") or ident(change.data, "from")
    row = (change.account, chat, id, who, number(change.data, "device"), change.at)
    change.batch.receipts.setdefault(column, []).append(row)


def raise_when_all(connection: sqlite3.Connection, account: str, chat: str, id: str, at: int) -> None:
    """In a group a message is delivered, or read, when it is with everybody whom it was sent to."""
    sent = connection.execute(
        "select coalesce(json_extract(nullif(result, ''), '$.people'), 0) from outbox where account = ? and id = ?",
        (account, id),
    ).fetchone()
    if sent is None or not sent[0]:
        return
    counts = connection.execute(
        "select count(*), sum(read_at or played_at), sum(played_at) from (select max(read_at) > 0 read_at,"
        " max(played_at) > 0 played_at from receipt where account = ? and chat = ? and id = ? group by who)",
        (account, chat, id),
    ).fetchone()
    for status, count in zip(("delivered", "read", "played"), counts, strict=True):
        if (count or 0) >= sent[0]:
            raise_status(connection, account, [id], chat, status)
            raise_outbox(connection, status, [(account, id, at, "", 0)])


def raise_status(
    connection: sqlite3.Connection, account: str, ids: Sequence[str], chat: str, new: str
) -> None:
    """Never backwards."""
    below = _BELOW.get(new)
    if below is None:
        return
    # A person's chat has two names; our own ids are unique all the same.
    connection.execute(
        "update message set status = ?1 where account = ?2 and id in (select value from json_each(?3)) and from_me"  # noqa: S608
        f" and status in {below} and (chat = ?4 or not exists (select 1 from message twin"
        " where twin.account = ?2 and twin.id = message.id and twin.from_me and twin.chat = ?4))",
        (new, account, msgspec.json.encode(ids).decode(), chat),
    )


def raise_outbox(connection: sqlite3.Connection, new: str, rows: Sequence[Raise]) -> None:
    """The same for rows that wait in the outbox; with the server's word comes what the sender was told."""
    below = _BELOW.get(new)
    if below is None:
        return
    # The row knows better why it failed: its time had passed, or somebody took it back.
    rises = f"status in {below}" + (" and status not in ('expired', 'cancelled')" if new == "failed" else "")
    for some in bulk.parts(rows):
        values = ", ".join(["(?, ?, ?, ?, ?)"] * len(some))
        # Told which index: the planner knows no better than to look at all rows of an account.
        connection.execute(
            f"with word(account, id, at, result, results) as (values {values})"  # noqa: S608
            " update outbox indexed by outbox_message set"
            f" status = case when {rises} then '{new}' else status end,"
            f" changed = case when {rises} then word.at else changed end,"
            " result = case when word.result != '' then word.result else outbox.result end,"
            " attempts = attempts + word.results"
            " from word where outbox.account = word.account and outbox.id = word.id"
            f" and (word.result != '' or ({rises}))",
            [value for row in some for value in row],
        )


def tell(change: Change, chat: str, id: str, new: str, *, listed: bool, result: str = "") -> None:
    """A word on a message. Since a status only rises, the highest of a batch is all that has to be written."""
    words, key = change.batch.words, (change.account, chat, id)
    held = words.get(key)
    if held is None:
        words[key] = Word(new, change.at, listed, result, int(bool(result)))
        return
    held.listed, held.result = held.listed or listed, result or held.result
    held.results += int(bool(result))
    if RANKS.get(new, 0) > RANKS.get(held.status, 0):
        held.status, held.at = new, change.at


def settle(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write what devices told, and how far messages came."""
    receipts, batch.receipts = batch.receipts, {}
    for column, rows in receipts.items():
        bulk.insert(
            connection,
            f"insert into receipt(account, chat, id, who, device, {column})",
            rows,
            f" on conflict do update set {column} = case when {column} = 0 then excluded.{column}"
            f" else min({column}, excluded.{column}) end",
        )
    words, batch.words = batch.words, {}
    alike: dict[tuple[str, str, str], list[str]] = {}
    rising: dict[str, dict[tuple[str, str], Raise]] = {}
    for (account, chat, id), word in words.items():
        if word.listed:
            alike.setdefault((account, chat, word.status), []).append(id)
        raises = rising.setdefault(word.status, {})
        # Told under two names of its chat it is one row all the same, which rises the first time.
        *_, at, result, results = raises.get((account, id), (word.at, "", 0))
        raises[account, id] = (account, id, at, word.result or result, word.results + results)
    for status, raises in rising.items():
        raise_outbox(connection, status, list(raises.values()))
    for (account, chat, status), ids in alike.items():
        raise_status(connection, account, ids, chat, status)
