"""What was sent, kept to be sent again: it rides in the commit of its own ratchets and later moves to the archive."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.effects import Lookup, Question
from protocol.flows.context import Context
from protocol.flows.mapping import twin
from protocol.flows.soft import Soft
from protocol.jid import Jid
from protocol.keystore import Kind, Txn
from protocol.stanza.message import Facts


class RetryCopy(msgspec.Struct, frozen=True, omit_defaults=True):
    """An encoded Message, never padded, and what its stanza says in the clear."""

    message: bytes
    facts: Facts
    sent_at: float
    peer: bool = False
    v: int = 1

    def __repr__(self) -> str:
        return f"RetryCopy(<{len(self.message)} bytes>)"


COPIES: Final = Soft(Kind.RETRY_COPY, RetryCopy)


class WantRetryCopy(Question, frozen=True, tag="retry_copy"):
    """Ask the host for a copy that has left the keystore. The answer is the record's bytes, empty when there is none."""

    chat: str
    id: str


def copy_id(chat: Jid, id: str) -> str:
    """Under which id a copy is filed."""
    return f"{chat}/{id}"


def keep(txn: Txn, chat: Jid, id: str, copy: RetryCopy) -> None:
    """File a copy, in the transaction that its ciphertexts advance."""
    COPIES.put(txn, copy_id(chat, id), copy)


async def find(ctx: Context, chat: Jid, id: str) -> tuple[Jid, RetryCopy] | None:
    """A message that we sent, under either name of its chat; None is an honest answer."""
    other = twin(ctx.store, chat) if chat.is_user else None
    names = [chat, other] if other else [chat]
    for name in names:
        held = COPIES.get(ctx.store, copy_id(name, id))
        if held is not None:
            return name, held
    for name in names:
        raw = await Lookup(WantRetryCopy(str(name), id), bytes)
        if raw:
            return name, COPIES.decode(raw, copy_id(name, id))
    return None
