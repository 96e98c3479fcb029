"""What the sandbox' people are told to do, and what goes wrong around them: commands that may stand in a script, too."""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop, seconds
from waconnd.rpc.errors import EXIT_UNREACHABLE, EXIT_USAGE

#: A wait of the server ends before the wait for its answer.
GRACE_S: Final = 5.0


def add(group: Commands) -> None:
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
    parser = group.add("media", "a person sends a file", media)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("to", metavar="TO")
    parser.add_argument("kind", metavar="KIND", help="image, video, audio, document or sticker")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--caption", default="", metavar="TEXT")
    parser.add_argument("--mimetype", default="")
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
    parser = group.add("ticks", "receipts for what a person sent", ticks)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("id", metavar="ID", nargs="?", default="")
    parser = group.add("received", "everything that a person received", received)
    parser.add_argument("name", metavar="PERSON")
    parser = group.add(
        "fault",
        "something goes wrong with stanzas: drop, withhold (until `release`), duplicate, reorder, corrupt, delay,"
        " cut; `clear` mends everything",
        fault,
    )
    parser.add_argument("action", metavar="ACTION")
    for name in ("tag", "type", "user"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--chance", type=float, default=1.0)
    parser.add_argument("--times", type=int, default=1, help="0: without end")
    parser.add_argument("--skip", type=int, default=0, help="let so many pass first")
    parser.add_argument("--seconds", type=seconds, default=1.0, metavar="TIME", help="of delay (1s)")
    parser = group.add("cut", "end or cripple a person's connections", cut)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument(
        "how",
        metavar="HOW",
        nargs="?",
        default="drop",
        help="drop, silent, slow, garbled, stream_error, failure, replaced, bad_mac",
    )
    parser.add_argument("--code", type=int, default=503, help="of stream_error and failure (503)")
    parser.add_argument("--bytes-per-s", type=float, default=1000.0, metavar="N", help="of slow (1000)")
    parser = group.add("refuse", "the next requests are answered with errors", refuse)
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="messages, media, link_code, upgrade, iq:NAMESPACE, collection:NAME",
    )
    parser.add_argument("codes", metavar="CODE", type=int, nargs="+", help="one after the other")
    parser = group.add("expire", "something has run out: media, auth, prekeys (of a person), refs", expire)
    parser.add_argument("what", metavar="WHAT")
    parser.add_argument("name", metavar="PERSON", nargs="?", default="")
    parser = group.add("push", "dirty, client_expiration or retry, to a person's devices", push)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("what", metavar="WHAT")
    parser.add_argument("detail", metavar="DETAIL", nargs="?", default="groups")
    parser = group.add(
        "replay", "send a recording (`waconnd call account.frames`) to a person's devices", replay
    )
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("file", metavar="FILE", type=Path, help="`-` reads standard input")
    parser = group.add("wire", "how new connections misbehave below the stanzas; alone: no longer", wire)
    parser.add_argument("pairs", metavar="NAME=VALUE", nargs="*", type=pair, help="chain=expired, sliver=1 …")
    parser = group.add("knob", "turn the server's knobs, or show them", knob)
    parser.add_argument("pairs", metavar="NAME=VALUE", nargs="*", type=pair)
    parser = group.add("clock", "read the clock, or let time pass at once", clock)
    parser.add_argument("advance", metavar="TIME", nargs="?", type=seconds, default=0.0)
    parser = group.add("flood", "many messages at once to a person's linked devices", flood)
    parser.add_argument("name", metavar="PERSON")
    parser.add_argument("count", metavar="COUNT", type=int, nargs="?", default=10_000)


def ask(shell: Shell, name: str, /, **params: Any) -> Any:
    """A method of the running sandbox."""
    from waconnd.client.sync import Unreachable
    from waconnd.sandbox.serve import control_socket

    shell.otherwise(str(control_socket()))
    try:
        return shell.call(f"sandbox.{name}", **params)
    except Unreachable:
        raise silent(shell) from None


def silent(shell: Shell) -> Stop:
    """There is no sandbox to be asked."""
    return Stop(
        f"no sandbox answers on {shell.path}: start one with `waconnd sandbox serve`, or a daemon with one"
        " inside with `waconnd serve --sandbox`",
        EXIT_UNREACHABLE,
    )


def info(shell: Shell, arguments: argparse.Namespace) -> int:
    told = ask(shell, "info")
    if shell.json:
        shell.record(told)
        return 0
    shell.put(f"url    {told['url']}\nroot   {told['root']}\nmedia  {', '.join(told['media'])}")
    shell.table(
        told["people"],
        {name: lambda row, name=name: row[name] for name in ("name", "number", "lid", "devices")},  # type: ignore[misc]
    )
    for complaint in told["complaints"]:
        shell.put(f"complaint  {complaint}")
    return 0


def scan(shell: Shell, arguments: argparse.Namespace) -> int:
    text = sys.stdin.read().strip() if arguments.qr == "-" else arguments.qr
    shell.result(ask(shell, "scan", name=arguments.name, qr=text), f"{arguments.name} scanned the code")
    return 0


def code(shell: Shell, arguments: argparse.Namespace) -> int:
    shell.result(ask(shell, "code", name=arguments.name, code=arguments.code), f"{arguments.name} typed it")
    return 0


def say(shell: Shell, arguments: argparse.Namespace) -> int:
    told = ask(shell, "say", name=arguments.name, to=arguments.to, text=arguments.text)
    shell.result(told, told["id"])
    return 0


def media(shell: Shell, arguments: argparse.Namespace) -> int:
    try:
        data = base64.b64encode(arguments.file.read_bytes()).decode()
    except OSError as error:
        raise Stop(f"{arguments.file} can't be read: {error.strerror}", EXIT_USAGE) from None
    given = {name: getattr(arguments, name) for name in ("name", "to", "kind", "caption", "mimetype")}
    told = ask(shell, "media", data=data, **given)
    shell.result(told, told["id"])
    return 0


def act(shell: Shell, arguments: argparse.Namespace) -> int:
    params = {"act": arguments.act, "to": arguments.to, "id": arguments.id, "text": arguments.text}
    told = ask(shell, "act", name=arguments.name, **params)
    shell.result(told, told["id"] or "done")
    return 0


def group_(shell: Shell, arguments: argparse.Namespace) -> int:
    told = ask(shell, "group", name=arguments.name, subject=arguments.subject, members=arguments.members)
    shell.result(told, told["id"])
    return 0


def rule(shell: Shell, arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in ("name", "pattern", "answer", "react", "read")}
    shell.result(ask(shell, "rule", **given), "done")
    return 0


def expect(shell: Shell, arguments: argparse.Namespace) -> int:
    names = ("name", "text", "pattern", "kind", "chat", "sender")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    wait = arguments.within
    told = ask(shell, "expect", seconds=wait, timeout_s=wait + GRACE_S, **given)
    shell.result(told, f"{told['kind']} {told['text']!r} from {told['sender']}")
    return 0


def received(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = ask(shell, "received", name=arguments.name)
    columns = ("kind", "text", "sender", "chat", "id")
    shell.table(rows, {name: lambda row, name=name: row.get(name, "") for name in columns})  # type: ignore[misc]
    return 0


def ticks(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = ask(shell, "ticks", name=arguments.name, id=arguments.id)
    shell.table(rows, {name: lambda row, name=name: row[name] for name in ("id", "type", "by")})  # type: ignore[misc]
    return 0


def fault(shell: Shell, arguments: argparse.Namespace) -> int:
    names = ("action", "tag", "type", "user", "chance", "skip", "seconds")
    given = {name: getattr(arguments, name) for name in names}
    shell.result(ask(shell, "fault", times=arguments.times or None, **given), "done")
    return 0


def cut(shell: Shell, arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in ("name", "how", "code", "bytes_per_s")}
    shell.result(ask(shell, "cut", **given), "done")
    return 0


def refuse(shell: Shell, arguments: argparse.Namespace) -> int:
    what, _, detail = arguments.what.partition(":")
    given: object = arguments.codes
    if what in ("link_code", "upgrade"):
        if len(arguments.codes) > 1:
            raise Stop(f"{what} takes one code", EXIT_USAGE)
        given = arguments.codes[0]
    elif what in ("iq", "collection"):
        if not detail:
            raise Stop(f"say which: {what}:NAME", EXIT_USAGE)
        given = {detail: arguments.codes}
    member = "collections" if what == "collection" else what
    shell.result(ask(shell, "refuse", **{member: given}), "done")
    return 0


def expire(shell: Shell, arguments: argparse.Namespace) -> int:
    shell.result(ask(shell, "expire", what=arguments.what, name=arguments.name), "done")
    return 0


def push(shell: Shell, arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in ("name", "what", "detail")}
    shell.result(ask(shell, "push", **given), "done")
    return 0


def replay(shell: Shell, arguments: argparse.Namespace) -> int:
    try:
        text = sys.stdin.read() if str(arguments.file) == "-" else arguments.file.read_text()
        frames = msgspec.json.decode(text)["frames"]
    except OSError as error:
        raise Stop(f"{arguments.file} can't be read: {error.strerror}", EXIT_USAGE) from None
    except (msgspec.DecodeError, KeyError, TypeError):
        raise Stop(
            f"{arguments.file} is no recording: `waconnd call account.frames` makes one", EXIT_USAGE
        ) from None
    told = ask(shell, "replay", name=arguments.name, frames=frames)
    shell.result(told, f"stanzas sent: {told['stanzas']}")
    return 0


def pair(text: str) -> tuple[str, Any]:
    """`sliver=1`: the value is JSON where it can be read so, else text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


def wire(shell: Shell, arguments: argparse.Namespace) -> int:
    shell.result(ask(shell, "wire", **dict(arguments.pairs)), "done")
    return 0


def knob(shell: Shell, arguments: argparse.Namespace) -> int:
    told = ask(shell, "knob", knobs=dict(arguments.pairs))
    shell.result(told, "\n".join(f"{name} = {value:g}" for name, value in told.items()))
    return 0


def clock(shell: Shell, arguments: argparse.Namespace) -> int:
    told = ask(shell, "clock", advance_s=arguments.advance)
    shell.result(told, f"{told['now']:.3f}")
    return 0


def flood(shell: Shell, arguments: argparse.Namespace) -> int:
    told = ask(shell, "flood", name=arguments.name, count=arguments.count, timeout_s=600.0)
    shell.result(
        told, f"{told['per_second']:.0f} messages/s, {told['cpu_share']:.0%} of a core by the sandbox"
    )
    return 0
