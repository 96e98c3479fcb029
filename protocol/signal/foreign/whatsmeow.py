"""whatsmeow's sessions and sender keys: the protobufs of the Go library, both ways (reference 02, 12.6).

Its skipped keys are derived triples, from which no seed can be had: our records keep them as they are.
"""

from __future__ import annotations

from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from protocol.crypto.curve import DJB, from_private
from protocol.pb.signal_pb2 import (
    RecordStructure,
    SenderKeyRecordStructure,
    SenderKeyStateStructure,
    SessionStructure,
)
from protocol.signal.foreign.values import ForeignError, as_key, as_secret
from protocol.signal.ratchet import message_keys
from protocol.signal.records import (
    MAX_ARCHIVED,
    MAX_CHAINS,
    MAX_SENDER_STATES,
    MAX_SKIPPED,
    Identity,
    Pending,
    PreKey,
    ReceivingChain,
    SenderKeyRecord,
    SenderState,
    SendingChain,
    SessionRecord,
    State,
    archive,
    archived_states,
)

M = TypeVar("M", bound=Message)

_VERSION: Final = 3
_TRIPLE: Final = (32, 32, 16)


def import_session(data: bytes) -> SessionRecord:
    """A row of `whatsmeow_sessions`. Raises ForeignError."""
    pb = _parse(RecordStructure(), data)
    record = SessionRecord()
    if _lives(pb.currentSession):
        record.current = _import_state(pb.currentSession)
    for old in pb.previousSessions[:MAX_ARCHIVED]:
        if _lives(old):
            record.archived.append(archive(_import_state(old)))
    return record


def export_session(record: SessionRecord) -> bytes:
    """A row of `whatsmeow_sessions`. Raises RecordDamaged."""
    pb = RecordStructure()
    if record.current is not None:
        pb.currentSession.CopyFrom(_export_state(record.current))
    pb.previousSessions.extend(_export_state(state) for state in archived_states(record, ""))
    return pb.SerializeToString()


def import_sender_key(data: bytes) -> SenderKeyRecord:
    """A row of `whatsmeow_sender_keys`. Raises ForeignError."""
    pb = _parse(SenderKeyRecordStructure(), data)
    return SenderKeyRecord(
        states=[_import_sender_state(one) for one in pb.senderKeyStates[:MAX_SENDER_STATES]]
    )


def export_sender_key(record: SenderKeyRecord) -> bytes:
    """A row of `whatsmeow_sender_keys`."""
    pb = SenderKeyRecordStructure()
    for state in record.states:
        one = pb.senderKeyStates.add(senderKeyId=state.id)
        one.senderChainKey.iteration = state.index
        one.senderChainKey.seed = state.key
        one.senderSigningKey.public = DJB + state.public
        if state.private is not None:
            one.senderSigningKey.private = state.private
        for index, seed in state.skipped.items():
            one.senderMessageKeys.add(iteration=index, seed=seed)
    return pb.SerializeToString()


def import_pre_key(private: bytes) -> PreKey:
    """A key of `whatsmeow_pre_keys`, which holds private halves alone."""
    pair = from_private(as_secret(private))
    return PreKey(pair.private, pair.public)


def import_identity(key: bytes) -> Identity:
    """A row of `whatsmeow_identity_keys`."""
    return Identity(as_key(key))


def import_address(their_id: str) -> str:
    """`456_1:12`, as its tables name a device, to our `456_1.12`."""
    name, colon, device = their_id.rpartition(":")
    if not colon or not name or not device.isdigit():
        raise ForeignError(f"{their_id!r} is no address of a device")
    return f"{name}.{device}"


def _lives(pb: SessionStructure) -> bool:
    return pb.sessionVersion == _VERSION and bool(pb.rootKey)


def _import_state(pb: SessionStructure) -> State:
    chain = pb.senderChain
    sending = SendingChain(
        as_secret(chain.senderRatchetKeyPrivate),
        as_key(chain.senderRatchetKey),
        as_secret(chain.chainKey.key) if chain.chainKey.key else None,
        chain.chainKey.index,
    )
    pending = pb.pendingPreKey if pb.HasField("pendingPreKey") else None
    return State(
        base_key=as_key(pb.aliceBaseKey),
        our_identity=as_key(pb.localIdentityPublic),
        their_identity=as_key(pb.remoteIdentityPublic),
        root=as_secret(pb.rootKey),
        sending=sending,
        receiving=[_import_chain(one) for one in pb.receiverChains[-MAX_CHAINS:]],
        previous=pb.previousCounter,
        their_registration_id=pb.remoteRegistrationId,
        our_registration_id=pb.localRegistrationId,
        pending=None
        if pending is None
        else Pending(pending.signedPreKeyId, as_key(pending.baseKey), pending.preKeyId or None),
    )


def _import_chain(pb: SessionStructure.Chain) -> ReceivingChain:
    chain = ReceivingChain(
        as_key(pb.senderRatchetKey),
        as_secret(pb.chainKey.key) if pb.chainKey.key else None,
        pb.chainKey.index,
    )
    for key in pb.messageKeys[-MAX_SKIPPED:]:
        if (len(key.cipherKey), len(key.macKey), len(key.iv)) != _TRIPLE:
            raise ForeignError("a skipped message key has wrong lengths")
        chain.skipped[key.index] = key.cipherKey + key.macKey + key.iv
    return chain


def _export_state(state: State) -> SessionStructure:
    pb = SessionStructure(
        sessionVersion=_VERSION,
        localIdentityPublic=DJB + state.our_identity,
        remoteIdentityPublic=DJB + state.their_identity,
        rootKey=state.root,
        previousCounter=state.previous,
        remoteRegistrationId=state.their_registration_id,
        localRegistrationId=state.our_registration_id,
        aliceBaseKey=DJB + state.base_key,
    )
    sending = state.sending
    pb.senderChain.senderRatchetKey = DJB + sending.public
    pb.senderChain.senderRatchetKeyPrivate = sending.private
    pb.senderChain.chainKey.index = sending.index
    pb.senderChain.chainKey.key = sending.key or b""
    for chain in state.receiving:
        one = pb.receiverChains.add(senderRatchetKey=DJB + chain.ratchet)
        one.chainKey.index = chain.index
        one.chainKey.key = chain.key or b""
        for index, key in chain.skipped.items():
            keys = message_keys(key)
            one.messageKeys.add(index=index, cipherKey=keys[:32], macKey=keys[32:64], iv=keys[64:])
    if state.pending is not None:
        pb.pendingPreKey.signedPreKeyId = state.pending.signed_pre_key_id
        pb.pendingPreKey.baseKey = DJB + state.pending.base_key
        if state.pending.pre_key_id is not None:
            pb.pendingPreKey.preKeyId = state.pending.pre_key_id
    return pb


def _import_sender_state(pb: SenderKeyStateStructure) -> SenderState:
    signing = pb.senderSigningKey
    private = signing.private
    return SenderState(
        id=pb.senderKeyId,
        public=as_key(signing.public),
        key=as_secret(pb.senderChainKey.seed),
        index=pb.senderChainKey.iteration,
        private=as_secret(private) if private else None,
        skipped={key.iteration: as_secret(key.seed) for key in pb.senderMessageKeys[-MAX_SKIPPED:]},
    )


def _parse(empty: M, data: bytes) -> M:
    try:
        empty.ParseFromString(data)
    except DecodeError as error:
        raise ForeignError("a record of the Go library can't be read") from error
    return empty
