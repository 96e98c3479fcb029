"""What is kept: sessions, sender keys, identities and prekeys as versioned JSON that a person can read.

Public keys are 32 bytes without type byte; JSON shows bytes as base64. Records are mutable on purpose: decoding
makes a fresh copy of stored bytes, so a failed attempt is dropped with the copy and can't touch what is stored.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from protocol.errors import RecordDamaged
from protocol.keystore import Kind, Table

#: Archived states of one session, as in every client.
MAX_ARCHIVED: Final = 40
#: Receiving chains of one state; messages of older ratchet keys are lost.
MAX_CHAINS: Final = 5
#: Skipped keys that one chain keeps; beyond it the oldest are dropped.
MAX_SKIPPED: Final = 2000
#: States of one sender key record.
MAX_SENDER_STATES: Final = 5

# Lengths and ranges are checked while decoding: a record that decodes makes sense.
Key = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Index = Annotated[int, msgspec.Meta(ge=0, le=2**32)]
Id = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
#: 32 bytes are the seed (reference 02, 3.4); 80 are cipher key, MAC key and IV, all that stores of the Go library have.
MessageKey = Annotated[bytes, msgspec.Meta(min_length=32, max_length=80)]
#: Index of a message to its key, oldest first.
Skipped = dict[Index, MessageKey]


class Hidden:
    """What must not stand in a log: its repr says nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class SendingChain(Hidden, msgspec.Struct, gc=False):
    """Our half of the ratchet."""

    private: Key
    public: Key
    #: None: closed (only from imported stores); we can't encrypt before the other side's next ratchet key.
    key: Key | None
    index: Index = 0


class ReceivingChain(Hidden, msgspec.Struct, omit_defaults=True):
    """The keys of one ratchet key of the other side."""

    ratchet: Key
    #: None: closed (only from imported stores), just the skipped keys can be used.
    key: Key | None
    index: Index = 0
    skipped: Skipped = {}


class Pending(Hidden, msgspec.Struct, frozen=True, gc=False):
    """What each message carries until the other side has answered."""

    signed_pre_key_id: Id
    base_key: Key
    pre_key_id: Id | None = None


class State(Hidden, msgspec.Struct, omit_defaults=True):
    """One session proper."""

    #: The initiator's base key: the name of the session on both sides.
    base_key: Key
    our_identity: Key
    their_identity: Key
    root: Key
    sending: SendingChain
    #: Oldest first.
    receiving: list[ReceivingChain] = []
    #: Index of the last message of the sending chain before this one.
    previous: Index = 0
    their_registration_id: Id = 0
    our_registration_id: Id = 0
    pending: Pending | None = None
    created: int = 0


class SessionRecord(Hidden, msgspec.Struct):
    """All we share with one device. Archived states stay encoded until one is needed: they seldom are."""

    v: int = 1
    current: State | None = None
    #: Newest first.
    archived: list[msgspec.Raw] = []


class SenderState(Hidden, msgspec.Struct, omit_defaults=True):
    """One sender key. `private` is there for our own alone."""

    id: Id
    public: Key
    key: Key
    index: Index = 0
    private: Key | None = None
    skipped: Skipped = {}
    #: The earliest place that we were given the key for: what is older was never ours to read.
    first: Index = 0


class SenderKeyRecord(Hidden, msgspec.Struct):
    """All sender keys of one device in one group, newest first."""

    v: int = 1
    states: list[SenderState] = []


class Identity(msgspec.Struct, frozen=True, gc=False):
    """The identity key of one device."""

    key: Key
    v: int = 1


class PreKey(Hidden, msgspec.Struct, frozen=True, gc=False):
    """One of our one-time prekeys; its id is the record's id."""

    private: Key
    public: Key
    v: int = 1


class OldSignedPreKey(Hidden, msgspec.Struct, frozen=True, gc=False):
    """A signed prekey before the current one (which stands in the credentials); messages may still name it."""

    private: Key
    public: Key
    signature: bytes
    made_at: float = 0.0
    v: int = 1


class Quarantined(Hidden, msgspec.Struct, frozen=True, gc=False):
    """A record that made no sense, with its bytes."""

    kind: str
    id: str
    why: str
    data: bytes
    v: int = 1


#: id: `Jid.signal_address`.
SESSIONS: Final = Table(Kind.SESSION, SessionRecord)
#: id: `sender_key_id`.
SENDER_KEYS: Final = Table(Kind.SENDER_KEY, SenderKeyRecord)
#: id: `Jid.signal_address`.
IDENTITIES: Final = Table(Kind.IDENTITY_KEY, Identity)
#: id: the number in decimal.
PRE_KEYS: Final = Table(Kind.PRE_KEY, PreKey)
#: id: the number in decimal.
SIGNED_PRE_KEYS: Final = Table(Kind.SIGNED_PRE_KEY, OldSignedPreKey)
#: id: `kind-id-hash of the bytes`, so that nothing set aside is ever overwritten.
QUARANTINE: Final = Table(Kind.QUARANTINE, Quarantined)


_STATE: Final = msgspec.json.Decoder(State)
_encode: Final = msgspec.json.Encoder().encode


def archive(state: State) -> msgspec.Raw:
    """A state as a record keeps it beside the current one."""
    return msgspec.Raw(_encode(state))


def archived_states(record: SessionRecord, address: str) -> list[State]:
    """The states beside the current one, newest first. Raises RecordDamaged."""
    try:
        return [_STATE.decode(raw) for raw in record.archived]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordDamaged(Kind.SESSION, address, f"archived session: {error}") from error


def sender_key_id(group: str, sender: str) -> str:
    """The id of a sender key record: `group::name::device`."""
    name, _, device = sender.rpartition(".")
    return f"{group}::{name}::{device}"
