"""How much is logged: for all, below a module, or about one account; for a while or until the next start."""

from __future__ import annotations

import logging
import time
from typing import Final

import msgspec

#: The trees that are ours; libraries stay at `warning`.
OURS: Final = ("waconnd", "protocol")


class _Override(msgspec.Struct, frozen=True):
    level: int
    module: str
    account: str
    until: float | None


class _Levels:
    def __init__(self) -> None:
        self.base = logging.INFO
        self.overrides: list[_Override] = []

    def apply(self) -> None:
        least = min([self.base, *(override.level for override in self.overrides)])
        for name in OURS:
            logging.getLogger(name).setLevel(least)

    def wants(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if any(override.until is not None and override.until <= now for override in self.overrides):
            self.overrides = [o for o in self.overrides if o.until is None or o.until > now]
            self.apply()
        account = getattr(record, "fields", {}).get("account", "")
        level = self.base if record.name.partition(".")[0] in OURS else max(self.base, logging.WARNING)
        for override in self.overrides:
            below = record.name == override.module or record.name.startswith(override.module + ".")
            if (not override.module or below) and (not override.account or account == override.account):
                level = override.level
        return record.levelno >= level


LEVELS: Final = _Levels()


def set_level(level: str, module: str = "", account: str = "", for_s: float | None = None) -> str:
    """Change it; gives what held before for the same scope."""
    number: int = logging.getLevelNamesMapping()[level.upper()]
    before = LEVELS.base
    for override in LEVELS.overrides:
        if (override.module, override.account) == (module, account):
            before = override.level
    until = None if for_s is None else time.monotonic() + for_s
    kept = [o for o in LEVELS.overrides if (o.module, o.account) != (module, account)]
    if module or account or until is not None:
        kept.append(_Override(number, module, account, until))
    else:
        LEVELS.base = number
    LEVELS.overrides = kept
    LEVELS.apply()
    return logging.getLevelName(before).lower()


class Gate(logging.Filter):
    """Lets through what the levels want."""

    def filter(self, record: logging.LogRecord) -> bool:
        return LEVELS.wants(record)
