"""Sender keys: one chain for all readers of a group, one record for each device that writes there.

`group` is the text of a JID, `sender` a `Jid.signal_address`. All or nothing, as in `session.py`.
"""

from __future__ import annotations

from typing import Final

from protocol.crypto.curve import Entropy, generate
from protocol.crypto.primitives import CryptoError, cbc_decrypt, cbc_encrypt, hkdf
from protocol.crypto.xeddsa import sign, verify
from protocol.errors import RecordDamaged
from protocol.keystore import Txn, View
from protocol.signal.chains import MAX_JUMP, advance, find, seed
from protocol.signal.envelope import (
    read_distribution,
    read_group_message,
    write_distribution,
    write_group_message,
)
from protocol.signal.errors import (
    BadSignature,
    InvalidMessage,
    NoSenderKey,
    SenderKeyDamaged,
    UnknownKeyId,
)
from protocol.signal.quarantine import set_aside
from protocol.signal.records import (
    MAX_SENDER_STATES,
    MAX_SKIPPED,
    SENDER_KEYS,
    SenderKeyRecord,
    SenderState,
    Skipped,
    sender_key_id,
)

#: Key ids are drawn with 31 bits, as libsignal does.
_ID_MASK: Final = 2**31 - 1


def distribution(txn: Txn, group: str, sender: str, *, entropy: Entropy) -> bytes:
    """The SenderKeyDistributionMessage of our own key, at its present index; makes a key when there is none.

    Take it before the message that it shall open is encrypted.
    """
    id = sender_key_id(group, sender)
    record = _load_or_set_aside(txn, id)
    state = _own(record)
    if state is None:
        pair = generate(entropy)
        state = SenderState(
            id=int.from_bytes(entropy(4), "big") & _ID_MASK,
            public=pair.public,
            key=entropy(32),
            private=pair.private,
        )
        SENDER_KEYS.put(txn, id, SenderKeyRecord(states=[state]))
    return write_distribution(state.id, state.index, state.key, state.public)


def own_key(view: View, group: str, sender: str) -> int | None:
    """The id of our own key; None when there is none, or none that makes sense."""
    try:
        state = _own(SENDER_KEYS.get(view, sender_key_id(group, sender)))
    except RecordDamaged:
        return None
    return state.id if state is not None else None


def encrypt(txn: Txn, group: str, sender: str, plaintext: bytes, *, entropy: Entropy) -> bytes:
    """Encrypt (padded) plaintext with our own key. Raises NoSenderKey when `distribution` was never called."""
    id = sender_key_id(group, sender)
    record = _load(txn, id)
    state = _own(record)
    if record is None or state is None or state.private is None:
        raise NoSenderKey(f"we have no sender key of our own in {group}")
    iv, key = _keys(seed(state.key))
    signed = write_group_message(state.id, state.index, cbc_encrypt(key, iv, plaintext))
    signature = sign(state.private, signed, entropy)
    state.key = advance(state.key)
    state.index += 1
    SENDER_KEYS.put(txn, id, record)
    return signed + signature


def process_distribution(txn: Txn, group: str, sender: str, skdm: bytes) -> None:
    """Take in a sender key. Raises InvalidMessage, InvalidKey."""
    told = read_distribution(skdm)
    id = sender_key_id(group, sender)
    record = _load_or_set_aside(txn, id) or SenderKeyRecord()
    state = SenderState(
        id=told.id, public=told.public, key=told.key, index=told.iteration, first=told.iteration
    )
    known = next((old for old in record.states if old.id == told.id), None)
    if known is not None:
        record.states.remove(known)
        # A second announcement of the same key: ours may hold keys of messages that are still under way.
        if known.public == told.public and told.iteration - known.index <= MAX_JUMP:
            state = known
            _reach_back(state, told.key, told.iteration)
    record.states.insert(0, state)
    del record.states[MAX_SENDER_STATES:]
    SENDER_KEYS.put(txn, id, record)


def decrypt(txn: Txn, group: str, sender: str, data: bytes) -> bytes:
    """Decrypt the content of an `enc` of type `skmsg`, to padded plaintext. Raises a SignalError."""
    message = read_group_message(data)
    id = sender_key_id(group, sender)
    record = _load(txn, id)
    if record is None or not record.states:
        raise NoSenderKey(f"{sender} has not sent its sender key for {group}")
    state = next((one for one in record.states if one.id == message.id), None)
    if state is None:
        raise UnknownKeyId(f"{sender} uses a sender key in {group} that it has not sent")
    # Before any chain work: only the owner of the key may make us hash ahead.
    if not verify(state.public, message.signed, message.signature):
        raise BadSignature(f"the signature of a group message of {sender} does not verify")
    if message.iteration < state.first:
        # Not a duplicate: it was written before the place from which on we were given the key.
        raise NoSenderKey(f"{sender} wrote this in {group} before it sent us its sender key")
    step = find(state.key, state.index, state.skipped, message.iteration, MAX_JUMP)
    iv, key = _keys(step.message_key)
    try:
        plaintext = cbc_decrypt(key, iv, message.ciphertext)
    except CryptoError as error:
        raise InvalidMessage("a group message that its key does not open") from error
    assert step.key is not None
    state.key, state.index, state.skipped = step.key, step.index, step.skipped
    SENDER_KEYS.put(txn, id, record)
    return plaintext


def rotate(txn: Txn, group: str, sender: str) -> None:
    """Forget our own key: somebody left. The next `distribution` makes a new one."""
    SENDER_KEYS.delete(txn, sender_key_id(group, sender))


def _reach_back(state: SenderState, key: bytes, index: int) -> None:
    """The key came again, at an earlier place than the one we know it from: what overtook it had brought a later one."""
    if not 0 < state.first - index <= MAX_JUMP:
        return
    earlier: Skipped = {}
    for place in range(index, state.first):
        earlier[place] = seed(key)
        key = advance(key)
    kept = {**earlier, **state.skipped}
    while len(kept) > MAX_SKIPPED:
        del kept[next(iter(kept))]
    state.first, state.skipped = index, kept


def _own(record: SenderKeyRecord | None) -> SenderState | None:
    state = record.states[0] if record and record.states else None
    return state if state is not None and state.private is not None else None


def _keys(message_key: bytes) -> tuple[bytes, bytes]:
    # The IV first, other than in sessions.
    both = hkdf(message_key, 48, b"WhisperGroup")
    return both[:16], both[16:]


def _load(view: View, id: str) -> SenderKeyRecord | None:
    try:
        return SENDER_KEYS.get(view, id)
    except RecordDamaged as damage:
        raise SenderKeyDamaged(damage) from damage


def _load_or_set_aside(txn: Txn, id: str) -> SenderKeyRecord | None:
    try:
        return SENDER_KEYS.get(txn, id)
    except RecordDamaged as damage:
        set_aside(txn, damage)
        return None
