"""Messages as they are asked for: one, a page of a chat, a search."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from waconnd.store.archive import project
from waconnd.store.archive.body import Encoded, encode
from waconnd.store.archive.change import Batch
from waconnd.store.archive.errors import BadPosition, NotFound
from waconnd.store.archive.index import question
from waconnd.store.archive.project_changes import delete
from waconnd.store.archive.thread import Worker

PAGE_ROWS: Final = 200
#: Words of a snippet, and what marks a hit in it.
SNIPPET_WORDS: Final = 16
MARK_OPEN: Final = "\u2039"
MARK_CLOSE: Final = "\u203a"
#: History comes in slices of this size, between which live commits have their turn.
HISTORY_ROWS: Final = 250
#: Messages whose read receipts one call may send.
UNREAD_ROWS: Final = 1_000

_COLUMNS: Final = (
    "m.n, m.chat, m.id, m.sender, m.from_me, m.seq, m.sent_at, m.kind, m.status, m.server_id, m.edited_at,"
    " m.revoked_at, m.revoked_by, m.starred, m.data"
)


class Message(msgspec.Struct, frozen=True):
    """A message with what became of it. Times are ms, 0: never. `data` is the JSON of rpc's `message.received`."""

    n: int
    chat: str
    id: str
    sender: str
    from_me: bool
    seq: int
    sent_at: int
    kind: str
    status: str
    server_id: str
    edited_at: int
    revoked_at: int
    revoked_by: str
    starred: bool
    data: bytes

    @property
    def position(self) -> str:
        """A place between messages, for `before` and `after`."""
        return f"{self.sent_at}-{self.n}"


class Annotation(msgspec.Struct, frozen=True):
    """What somebody attached: `kind` is reaction, vote, response, pin or keep; `value` its members as JSON."""

    id: str
    kind: str
    who: str
    at: int
    value: bytes


class Receipt(msgspec.Struct, frozen=True):
    """How far a message of ours came on one device of a person (ms, 0: not yet). Device 0 is the phone."""

    who: str
    device: int
    delivered_at: int
    read_at: int
    played_at: int


class Hit(msgspec.Struct, frozen=True):
    """A message that matches, with the words around the match (hits stand between ‹ and ›)."""

    message: Message
    snippet: str


class Messages:
    """`archive.messages`."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], float]) -> None:
        self._writer, self._reader, self._clock = writer, reader, clock

    async def get(self, account: str, id: str, chat: str = "", sender: str = "") -> Message:
        """Raises NotFound. Without a chat the id alone must do; the own message comes first."""

        def job(connection: sqlite3.Connection) -> Message:
            found = find(connection, account, id, chat, sender)
            if found is None:
                raise NotFound(f"no message {id} is in the archive of {account}")
            return found

        return await self._reader.call(job)

    async def page(
        self,
        account: str,
        chat: str = "",
        *,
        before: str = "",
        after: str = "",
        limit: int = 50,
        kinds: tuple[str, ...] = (),
    ) -> list[Message]:
        """Newest first; with `after`, oldest first from there. Both take a position or a message id."""
        rows = max(1, min(limit, PAGE_ROWS))
        return await self._reader.call(lambda c: page(c, account, chat, before, after, rows, kinds))

    async def oldest(self, account: str, chat: str) -> Message | None:
        """The first that is here: older ones are on the phone, if anywhere."""

        def job(connection: sqlite3.Connection) -> Message | None:
            row = connection.execute(
                f"select {_COLUMNS} from message m where m.account = ? and m.chat = ?"  # noqa: S608
                " order by m.sent_at, m.n limit 1",
                (account, chat),
            ).fetchone()
            return None if row is None else _message(row)

        return await self._reader.call(job)

    async def search(
        self,
        account: str,
        typed: str,
        *,
        chat: str = "",
        sender: str = "",
        since: int = 0,
        until: int = 0,
        before: int = 0,
        limit: int = 50,
    ) -> list[Hit]:
        """Latest arrivals first; go on with `before=hits[-1].message.n`."""
        rows = max(1, min(limit, PAGE_ROWS))
        match = question(account, typed)
        if not match:
            return []

        def job(connection: sqlite3.Connection) -> list[Hit]:
            where = ["message_text match ?", "m.account = ?"]
            values: list[object] = [match, account]
            for clause, value in (
                ("m.chat = ?", chat),
                ("m.sender = ?", sender),
                ("m.sent_at >= ?", since),
                ("m.sent_at < ?", until),
                ("message_text.rowid < ?", before),
            ):
                if value:
                    where.append(clause)
                    values.append(value)
            found = connection.execute(
                f"select {_COLUMNS}, snippet(message_text, 0, ?, ?, '…', ?) from message_text"  # noqa: S608
                f" cross join message m on m.n = message_text.rowid where {' and '.join(where)}"
                " order by message_text.rowid desc limit ?",
                (MARK_OPEN, MARK_CLOSE, SNIPPET_WORDS, *values, rows),
            )
            return [Hit(_message(row[:-1]), row[-1]) for row in found]

        return await self._reader.call(job)

    async def annotations(self, account: str, chat: str, ids: Iterable[str]) -> list[Annotation]:
        """Reactions, votes and the like of these messages; withdrawn ones stand there with an emptied value."""
        wanted = list(ids)[:PAGE_ROWS]

        def job(connection: sqlite3.Connection) -> list[Annotation]:
            rows = connection.execute(
                "select id, kind, who, at, value from annotation where account = ? and chat = ? and id in"  # noqa: S608
                f" ({', '.join('?' * len(wanted))}) order by at",
                (account, chat, *wanted),
            )
            return [Annotation(id, kind, who, at, value.encode()) for id, kind, who, at, value in rows]

        return await self._reader.call(job)

    async def receipts(self, account: str, chat: str, id: str) -> list[Receipt]:
        """Person by person, device by device."""

        def job(connection: sqlite3.Connection) -> list[Receipt]:
            rows = connection.execute(
                "select who, device, delivered_at, read_at, played_at from receipt"
                " where account = ? and chat = ? and id = ? order by who, device",
                (account, chat, id),
            )
            return [Receipt(*row) for row in rows]

        return await self._reader.call(job)

    async def secret(self, account: str, chat: str, id: str, sender: str = "") -> bytes:
        """What votes on and answers to this message are sealed under; empty when it is not known."""

        def job(connection: sqlite3.Connection) -> bytes:
            row = connection.execute(
                "select secret from message where account = ? and id = ? and chat = ? order by sender = ? desc limit 1",
                (account, id, chat, sender),
            ).fetchone()
            return b"" if row is None else bytes(row[0])

        return await self._reader.call(job)

    async def unread(self, account: str, chat: str, upto: str = "") -> list[Message]:
        """What came in and is not read, oldest first: whom a read receipt is for."""

        def job(connection: sqlite3.Connection) -> list[Message]:
            end = _position(connection, account, chat, upto)[0] if upto else 1 << 62
            rows = connection.execute(
                f"select {_COLUMNS} from message m where m.account = ?1 and m.chat = ?2 and not m.from_me"  # noqa: S608
                " and m.seq > 0 and m.sent_at <= ?3 and m.sent_at >"
                " coalesce((select read_upto from chat where account = ?1 and id = ?2), 0)"
                " order by m.sent_at desc limit ?4",
                (account, chat, end, UNREAD_ROWS),
            ).fetchall()
            return [_message(row) for row in reversed(rows)]

        return await self._reader.call(job)

    async def add_history(self, account: str, items: Iterable[Mapping[str, Any]]) -> int:
        """Rows without events: `history.message` (the newest of a chat first) and `history.chat` objects, in slices.

        Returns how many came in.
        """
        rows = [encode(account, item) for item in items]
        for start in range(0, len(rows), HISTORY_ROWS):
            await self.add_rows(account, rows[start : start + HISTORY_ROWS])
        return len(rows)

    async def add_rows(self, account: str, rows: Sequence[Encoded]) -> None:
        """One slice of history: changes that are carried out and never told."""
        now = int(self._clock())

        def job(connection: sqlite3.Connection) -> None:
            batch = Batch()
            for row in rows:
                project.apply(connection, row, 0, now, batch, live=False)
            project.finish(connection, batch)

        await self._writer.call(job)

    async def delete(self, account: str, id: str, chat: str) -> bool:
        """For this user alone; whether there was one."""

        def job(connection: sqlite3.Connection) -> bool:
            cursor = connection.execute(
                "select n, account, chat, id, sender, text from message where account = ? and id = ? and chat = ?",
                (account, id, chat),
            )
            cursor.row_factory = sqlite3.Row
            rows = cursor.fetchall()
            for row in rows:
                delete(connection, row)
            return bool(rows)

        return await self._writer.call(job)

    async def set_starred(self, account: str, id: str, chat: str, *, on: bool) -> bool:
        """Whether there is such a message."""
        return await self._writer.call(
            lambda c: (
                c.execute(
                    "update message set starred = ? where account = ? and id = ? and chat = ?",
                    (int(on), account, id, chat),
                ).rowcount
                > 0
            )
        )


def find(connection: sqlite3.Connection, account: str, id: str, chat: str, sender: str) -> Message | None:
    """One message by its id, narrowed by what else is known."""
    where, values = "m.account = ? and m.id = ?", [account, id]
    for clause, value in (("chat", chat), ("sender", sender)):
        if value:
            where += f" and m.{clause} = ?"
            values.append(value)
    row = connection.execute(
        f"select {_COLUMNS} from message m where {where} order by m.from_me desc, m.n limit 1",  # noqa: S608
        values,
    ).fetchone()
    return None if row is None else _message(row)


def page(
    connection: sqlite3.Connection,
    account: str,
    chat: str,
    before: str,
    after: str,
    limit: int,
    kinds: tuple[str, ...],
) -> list[Message]:
    """Along the index of the chat (or of the account), from a place on."""
    where, values = ["m.account = ?"], [account]
    bounds: list[object] = list(values)
    if chat:
        where.append("m.chat = ?")
        bounds.append(chat)
    for given, sign in ((before, "<"), (after, ">")):
        if given:
            where.append(f"(m.sent_at, m.n) {sign} (?, ?)")
            bounds.extend(_position(connection, account, chat, given))
    if kinds:
        where.append(f"m.kind in ({', '.join('?' * len(kinds))})")
        bounds.extend(kinds)
    order = "asc" if after and not before else "desc"
    rows = connection.execute(
        f"select {_COLUMNS} from message m where {' and '.join(where)}"  # noqa: S608
        f" order by m.sent_at {order}, m.n {order} limit ?",
        (*bounds, limit),
    )
    return [_message(row) for row in rows]


def _position(connection: sqlite3.Connection, account: str, chat: str, given: str) -> tuple[int, int]:
    ms, dash, n = given.partition("-")
    if dash and ms.isdecimal() and n.removeprefix("-").isdecimal():
        return int(ms), int(n)
    found = find(connection, account, given, chat, "")
    if found is None:
        raise BadPosition(f"{given!r} is neither a message of this chat nor a position from an earlier page")
    return found.sent_at, found.n


def _message(row: tuple[Any, ...]) -> Message:
    (
        n,
        chat,
        id,
        sender,
        from_me,
        seq,
        sent_at,
        kind,
        status,
        server_id,
        edited,
        revoked,
        by,
        starred,
        data,
    ) = row
    return Message(
        n, chat, id, sender, bool(from_me), seq, sent_at, kind, status, server_id, edited, revoked, by,
        bool(starred), data,
    )  # fmt: skip
