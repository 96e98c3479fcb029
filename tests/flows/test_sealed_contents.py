"""Votes and other contents under a message's secret: opened when the secret is known, told either way, never lost."""

from __future__ import annotations

from typing import Any

from protocol.flows import sealed
from protocol.keystore import Kind
from protocol.pb.e2e_pb2 import Message, PollVoteMessage, ReactionMessage, SecretEncryptedMessage
from protocol.signal.secrets import UseCase, seal
from protocol.stanza.message import Facts
from tests.support.parties import Party, World

SECRET = bytes(range(32))


def poll_of(ann: Party) -> tuple[World, Any]:
    message = Message()
    message.pollCreationMessageV3.name = "lunch?"
    for name in ("yes", "no"):
        message.pollCreationMessageV3.options.add().optionName = name
    message.messageContextInfo.messageSecret = SECRET
    return ann.world, message


def vote_by(voter: Party, author: Party, id: str, options: list[bytes]) -> Message:
    plain = PollVoteMessage(selectedOptions=options).SerializeToString()
    sealed_vote = seal(
        SECRET,
        id,
        str(author.lid.bare),
        str(voter.lid.bare),
        UseCase.POLL_VOTE,
        plain,
        entropy=voter.rng.randbytes,
    )
    message = Message()
    update = message.pollUpdateMessage
    update.pollCreationMessageKey.remoteJid = str(author.lid.bare)
    update.pollCreationMessageKey.fromMe = voter is author
    update.pollCreationMessageKey.id = id
    update.vote.encPayload, update.vote.encIv = sealed_vote.payload, sealed_vote.iv
    return message


def poll() -> tuple[World, Party, Party]:
    world = World()
    (ann,), (bob,) = world.person(1), world.person(2)
    _, message = poll_of(ann)
    world.finish(ann.send_message(bob.lid.bare, message, "P1", facts=Facts(type="poll")))
    assert ann.secrets.pop((str(ann.lid.bare), "P1")) == SECRET
    return world, ann, bob


def test_a_vote_is_opened() -> None:
    world, ann, bob = poll()
    ann.secrets[str(ann.lid.bare), "P1"] = SECRET
    world.finish(bob.send_message(ann.lid.bare, vote_by(bob, ann, "P1", [b"\x01" * 32]), "V1"))
    (vote,) = ann.told("message.poll_vote")
    assert (vote.hashes, vote.encrypted, vote.target.id) == (["01" * 32], False, "P1")
    assert (vote.by.id, vote.target.from_.id) == (str(bob.lid.bare), str(ann.lid.bare))
    assert not [id for kind, id in ann.disk.records if kind == Kind.TODO]


def test_a_vote_on_an_unknown_poll_is_told_as_sealed() -> None:
    world, ann, bob = poll()
    world.finish(bob.send_message(ann.lid.bare, vote_by(bob, ann, "P1", [b"\x01" * 32]), "V1"))
    assert ann.told("message.poll_vote") == []
    world.run(10)
    (vote,) = ann.told("message.poll_vote")
    assert (vote.hashes, vote.encrypted) == ([], True)


def test_a_restart_takes_the_task_up() -> None:
    world, ann, bob = poll()
    world.finish(bob.send_message(ann.lid.bare, vote_by(bob, ann, "P1", [b"\x02" * 32]), "V1"))
    assert [id for kind, id in ann.disk.records if kind == Kind.TODO]
    ann.restart()
    ann.secrets[str(ann.lid.bare), "P1"] = SECRET
    world.finish(ann.start(sealed.resume(ann.ctx)))
    (vote,) = ann.told("message.poll_vote")
    assert (vote.hashes, vote.encrypted) == (["02" * 32], False)


def test_reactions_and_edits_under_a_secret() -> None:
    world, ann, bob = poll()
    plain = ReactionMessage(text="👍").SerializeToString()
    key = (SECRET, "P1", str(ann.lid.bare), str(ann.lid.bare))
    sealed_reaction = seal(*key, UseCase.REACTION, plain, entropy=ann.rng.randbytes)
    message = Message()
    message.encReactionMessage.targetMessageKey.id = "P1"
    message.encReactionMessage.targetMessageKey.fromMe = True
    message.encReactionMessage.encPayload = sealed_reaction.payload
    message.encReactionMessage.encIv = sealed_reaction.iv
    world.finish(ann.send_message(bob.lid.bare, message, "R1", facts=Facts(type="reaction")))
    (reaction,) = bob.told("message.reaction")
    assert (reaction.emoji, reaction.target.id) == ("👍", "P1")
    new = Message()
    new.protocolMessage.editedMessage.conversation = "better"
    sealed_edit = seal(*key, UseCase.MESSAGE_EDIT, new.SerializeToString(), entropy=ann.rng.randbytes)
    message = Message()
    edit = message.secretEncryptedMessage
    edit.secretEncType = SecretEncryptedMessage.MESSAGE_EDIT
    edit.targetMessageKey.id, edit.targetMessageKey.fromMe = "P1", True
    edit.encPayload, edit.encIv = sealed_edit.payload, sealed_edit.iv
    world.finish(ann.send_message(bob.lid.bare, message, "E1"))
    (edited,) = bob.told("message.edited")
    assert (edited.body, edited.target.id) == ({"kind": "text", "text": "better"}, "P1")
