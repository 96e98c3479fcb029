"""Many rows by few statements: each statement hands the interpreter to another thread and waits to get it back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

#: Rows of one statement, a power of two.
MOST: Final = 64


def insert(
    connection: sqlite3.Connection, into: str, rows: Sequence[Sequence[object]], then: str = ""
) -> int:
    """`into`, the rows, `then`. Gives the last row's number."""
    last = 0
    for some in parts(rows):
        one = f"({', '.join('?' * len(some[0]))})"
        cursor = connection.execute(
            f"{into} values{', '.join([one] * len(some))}{then}", [value for row in some for value in row]
        )
        last = cursor.lastrowid or 0
    return last


def parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Slices whose sizes are powers of two: seven statements of a kind, which SQLite keeps ready, do for all numbers."""
    place = 0
    while place < len(rows):
        size = min(MOST, 1 << ((len(rows) - place).bit_length() - 1))
        yield rows[place : place + size]
        place += size
