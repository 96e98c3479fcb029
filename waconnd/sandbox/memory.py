"""A keystore in memory: what is staged is durable at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from protocol.keystore import Keystore, Txn


class Memory:
    """The records of one simulated device."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, bytes]] = {}
        self.keystore = Keystore(self)

    def get(self, kind: str, id: str) -> bytes | None:
        """The bytes of a record, or None."""
        return self._records.get(kind, {}).get(id)

    def ids(self, kind: str) -> Iterable[str]:
        """All ids of a kind."""
        return list(self._records.get(kind, ()))

    @contextmanager
    def change(self) -> Iterator[Txn]:
        """A transaction; an exception drops it."""
        txn = self.keystore.txn()
        yield txn
        number = self.keystore.stage(txn)
        for save in self.keystore.take_saves():
            for (kind, id), value in save.changes.items():
                held = self._records.setdefault(kind, {})
                if value is None:
                    held.pop(id, None)
                else:
                    held[id] = value
        self.keystore.committed(number)
