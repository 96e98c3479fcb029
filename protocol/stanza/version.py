"""Which WhatsApp Web we say we are: the version triple, its hash, where a newer one is read and when to look."""

from __future__ import annotations

import hashlib
import re
from typing import Final

Version = tuple[int, int, int]

#: The floor: never announce an older one, whatever is stored (reference 01, 4.4).
BUILT_IN: Final[Version] = (2, 3000, 1045798079)

#: Where the current revision stands in text, in this order; the host fetches, we only read.
SOURCES: Final = ("https://web.whatsapp.com/sw.js", "https://web.whatsapp.com")

#: A stored version is looked up again after a day; the server refuses old ones with failure 405.
REFETCH_SECONDS: Final = 86400.0

_REVISION: Final = re.compile(r'\\?"client_revision\\?":\s*(\d{1,10})\b')
_TRIPLE: Final = re.compile(r"(\d{1,4})\.(\d{1,5})\.(\d{1,10})")


def build_hash(version: Version) -> bytes:
    """MD5 of the version's text: a fact of the wire, not a protection."""
    return hashlib.md5(show(version).encode(), usedforsecurity=False).digest()


def show(version: Version) -> str:
    """`2.3000.1045798079`."""
    return ".".join(map(str, version))


def parse(text: str) -> Version:
    """The reverse of `show`. Raises ValueError."""
    found = _TRIPLE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"not a version: {text!r} (it looks like {show(BUILT_IN)})")
    first, second, third = found.groups()
    return int(first), int(second), int(third)


def find(page: str) -> Version | None:
    """The version that a page of WhatsApp Web announces."""
    found = _REVISION.search(page)
    return (2, 3000, int(found[1])) if found else None


def is_stale(fetched_at: float, now: float) -> bool:
    """Time to look again."""
    return not 0 <= now - fetched_at < REFETCH_SECONDS


def choose(*candidates: Version | None) -> Version:
    """The newest of what is known."""
    return max((BUILT_IN, *(found for found in candidates if found)))
