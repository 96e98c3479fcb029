"""Where the families meet: a field of Message → what reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from protocol.content.keys import Fields
from protocol.content.wrappers import Peeled

#: Reads the value of one field; gets the whole for what stands beside it. `inner` reads a nested message.
Inner = Callable[[Any], Fields]
FieldReader = Callable[[Any, Peeled, Inner], Fields]

READERS: Final[dict[str, FieldReader]] = {}


def reads(*fields: str) -> Callable[[FieldReader], FieldReader]:
    """Register a reader for fields of Message."""

    def register(reader: FieldReader) -> FieldReader:
        for name in fields:
            assert name not in READERS, f"{name} has two readers"
            READERS[name] = reader
        return reader

    return register
