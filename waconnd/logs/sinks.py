"""Where log records go: the journal's own socket with fields, a terminal, `<N>` lines for a supervisor, or JSON."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec

from waconnd.logs.ids import MESSAGE_IDS
from waconnd.logs.levels import LEVELS, Gate
from waconnd.logs.redact import masking, scrub
from waconnd.logs.repeats import Repeats

JOURNAL: Final = "/run/systemd/journal/socket"

#: The journal takes more, by descriptor only; what is longer is no log line.
MAX_TEXT: Final = 32_000

#: sd-daemon's numbers.
_PRIORITY: Final = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (25, 5),
    (logging.INFO, 6),
)

#: Between info and warning: a state changed.
NOTICE: Final = 25


def fields(event: str = "", **values: object) -> dict[str, Any]:
    """For `extra=`: the event's name and what a reader filters by (`account`, `state`, `code`, `seq`, `msgid`, `peer_uid`)."""
    return {"fields": {"event": event, **values} if event else values}


def priority(level: int) -> int:
    """The syslog priority of a level."""
    return next((number for least, number in _PRIORITY if level >= least), 7)


def _text(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + logging.Formatter().formatException(record.exc_info)
    return scrub(text)[:MAX_TEXT]


class Journal(logging.Handler):
    """The journal's native protocol: fields are fields, and a text may have lines."""

    def __init__(self, address: str = JOURNAL) -> None:
        super().__init__()
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        entry = {
            "MESSAGE": _text(record),
            "PRIORITY": str(priority(record.levelno)),
            "SYSLOG_IDENTIFIER": "waconnd",
            "CODE_FILE": record.pathname,
            "CODE_LINE": str(record.lineno),
            "CODE_FUNC": record.funcName,
            "LOGGER": record.name,
        }
        own: Mapping[str, object] = getattr(record, "fields", {})
        if identity := MESSAGE_IDS.get(str(own.get("event", ""))):
            entry["MESSAGE_ID"] = identity
        for name, value in own.items():
            entry[f"WACONND_{name.upper()}"] = scrub(str(value))
        try:
            self._socket.sendto(b"".join(map(_field, entry, entry.values())), self._address)
        except OSError:
            # A journal that restarts is back in a moment; what can't be sent must not stop us.
            with contextlib.suppress(OSError):
                print(f"<{entry['PRIORITY']}>{entry['MESSAGE']}", file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        self._socket.close()
        super().close()


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    if b"\n" in data:
        return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
    return name.encode() + b"=" + data + b"\n"


class Lines(logging.Handler):
    """Lines of text on a stream: `text` for people, `prefix` with `<N>` for supervisors, `json` for containers."""

    def __init__(self, stream: TextIO, form: str) -> None:
        super().__init__()
        self._stream = stream
        self._form = form

    def emit(self, record: logging.LogRecord) -> None:
        own: Mapping[str, object] = getattr(record, "fields", {})
        at = datetime.fromtimestamp(record.created, UTC)
        if self._form == "json":
            entry = {
                "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": _text(record),
                **{name: scrub(str(value)) for name, value in own.items()},
            }
            out = msgspec.json.encode(entry).decode()
        else:
            account = own.get("account")
            text = f"{account}: {_text(record)}" if account else _text(record)
            if self._form == "prefix":
                mark = f"<{priority(record.levelno)}>"
                # A supervisor reads line by line: each needs its own priority.
                out = "\n".join(mark + line for line in text.splitlines())
            else:
                out = f"{at.astimezone():%H:%M:%S} {record.levelname.lower():<7} {text}"
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(out + "\n")
            self._stream.flush()


def choose(form: str, environ: Mapping[str, str] = os.environ) -> logging.Handler:
    """The handler for a `log.format`."""
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "prefix"
        if _stderr_is_journal(environ):
            form = "journal"
    return Journal() if form == "journal" else Lines(sys.stderr, form)


def _stderr_is_journal(environ: Mapping[str, str]) -> bool:
    """Systemd names the device and inode of the stream it gave us, so that a redirected one is not taken for it."""
    try:
        stat = os.fstat(2)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"


def setup(
    *,
    level: str = "info",
    form: str = "auto",
    salt: bytes = b"",
    full: bool = False,
    handler: logging.Handler | None = None,
) -> logging.Handler:
    """Send all records to one place. Called again, it replaces what it did before."""
    masking(salt, full=full)
    LEVELS.base = logging.getLevelNamesMapping()[level.upper()]
    LEVELS.apply()
    logging.addLevelName(NOTICE, "NOTICE")
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    chosen = handler or choose(form)
    chosen.addFilter(Gate())
    chosen.addFilter(Repeats())
    root.addHandler(chosen)
    root.setLevel(logging.WARNING)
    threading.excepthook = _thread_failed
    return chosen


def _thread_failed(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        trace = (arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        logging.getLogger("waconnd").error("a thread died", exc_info=trace)
