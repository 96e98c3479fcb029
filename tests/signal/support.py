"""A store in memory for one party, whose state can be taken out and put back as bytes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from protocol.keystore import Keystore, Txn

VECTORS = Path(__file__).parent.parent / "vectors"


def load(name: str) -> Any:
    return msgspec.json.decode((VECTORS / name).read_bytes())


class Disk:
    """What would survive the process."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, id: str) -> bytes | None:
        return self.records.get((kind, id))

    def ids(self, kind: str) -> Iterable[str]:
        return [i for k, i in self.records if k == kind]


class Memory:
    """A keystore that is durable at once."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.keystore = Keystore(self.disk)

    def txn(self) -> Txn:
        return self.keystore.txn()

    def keep(self, txn: Txn) -> None:
        number = self.keystore.stage(txn)
        for save in self.keystore.take_saves():
            for key, value in save.changes.items():
                if value is None:
                    self.disk.records.pop(key, None)
                else:
                    self.disk.records[key] = bytes(value)
        self.keystore.committed(number)

    def restart(self) -> None:
        """The process dies; what was kept is read again."""
        self.keystore = Keystore(self.disk)

    def snapshot(self) -> dict[tuple[str, str], bytes]:
        return dict(self.disk.records)
