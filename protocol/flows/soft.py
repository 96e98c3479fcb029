"""Records that may be missing: what makes no sense is set aside with its bytes, and then learnt or counted anew.

For mappings, lists, counters and copies. Never for keys and sessions, whose loss has consequences of its own.
"""

from __future__ import annotations

from protocol.errors import RecordDamaged
from protocol.keystore import T, Table, Txn, View
from protocol.signal.quarantine import set_aside


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
