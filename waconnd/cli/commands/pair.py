"""`waconnd pair`: the only command that shows a QR code."""

from __future__ import annotations

import argparse
import base64
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from waconnd.cli.commands.accounts import number
from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop, get, seconds, span
from waconnd.rpc.errors import EXIT_HUMAN, EXIT_LATER

#: From the scan to `ready` on a slow phone with a long history.
READY_S: Final = 120.0

WATCHED: Final = ["pair.*", "account.linked", "account.state", "sync.*"]


def add(commands: Commands) -> None:
    parser = commands.add("pair", "link a phone: shows the QR code until it is scanned", pair)
    parser.add_argument("name", nargs="?", metavar="ACCOUNT", help="made when new; `main` when left out")
    parser.add_argument(
        "--code", metavar="NUMBER", help="show a code to type on the phone with this number instead"
    )
    parser.add_argument("--png", type=Path, metavar="FILE", help="write the code there as a picture, too")
    parser.add_argument("--wait", type=seconds, default=300.0, metavar="TIME", help="give up after this (5m)")
    parser.add_argument("--expect", metavar="NUMBER", help="refuse any other phone")
    parser.add_argument(
        "--history", action="store_true", help="stay until the phone's history is here, with a bar"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="pair anew although it is linked; the keys are set aside"
    )


def pair(shell: Shell, arguments: argparse.Namespace) -> int:
    from waconnd.client.sync import WaconndError

    name = arguments.name or shell.account or "main"
    shell.call("account.create", account=name)
    shell.call("events.subscribe", accounts=[name], types=WATCHED)
    screen = _Screen(shell, arguments, name)
    deadline = time.monotonic() + arguments.wait
    try:
        screen.ask()
    except WaconndError as error:
        if error.retryable:
            # Nobody looks at a code that comes later.
            shell.call("pair.cancel", account=name)
        raise
    while True:
        try:
            event = shell.connection.next_event(min(1.0, max(0.01, deadline - time.monotonic())))
        except TimeoutError:
            if time.monotonic() >= deadline:
                if screen.linked:
                    shell.say("linked; the first synchronisation goes on in the daemon")
                    return 0
                shell.call("pair.cancel", account=name)
                raise Stop("nobody scanned the code", EXIT_LATER) from None
            screen.tick()
            continue
        code = screen.take(event["type"], event["data"])
        if code is not None:
            return code
        if screen.linked:
            deadline = max(deadline, time.monotonic() + READY_S)


class _Screen:
    def __init__(self, shell: Shell, arguments: argparse.Namespace, name: str) -> None:
        self.shell = shell
        self.arguments = arguments
        self.name = name
        self.linked = False
        self._expires = 0.0
        self._lines = 0
        self._label = self._code = ""
        self._person = sys.stdout.isatty() and not shell.json
        self._bar = shell.bar("history")
        self._ready = self._history = False

    def ask(self) -> None:
        """Open a window, show its first code."""
        common: dict[str, Any] = {"account": self.name, "expect": self.arguments.expect}
        common["timeout_s"] = min(self.shell.timeout, self.arguments.wait)
        if self._person:
            self.shell.say("asking WhatsApp for a code …")
        fresh = self.arguments.fresh or None
        if self.arguments.code:
            result = self.shell.call("pair.code", phone=self.arguments.code, fresh=fresh, **common)
            self._typed(result)
        else:
            self._drawn(self.shell.call("pair.qr", ascii=True, png=True, fresh=fresh, **common))

    def _typed(self, result: dict[str, Any]) -> None:
        if self._person:
            self.shell.say("Open WhatsApp > Linked devices > Link a device > Link with phone number instead")
        self.shell.result(result, result["code"])

    def _drawn(self, result: dict[str, Any]) -> None:
        if result["code"] == self._code:
            return
        self._code = result["code"]
        self._expires = datetime.fromisoformat(result["expires_at"]).timestamp()
        if self.arguments.png is not None:
            self.arguments.png.write_bytes(base64.b64decode(result["png"]))
        if not self._person:
            # A panel that reads us draws the code itself.
            self.shell.result({k: result[k] for k in ("code", "index", "of", "expires_at")}, result["code"])
            return
        if self._lines:
            self.shell.put(f"\x1b[{self._lines}F\x1b[J\x1b[A")
        drawing = result["ascii"].splitlines()
        self.shell.put("Open WhatsApp > Settings > Linked devices > Link a device")
        self.shell.put("\n".join(drawing))
        self._label = f"code {result['index']} of {result['of']}"
        self._lines = len(drawing) + 2
        self.tick()

    def tick(self) -> None:
        """The countdown."""
        if self._person and self._lines and not self.linked:
            left = span(self._expires - time.time())
            sys.stdout.write(f"\r\x1b[K  {self._label}, new one in {left}")
            sys.stdout.flush()

    def _done(self) -> None:
        if self._person and self._lines:
            self.shell.put("")
            self._lines = 0

    def take(self, type: str, data: dict[str, Any]) -> int | None:
        """One event; gives the exit code when that was the end."""
        match type:
            case "pair.qr" if not self.arguments.code:
                self._drawn(self.shell.call("pair.qr", account=self.name, ascii=True, png=True))
            case "pair.passkey_required":
                self._done()
                self.shell.say("this account demands a passkey: answer the challenge with `pair.passkey`")
                self.shell.record(data)
            # Other reasons: the phone has taken it, or another one follows.
            case "pair.expired" if data.get("reason") == "timeout":
                return self._expired()
            case "pair.failed":
                self._done()
                raise Stop(
                    f"not linked: {get(data, 'reason', '')} {get(data, 'advice', '')}".rstrip(), EXIT_HUMAN
                )
            case "pair.succeeded" | "account.linked":
                if not self.linked:
                    self._done()
                    self.linked = True
                    me = data.get("me", data)
                    shown = f"{number(get(me, 'number'))}  {get(me, 'name', '')}".rstrip()
                    self.shell.result({"linked": me}, f"{self.shell.paint('✓ linked', 'green')}  {shown}")
            case "account.state" if data.get("to") == "ready" and self.linked:
                words = f"{self.shell.paint('✓ ready', 'green')}   next: waconnd send +NUMBER 'hello'"
                self.shell.result({"state": "ready"}, words)
                self._ready = True
                return self._over()
            case "sync.history" if self.arguments.history:
                percent = int(data.get("percent", 0))
                # The first piece has a scale of its own; these are all the rest.
                if data.get("kind") in ("recent", "full"):
                    self._history = percent >= 100
                    self._bar(percent, 100)
                return self._over()
        return None

    def _over(self) -> int | None:
        return 0 if self._ready and (self._history or not self.arguments.history) else None

    def _expired(self) -> int | None:
        from waconnd.client.sync import WaconndError

        self._done()
        if not self._person or not sys.stdin.isatty():
            raise Stop(
                "the window closed before anybody scanned the code; run it again for a new one", EXIT_LATER
            )
        sys.stderr.write("The window closed. Press Enter for a new one: ")
        sys.stderr.flush()
        if not sys.stdin.readline():
            return EXIT_LATER
        try:
            self.ask()
        except WaconndError as error:
            if error.kind != "not_ready":
                raise
            self.shell.say(str(error))
        return None
