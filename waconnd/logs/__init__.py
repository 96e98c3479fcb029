"""Logs: to the journal with real fields, or as text; without secrets, message texts or full numbers.

    log.info("linked", extra=fields("account.linked", account="shop"))

`fields` are what a reader filters by: `journalctl WACONND_ACCOUNT=shop`. A notable event carries the MESSAGE_ID under which the
journal's catalog explains it.
"""

from waconnd.logs.ids import MESSAGE_IDS
from waconnd.logs.levels import set_level
from waconnd.logs.redact import Secret, who
from waconnd.logs.sinks import fields, setup

__all__ = ["MESSAGE_IDS", "Secret", "fields", "set_level", "setup", "who"]
