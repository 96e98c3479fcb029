"""Pieces of history into the archive: fetched to a file, read on a thread, written in slices between which live work goes on.

Nobody is told of these messages one by one. The thread asks the loop for names, which belong to it, and waits for each
slice to be written before it makes the one after the next: memory holds two slices, whatever the piece holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.from_thread
import anyio.to_thread
import msgspec

from protocol.content import history as piece
from protocol.content.history import ChatFacts, Facts
from protocol.content.remembered import Remembered, addresses, remembered
from protocol.events.state import FOREVER
from protocol.flows import people
from protocol.flows.history import Carried, Carry, Survey
from protocol.flows.questions import BlobFailed
from protocol.jid import parse
from waconnd.media import blobs
from waconnd.store.archive.body import Encoded, text_of
from waconnd.store.archive.project_message import HISTORY

if TYPE_CHECKING:
    from waconnd.account import Account
    from waconnd.fleet import Fleet


Fields = dict[str, Any]
#: Messages of one slice.
SLICE: Final = 250
#: Read from the file at a time.
_READ: Final = 256 * 1024
_DAY: Final = 86400
#: Names that are looked up once in a piece.
MAX_NAMES: Final = 100_000


class Surveyed(msgspec.Struct):
    """A piece between its two readings."""

    path: Path
    facts: Facts


class Histories:
    """`fleet.histories`: one piece of an account at a time."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._held: dict[tuple[str, str], Surveyed] = {}

    async def survey(self, account: Account, question: Survey) -> Facts:
        """Fetch a piece and read who is who. Raises BlobFailed, BlobGone, HistoryDamaged."""
        self._drop(account.name)
        path = self._fleet.media.temporary()
        try:
            if question.blob is None:
                await anyio.to_thread.run_sync(path.write_bytes, question.inline)
            else:
                await blobs.fetch(self._fleet, account, question.blob, path, blobs.MAX_HISTORY)
            facts = await anyio.to_thread.run_sync(_survey, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._held[account.name, question.id] = Surveyed(path, facts)
        return facts

    async def carry(self, account: Account, question: Carry) -> Carried:
        """Messages and chats into the archive. Raises HistoryDamaged, BlobFailed."""
        held = self._held.get((account.name, question.id))
        if held is None:
            raise BlobFailed("the piece is not here any more")
        try:
            importer = _Importer(self._fleet, account, held, settled=question.settled)
            carried = await importer.run()
        finally:
            self._drop(account.name)
        return carried

    def _drop(self, account: str) -> None:
        for key in [key for key in self._held if key[0] == account]:
            self._held.pop(key).path.unlink(missing_ok=True)


class _Importer:
    """One piece on its way."""

    def __init__(self, fleet: Fleet, account: Account, held: Surveyed, *, settled: bool) -> None:
        self._fleet, self._account, self._held, self._settled = fleet, account, held, settled
        self._names: dict[str, Fields | None] = {}
        self._chats: dict[str, Fields | None] = {}
        creds = account.creds
        assert creds is not None
        assert creds.account is not None
        own = creds.account.lid_jid or creds.account.pn_jid
        self._me: Fields = msgspec.to_builtins(people.person(account.keystore, own))
        days = fleet.settings(account.name).history_days
        self._oldest = account.now() - days * _DAY if days else 0.0
        self._count = 0

    async def run(self) -> Carried:
        send, receive = anyio.create_memory_object_stream[list[Encoded]](1)
        async with anyio.create_task_group() as group:
            group.start_soon(self._write, receive)
            async with send:
                await anyio.to_thread.run_sync(self._read, send.send)
        facts = self._held.facts
        rows = [row for chat in facts.chats if (row := self._chat_row(chat)) is not None]
        rows += [row for id, name in facts.names if (row := self._name_row(id, name)) is not None]
        for start in range(0, len(rows), SLICE):
            await self._fleet.archive.messages.add_rows(self._account.name, rows[start : start + SLICE])
        return Carried(len(facts.chats), self._count)

    async def _write(self, receive: anyio.abc.ObjectReceiveStream[list[Encoded]]) -> None:
        async with receive:
            async for rows in receive:
                await self._fleet.archive.messages.add_rows(self._account.name, rows)

    # --- on the thread --------------------------------------------------------------------------------------------------

    def _read(self, send: Any) -> None:
        batch: list[tuple[str, Any]] = []
        for chat, info in piece.messages(_pieces(self._held.path)):
            if info.messageTimestamp < self._oldest:
                continue
            batch.append((chat, info))
            if len(batch) == SLICE:
                anyio.from_thread.run(send, self._rows(batch))
                batch = []
        if batch:
            anyio.from_thread.run(send, self._rows(batch))

    def _rows(self, batch: list[tuple[str, Any]]) -> list[Encoded]:
        wanted = {one for chat, info in batch for one in addresses(chat, info)} - self._names.keys()
        if wanted:
            anyio.from_thread.run_sync(self._look_up, wanted)
        rows: list[Encoded] = []
        # The newest comes first in a piece, as the archive wants it.
        for address, info in batch:
            chat = self._chats.get(address)
            if chat is None:
                continue
            found = remembered(chat, address, info, self._names.get, self._me)
            if found is not None:
                self._count += 1
                rows += self._encoded(found)
        return rows

    def _encoded(self, found: Remembered) -> Iterator[Encoded]:
        account, at = self._account.name, found.at * 1000
        chat = found.data["chat"]["id"]
        yield Encoded(account, HISTORY, "", at, chat, b"", found.data, found.private)
        for reaction in found.reactions:
            yield Encoded(account, "message.reaction", "", at, chat, b"", reaction, {})

    # --- on the loop ----------------------------------------------------------------------------------------------------

    def _look_up(self, wanted: set[str]) -> None:
        if len(self._names) > MAX_NAMES:
            self._names.clear()
            self._chats.clear()
        for text in wanted:
            self._names[text] = self._chats[text] = None
            try:
                jid = parse(text.replace("@c.us", "@s.whatsapp.net"))
            except ValueError:
                continue
            view = self._account.keystore
            self._names[text] = msgspec.to_builtins(people.person(view, jid))
            self._chats[text] = msgspec.to_builtins(people.chat(view, jid))

    def _chat_row(self, facts: ChatFacts) -> Encoded | None:
        self._look_up({facts.id})
        chat = self._chats[facts.id]
        if chat is None:
            return None
        named = {**chat, "name": facts.name} if facts.name and chat["kind"] != "user" else chat
        data: Fields = {"chat": named, "last_at": facts.last_at * 1000}
        if not self._settled:
            data |= self._standing(facts)
        at = facts.last_at * 1000
        return Encoded(self._account.name, "history.chat", "", at, chat["id"], b"", data, {})

    def _standing(self, facts: ChatFacts) -> Fields:
        """How the chat stands; app state, once it is here, knows better."""
        data: Fields = {}
        if facts.archived:
            data["archived"] = True
        if facts.pinned_at:
            data["pinned_at"] = text_of(facts.pinned_at * 1000)
        if facts.muted_until:
            until = min(facts.muted_until, FOREVER)
            data["muted_until"] = text_of(round(until * 1000))
        if facts.timer_s:
            data["timer_s"] = facts.timer_s
        if facts.locked:
            data["locked"] = True
        if facts.marked_unread:
            data["unread"] = True
        elif facts.unread:
            data["unread"] = facts.unread
        return data

    def _name_row(self, id: str, name: str) -> Encoded | None:
        self._look_up({id})
        person = self._names[id]
        if person is None:
            return None
        data: Fields = {
            "contact": {key: held for key, held in person.items() if key != "name"},
            "push_name": name,
        }
        return Encoded(self._account.name, "contact.updated", "", 0, "", b"", data, {})


def _survey(path: Path) -> Facts:
    return piece.survey(_pieces(path))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_READ):
            yield data
