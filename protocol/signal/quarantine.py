"""Records that make no sense are set aside with their bytes: the account goes on, nothing is thrown away."""

from __future__ import annotations

from protocol.crypto.primitives import sha256
from protocol.errors import RecordDamaged
from protocol.keystore import Txn
from protocol.signal.records import QUARANTINE, Quarantined


def set_aside(txn: Txn, damage: RecordDamaged) -> None:
    """Move a damaged record under Kind.QUARANTINE. Whoever commits sees that kind among the changes and says so."""
    data = txn.get(damage.kind, damage.id)
    assert data is not None, "what is damaged was just read"
    # The hash in the id: a second damage of the same record never overwrites the first.
    QUARANTINE.put(
        txn,
        f"{damage.kind}-{damage.id}-{sha256(data).hex()[:16]}",
        Quarantined(damage.kind, damage.id, damage.why, data),
    )
    txn.delete(damage.kind, damage.id)
