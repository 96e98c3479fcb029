"""The three envelopes on the wire: SignalMessage, PreKeySignalMessage, SenderKeyMessage, and the key distribution.

upb parses these faster than Python can (docs/performance.md), and writes all fields in ascending order, zeros
included, as every library does.
"""

from __future__ import annotations

from typing import Final

import msgspec
from google.protobuf.message import DecodeError, Message

from protocol.crypto.curve import DJB
from protocol.pb.signal_pb2 import (
    PreKeySignalMessage,
    SenderKeyDistributionMessage,
    SenderKeyMessage,
    SignalMessage,
)
from protocol.signal.errors import InvalidKey, InvalidMessage

#: Version of the message, high nibble, and of the writer, low nibble.
VERSION: Final = b"\x33"
MAC: Final = 8
SIGNATURE: Final = 64
BLOCK: Final = 16
_TAGGED: Final = 33


class Whisper(msgspec.Struct, frozen=True, gc=False):
    """A SignalMessage. `signed`: what its MAC covers besides the identities."""

    ratchet: bytes
    counter: int
    ciphertext: bytes
    signed: bytes
    mac: bytes


class PreKeyWhisper(msgspec.Struct, frozen=True, gc=False):
    """A PreKeySignalMessage."""

    base_key: bytes
    identity: bytes
    registration_id: int
    signed_pre_key_id: int
    pre_key_id: int | None
    message: Whisper


class SenderWhisper(msgspec.Struct, frozen=True, gc=False):
    """A SenderKeyMessage. `signed`: what its signature covers."""

    id: int
    iteration: int
    ciphertext: bytes
    signed: bytes
    signature: bytes


class Distribution(msgspec.Struct, frozen=True, gc=False):
    """A SenderKeyDistributionMessage."""

    id: int
    iteration: int
    key: bytes
    public: bytes


def read_message(data: bytes) -> Whisper:
    """Parse the content of an `enc` of type `msg`. Raises InvalidMessage, InvalidKey."""
    if len(data) <= 1 + MAC:
        raise InvalidMessage("the message is too short")
    signed = data[:-MAC]
    pb = SignalMessage()
    _parse(pb, signed)
    ciphertext = pb.ciphertext
    if not ciphertext or len(ciphertext) % BLOCK or not pb.HasField("counter"):
        raise InvalidMessage("a field of the message is missing or has a wrong length")
    return Whisper(_untag(pb.ratchetKey), pb.counter, ciphertext, signed, data[-MAC:])


def write_message(ratchet: bytes, counter: int, previous: int, ciphertext: bytes) -> bytes:
    """Version and protobuf; the caller appends the MAC over it."""
    pb = SignalMessage(
        ratchetKey=DJB + ratchet, counter=counter, previousCounter=previous, ciphertext=ciphertext
    )
    return VERSION + pb.SerializeToString()


def read_pre_key_message(data: bytes) -> PreKeyWhisper:
    """Parse the content of an `enc` of type `pkmsg`. Raises InvalidMessage, InvalidKey."""
    pb = PreKeySignalMessage()
    _parse(pb, data)
    if not pb.HasField("signedPreKeyId"):
        raise InvalidMessage("a field of the prekey message is missing")
    return PreKeyWhisper(
        _untag(pb.baseKey),
        _untag(pb.identityKey),
        pb.registrationId,
        pb.signedPreKeyId,
        pb.preKeyId if pb.HasField("preKeyId") else None,
        read_message(pb.message),
    )


def write_pre_key_message(
    base_key: bytes,
    identity: bytes,
    registration_id: int,
    signed_pre_key_id: int,
    pre_key_id: int | None,
    message: bytes,
) -> bytes:
    """Wrap a complete SignalMessage."""
    pb = PreKeySignalMessage(
        preKeyId=pre_key_id,
        baseKey=DJB + base_key,
        identityKey=DJB + identity,
        message=message,
        registrationId=registration_id,
        signedPreKeyId=signed_pre_key_id,
    )
    return VERSION + pb.SerializeToString()


def read_group_message(data: bytes) -> SenderWhisper:
    """Parse the content of an `enc` of type `skmsg`. Raises InvalidMessage."""
    if len(data) <= 1 + SIGNATURE:
        raise InvalidMessage("the group message is too short")
    signed = data[:-SIGNATURE]
    pb = SenderKeyMessage()
    _parse(pb, signed)
    ciphertext = pb.ciphertext
    if not ciphertext or len(ciphertext) % BLOCK or not pb.HasField("id") or not pb.HasField("iteration"):
        raise InvalidMessage("a field of the group message is missing or has a wrong length")
    return SenderWhisper(pb.id, pb.iteration, ciphertext, signed, data[-SIGNATURE:])


def write_group_message(id: int, iteration: int, ciphertext: bytes) -> bytes:
    """Version and protobuf; the caller appends the signature over it."""
    return VERSION + SenderKeyMessage(id=id, iteration=iteration, ciphertext=ciphertext).SerializeToString()


def read_distribution(data: bytes) -> Distribution:
    """Parse a sender key distribution. Raises InvalidMessage, InvalidKey."""
    pb = SenderKeyDistributionMessage()
    _parse(pb, data)
    if not pb.HasField("id") or not pb.HasField("iteration"):
        raise InvalidMessage("a field of the sender key distribution is missing")
    if len(pb.chainKey) != _TAGGED - 1:
        raise InvalidKey("the chain key of a sender key distribution has a wrong length")
    return Distribution(pb.id, pb.iteration, pb.chainKey, _untag(pb.signingKey))


def write_distribution(id: int, iteration: int, key: bytes, public: bytes) -> bytes:
    """The announcement of a sender key."""
    pb = SenderKeyDistributionMessage(id=id, iteration=iteration, chainKey=key, signingKey=DJB + public)
    return VERSION + pb.SerializeToString()


def _parse(pb: Message, data: bytes) -> None:
    version = data[0] >> 4 if data else 0
    if version != VERSION[0] >> 4:
        raise InvalidMessage(f"version {version} of the Signal protocol, we speak 3")
    try:
        pb.ParseFromString(data[1:])
    except DecodeError as error:
        raise InvalidMessage("the message is not a protobuf") from error


def _untag(key: bytes) -> bytes:
    # Written strictly, read liberally: 32 bytes, or 33 that start with the type byte.
    if len(key) == _TAGGED and key[:1] == DJB:
        return key[1:]
    if len(key) == _TAGGED - 1:
        return key
    raise InvalidKey("a public key has a wrong length")
