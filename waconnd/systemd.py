"""What we tell systemd, and what it hands us."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import MutableMapping
from typing import Final

from sdnotify import SystemdNotifier

log = logging.getLogger(__name__)

#: The first descriptor that systemd passes.
FIRST_FD: Final = 3

#: The status line is world-readable and one line: counts, no names, no numbers.
MAX_STATUS: Final = 200


class Notifier:
    """The line to systemd; silent where there is none."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        self._manager: SystemdNotifier | None = None
        self._told_failure = False
        if environ.get("NOTIFY_SOCKET"):
            try:
                # Without `debug`, failures would be swallowed in silence.
                self._manager = SystemdNotifier(debug=True)
                self._manager.socket.setblocking(False)
            except OSError as error:
                self._failed(error)
        self.watchdog_s = _watchdog(environ)

    @property
    def present(self) -> bool:
        """Whether somebody listens."""
        return self._manager is not None

    def ready(self, status: str) -> None:
        """Stores recovered, socket open, links started. Not: connected; an unpaired daemon is up."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        self._send(f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """One datagram with the time: systemd takes a READY that it gets later for the end of this reload."""
        micros = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={micros}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Every third of `watchdog_s`, while we are well."""
        self._send("WATCHDOG=1")

    def extend(self, seconds: float) -> None:
        """A long recovery before READY."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def _send(self, text: str) -> None:
        if self._manager is None:
            return
        try:
            self._manager.notify(text)
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        if not self._told_failure:
            self._told_failure = True
            log.warning("systemd cannot be told of our state: %s", error)


def _line(status: str) -> str:
    return status.replace("\n", " ").encode("ascii", "replace").decode()[:MAX_STATUS]


def _watchdog(environ: MutableMapping[str, str]) -> float | None:
    """Seconds after which systemd gives us up, when it watches this very process."""
    try:
        if int(environ.get("WATCHDOG_PID", os.getpid())) != os.getpid():
            return None
        micros = int(environ["WATCHDOG_USEC"])
    except (KeyError, ValueError):
        return None
    return micros / 1_000_000 if micros > 0 else None


def take_sockets(environ: MutableMapping[str, str] = os.environ) -> dict[str, list[socket.socket]]:
    """The listening sockets that systemd opened for us, by name. Taken once: children must not see the variables."""
    pid, count, names = (environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if pid != str(os.getpid()) or not count.isdigit():
        return {}
    labels = names.split(":") if names else []
    out: dict[str, list[socket.socket]] = {}
    for n in range(int(count)):
        fd = FIRST_FD + n
        os.set_inheritable(fd, False)
        sock = socket.socket(fileno=fd)
        if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
            log.warning("a socket from systemd is no Unix stream socket; it is left alone")
            continue
        out.setdefault(labels[n] if n < len(labels) else "", []).append(sock)
    return out
