"""`waconnd hooks`: who is told of events; `waconnd token`: who may do a part of what you may."""

from __future__ import annotations

import argparse

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, get, member, rows_of, seconds


def add(commands: Commands) -> None:
    group = commands.under("hooks", "programs and URLs that are told of events")
    group.add("list", "all hooks", hooks)
    parser = group.add("set", "make or change one", hook_set)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--url", help="POST events there")
    parser.add_argument(
        "--exec", nargs=argparse.REMAINDER, metavar="PROGRAM", help="run this (takes the rest of the line)"
    )
    parser.add_argument("-t", "--type", action="append", metavar="GLOB")
    parser.add_argument("--secret", metavar="CREDENTIAL")
    parser.add_argument("--reply", action="store_true", default=None, help="send what it prints to the chat")
    parser = group.add("remove", "end one", hook_remove)
    parser.add_argument("name", metavar="NAME")
    parser = group.add("replay", "tell it everything after a seq again", hook_replay)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("after", type=int, metavar="SEQ")
    group = commands.under("token", "hand on a piece of your rights")
    parser = group.add("create", "make a token; it is shown once", token_create)
    parser.add_argument("--scope", action="append", required=True, choices=("read", "send", "admin"))
    parser.add_argument("--only", action="append", metavar="ACCOUNT")
    parser.add_argument("--method", action="append", metavar="GLOB")
    parser.add_argument("--expires", type=seconds, metavar="TIME")
    parser.add_argument("--note")
    group.add("list", "all tokens", token_list)
    parser = group.add("revoke", "make one void", token_revoke)
    parser.add_argument("id", metavar="ID")


def hooks(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = rows_of(shell.call("hook.list"))
    columns = {
        name: member(name) for name in ("hook", "origin", "seq", "delivered", "failed", "dead", "last_error")
    }
    shell.table(rows, {**columns, "target": lambda row: row.get("url") or " ".join(row.get("exec") or [])})
    return 0


def hook_set(shell: Shell, arguments: argparse.Namespace) -> int:
    result = shell.call(
        "hook.set",
        hook=arguments.name,
        url=arguments.url,
        exec=arguments.exec or None,
        types=arguments.type,
        secret=arguments.secret,
        reply=arguments.reply,
    )
    shell.result(result, f"{arguments.name}: from seq {get(result, 'seq', 0)} on")
    return 0


def hook_remove(shell: Shell, arguments: argparse.Namespace) -> int:
    shell.result(shell.call("hook.remove", hook=arguments.name), f"{arguments.name}: removed")
    return 0


def hook_replay(shell: Shell, arguments: argparse.Namespace) -> int:
    result = shell.call("hook.replay", hook=arguments.name, after=arguments.after)
    shell.result(result, f"{arguments.name}: again from {arguments.after + 1}")
    return 0


def token_create(shell: Shell, arguments: argparse.Namespace) -> int:
    result = shell.call(
        "token.create",
        scopes=arguments.scope,
        accounts=arguments.only,
        methods=arguments.method,
        expires_in_s=arguments.expires,
        note=arguments.note,
    )
    shell.result(result, result["token"])
    return 0


def token_list(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = rows_of(shell.call("token.list"))
    columns = {name: member(name) for name in ("id", "note", "made_at", "expires_at")}
    joined = {
        name: (lambda row, name=name: ",".join(row.get(name) or ["all"]))
        for name in ("scopes", "accounts", "methods")
    }
    shell.table(rows, {**columns, **joined})
    return 0


def token_revoke(shell: Shell, arguments: argparse.Namespace) -> int:
    shell.result(shell.call("token.revoke", id=arguments.id), f"{arguments.id}: void")
    return 0
