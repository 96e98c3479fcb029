"""What the tests of the store share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from protocol.events.base import Durable
from protocol.keystore import Changes, Save
from waconnd.store.files import OsDirectory
from waconnd.store.records import Opened, Records


class Happened(Durable, frozen=True, tag="test.happened"):
    n: int


def happened(n: int) -> Happened:
    return Happened(at=1.0, key=f"k{n}", n=n)


def save(changes: Changes, *events: int) -> Save:
    return Save(1, changes, tuple(happened(n) for n in events))


SOME: Changes = {
    ("creds", ""): b'{"v":1,"me":"x"}',
    ("session", "15550001111.0"): b'{"v":1,"chain":[1,2,3]}',
    ("pre-key", "7"): b'{"v":1,"private":"aaaa"}',
    ("identity-key", "15550001111.0"): b'{"v":1}',
}


def opened(path: Path, **options: Any) -> tuple[Records, Opened]:
    """Recovered, without lock or threads."""
    path.mkdir(exist_ok=True)
    seal = options.pop("seal", None)
    records = Records(OsDirectory(str(path)), seal=seal)
    return records, records.open(**options)


def filed(path: Path, changes: Changes = SOME, **options: Any) -> Path:
    """A directory whose records are all in files."""
    records, _ = opened(path, **options)
    records.append(records.frame(changes, []))
    records.checkpoint()
    return path
