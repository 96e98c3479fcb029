"""How far each account's journal was seen: the memory that notices an older directory put over a newer one.

It lies beside the directories, so it sees one of them restored; the file outside the state directory sees all.
"""

from __future__ import annotations

import sqlite3


class Stamps:
    """`archive.stamps`, a `Witness` of account directories: asked and told at once, written with the next drain.

    Told on another thread; one dict assignment is all that happens there.
    """

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def highest(self, store: bytes) -> int:
        """The highest sequence seen of this store; 0 when unknown."""
        return self._known.get(store.hex(), 0)

    def saw(self, store: bytes, seq: int) -> None:
        """Up to here all is durable in the journal."""
        self._told[store.hex()] = seq

    def load(self, connection: sqlite3.Connection) -> dict[str, int]:
        """What was written, at opening."""
        return dict(connection.execute("select store, seq from stamp"))

    def loaded(self, known: dict[str, int]) -> None:
        """Back on the loop."""
        self._known = known

    def write(self, connection: sqlite3.Connection) -> None:
        """Within somebody's transaction. It may lag behind the journal, never run ahead of it."""
        told, self._told = self._told, {}
        connection.executemany(
            "insert into stamp values(?, ?) on conflict(store) do update set seq = max(seq, excluded.seq)",
            list(told.items()),
        )
        for store, seq in told.items():
            self._known[store] = max(seq, self._known.get(store, 0))
