"""Votes and answers to events, sealed under the secret of the message that they are about (reference 03, 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from protocol.content.acts import Sealed
from protocol.flows.context import Context
from protocol.flows.mapping import lid_of, pn_of
from protocol.flows.roster import GROUPS
from protocol.flows.send_person import wire_name
from protocol.jid import Jid
from protocol.pb.e2e_pb2 import EventResponseMessage, MessageKey, PollVoteMessage
from protocol.signal.secrets import UseCase, seal


def names(ctx: Context, chat: Jid, author: Jid | None) -> tuple[Jid, Jid]:
    """The author (None: we) and ourselves, both as this chat writes people: the other side derives with these."""
    if chat.is_group:
        held = GROUPS.get(ctx.store, str(chat))
        hidden = held.addressing == "lid" if held is not None else bool(author and author.is_lid)
    else:
        hidden = wire_name(ctx, chat).is_lid
    account = ctx.account
    me = (account.lid_jid if hidden else None) or account.pn_jid
    if author is None or ctx.is_me(author):
        return me.bare, me.bare
    other = lid_of(ctx.store, author) if hidden and author.is_pn else None
    if not hidden and author.is_lid:
        other = pn_of(ctx.store, author)
    return (other or author).bare, me.bare


def option_hash(name: str) -> bytes:
    """How a vote names an option."""
    return hashlib.sha256(name.encode()).digest()


def vote(
    ctx: Context, key: MessageKey, people: tuple[Jid, Jid], secret: bytes, options: Sequence[str], at_ms: int
) -> Sealed:
    """The whole choice; an empty one withdraws it."""
    said = PollVoteMessage(selectedOptions=[option_hash(name) for name in options])
    return _sealed(ctx, key, people, secret, UseCase.POLL_VOTE, said.SerializeToString(), at_ms)


def response(
    ctx: Context, key: MessageKey, people: tuple[Jid, Jid], secret: bytes, said: str, guests: int, at_ms: int
) -> Sealed:
    """`going`, `not_going` or `maybe`."""
    answer = EventResponseMessage(
        response=said.upper(),
        timestampMs=at_ms,
        extraGuestCount=guests,
    )
    return _sealed(ctx, key, people, secret, UseCase.EVENT_RESPONSE, answer.SerializeToString(), at_ms)


def _sealed(
    ctx: Context,
    key: MessageKey,
    people: tuple[Jid, Jid],
    secret: bytes,
    use: str,
    plaintext: bytes,
    at_ms: int,
) -> Sealed:
    author, me = people
    made = seal(secret, key.id, str(author), str(me), use, plaintext, entropy=ctx.random)
    return Sealed(key=key, payload=made.payload, iv=made.iv, at_ms=at_ms)
