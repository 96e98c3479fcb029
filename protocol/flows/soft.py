"""Records that may be missing: what makes no sense is set aside with its bytes, and then learnt or counted anew.

For mappings, lists, counters and copies. Never for keys and sessions, whose loss has consequences of its own.
"""

from __future__ import annotations

from typing import Final

from protocol.errors import RecordDamaged
from protocol.keystore import T, Table, Txn, View
from protocol.signal.quarantine import set_aside

#: Records that a table keeps decoded.
KEPT: Final = 512


class Soft(Table[T]):
    """A table whose damaged records read as absent."""

    def get(self, view: View, id: str) -> T | None:
        """Read a record; a damaged one goes to quarantine when the view can be written to."""
        try:
            return super().get(view, id)
        except RecordDamaged as damage:
            if isinstance(view, Txn):
                set_aside(view, damage)
            return None


class Familiar(Soft[T]):
    """Small records that every message asks for and that hardly ever change: each is decoded once.

    The same bytes are the same record, so nothing can be stale. Only for records that nobody changes in place.
    """

    def __init__(self, kind: str, record: type[T]) -> None:
        super().__init__(kind, record)
        self._kept: dict[bytes, T] = {}

    def get(self, view: View, id: str) -> T | None:
        """Read a record."""
        raw = view.get(self.kind, id)
        if raw is None:
            return None
        held = self._kept.get(raw)
        return super().get(view, id) if held is None else held

    def decode(self, raw: bytes, id: str = "") -> T:
        """Bytes to record."""
        held = self._kept.get(raw)
        if held is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            held = self._kept[raw] = super().decode(raw, id)
        return held
