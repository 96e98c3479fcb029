"""Pairwise sessions: open, encrypt, decrypt, each against a transaction.

All or nothing: when a function raises, the transaction is what it was before. The caller commits it before a
ciphertext leaves (else one message key could encrypt two plaintexts) and before a message is acknowledged.
Addresses are `Jid.signal_address`, of the hidden id when it is known (reference 02, 7.2).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from protocol.creds import Creds, SignedPreKey
from protocol.crypto.curve import DJB, Entropy, KeyPair, generate
from protocol.crypto.xeddsa import verify
from protocol.errors import RecordDamaged
from protocol.keystore import Txn, View
from protocol.signal.chains import MAX_JUMP, MAX_JUMP_OWN
from protocol.signal.envelope import (
    PreKeyWhisper,
    Whisper,
    read_message,
    read_pre_key_message,
    write_pre_key_message,
)
from protocol.signal.errors import (
    BadSignature,
    Duplicate,
    InvalidMessage,
    NoPreKey,
    NoSession,
    NoSignedPreKey,
    SessionDamaged,
    SignalError,
    UntrustedIdentity,
)
from protocol.signal.identity import note_identity
from protocol.signal.quarantine import set_aside
from protocol.signal.ratchet import knows, open_known, open_new, seal, turn
from protocol.signal.records import (
    MAX_ARCHIVED,
    PRE_KEYS,
    SESSIONS,
    SIGNED_PRE_KEYS,
    Pending,
    SendingChain,
    SessionRecord,
    State,
    archive,
    archived_states,
)
from protocol.signal.x3dh import initiate, respond


class Local(msgspec.Struct, frozen=True):
    """Our side of every session."""

    identity: KeyPair
    registration_id: int
    #: The current one; older ones are read from the store by id.
    signed_pre_key: SignedPreKey
    entropy: Entropy


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """What the server hands out about a device, keys without type byte."""

    registration_id: int
    identity: bytes
    signed_pre_key_id: int
    signed_pre_key: bytes
    signature: bytes
    pre_key_id: int | None = None
    pre_key: bytes | None = None


class Envelope(msgspec.Struct, frozen=True):
    """The type and content of an `enc` element."""

    type: Literal["pkmsg", "msg"]
    data: bytes


class Opened(msgspec.Struct, frozen=True):
    """A decrypted message, still padded."""

    plaintext: bytes
    #: The device has another identity key than the one that we knew.
    identity_changed: bool = False
    new_session: bool = False
    #: The old record made no sense and was set aside.
    damage: RecordDamaged | None = None

    def __repr__(self) -> str:
        return f"Opened(<{len(self.plaintext)} bytes>)"


def local_from_creds(creds: Creds, entropy: Entropy) -> Local:
    """Our side, from the credentials."""
    return Local(creds.identity, creds.registration_id, creds.signed_pre_key, entropy)


def has_session(view: View, address: str) -> bool:
    """Can we encrypt to this device without asking for a bundle? False for a record that makes no sense."""
    state = _current(view, address)
    return state is not None and state.sending.key is not None


def base_key(view: View, address: str) -> bytes:
    """The name of the current session, empty without one: two retries on the same one mean that it is stuck."""
    state = _current(view, address)
    return state.base_key if state else b""


def their_registration_id(view: View, address: str) -> int | None:
    """The registration id that the other side of the current session named; None without one."""
    state = _current(view, address)
    return state.their_registration_id if state else None


def open_session(txn: Txn, address: str, bundle: Bundle, *, me: Local, now: float, own: bool = False) -> bool:
    """Start a session from a bundle. The old one is archived. True when the identity changed.

    `own`: a device of this account, which may not change its registration id (reference 02, 3.9).
    Raises BadSignature, InvalidKey, UntrustedIdentity.
    """
    if not verify(bundle.identity, DJB + bundle.signed_pre_key, bundle.signature):
        raise BadSignature(f"the signed prekey of {address} was not signed by its identity")
    if own and their_registration_id(txn, address) not in (None, bundle.registration_id):
        raise UntrustedIdentity(f"our own device {address} shows another registration id")
    pre_key = bundle.pre_key if bundle.pre_key_id is not None else None
    base = generate(me.entropy)
    ratchet = generate(me.entropy)
    root, _ = initiate(me.identity, base, bundle.identity, bundle.signed_pre_key, pre_key)
    root, chain = turn(root, ratchet.private, bundle.signed_pre_key)
    state = State(
        base_key=base.public,
        our_identity=me.identity.public,
        their_identity=bundle.identity,
        root=root,
        sending=SendingChain(ratchet.private, ratchet.public, chain),
        their_registration_id=bundle.registration_id,
        our_registration_id=me.registration_id,
        pending=Pending(
            bundle.signed_pre_key_id, base.public, bundle.pre_key_id if pre_key is not None else None
        ),
        created=int(now),
    )
    try:
        record = SESSIONS.get(txn, address) or SessionRecord()
    except RecordDamaged as damage:
        set_aside(txn, damage)
        record = SessionRecord()
    _replace_current(record, state)
    SESSIONS.put(txn, address, record)
    return note_identity(txn, address, bundle.identity)


def encrypt(txn: Txn, address: str, plaintext: bytes, *, me: Local) -> Envelope:
    """Encrypt (padded) plaintext. Raises NoSession."""
    try:
        record = SESSIONS.get(txn, address)
    except RecordDamaged as damage:
        raise SessionDamaged(damage) from damage
    state = record.current if record else None
    if record is None or state is None:
        raise NoSession(f"there is no session with {address}")
    data = seal(state, plaintext)
    SESSIONS.put(txn, address, record)
    pending = state.pending
    if pending is None:
        return Envelope("msg", data)
    return Envelope(
        "pkmsg",
        write_pre_key_message(
            pending.base_key,
            state.our_identity,
            me.registration_id,
            pending.signed_pre_key_id,
            pending.pre_key_id,
            data,
        ),
    )


def decrypt(
    txn: Txn, address: str, type: str, data: bytes, *, me: Local, own: bool = False, now: float
) -> Opened:
    """Decrypt the content of an `enc` of type `msg` or `pkmsg`. `own`: the sender is a device of this account.

    Raises a SignalError, and then nothing has changed.
    """
    limit = MAX_JUMP_OWN if own else MAX_JUMP
    if type == "pkmsg":
        return _decrypt_first(txn, address, read_pre_key_message(data), limit, me, now)
    if type != "msg":
        raise InvalidMessage(f"there is no envelope of type {type!r}")
    message = read_message(data)
    try:
        record = SESSIONS.get(txn, address)
        if record is None:
            raise NoSession(f"there is no session with {address}")
        plaintext = _open(record, address, message, limit, me.entropy)
    except RecordDamaged as damage:
        raise SessionDamaged(damage) from damage
    SESSIONS.put(txn, address, record)
    return Opened(plaintext)


def delete_session(txn: Txn, address: str) -> None:
    """Forget a session, the identity stays."""
    SESSIONS.delete(txn, address)


def merge_sessions(txn: Txn, from_address: str, to_address: str) -> None:
    """Two names were found to be one device: the states of `from` go behind those of `to`, its record away."""
    old = _take(txn, from_address)
    if old is None:
        return
    SESSIONS.delete(txn, from_address)
    record = _take(txn, to_address) or SessionRecord()
    if old.current is not None:
        if record.current is None:
            record.current = old.current
        else:
            record.archived.append(archive(old.current))
    record.archived = (record.archived + old.archived)[:MAX_ARCHIVED]
    SESSIONS.put(txn, to_address, record)


def _decrypt_first(txn: Txn, address: str, first: PreKeyWhisper, limit: int, me: Local, now: float) -> Opened:
    damage = None
    try:
        record = SESSIONS.get(txn, address) or SessionRecord()
        # Late ones of an older session come too: all states are compared.
        if any(state.base_key == first.base_key for state in _states(record, address)):
            plaintext = _open(record, address, first.message, limit, me.entropy)
            SESSIONS.put(txn, address, record)
            return Opened(plaintext)
    except RecordDamaged as error:
        damage, record = error, SessionRecord()
    pre_key = None if first.pre_key_id is None else _pre_key(txn, first.pre_key_id)
    signed = _signed_pre_key(txn, first.signed_pre_key_id, me)
    root, chain = respond(me.identity, signed, pre_key, first.identity, first.base_key)
    state = State(
        base_key=first.base_key,
        our_identity=me.identity.public,
        their_identity=first.identity,
        root=root,
        sending=SendingChain(signed.private, signed.public, chain),
        their_registration_id=first.registration_id,
        our_registration_id=me.registration_id,
        created=int(now),
    )
    plaintext = open_new(state, first.message, limit, me.entropy)
    # From here on nothing can fail: the record, the identity and the used prekey change together.
    if damage is not None:
        set_aside(txn, damage)
    _replace_current(record, state)
    SESSIONS.put(txn, address, record)
    changed = note_identity(txn, address, first.identity)
    if first.pre_key_id is not None:
        PRE_KEYS.delete(txn, str(first.pre_key_id))
    return Opened(plaintext, identity_changed=changed, new_session=True, damage=damage)


def _pre_key(view: View, id: int) -> bytes:
    try:
        held = PRE_KEYS.get(view, str(id))
    except RecordDamaged as damage:
        raise NoPreKey(str(damage)) from damage
    if held is None:
        raise NoPreKey(f"prekey {id} was used before or was never ours")
    return held.private


def _signed_pre_key(view: View, id: int, me: Local) -> KeyPair:
    if id == me.signed_pre_key.id:
        return me.signed_pre_key.pair
    try:
        old = SIGNED_PRE_KEYS.get(view, str(id))
    except RecordDamaged as damage:
        raise NoSignedPreKey(str(damage)) from damage
    if old is None:
        raise NoSignedPreKey(f"signed prekey {id} is not, or no longer, ours")
    return KeyPair(old.private, old.public)


def _open(record: SessionRecord, address: str, message: Whisper, limit: int, entropy: Entropy) -> bytes:
    """Decrypt by whichever state can, and make that one current. The record changes only on success."""
    current = record.current
    chain = knows(current, message.ratchet) if current is not None else None
    error: SignalError | None = None
    if current is not None and (chain is not None or not record.archived):
        # The ordinary case: one state decides, and the archived ones need not even be read.
        try:
            if chain is not None:
                return open_known(current, chain, message, limit)
            return open_new(current, message, limit, entropy)
        except Duplicate:
            raise
        except SignalError as reason:
            if not record.archived:
                raise
            error = reason
    states = _states(record, address)
    for state in states if error is None else states[1:]:
        chain = knows(state, message.ratchet)
        if chain is None:
            continue
        try:
            plaintext = open_known(state, chain, message, limit)
        except Duplicate:
            raise
        except SignalError as reason:
            error = error or reason
            continue
        _promote(record, states, state)
        return plaintext
    if error is not None:
        # A ratchet key belongs to one session: to try the others would cost an agreement each, for nothing.
        raise error
    for state in states:
        try:
            plaintext = open_new(state, message, limit, entropy)
        except SignalError as reason:
            error = error or reason
            continue
        _promote(record, states, state)
        return plaintext
    raise error or NoSession(f"there is no session with {address}")


def _promote(record: SessionRecord, states: list[State], winner: State) -> None:
    if winner is record.current:
        return
    place = next(n for n, state in enumerate(states) if state is winner)
    del record.archived[place - (record.current is not None)]
    _replace_current(record, winner)


def _replace_current(record: SessionRecord, state: State) -> None:
    if record.current is not None:
        record.archived.insert(0, archive(record.current))
        del record.archived[MAX_ARCHIVED:]
    record.current = state


def _states(record: SessionRecord, address: str) -> list[State]:
    """All states, current first. Raises RecordDamaged."""
    current = [] if record.current is None else [record.current]
    return current + archived_states(record, address)


def _current(view: View, address: str) -> State | None:
    try:
        record = SESSIONS.get(view, address)
    except RecordDamaged:
        return None
    return record.current if record else None


def _take(txn: Txn, address: str) -> SessionRecord | None:
    try:
        return SESSIONS.get(txn, address)
    except RecordDamaged as damage:
        set_aside(txn, damage)
        return None
