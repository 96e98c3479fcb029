"""Invitations to groups and channels, calls in the chat, requests for a phone number, placeholders."""

from __future__ import annotations

from typing import Any

from protocol.content.keys import Fields, pick, target
from protocol.content.registry import Inner, reads
from protocol.content.wrappers import Peeled
from protocol.pb import e2e_pb2 as pb


@reads("groupInviteMessage")
def group_invite(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what = pick(message, jid="groupJid", code="inviteCode", expiration="inviteExpiration", name="groupName")
    if message.groupType == pb.GroupInviteMessage.PARENT:
        what["community"] = True
    return {"type": "groupInvite", "groupInvite": what} | pick(message, caption="caption")


def _newsletter_invite(message: Any, *, admin: bool) -> Fields:
    what = pick(message, jid="newsletterJid", name="newsletterName") | {"admin": admin}
    if admin:
        what |= pick(message, expiration="inviteExpiration")
    return {"type": "newsletterInvite", "newsletterInvite": what} | pick(message, caption="caption")


@reads("newsletterAdminInviteMessage")
def newsletter_admin_invite(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return _newsletter_invite(message, admin=True)


@reads("newsletterFollowerInviteMessageV2")
def newsletter_invite(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return _newsletter_invite(message, admin=False)


@reads("callLogMesssage")
def call_log(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what: Fields = {"video": message.isVideo}
    if message.HasField("callOutcome"):
        what["outcome"] = pb.CallLogMessage.CallOutcome.Name(message.callOutcome)
    what |= pick(message, duration="durationSecs")
    if message.HasField("callType"):
        what["callType"] = pb.CallLogMessage.CallType.Name(message.callType)
    return {"type": "callLog", "call": what}


@reads("scheduledCallCreationMessage")
def scheduled_call(message: Any, whole: Peeled, inner: Inner) -> Fields:
    what = pick(message, timestampMs="scheduledTimestampMs") | {
        "video": message.callType == pb.ScheduledCallCreationMessage.VIDEO
    }
    return {"type": "scheduledCall", "call": what | pick(message, title="title")}


@reads("requestPhoneNumberMessage")
def request_phone_number(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "requestPhoneNumber"}


@reads("placeholderMessage")
def placeholder(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "placeholder", "reason": pb.PlaceholderMessage.PlaceholderType.Name(message.type)}


@reads("senderKeyDistributionMessage")
def sender_key_distribution(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "senderKeyDistribution"} | pick(message, group="groupId")


@reads("statusNotificationMessage")
def status_notification(message: Any, whole: Peeled, inner: Inner) -> Fields:
    return {"type": "statusMention", "target": target(message.responseMessageKey)}
