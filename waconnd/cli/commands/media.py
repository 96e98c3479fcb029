"""`waconnd media`: get what came with a message, put what shall be sent."""

from __future__ import annotations

import argparse
import mimetypes
import shutil
from pathlib import Path

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, get


def add(commands: Commands) -> None:
    group = commands.under("media", "fetch and upload media")
    parser = group.add("get", "download the media of a message", fetch)
    parser.add_argument(
        "chat", nargs="?", metavar="CHAT", help="where it stands, if the id alone is not clear"
    )
    parser.add_argument("id", metavar="ID")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to; `-` or nothing is stdout"
    )
    parser = group.add("put", "upload a file for a later `message.send`; prints its handle", put)
    parser.add_argument("file", type=Path, metavar="FILE")


def fetch(shell: Shell, arguments: argparse.Namespace) -> int:
    result = shell.ask("media.download", chat=arguments.chat, id=arguments.id)
    output = None if arguments.output in (None, Path("-")) else arguments.output
    handle = get(result, "upload") or get(result, "handle")
    if handle:
        size = shell.fetch(handle, output)
    else:
        size = get(result, "size", 0)
        if output is not None:
            shutil.copyfile(result["path"], output)
        else:
            shell.put(result["path"])
    if output is not None:
        shell.result(result, f"{output} {size} bytes")
    return 0


def put(shell: Shell, arguments: argparse.Namespace) -> int:
    mimetype = mimetypes.guess_type(arguments.file.name)[0] or "application/octet-stream"
    handle = shell.upload(arguments.file, mimetype)
    shell.result({"upload": handle}, handle)
    return 0
