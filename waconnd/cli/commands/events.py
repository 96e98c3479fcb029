"""`waconnd events`: the log as lines, for eyes and for pipes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from waconnd.cli.commands.chats import what
from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop, get, local, moment, name_of
from waconnd.rpc.errors import EXIT_USAGE

#: Between two tries to reach a daemon that restarts, growing to the second.
RETRY_S: Final = (0.2, 5.0)

PAGE: Final = 200


def add(commands: Commands) -> None:
    parser = commands.add("events", "what happened, and with --follow what happens", events)
    parser.add_argument("-f", "--follow", action="store_true", help="stay, also over restarts of the daemon")
    parser.add_argument(
        "--since", default=None, metavar="SEQ|TIME|cursor:NAME", help="from there on (now, with --follow)"
    )
    parser.add_argument("-t", "--type", action="append", metavar="GLOB", help="only these, like 'message.*'")
    parser.add_argument("--chat", action="append", metavar="ADDRESS")
    parser.add_argument(
        "--ack", action="store_true", help="move the named cursor behind each event that was written"
    )
    parser.add_argument("-n", "--limit", type=int, metavar="N", help="end after so many")


def events(shell: Shell, arguments: argparse.Namespace) -> int:
    since = arguments.since
    cursor = since.removeprefix("cursor:") if since and since.startswith("cursor:") else None
    if arguments.ack and cursor is None:
        raise Stop("--ack needs `--since cursor:NAME`", EXIT_USAGE)
    after, not_before = _start(since, follow=arguments.follow)
    where = {
        "accounts": [shell.account] if shell.account else None,
        "types": arguments.type,
        "chats": arguments.chat,
    }
    source = _follow(shell, after, where) if arguments.follow else _pages(shell, after, where)
    count = 0
    for event in source:
        if event["at"] < not_before:
            continue
        _show(shell, event)
        # What went into a pipe must be there before it counts as handled.
        sys.stdout.flush()
        if cursor is not None and arguments.ack and event["seq"] is not None:
            shell.call("events.ack", cursor=cursor, seq=event["seq"])
        count += 1
        if arguments.limit and count >= arguments.limit:
            break
    return 0


def _start(since: str | None, *, follow: bool) -> tuple[int | str, str]:
    """Where to begin, and the time before which nothing is shown."""
    if since is None:
        return ("now" if follow else 0), ""
    if since.isdigit():
        return int(since), ""
    if since == "now" or since.startswith("cursor:"):
        return since, ""
    try:
        return 0, moment(since)
    except Stop:
        sentence = f"{since!r} is no seq, time (2h, 2026-11-20T09:00) or cursor:NAME"
        raise Stop(sentence, EXIT_USAGE) from None


def _pages(shell: Shell, after: int | str, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    while True:
        page = shell.call("events.read", after=after, limit=PAGE, **where)
        yield from page["events"]
        after = page["next"]
        if after >= page["newest_seq"]:
            return


def _follow(shell: Shell, after: int | str, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from waconnd.client.sync import Unreachable

    pause, longest = RETRY_S
    known = False
    while True:
        try:
            begun = shell.call("events.subscribe", after=after, **where)
            if after == "now":
                after = begun["from_seq"] - 1
            known, pause = True, RETRY_S[0]
            while True:
                event = shell.connection.next_event(None)
                if event["seq"] is not None:
                    after = event["seq"]
                yield event
        except Unreachable:
            # The first time it is a mistake; later the daemon restarts, and we go on where we were.
            if not known:
                raise
            shell.close()
            shell.say("the daemon is gone; waiting for it to come back")
            while True:
                time.sleep(pause)
                pause = min(pause * 2, longest)
                try:
                    _ = shell.connection
                    break
                except Unreachable:
                    continue


def _show(shell: Shell, event: dict[str, Any]) -> None:
    if shell.json or not sys.stdout.isatty():
        shell.record(event)
        return
    data = event["data"]
    who = name_of(get(data, "from") or get(data, "by") or get(data, "chat") or "")
    if event["type"].startswith("message."):
        text = f"{who}: {what(data)}" if get(data, "body") else f"{who} {_rest(data)}"
    else:
        text = _rest(data)
    seq = event["seq"] if event["seq"] is not None else "-"
    account = event.get("account", "")
    shell.put(f"{shell.paint(local(event['at']), 'dim')} {seq:>6} {account} {event['type']}  {text}".rstrip())


def _rest(data: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in data.items() if isinstance(value, str | int | float))[
        :200
    ]
