"""`waconnd send` and what is done to one message: react, edit, revoke, read, typing."""

from __future__ import annotations

import argparse
import mimetypes
import sys
import time
from pathlib import Path
from typing import Any, Final

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop, get, local, moment, seconds
from waconnd.rpc.errors import EXIT_USAGE

#: What a file is sent as, by its type; all else is a document.
KINDS: Final = {"image": "image", "video": "video", "audio": "audio"}


def add(commands: Commands) -> None:
    parser = commands.add("send", "send a text or a file", send)
    parser.add_argument("to", metavar="TO", help="+number, address, group or alias:NAME")
    parser.add_argument(
        "text", nargs="?", metavar="TEXT", help="the text or caption; `-` reads it from stdin"
    )
    parser.add_argument("-f", "--file", type=Path, metavar="FILE", help="send this; its type decides as what")
    parser.add_argument(
        "--as", dest="kind", choices=("image", "video", "video_note", "audio", "voice", "document", "sticker")
    )
    parser.add_argument("--voice", type=Path, metavar="FILE", help="send this as a voice note (Ogg Opus)")
    parser.add_argument("--reply", metavar="ID", help="the message that it answers")
    parser.add_argument(
        "--mention", action="append", metavar="WHO", help="somebody whose @number is in the text"
    )
    parser.add_argument("--view-once", action="store_true", default=None)
    parser.add_argument("--key", help="idempotency: the same key sends once, however often it is run")
    parser.add_argument("--wait", choices=("queued", "server", "delivered"), help="for what to wait (server)")
    parser.add_argument("--at", metavar="TIME", help="not before this time: 2h, 2026-11-20T09:00")
    parser.add_argument("--check", action="store_true", default=None, help="check everything, send nothing")

    for name, help in (
        ("react", "react to a message with an emoji; an empty one takes it back"),
        ("edit", "change the text of a message of yours"),
        ("revoke", "delete a message for everybody"),
    ):
        parser = commands.add(name, help, touch)
        parser.add_argument("chat", metavar="CHAT")
        parser.add_argument("id", metavar="ID")
        if name == "react":
            parser.add_argument("emoji", metavar="EMOJI")
        if name == "edit":
            parser.add_argument("text", metavar="TEXT")
        if name == "revoke":
            parser.add_argument("--sender", metavar="WHO", help="whose message it is (as a group's admin)")
    parser = commands.add("read", "mark a chat as read", read)
    parser.add_argument("chat", metavar="CHAT")
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these messages")
    parser = commands.add("typing", "show that you type", typing)
    parser.add_argument("chat", metavar="CHAT")
    parser.add_argument("--voice", action="store_true", help="that you record")
    parser.add_argument("--for", dest="for_s", type=seconds, metavar="TIME", help="how long (at most 25s)")
    parser.add_argument("--off", action="store_true", help="no longer")


def send(shell: Shell, arguments: argparse.Namespace) -> int:
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    file = arguments.voice or arguments.file
    content: dict[str, Any] = {}
    if file is not None:
        mimetype = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        kind = (
            "voice"
            if arguments.voice
            else arguments.kind or KINDS.get(mimetype.partition("/")[0], "document")
        )
        media = {"mimetype": mimetype, "file_name": file.name}
        # A check needs no upload; an empty inline body stands for it.
        media |= {"data": ""} if arguments.check else {"upload": shell.upload(file, mimetype)}
        content = {kind: media, "caption": text}
    elif text:
        content = {"text": text}
    else:
        raise Stop("there is nothing to send: give a TEXT, `-` for stdin, or --file", EXIT_USAGE)
    began = time.monotonic()
    result = shell.ask(
        "message.send",
        to=arguments.to,
        reply_to=arguments.reply,
        mentions=arguments.mention,
        view_once=arguments.view_once,
        key=arguments.key,
        wait=arguments.wait,
        not_before=moment(arguments.at, ahead=True) if arguments.at else None,
        dry_run=arguments.check,
        **content,
    )
    if arguments.check:
        shell.result(result, "would be sent")
        return 0
    took = f"{(time.monotonic() - began) * 1000:.0f}ms"
    again = " (already sent)" if get(result, "duplicate") else ""
    shell.result(result, f"{get(result, 'id', '')} {get(result, 'status', '')} {took}{again}")
    if get(result, "status") == "queued" and arguments.wait != "queued" and not shell.json:
        _why_queued(shell, arguments)
    return 0


def _why_queued(shell: Shell, arguments: argparse.Namespace) -> None:
    """It has not left; a person wants to know what it waits for."""
    if arguments.at:
        shell.say(f"it leaves at {local(moment(arguments.at, ahead=True))}; `waconnd outbox list` shows it")
        return
    account = shell.ask("account.get")
    if account["state"] != "ready":
        shell.say(f"account {account['account']} is {account['state']}: it leaves when that is ready again")
        if get(account, "advice"):
            shell.say(f"  {account['advice']}")


def touch(shell: Shell, arguments: argparse.Namespace) -> int:
    more = {
        name: getattr(arguments, name) for name in ("emoji", "text", "sender") if hasattr(arguments, name)
    }
    result = shell.ask(f"message.{arguments.command}", chat=arguments.chat, id=arguments.id, **more)
    shell.result(result, str(get(result, "status", "done")))
    return 0


def read(shell: Shell, arguments: argparse.Namespace) -> int:
    result = shell.ask("message.mark_read", chat=arguments.chat, ids=arguments.ids or None)
    shell.result(result, f"{get(result, 'count', 0)} read")
    return 0


def typing(shell: Shell, arguments: argparse.Namespace) -> int:
    kind = "voice" if arguments.voice else "text"
    result = shell.ask(
        "chat.typing", chat=arguments.chat, kind=kind, on=not arguments.off, for_s=arguments.for_s
    )
    shell.result(result, "done")
    return 0
