"""Contents sealed under the secret of an earlier message: votes, answers to events, some reactions, edits, comments.

The host has the secrets, beside the messages. What arrives is put down as a task in the commit of its ratchet step
and acknowledged; the task ends in the commit of its event. A restart takes it up again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.content.wrappers import peel
from protocol.effects import Commit, Lookup, Pause, Question
from protocol.events.base import Durable
from protocol.events.message import MessageEventResponse, MessagePollVote
from protocol.flows import announce
from protocol.flows.context import Context
from protocol.flows.mapping import twin
from protocol.flows.soft import Soft
from protocol.jid import Jid, parse
from protocol.keystore import Kind, Txn, View
from protocol.pb.e2e_pb2 import (
    EventResponseMessage,
    Message,
    MessageKey,
    PollVoteMessage,
    ReactionMessage,
    SecretEncryptedMessage,
)
from protocol.signal.secrets import Sealed, UseCase, WrongSecret, unseal
from protocol.stanza.message import Incoming, plain

PREFIX: Final = "sealed/"
#: The message that a vote names may be a few milliseconds old and on its way into the archive.
TRIES: Final = (0.0, 1.0, 5.0)

Secret = SecretEncryptedMessage


class WantSecret(Question, frozen=True, tag="message_secret"):
    """Ask the host for a message's secret; empty when it has none. `chats` and `senders`: every name that fits."""

    chats: tuple[str, ...]
    senders: tuple[str, ...]
    id: str


class Task(msgspec.Struct, frozen=True):
    """A sealed content that waits for its secret."""

    message: Incoming
    body: bytes
    v: int = 1

    def __repr__(self) -> str:
        return f"Task({self.message.id})"


TASKS: Final = Soft(Kind.TODO, Task)


class Part(msgspec.Struct, frozen=True):
    """The sealed part of a content: whose secret, for what."""

    key: MessageKey
    sealed: Sealed
    uses: tuple[str, ...]
    #: Puts what was opened back where a content in the clear would stand.
    opened: Callable[[Context, View, Incoming, Part, bytes | None], Durable | None]


def part_of(body: Message) -> Part | None:
    """The sealed part of a message, when it has one."""
    inner = peel(body).message
    if inner.HasField("pollUpdateMessage") and inner.pollUpdateMessage.HasField("vote"):
        vote = inner.pollUpdateMessage
        sealed = Sealed(vote.vote.encPayload, vote.vote.encIv)
        return Part(vote.pollCreationMessageKey, sealed, (UseCase.POLL_VOTE,), _vote)
    if inner.HasField("encEventResponseMessage"):
        answer = inner.encEventResponseMessage
        sealed = Sealed(answer.encPayload, answer.encIv)
        return Part(answer.eventCreationMessageKey, sealed, (UseCase.EVENT_RESPONSE,), _response)
    if inner.HasField("encReactionMessage"):
        reaction = inner.encReactionMessage
        sealed = Sealed(reaction.encPayload, reaction.encIv)
        return Part(reaction.targetMessageKey, sealed, (UseCase.REACTION,), _reaction)
    if inner.HasField("encCommentMessage"):
        comment = inner.encCommentMessage
        sealed = Sealed(comment.encPayload, comment.encIv)
        return Part(comment.targetMessageKey, sealed, (UseCase.COMMENT,), _comment)
    if inner.HasField("secretEncryptedMessage") and inner.secretEncryptedMessage.secretEncType in _USES:
        edit = inner.secretEncryptedMessage
        sealed = Sealed(edit.encPayload, edit.encIv)
        return Part(edit.targetMessageKey, sealed, _USES[edit.secretEncType], _edit)
    return None


#: The Go library opens added options with the name of an edit: both are tried.
_USES: Final[dict[int, tuple[str, ...]]] = {
    Secret.EVENT_EDIT: (UseCase.EVENT_EDIT,),
    Secret.MESSAGE_EDIT: (UseCase.MESSAGE_EDIT,),
    Secret.POLL_EDIT: (UseCase.POLL_EDIT,),
    Secret.POLL_ADD_OPTION: (UseCase.POLL_ADD_OPTION, UseCase.POLL_EDIT),
}


def put_down(txn: Txn, message: Incoming, body: Message) -> str:
    """Note the task in the transaction that the message arrived in; its id."""
    id = f"{PREFIX}{message.chat}/{message.sender}/{message.id}"
    TASKS.put(txn, id, Task(msgspec.structs.replace(message, encs=()), body.SerializeToString()))
    return id


async def open_task(ctx: Context, id: str) -> None:
    """Find the secret, open the content, tell it. Without a secret it is told as it came."""
    task = TASKS.get(ctx.store, id)
    if task is None:
        return
    message, body = task.message, Message.FromString(task.body)
    part = part_of(body)
    plaintext = await _open(ctx, message, part) if part is not None else None
    txn = ctx.txn()
    TASKS.delete(txn, id)
    event: Durable | None = None
    if part is not None:
        try:
            event = part.opened(ctx, txn, message, part, plaintext)
        except DecodeError:
            ctx.counts["malformed.sealed"] += 1
    if event is None:
        event = announce.announce(ctx, txn, message, body)
    await Commit(txn, events=(event,) if event else ())


async def resume(ctx: Context) -> None:
    """After a login: the tasks of an earlier life."""
    for id in [id for id in TASKS.ids(ctx.store) if id.startswith(PREFIX)]:
        await open_task(ctx, id)


async def _open(ctx: Context, message: Incoming, part: Part) -> bytes | None:
    parents = _names(ctx, _author(ctx, message, part.key))
    question = WantSecret(tuple(_names(ctx, message.chat)), tuple(parents), part.key.id)
    for seconds in TRIES:
        if seconds:
            await Pause(seconds)
        secret = await Lookup(question, bytes)
        if not secret:
            continue
        for use in part.uses:
            try:
                return unseal(secret, part.key.id, parents, _names(ctx, message.sender), use, part.sealed)
            except WrongSecret:
                continue
        return None
    return None


def _author(ctx: Context, message: Incoming, key: MessageKey) -> Jid:
    """Who wrote the message that a key names, from the point of view of who wrote the key."""
    if key.fromMe:
        return message.sender
    if key.participant:
        try:
            return parse(key.participant)
        except ValueError:
            return message.sender
    if message.from_me:
        return message.chat
    account = ctx.account
    return (account.lid_jid or account.pn_jid) if message.chat.is_lid else account.pn_jid


def _names(ctx: Context, jid: Jid) -> list[str]:
    """The name that was used, and the other one."""
    bare = plain(jid)
    other = twin(ctx.store, bare) if bare.is_user else None
    return [str(bare), str(other)] if other else [str(bare)]


def _target(ctx: Context, view: View, message: Incoming, part: Part) -> dict[str, Any]:
    author = _author(ctx, message, part.key)
    return announce.common(ctx, view, message, author, part.key.id)


def _vote(ctx: Context, view: View, message: Incoming, part: Part, plaintext: bytes | None) -> Durable | None:
    chosen = PollVoteMessage.FromString(plaintext).selectedOptions if plaintext is not None else ()
    return MessagePollVote(
        **_target(ctx, view, message, part),
        hashes=[option.hex() for option in chosen],
        encrypted=plaintext is None,
    )


def _response(
    ctx: Context, view: View, message: Incoming, part: Part, plaintext: bytes | None
) -> Durable | None:
    said = EventResponseMessage.FromString(plaintext or b"")
    return MessageEventResponse(
        **_target(ctx, view, message, part),
        response=EventResponseMessage.EventResponseType.Name(said.response).lower(),
        extra_guests=said.extraGuestCount,
        encrypted=plaintext is None,
    )


def _reaction(
    ctx: Context, view: View, message: Incoming, part: Part, plaintext: bytes | None
) -> Durable | None:
    if plaintext is None:
        return None
    clear = Message(reactionMessage=ReactionMessage.FromString(plaintext))
    clear.reactionMessage.key.CopyFrom(part.key)
    return announce.announce(ctx, view, message, clear)


def _comment(
    ctx: Context, view: View, message: Incoming, part: Part, plaintext: bytes | None
) -> Durable | None:
    if plaintext is None:
        return None
    clear = Message()
    clear.commentMessage.targetMessageKey.CopyFrom(part.key)
    clear.commentMessage.message.MergeFromString(plaintext)
    return announce.announce(ctx, view, message, clear)


def _edit(ctx: Context, view: View, message: Incoming, part: Part, plaintext: bytes | None) -> Durable | None:
    if plaintext is None:
        return None
    new = Message.FromString(plaintext)
    if new.HasField("pollAddOptionMessage"):
        return announce.announce(ctx, view, message, new)
    control = peel(new).message.protocolMessage
    if not control.HasField("editedMessage"):
        # Events and polls are sealed as they shall be, without the edit around them.
        control = Message().protocolMessage
        control.editedMessage.CopyFrom(new)
    control.type = control.MESSAGE_EDIT
    control.key.CopyFrom(part.key)
    return announce.announce(ctx, view, message, Message(protocolMessage=control))
