"""`waconnd sandbox`: a WhatsApp on this machine, to try things and to test scripts. Offline; it has a socket of its own."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any, Final

from waconnd.cli.parser import Commands, Parser, common, seconds
from waconnd.cli.shell import Shell, Stop
from waconnd.rpc.errors import EXIT_REFUSED, EXIT_USAGE

#: Who lives in a sandbox that was started without names.
PEOPLE: Final = "ada,bob,carl"
#: A wait of the server ends before the wait for its answer.
GRACE_S: Final = 5.0


def add(commands: Commands) -> None:
    group = commands.under(
        "sandbox", "a WhatsApp on this machine: for trying out, and for tests of your scripts"
    )
    parser = group.add("serve", "run the sandbox until it is interrupted", serve)
    parser.add_argument("--port", type=int, default=0, help="of the websocket (any free one)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep the certificate root there")
    parser.add_argument("--seed", default="0", help="the same seed replays the same bytes")
    parser.add_argument("--people", default=PEOPLE, metavar="NAMES", help=f"who lives there ({PEOPLE})")
    add_scripted(group)
    parser = group.add(
        "run", "run a script: a line is a command of `waconnd sandbox` without these two words", run
    )
    parser.add_argument("script", type=Path, metavar="FILE", help="`-` reads standard input")


def add_scripted(group: Commands) -> None:
    """The commands that may also stand in a script."""
    group.add("info", "where it is, what to trust, who lives there", info)
    parser = group.add("scan", "a person's phone scans a QR code", scan)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("qr", metavar="TEXT", help="`-` reads standard input")
    parser = group.add("code", "a person types a link code", code)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("code", metavar="CODE")
    parser = group.add("say", "a person writes a text", say)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("to", metavar="TO", help="a person, a number, a group's subject or an address")
    parser.add_argument("text", metavar="TEXT")
    parser = group.add("act", "a person reacts, types, calls, goes offline …", act)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("act", metavar="ACT")
    parser.add_argument("to", metavar="TO", nargs="?", default="")
    parser.add_argument("--id", default="", help="the message it is about")
    parser.add_argument("--text", default="", help="an emoji, a new text, a new hidden id")
    parser = group.add("group", "a person starts a group", group_)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("subject", metavar="SUBJECT")
    parser.add_argument("members", metavar="PERSON", nargs="*")
    parser = group.add("rule", "a person does this by itself whenever a text matches", rule)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("pattern", metavar="REGEX")
    parser.add_argument("--answer", default="", metavar="TEXT")
    parser.add_argument("--react", default="", metavar="EMOJI")
    parser.add_argument("--read", action="store_true")
    parser = group.add("expect", "wait for what a person receives; fails with the difference", expect)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("text", metavar="TEXT", nargs="?")
    for name in ("pattern", "kind", "chat", "sender"):
        parser.add_argument(f"--{name}")
    parser.add_argument(
        "--within", type=seconds, default=10.0, metavar="TIME", help="give up after this (10s)"
    )
    parser = group.add("received", "everything that a person received", received)
    parser.add_argument("name", metavar="PERSON")
    parser = group.add(
        "fault",
        "something goes wrong with stanzas: drop, duplicate, reorder, corrupt, delay, cut, clear",
        fault,
    )
    parser.add_argument("action", metavar="ACTION")
    for name in ("tag", "type", "user"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--chance", type=float, default=1.0)
    parser.add_argument("--times", type=int, default=1, help="0: without end")
    parser = group.add("cut", "end or cripple a person's connections", cut)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("how", metavar="HOW", nargs="?", default="drop")
    parser.add_argument("--code", type=int, default=503)
    parser = group.add("clock", "read the clock, or let time pass at once", clock)
    parser.add_argument("advance", metavar="TIME", nargs="?", type=seconds, default=0.0)
    parser = group.add("flood", "many messages at once to a person's linked devices", flood)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("count", metavar="COUNT", type=int, nargs="?", default=10_000)


def serve(shell: Shell, arguments: argparse.Namespace) -> int:
    import anyio

    from waconnd.sandbox.sandbox import Sandbox
    from waconnd.sandbox.serve import control_socket
    from waconnd.sandbox.serve import serve as run_server

    path = Path(arguments.socket) if arguments.socket else control_socket()
    box = Sandbox(arguments.seed, state=arguments.state)
    for name in filter(None, arguments.people.split(",")):
        box.person(name)

    def ready() -> None:
        shell.say("A WhatsApp of your own is running. Let clients connect to it so:")
        shell.say(
            f"  waconnd serve --endpoint {box.url} --noise-root-key {box.root.public.hex()} --media-scheme http"
        )
        people = ", ".join(f"{p.name} ({p.account.user})" for p in box.people.values())
        shell.say(f"People: {people}")
        shell.say(f"Scripts reach it at {path}: try `waconnd sandbox info`.")

    anyio.run(lambda: run_server(box, path, port=arguments.port, ready=ready))
    return 0


def _ask(shell: Shell, name: str, /, **params: Any) -> Any:
    shell.otherwise(_own_socket())
    return shell.call(f"sandbox.{name}", **params)


def _own_socket() -> str:
    from waconnd.sandbox.serve import control_socket

    return str(control_socket())


def info(shell: Shell, arguments: argparse.Namespace) -> int:
    told = _ask(shell, "info")
    if shell.json:
        shell.record(told)
        return 0
    shell.put(f"url    {told['url']}\nroot   {told['root']}\nmedia  {', '.join(told['media'])}")
    shell.table(
        told["people"],
        {name: lambda row, name=name: row[name] for name in ("name", "number", "lid", "devices")},  # type: ignore[misc]
    )
    return 0


def scan(shell: Shell, arguments: argparse.Namespace) -> int:
    text = sys.stdin.read().strip() if arguments.qr == "-" else arguments.qr
    shell.result(_ask(shell, "scan", name=arguments.name, qr=text), f"{arguments.name} scanned the code")
    return 0


def code(shell: Shell, arguments: argparse.Namespace) -> int:
    shell.result(_ask(shell, "code", name=arguments.name, code=arguments.code), f"{arguments.name} typed it")
    return 0


def say(shell: Shell, arguments: argparse.Namespace) -> int:
    told = _ask(shell, "say", name=arguments.name, to=arguments.to, text=arguments.text)
    shell.result(told, told["id"])
    return 0


def act(shell: Shell, arguments: argparse.Namespace) -> int:
    params = {"act": arguments.act, "to": arguments.to, "id": arguments.id, "text": arguments.text}
    told = _ask(shell, "act", name=arguments.name, **params)
    shell.result(told, told["id"] or "done")
    return 0


def group_(shell: Shell, arguments: argparse.Namespace) -> int:
    told = _ask(shell, "group", name=arguments.name, subject=arguments.subject, members=arguments.members)
    shell.result(told, told["id"])
    return 0


def rule(shell: Shell, arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in ("name", "pattern", "answer", "react", "read")}
    shell.result(_ask(shell, "rule", **given), "done")
    return 0


def expect(shell: Shell, arguments: argparse.Namespace) -> int:
    names = ("name", "text", "pattern", "kind", "chat", "sender")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    wait = arguments.within
    told = _ask(shell, "expect", seconds=wait, timeout_s=wait + GRACE_S, **given)
    shell.result(told, f"{told['kind']} {told['text']!r} from {told['sender']}")
    return 0


def received(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = _ask(shell, "received", name=arguments.name)
    columns = ("kind", "text", "sender", "chat", "id")
    shell.table(rows, {name: lambda row, name=name: row.get(name, "") for name in columns})  # type: ignore[misc]
    return 0


def fault(shell: Shell, arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in ("action", "tag", "type", "user", "chance")}
    shell.result(_ask(shell, "fault", times=arguments.times or None, **given), "done")
    return 0


def cut(shell: Shell, arguments: argparse.Namespace) -> int:
    shell.result(_ask(shell, "cut", name=arguments.name, how=arguments.how, code=arguments.code), "done")
    return 0


def clock(shell: Shell, arguments: argparse.Namespace) -> int:
    told = _ask(shell, "clock", advance_s=arguments.advance)
    shell.result(told, f"{told['now']:.3f}")
    return 0


def flood(shell: Shell, arguments: argparse.Namespace) -> int:
    told = _ask(shell, "flood", name=arguments.name, count=arguments.count, timeout_s=600.0)
    shell.result(
        told, f"{told['per_second']:.0f} messages/s, {told['cpu_share']:.0%} of a core by the sandbox"
    )
    return 0


def run(shell: Shell, arguments: argparse.Namespace) -> int:
    """Stops at the first command that fails, and names its line."""
    text = sys.stdin.read() if str(arguments.script) == "-" else arguments.script.read_text()
    parser = Parser(prog="waconnd sandbox", parents=[common()])
    # `common` leaves absent what was not given; here nothing but the script gives anything.
    add_scripted(Commands(parser.add_subparsers(required=True, parser_class=Parser), common()))
    for number, line in enumerate(text.splitlines(), 1):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        step = parser.parse_args(words)
        try:
            status: int = step.run(shell, step)
        except Exception:
            shell.say(f"{arguments.script}:{number}: {line.strip()}")
            raise
        if status:
            raise Stop(
                f"{arguments.script}:{number}: {line.strip()}",
                EXIT_REFUSED if status < EXIT_USAGE else status,
            )
    return 0
