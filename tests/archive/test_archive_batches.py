"""Events that are stored together leave the same tables as events that are stored one by one.

What a batch puts off (messages, receipts, statuses) and what it remembers must never show.
"""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.archive.samples import ANN, BOB, DIRECT, GROUP, NOW, Clock, change, message, own
from waconnd.store.archive import Archive
from waconnd.store.archive.outbox import Draft

Event = dict[str, Any]
#: The chat with Ann by the name under which the phone knows it.
NUMBER = {**DIRECT, "id": ANN["pn"]}
#: `early.stored` and the log itself do not depend on how events are grouped; `sqlite_sequence` follows from them.
TABLES = ("event", "message", "message_text", "chat", "contact", "receipt", "annotation", "early", "media")
#: Without what `add` drew or took from the clock.
OUTBOX = "select outbox_id, status, error, result, attempts, changed from outbox order by n"
#: Messages that others write; ours have their number in the day, and a row in the outbox.
IDS = [f"R{n}" for n in range(8)]
EVENTS = 60
STATUSES = ("server_ack", "delivered", "read", "played", "failed")


class Day:
    """Random events about a few messages in two chats."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.count = 0
        #: Ours, and their chats: nothing is told of a message before the message.
        self.sent: list[tuple[str, Any]] = []

    def events(self, count: int) -> list[Event]:
        return [self._event() for _ in range(count)]

    def _event(self) -> Event:
        self.count += 1
        id, at, chat = self.dice.choice(IDS), NOW + self.dice.randrange(50), self._chat()
        made = self.dice.choice(
            [
                self._message, self._message, self._own, self._own, self._status, self._status, self._status,
                self._receipt, self._receipt, self._receipt, self._change, self._state, self._gap,
            ]
        )(id, at, chat)  # fmt: skip
        return {**made, "key": f"e{self.count}"}

    def _chat(self) -> Any:
        return self.dice.choice([DIRECT, DIRECT, GROUP])

    def _who(self) -> Any:
        # Two names that are found to be one person are joined at the end of a transaction: that may show.
        return self.dice.choice([ANN, BOB, {**ANN, "name": "Anna"}])

    def _message(self, id: str, at: float, chat: Any) -> Event:
        return message(id, f"word{at:.0f}", at=at, chat=chat, who=self._who())

    def _own(self, id: str, at: float, chat: Any) -> Event:
        self.sent.append((f"M{self.count}", chat))
        return own(f"M{self.count}", f"mine{at:.0f}", at=at, chat=chat)

    def _status(self, id: str, at: float, chat: Any) -> Event:
        if not self.sent:
            return self._own(id, at, chat)
        id, chat = self.dice.choice(self.sent)
        if chat is DIRECT and self.dice.random() < 0.2:
            chat = NUMBER
        status = self.dice.choice(STATUSES)
        more: Event = {"by": self._who(), "device": self.dice.randrange(2)}
        if status == "server_ack":
            more = {"private": {"result": {"chat": chat["id"], "at": 1, "people": self.dice.choice([1, 2])}}}
            if self.dice.random() < 0.3:
                more["server_id"] = "77"
        return {"type": "message.status", "at": at, "ids": [id], "chat": chat, "status": status, **more}

    def _receipt(self, id: str, at: float, chat: Any) -> Event:
        kind = self.dice.choice(["delivered", "read", "played", "read_self"])
        ids = [id, self.dice.choice(IDS)]
        return {
            "type": "receipt.received", "at": at, "ids": ids, "chat": chat, "receipt": kind, "by": self._who(),
            "device": self.dice.randrange(2),
        }  # fmt: skip

    def _change(self, id: str, at: float, chat: Any) -> Event:
        kind, target = self.dice.choice(
            [("message.edited", {"body": {"kind": "text", "text": "new words"}}), ("message.revoked", {}),
             ("message.reaction", {"emoji": "👍"}), ("message.starred", {"on": True}), ("message.deleted", {})]
        ), id  # fmt: skip
        name, more = kind
        return change(name, target, at=at, chat=chat, by=self._who(), **more)

    def _state(self, id: str, at: float, chat: Any) -> Event:
        return self.dice.choice(
            [
                {"type": "chat.updated", "at": at, "chat": chat, "archived": True},
                {"type": "chat.updated", "at": at, "chat": chat, "read_upto": at},
                {"type": "chat.cleared", "at": at, "chat": chat, "upto": at},
                {"type": "contact.updated", "at": at, "contact": ANN, "name": f"Ann {id}"},
            ]
        )

    def _gap(self, id: str, at: float, chat: Any) -> Event:
        made = message(id, at=at, chat=chat)
        kind = self.dice.choice(["message.undecryptable", "message.recovered"])
        return {**made, "type": kind}


async def tables(folder: Path, batches: list[list[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    """What stands there in the end."""
    folder.mkdir()
    path = folder / "events.db"
    async with Archive(path, clock=Clock()) as archive:
        for id in (f"M{n}" for n in range(EVENTS + 1)):
            draft = Draft(chat=DIRECT["id"], id=id, content=b"", hash=b"", outbox_id=f"o{id}")
            await archive.outbox.add("main", draft)
        for batch in batches:
            await archive.events.append("main", batch)
    connection = sqlite3.connect(path)
    found = {name: sorted(connection.execute(f"select * from {name}"), key=repr) for name in TABLES}
    found["outbox"] = list(connection.execute(OUTBOX))
    connection.close()
    return found


@pytest.mark.parametrize("seed", range(30))
async def test_a_batch_is_its_events_one_by_one(tmp_path: Path, seed: int) -> None:
    day = Day(seed)
    events = day.events(EVENTS)
    alone = await tables(tmp_path / "alone", [[event] for event in events])
    batches, rest = [], events
    while rest:
        size = day.dice.randrange(1, 40)
        batches.append(rest[:size])
        rest = rest[size:]
    together = await tables(tmp_path / "together", batches)
    for name, rows in alone.items():
        assert together[name] == rows, name
