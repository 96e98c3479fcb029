"""What is put around a Message before it is encrypted: for own devices, with a sender key, with padding."""

from __future__ import annotations

from protocol.crypto.curve import Entropy
from protocol.jid import Jid
from protocol.pb.e2e_pb2 import Message
from protocol.signal.padding import pad


def for_own_devices(message: Message, chat: Jid, entropy: Entropy, *, phash: str = "") -> bytes:
    """The copy that tells our other devices which chat it belongs to, padded."""
    outer = Message()
    outer.deviceSentMessage.destinationJid = str(chat.bare)
    outer.deviceSentMessage.message.CopyFrom(message)
    if phash:
        outer.deviceSentMessage.phash = phash
    if message.HasField("messageContextInfo"):
        outer.messageContextInfo.CopyFrom(message.messageContextInfo)
    return pad(outer.SerializeToString(), entropy)


def sender_key(group: Jid, skdm: bytes, entropy: Entropy) -> bytes:
    """A sender key for one device, padded: nothing else is in it."""
    return pad(_with_key(Message(), group, skdm), entropy)


def with_sender_key(message: bytes, group: Jid, skdm: bytes, entropy: Entropy) -> bytes:
    """A group's message for one device that lacks the key, padded."""
    return pad(_with_key(Message.FromString(message), group, skdm), entropy)


def _with_key(message: Message, group: Jid, skdm: bytes) -> bytes:
    message.senderKeyDistributionMessage.groupId = str(group)
    message.senderKeyDistributionMessage.axolotlSenderKeyDistributionMessage = skdm
    return message.SerializeToString()
