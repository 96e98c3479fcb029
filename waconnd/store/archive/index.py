"""The full-text index of messages: FTS5 over the words that the message table holds.

The index stores no copy of the text. The price: it must be told the old words when they change or go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from waconnd.store.archive import bulk

#: Words of one question; more only cost time.
MAX_TERMS: Final = 16


def add_text(connection: sqlite3.Connection, n: int, account: str, text: str) -> None:
    """Make a message findable."""
    if text:
        add_texts(connection, [(n, text, account)])


def add_texts(connection: sqlite3.Connection, rows: Sequence[tuple[int, str, str]]) -> None:
    """Make many findable: number, words and account of each."""
    bulk.insert(connection, "insert into message_text(rowid, text, account)", rows)


def drop_text(connection: sqlite3.Connection, n: int, account: str, text: str) -> None:
    """Take a message out."""
    if text:
        connection.execute(
            "insert into message_text(message_text, rowid, text, account) values('delete', ?, ?, ?)",
            (n, text, account),
        )


def question(account: str, typed: str) -> str:
    """What a person typed as an FTS5 expression: all words must occur, "quoted ones" side by side,

    the last may go on. Nothing typed is syntax, so nothing typed is an error.
    """
    terms: list[str] = []
    for place, piece in enumerate(typed.split('"')):
        terms.extend(
            [piece.strip()] if place % 2 and piece.strip() else piece.split() if not place % 2 else []
        )
    words = [term.replace("\0", " ") for term in terms[:MAX_TERMS] if any(c.isalnum() for c in term)]
    if not words:
        return ""
    open_end = "" if typed.rstrip().endswith('"') else "*"
    # No quote can stand in an account's name or in a word: they were what split the words.
    return f'account : "{account}" AND text : (' + " ".join(f'"{word}"' for word in words) + open_end + ")"
