"""What a message between own devices brings about, beside what it writes into the transaction."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.events.base import Durable
from protocol.node import Node


class Effects(msgspec.Struct):
    """Collected over all parts of a message, for its one reaction."""

    events: list[Durable] = []
    flows: list[tuple[Any, str | None]] = []
    stanzas: list[Node] = []
