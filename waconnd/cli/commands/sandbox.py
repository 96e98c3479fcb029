"""`waconnd sandbox`: a WhatsApp on this machine, to try things and to test scripts. It has a socket of its own."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from waconnd.cli.commands import sandbox_words
from waconnd.cli.commands.accounts import number
from waconnd.cli.parser import Commands, Parser, common
from waconnd.cli.shell import Shell, Stop
from waconnd.rpc.errors import EXIT_UNREACHABLE, EXIT_USAGE

if TYPE_CHECKING:
    from waconnd.client.sync import Connection

#: A daemon that was started in the line above needs a moment; a script must not have to know how long.
START_S: Final = 15.0
POLL_S: Final = 0.05


def add(commands: Commands) -> None:
    group = commands.under(
        "sandbox", "a WhatsApp on this machine: for trying out, and for tests of your scripts"
    )
    parser = group.add("serve", "run the sandbox until it is interrupted", serve)
    parser.add_argument("--port", type=int, default=0, help="of the websocket (any free one)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep the certificate root there")
    parser.add_argument("--seed", default="0", help="the same seed replays the same bytes")
    parser.add_argument("--people", metavar="NAMES", help="who lives there (ada,bob,carl)")
    parser = group.add(
        "link", "link the daemon's account: it shows a code, a person scans it; ends when it is ready", link
    )
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("linked", metavar="ACCOUNT", nargs="?", default="main", help="made when new (main)")
    sandbox_words.add(group)
    parser = group.add(
        "run", "run a script: a line is a command of `waconnd sandbox` without these two words", run
    )
    parser.add_argument("script", type=Path, metavar="FILE", help="`-` reads standard input")


def serve(shell: Shell, arguments: argparse.Namespace) -> int:
    import anyio

    from waconnd.rpc.listen import SocketInUse, SocketPathError
    from waconnd.sandbox.sandbox import PEOPLE, Sandbox
    from waconnd.sandbox.serve import control_socket
    from waconnd.sandbox.serve import serve as run_server

    path = Path(arguments.socket) if arguments.socket else control_socket()
    box = Sandbox(arguments.seed, state=arguments.state)
    names = PEOPLE if arguments.people is None else arguments.people.split(",")
    for name in filter(None, map(str.strip, names)):
        box.person(name)

    def ready() -> None:
        shell.say("A WhatsApp of your own is running. Let clients connect to it so:")
        shell.say(
            f"  waconnd serve --endpoint {box.url} --noise-root-key {box.root.public.hex()} --media-scheme http"
        )
        shell.say(f"People: {box.told()}")
        shell.say(f"Scripts reach it at {path}: try `waconnd sandbox info`.")

    try:
        anyio.run(lambda: run_server(box, path, port=arguments.port, ready=ready))
    except (SocketInUse, SocketPathError) as error:
        raise Stop(str(error), EXIT_UNREACHABLE) from None
    return 0


def link(shell: Shell, arguments: argparse.Namespace) -> int:
    """Daemon and sandbox may have been started in the line above: it waits until both answer."""
    from waconnd.paths import find_socket
    from waconnd.sandbox.serve import control_socket

    until = time.monotonic() + START_S
    shell.otherwise(str(control_socket()))
    account = arguments.linked
    with _answering(find_socket, until) as daemon, _sandbox(shell, until) as box:
        daemon.call("account.create", account=account)
        code = daemon.call("pair.qr", account=account)["code"]
        box.call("sandbox.scan", name=arguments.name, qr=code)
        told = daemon.call("account.wait", account=account, state="ready", timeout_s=shell.timeout)
    shell.result(told, f"{account} is ready: it is {arguments.name}'s, {number(told['me']['number'])}")
    return 0


def _sandbox(shell: Shell, until: float) -> Connection:
    from waconnd.client.sync import Unreachable

    try:
        return _answering(lambda: Path(shell.path), until)
    except Unreachable:
        raise sandbox_words.silent(shell) from None


def _answering(path: Callable[[], Path], until: float) -> Connection:
    from waconnd.client.sync import Connection, Unreachable

    while True:
        try:
            return Connection(path())
        except Unreachable:
            if time.monotonic() > until:
                raise
            time.sleep(POLL_S)


def run(shell: Shell, arguments: argparse.Namespace) -> int:
    """Stops at the first command that fails, and names its line."""
    text = sys.stdin.read() if str(arguments.script) == "-" else arguments.script.read_text()
    parser = Parser(prog="waconnd sandbox", parents=[common()])
    # `common` leaves absent what was not given; here nothing but the script gives anything.
    sandbox_words.add(Commands(parser.add_subparsers(required=True, parser_class=Parser), common()))
    for place, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
            if words:
                step = parser.parse_args(words)
                step.run(shell, step)
        except ValueError as error:
            raise Stop(f"{arguments.script}:{place}: {line.strip()}\n  {error}", EXIT_USAGE) from None
        except (Exception, SystemExit):
            shell.say(f"{arguments.script}:{place}: {line.strip()}")
            raise
    return 0
