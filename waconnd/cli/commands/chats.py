"""What is known: chats, messages, search, contacts, groups, check, outbox, trace."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Any, Final

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, get, local, member, moment, name_of, phone, rows_of

#: What `outbox list` shows unasked: whatever has not arrived.
WAITING: Final = ["queued", "sent", "failed", "expired"]
STATUSES: Final = (*WAITING, "cancelled", "server_ack", "delivered", "read", "played")
#: The most that the socket gives at once.
PAGE: Final = 200


def add(commands: Commands) -> None:
    parser = commands.add("chats", "chats, the latest first", chats)
    _limit(parser)
    parser = commands.add("messages", "messages of a chat, or of all", messages)
    parser.add_argument("chat", nargs="?", metavar="CHAT")
    parser.add_argument("--before", metavar="ID|TIME", help="older ones")
    parser.add_argument("--since", metavar="ID|TIME", dest="after", help="newer ones, oldest first")
    _limit(parser)
    parser = commands.add("search", "find messages by their words", search)
    parser.add_argument("query", nargs="+", metavar="WORD")
    parser.add_argument("--chat", metavar="CHAT")
    parser.add_argument("--from", dest="sender", metavar="WHO")
    parser.add_argument("--since", metavar="TIME")
    parser.add_argument("--until", metavar="TIME")
    _limit(parser)
    parser = commands.add("contacts", "people", contacts)
    parser.add_argument("name", nargs="?", metavar="NAME")
    _limit(parser)
    parser = commands.add("groups", "groups", groups)
    parser.add_argument("id", nargs="?", metavar="GROUP", help="this one, with its members")
    parser = commands.add("check", "whether numbers are on WhatsApp, and their addresses", check)
    parser.add_argument("numbers", nargs="+", metavar="NUMBER")
    parser = commands.add("trace", "what happened to one message", trace)
    parser.add_argument("id", metavar="ID")
    group = commands.under("outbox", "messages that wait to be sent")
    parser = group.add("list", "what waits and what has failed, or all of a status", outbox)
    parser.add_argument("--status", choices=(*STATUSES, "all"), action="append")
    for verb, help in (("cancel", "don't send it"), ("retry", "try it again now")):
        parser = group.add(verb, help, outbox_act)
        parser.set_defaults(verb=verb)
        parser.add_argument("id", metavar="OUTBOX_ID")


def _limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, default=20, metavar="N")


def chats(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = rows_of(shell.ask("chat.list", limit=arguments.limit))
    shell.table(
        rows,
        {
            "chat": member("id"),
            "number": lambda row: phone(get(row, "pn")),
            "name": member("name"),
            "unread": member("unread"),
            "last": lambda row: local(get(row, "last_at")),
            "note": lambda row: " ".join(flag for flag in ("pinned", "archived") if row.get(flag)),
        },
    )
    return 0


def messages(shell: Shell, arguments: argparse.Namespace) -> int:
    result = shell.ask(
        "message.list",
        chat=arguments.chat,
        before=_place(arguments.before),
        after=_place(arguments.after),
        limit=arguments.limit,
    )
    _messages(shell, rows_of(result))
    return 0


def search(shell: Shell, arguments: argparse.Namespace) -> int:
    more = {
        "sender": arguments.sender,
        "since": moment(arguments.since) if arguments.since else None,
        "until": moment(arguments.until) if arguments.until else None,
    }
    query = " ".join(arguments.query)
    result = shell.ask("message.search", query=query, chat=arguments.chat, limit=arguments.limit, **more)
    _messages(shell, [{**hit["message"], "snippet": hit["snippet"]} for hit in rows_of(result)])
    return 0


def _place(text: str | None) -> str | None:
    """A time in the socket's words; an id or a position goes as it is."""
    return moment(text) if text and re.fullmatch(r"[\d.]+(ms|[smhd])|\d{4}-\d\d-\d\d.*", text) else text


def _messages(shell: Shell, rows: list[dict[str, Any]]) -> None:
    # Rows name their chats by address alone; what they are called is known beside them.
    known = (
        {} if shell.json else {row["id"]: name_of(row) for row in rows_of(shell.ask("chat.list", limit=PAGE))}
    )
    shell.table(
        rows,
        {
            "at": lambda row: local(get(row, "sent_at")),
            "id": member("id"),
            "chat": lambda row: known.get(row["chat"]) or name_of(row["chat"]),
            "from": lambda row: (
                "me" if row.get("from_me") else name_of(get(row, "data.from") or get(row, "sender", ""))
            ),
            "text": _line,
        },
    )


def _line(row: Mapping[str, Any]) -> str:
    if snippet := get(row, "snippet"):
        return str(snippet)
    return "[deleted]" if row.get("revoked_at") else what(get(row, "data") or {"body": {"kind": row["kind"]}})


def what(data: Mapping[str, Any]) -> str:
    """The data of `message.received` in one line."""
    kind = str(get(data, "body.kind", ""))
    text = get(data, "body.text") or get(data, "body.caption") or ""
    return str(text) if kind in ("text", "") else f"[{kind}] {text}".rstrip()


def contacts(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = rows_of(shell.ask("contact.list", name=arguments.name, limit=arguments.limit))
    shell.table(
        rows,
        {"id": member("id"), "number": lambda row: phone(get(row, "pn")), "name": member("name")},
    )
    return 0


def groups(shell: Shell, arguments: argparse.Namespace) -> int:
    if arguments.id is None:
        rows = rows_of(shell.ask("group.list"))
        shell.table(
            rows, {"id": member("id"), "subject": lambda r: get(r, "subject") or name_of(r), "members": _size}
        )
        return 0
    group = shell.ask("group.get", id=arguments.id)
    if shell.json:
        shell.record(group)
        return 0
    shell.put(f"{get(group, 'subject', '')}  {get(group, 'id', '')}")
    members = get(group, "members") or get(group, "participants") or []
    columns = {"number": lambda row: phone(get(row, "pn")), "name": member("name"), "role": member("role")}
    shell.table(members, {"member": member("id"), **columns})
    return 0


def _size(row: Mapping[str, Any]) -> Any:
    members = row.get("members", row.get("size"))
    return len(members) if isinstance(members, list) else members


def check(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = rows_of(shell.ask("contact.check", numbers=arguments.numbers))
    shell.table(
        rows,
        {
            "input": member("input"),
            "registered": member("registered"),
            "number": lambda row: phone(get(row, "id")),
            "lid": member("lid"),
        },
    )
    return 0 if all(row.get("registered") for row in rows) else 5


def trace(shell: Shell, arguments: argparse.Namespace) -> int:
    rows = rows_of(shell.ask("message.trace", id=arguments.id))
    shell.table(
        rows, {"at": lambda r: local(get(r, "at")), "stage": member("stage"), "detail": member("detail")}
    )
    return 0


def outbox(shell: Shell, arguments: argparse.Namespace) -> int:
    wanted = arguments.status or WAITING
    rows = rows_of(shell.ask("outbox.list", status=[] if "all" in wanted else wanted, limit=PAGE))
    shell.table(
        rows,
        {
            "id": member("outbox_id"),
            "to": lambda row: phone(get(row, "chat")),
            "status": member("status"),
            "queued": lambda row: local(get(row, "made_at")),
            "not before": lambda row: local(get(row, "not_before")),
            "tries": member("attempts"),
            "error": member("error"),
        },
    )
    return 0


def outbox_act(shell: Shell, arguments: argparse.Namespace) -> int:
    result = shell.ask(f"outbox.{arguments.verb}", outbox_id=arguments.id)
    shell.result(result, str(get(result, "status", "done")))
    return 0
