"""The same sentence again and again is told a few times, then counted."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from typing import Final

#: So many of a kind in so many seconds are told; a loop that fails every second then costs a line a minute.
BURST: Final = 5
WINDOW_S: Final = 60.0

#: Kinds that are remembered.
MAX_KINDS: Final = 500


class Repeats(logging.Filter):
    """Counts by place, template and account: not by the filled-in text, which differs each time."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: OrderedDict[tuple[str, int, str, str], list[float]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        account = str(getattr(record, "fields", {}).get("account", ""))
        key = (record.name, record.lineno, str(record.msg), account)
        now = time.monotonic()
        began, count = self._seen.pop(key, [now, 0.0])
        hidden = 0
        if now - began >= WINDOW_S:
            hidden = max(0, int(count) - BURST)
            began, count = now, 0.0
        self._seen[key] = [began, count + 1]
        while len(self._seen) > MAX_KINDS:
            self._seen.popitem(last=False)
        if count >= BURST:
            return False
        if hidden:
            record.msg = f"{record.msg} [and {hidden} times more before]"
        elif count == BURST - 1:
            record.msg = f"{record.msg} [more of this within {WINDOW_S:.0f} s will only be counted]"
        return True
