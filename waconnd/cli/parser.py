"""All commands and their options. Each file of `waconnd.cli.commands` adds its own."""

from __future__ import annotations

import argparse
import sys
from typing import Final, NoReturn

from waconnd.cli.shell import seconds
from waconnd.rpc.errors import EXIT_USAGE

#: What the common options are when nobody gave them. Not as argparse's defaults: those of a command would
#: overwrite what stood before it.
DEFAULTS: Final = {
    "account": None,
    "socket": None,
    "json": False,
    "timeout": None,
    "quiet": False,
    "verbose": False,
    "no_color": False,
}


class Parser(argparse.ArgumentParser):
    """argparse, with the exit code of sysexits and without guessing at abbreviations."""

    def __init__(self, **options: object) -> None:
        options.setdefault("allow_abbrev", False)
        super().__init__(**options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}\nTry `{self.prog} --help`.", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_USAGE)


def common() -> Parser:
    """Options that may stand before and after the command."""
    parent = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = parent.add_argument_group("everywhere")
    group.add_argument(
        "-a", "--account", metavar="NAME", help="which account (else $WACONND_ACCOUNT, else the only one)"
    )
    group.add_argument(
        "--socket", metavar="PATH", help="the daemon's socket (else $WACONND_SOCKET, else the usual places)"
    )
    group.add_argument("--json", action="store_true", help="one line of JSON per record")
    group.add_argument("--timeout", type=seconds, metavar="TIME", help="give up after this (30s)")
    group.add_argument("-q", "--quiet", action="store_true", help="say nothing; the exit code tells")
    group.add_argument("-v", "--verbose", action="store_true", help="say more")
    group.add_argument("--no-color", action="store_true", help="no colours (also $NO_COLOR)")
    return parent


def build() -> Parser:
    """The whole parser."""
    from waconnd.cli.commands import MODULES

    parent = common()
    parser = Parser(
        prog="waconnd",
        description="A WhatsApp connection for servers.",
        parents=[parent],
        epilog="`waconnd COMMAND --help` explains one; `waconnd methods` lists what the socket can do beyond these.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for module in MODULES:
        module.add(Commands(commands, parent))
    return parser


class Commands:
    """Adds commands that share the common options."""

    def __init__(self, group: argparse._SubParsersAction[Parser], parent: Parser) -> None:
        self._group = group
        self._parent = parent

    def add(self, name: str, help: str, run: object = None) -> Parser:
        """One command."""
        parser = self._group.add_parser(
            name, help=help, description=help[:1].upper() + help[1:] + ".", parents=[self._parent]
        )
        if run is not None:
            parser.set_defaults(run=run)
        return parser

    def under(self, name: str, help: str) -> Commands:
        """A command that has commands."""
        parser = self.add(name, help)
        group = parser.add_subparsers(
            dest=f"{name}_command", metavar="ACTION", required=True, parser_class=Parser
        )
        return Commands(group, self._parent)
