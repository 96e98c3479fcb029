"""File names of records: the familiar ones, which are not unique; the manifest knows who owns which."""

from __future__ import annotations

import hashlib
from collections.abc import Container
from typing import Final

JOURNAL: Final = "journal"
MANIFEST: Final = "manifest.json"
LOCK: Final = "lock"
#: Names that belong to the store itself.
OWN: Final = frozenset({JOURNAL, MANIFEST, LOCK})
#: A file system takes 255 bytes; the name of the temporary file is five longer.
MAX_NAME: Final = 240


def temporary(name: str) -> str:
    """Where the next content of a file is written before it is renamed into place."""
    return f".{name}.tmp"


def is_temporary(name: str) -> bool:
    """Left over from a checkpoint that did not end: its content is in the journal."""
    return name.startswith(".") and name.endswith(".tmp")


def plain(kind: str, id: str) -> str:
    """`creds.json`, `pre-key-7.json`; in ids `/` becomes `__` and `:` becomes `-`."""
    if not id:
        return f"{kind}.json"
    return f"{kind}-{id.replace('/', '__').replace(':', '-')}.json"


def marked(kind: str, id: str) -> str:
    """For the second of two records that would share a name, and for names that a file system refuses."""
    mark = hashlib.blake2b(f"{kind}\0{id}".encode(), digest_size=12).hexdigest()
    stem = plain(kind, id)[: -len(".json")]
    stem = "".join(c if c.isprintable() else "_" for c in stem)
    return f"{stem.encode()[: MAX_NAME - 32].decode(errors='ignore')}~{mark}.json"


def choose(kind: str, id: str, taken: Container[str]) -> str:
    """A name that no other record has. The same record with the same `taken` always gets the same."""
    name = plain(kind, id)
    if name in taken or name in OWN or len(name.encode()) > MAX_NAME or not name.isprintable():
        return marked(kind, id)
    return name
