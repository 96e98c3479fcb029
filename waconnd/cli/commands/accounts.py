"""`waconnd status` and `waconnd accounts`."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, Final

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop, age, get, member, rows_of, until
from waconnd.rpc.errors import EXIT_HUMAN, EXIT_LATER, EXIT_NOT_LINKED, EXIT_USAGE

#: States that pass by themselves, and those that wait for a person; the others are fine or wanted.
PASSING: Final = ("connecting", "syncing", "waiting", "limited", "pairing")
HUMAN: Final = ("conflict", "logged_out", "failed")

#: How often `--watch` looks.
WATCH_S: Final = 2.0

COLOUR: Final = {
    "ready": "green",
    "waiting": "yellow",
    "limited": "yellow",
    "failed": "red",
    "logged_out": "red",
    "conflict": "red",
}


def add(commands: Commands) -> None:
    parser = commands.add("status", "how all accounts are; exit code 0 only if all can receive", status)
    parser.add_argument("name", nargs="?", metavar="ACCOUNT")
    parser.add_argument(
        "--watch", action="store_true", help="look again every two seconds, until interrupted"
    )
    group = commands.under("accounts", "make, start, stop, log out and remove accounts")
    group.add("list", "all accounts", status).set_defaults(name=None, watch=False)
    for verb, help in (
        ("create", "make an account; the same name again is no error"),
        ("start", "connect, and stay connected over restarts"),
        ("stop", "disconnect, and stay so over restarts; the link to the phone is kept"),
        ("reconnect", "connect anew now, without waiting for the next try"),
        ("logout", "unlink from the phone; a new pairing is needed afterwards"),
        ("remove", "log out, forget, and set the keys aside"),
        ("set", "change an account's settings"),
    ):
        parser = group.add(verb, help, act)
        parser.set_defaults(verb=verb)
        parser.add_argument("name", metavar="ACCOUNT")
        if verb in ("create", "set"):
            parser.add_argument(
                "--label", action="append", default=[], metavar="KEY=VALUE", help="a note of your own"
            )
        if verb == "remove":
            parser.add_argument("--yes", action="store_true", help="don't ask")
        if verb == "logout":
            parser.add_argument(
                "--forget", action="store_true", help="forget messages, chats and contacts too"
            )


def status(shell: Shell, arguments: argparse.Namespace) -> int:
    while True:
        rows = rows_of(shell.call("account.list"))
        wanted = arguments.name or shell.account
        if wanted:
            rows = [row for row in rows if row["account"] == wanted]
            if not rows:
                shell.call("account.get", account=wanted)
        if arguments.watch and sys.stdout.isatty() and not shell.json:
            shell.put("\x1b[H\x1b[2J")
        if not rows and not shell.json:
            shell.say("there is no account yet: `waconnd pair NAME` makes one and links it")
        else:
            _show(shell, rows)
        if not arguments.watch:
            return verdict([row["state"] for row in rows])
        time.sleep(WATCH_S)


def verdict(states: list[str]) -> int:
    """0: all is well. 75: some recover alone. 3: some were never linked. 4: a human is needed."""
    if any(state in HUMAN for state in states):
        return EXIT_HUMAN
    if any(state in PASSING for state in states):
        return EXIT_LATER
    return EXIT_NOT_LINKED if "unlinked" in states else 0


def _show(shell: Shell, rows: list[dict[str, Any]]) -> None:
    shell.table(
        rows,
        {
            "account": member("account"),
            "state": lambda row: row["state"],
            "since": lambda row: age(get(row, "since")),
            "number": lambda row: number(get(row, "me.number")),
            "last in": lambda row: age(get(row, "last_inbound_at")),
            "outbox": lambda row: get(row, "outbox", 0),
            "note": note,
        },
        colour=lambda row: COLOUR.get(row["state"]),
    )


def number(text: str | None) -> str:
    """A phone number in groups that can be read."""
    if not text:
        return ""
    digits = text.lstrip("+")
    groups = [digits[max(0, end - 3) : end] for end in range(len(digits) - 4, 0, -3)][::-1]
    return "+" + " ".join([*groups, digits[-4:]])


def note(row: Any) -> str:
    """Why, and what comes next."""
    if row["state"] == "unlinked":
        return f"`waconnd pair {row['account']}` links it"
    parts = ["" if row["state"] == get(row, "reason") else str(get(row, "reason", ""))]
    if retry := get(row, "next_retry_at"):
        parts.append(f"next try in {until(retry)}")
    if end := get(row, "until"):
        parts.append(f"for {until(end)}")
    if row["state"] in HUMAN or not parts[0]:
        parts.append(str(get(row, "advice", "")))
    return "; ".join(part for part in parts if part)


def act(shell: Shell, arguments: argparse.Namespace) -> int:
    verb, name = arguments.verb, arguments.name
    params: dict[str, Any] = {"account": name}
    method = {"set": "configure"}.get(verb, verb)
    if verb in ("create", "set") and arguments.label:
        params["labels"] = dict(_pair(text) for text in arguments.label)
    if verb == "remove":
        if not arguments.yes and (not sys.stdin.isatty() or not _agrees(name)):
            raise Stop(f"account {name} is not removed; say `--yes` to do it unasked", EXIT_USAGE)
        params["confirm"] = name
    if verb == "logout":
        params["keep_history"] = not arguments.forget
    result = shell.call(f"account.{method}", **params)
    words = {"logout": "unlinked", "remove": f"removed; its keys lie in {get(result, 'kept', '')}"}
    shell.result(result, f"{name}: {words.get(verb) or get(result, 'state', 'done')}")
    return 0


def _agrees(name: str) -> bool:
    sys.stderr.write(f"Remove account {name}? Type its name: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == name


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise Stop(f"{text!r} is no KEY=VALUE", EXIT_USAGE)
    return key, value
