"""What refers to another message: reactions, polls and votes, events and answers, comments, pins, keeps."""

from __future__ import annotations

from typing import Any, Final

from protocol.content.keys import Fields, pick, target
from protocol.content.places import location_fields
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled
from protocol.pb.e2e_pb2 import (
    KeepInChatMessage,
    KeepType,
    PinInChatMessage,
    PollCreationMessage,
    PollType,
    SecretEncryptedMessage,
)

POLL_VERSIONS: Final = {
    "pollCreationMessage": 1,
    "pollCreationMessageV2": 2,
    "pollCreationMessageV3": 3,
    "pollCreationMessageV5": 5,
    "pollCreationMessageV6": 6,
}


@reads("reactionMessage")
def reaction(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what: Fields = {"emoji": message.text, "removed": not message.text}
    return {
        "type": "reaction",
        "reaction": what | pick(message, timestampMs="senderTimestampMs"),
        "target": target(message.key),
    }


@reads("encReactionMessage")
def secret_reaction(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "reaction", "encrypted": True, "target": target(message.targetMessageKey)}


def _poll(poll: Any, version: int) -> Fields:
    what: Fields = {
        "name": poll.name,
        "options": [option.optionName for option in poll.options],
        "selectableCount": poll.selectableOptionsCount,
        "version": version,
    }
    if poll.pollType == PollType.QUIZ:
        what["quiz"] = True
    if poll.HasField("correctAnswer"):
        what["correctAnswer"] = poll.correctAnswer.optionName
    what |= pick(poll, endTime="endTime")
    if poll.allowAddOption:
        what["allowAddOption"] = True
    if poll.hideParticipantName:
        what["hideVoters"] = True
    return {"type": "poll", "poll": what}


@reads("pollCreationMessage")
def poll_v1(poll: PollCreationMessage, whole: Peeled, inner: Inner) -> Fields:
    return _poll(poll, 4 if "pollCreationMessageV4" in whole.layers else 1)


@reads("pollCreationMessageV2")
def poll_v2(poll: Any, whole: Peeled, inner: Inner) -> Fields:
    return _poll(poll, 2)


@reads("pollCreationMessageV3")
def poll_v3(poll: Any, whole: Peeled, inner: Inner) -> Fields:
    return _poll(poll, 4 if "pollCreationMessageV4" in whole.layers else 3)


@reads("pollCreationMessageV5")
def poll_v5(poll: Any, whole: Peeled, inner: Inner) -> Fields:
    return _poll(poll, 5)


@reads("pollCreationMessageV6")
def poll_v6(poll: Any, whole: Peeled, inner: Inner) -> Fields:
    return _poll(poll, 6)


@reads("pollUpdateMessage")
def poll_vote(vote: Any, whole: Peeled, inner: Inner) -> Fields:
    out: Fields = {"type": "pollVote", "target": target(vote.pollCreationMessageKey)}
    out |= pick(vote, timestampMs="senderTimestampMs")
    return out | ({"encrypted": True} if vote.HasField("vote") else {})


@reads("pollResultSnapshotMessage", "pollResultSnapshotMessageV3")
def poll_result(result: Any, whole: Peeled, inner: Inner) -> Fields:
    votes = [pick(vote, option="optionName", votes="optionVoteCount") for vote in result.pollVotes]
    return {"type": "pollResult", "poll": {"name": result.name, "results": votes}}


@reads("pollAddOptionMessage")
def poll_add_option(added: Any, whole: Peeled, inner: Inner) -> Fields:
    return {
        "type": "pollAddOption",
        "target": target(added.pollCreationMessageKey),
        "option": added.addOption.optionName,
    }


@reads("eventMessage")
def event(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what = pick(
        message,
        name="name",
        description="description",
        startTime="startTime",
        endTime="endTime",
        joinLink="joinLink",
        extraGuestsAllowed="extraGuestsAllowed",
        canceled="isCanceled",
    )
    if message.isScheduleCall:
        what["scheduledCall"] = True
    if message.HasField("location"):
        what["location"] = location_fields(message.location)
    return {"type": "event", "event": what}


@reads("eventInviteMessage")
def event_invite(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what = pick(
        message,
        id="eventId",
        name="eventTitle",
        startTime="startTime",
        endTime="endTime",
        joinLink="callLink",
        canceled="isCanceled",
    )
    out: Fields = {"type": "eventInvite", "event": what}
    return out | ({"caption": message.caption} if message.caption else {})


@reads("encEventResponseMessage")
def event_response(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "eventResponse", "encrypted": True, "target": target(message.eventCreationMessageKey)}


@reads("secretEncryptedMessage")
def secret_edit(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {
        "type": "secretEdit",
        "encrypted": True,
        "secretType": SecretEncryptedMessage.SecretEncType.Name(message.secretEncType),
        "target": target(message.targetMessageKey),
    }


@reads("commentMessage")
def comment(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {
        "type": "comment",
        "target": target(message.targetMessageKey),
        "content": inner(message.message),
    }


@reads("encCommentMessage")
def secret_comment(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "comment", "encrypted": True, "target": target(message.targetMessageKey)}


@reads("pinInChatMessage")
def pin(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {
        "type": "pin",
        "pinned": message.type == PinInChatMessage.PIN_FOR_ALL,
        "duration": whole.info.messageAddOnDurationInSecs if whole.info else 0,
        "target": target(message.key),
    } | pick(message, timestampMs="senderTimestampMs")


@reads("keepInChatMessage")
def keep(message: KeepInChatMessage, whole: Peeled, inner: Inner) -> Fields:
    return {
        "type": "keep",
        "kept": message.keepType == KeepType.KEEP_FOR_ALL,
        "target": target(message.key),
    } | pick(message, timestampMs="timestampMs")
