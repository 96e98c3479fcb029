"""Baileys' sessions, sender keys, prekeys and identities, both ways (reference 02, 12.4 and 12.5).

Values are decoded JSON. A record that Baileys wrote and we export again differs only where ours knows better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from protocol.creds import Creds
from protocol.crypto.curve import DJB
from protocol.signal.foreign.values import (
    ForeignError,
    as_bytes,
    as_key,
    as_milliseconds,
    as_number,
    as_object,
    as_secret,
    buffer,
    text,
)
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
    Skipped,
    State,
    archive,
    archived_states,
)

_OURS, _THEIRS = 1, 2
_SENDING, _RECEIVING = 1, 2
_OPEN: Final = -1
_SEED: Final = 32

_encode: Final = msgspec.json.Encoder().encode


def import_session(obj: object, creds: Creds) -> SessionRecord:
    """A SessionRecord, as it stands in `session-….json`. Raises ForeignError."""
    whole = as_object(obj)
    entries = [as_object(entry) for entry in as_object(whole.get("_sessions", {})).values()]
    default = whole.get("registrationId", 0)

    def age(entry: Mapping[str, Any]) -> tuple[bool, int]:
        index = as_object(entry.get("indexInfo"))
        return index.get("closed") == _OPEN, as_milliseconds(index.get("used"))

    entries.sort(key=age, reverse=True)
    record = SessionRecord()
    for entry in entries[: 1 + MAX_ARCHIVED]:
        state = _import_state(entry, default, creds)
        if record.current is None and as_object(entry["indexInfo"]).get("closed") == _OPEN:
            record.current = state
        else:
            record.archived.append(archive(state))
    del record.archived[MAX_ARCHIVED:]
    return record


def export_session(record: SessionRecord, now: float) -> dict[str, Any]:
    """The content of a `session-….json`. Skipped keys that are no seeds can't be expressed and are left out.

    Raises RecordDamaged.
    """
    sessions: dict[str, Any] = {}
    moment = int(now * 1000)
    states = archived_states(record, "")
    for age, state in enumerate(reversed(states)):
        sessions[text(DJB + state.base_key)] = _export_state(state, moment - len(states) + age, closed=True)
    if record.current is not None:
        # Last, and over an archived one of the same name: Baileys has one state for a base key.
        sessions.pop(text(DJB + record.current.base_key), None)
        sessions[text(DJB + record.current.base_key)] = _export_state(record.current, moment, closed=False)
    return {"_sessions": sessions, "version": "v1"}


def import_sender_key(obj: object) -> SenderKeyRecord:
    """A sender key record: a Buffer of JSON, or that JSON decoded. Raises ForeignError."""
    states = obj
    if not isinstance(obj, list):
        try:
            states = msgspec.json.decode(as_bytes(obj))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ForeignError("a sender key record is no JSON") from error
    if not isinstance(states, list):
        raise ForeignError("a sender key record is no list")
    # The newest stands last there, first here.
    return SenderKeyRecord(
        states=[_import_sender_state(as_object(one)) for one in reversed(states[-MAX_SENDER_STATES:])]
    )


def export_sender_key(record: SenderKeyRecord) -> dict[str, Any]:
    """The content of a `sender-key-….json`."""
    states = [_export_sender_state(state) for state in reversed(record.states)]
    return buffer(_encode(states))


def import_pre_key(obj: object) -> PreKey:
    """The content of a `pre-key-….json`."""
    pair = as_object(obj)
    return PreKey(as_secret(pair.get("private")), as_key(pair.get("public")))


def export_pre_key(key: PreKey) -> dict[str, Any]:
    """The content of a `pre-key-….json`."""
    return {"private": buffer(key.private), "public": buffer(key.public)}


def import_identity(obj: object) -> Identity:
    """The content of an `identity-key-….json`."""
    return Identity(as_key(obj))


def export_identity(identity: Identity) -> dict[str, str]:
    """The content of an `identity-key-….json`."""
    return buffer(DJB + identity.key)


def _import_state(entry: Mapping[str, Any], default_registration: object, creds: Creds) -> State:
    index, ratchet = as_object(entry["indexInfo"]), as_object(entry.get("currentRatchet"))
    pair = as_object(ratchet.get("ephemeralKeyPair"))
    public = as_key(pair.get("pubKey"))
    # A state that was never stepped has no sending chain.
    sending = SendingChain(as_secret(pair.get("privKey")), public, None)
    receiving: list[ReceivingChain] = []
    for name, value in as_object(entry.get("_chains", {})).items():
        chain, place = as_object(value), as_object(as_object(value).get("chainKey"))
        key = as_secret(place["key"]) if place.get("key") else None
        # Theirs is the last index that was used, ours the next one.
        next_index = as_number(place.get("counter"), _OPEN) + 1
        if as_key(name) == public:
            sending.key, sending.index = key, next_index
        elif chain.get("chainType") != _SENDING:
            receiving.append(ReceivingChain(as_key(name), key, next_index, _import_skipped(chain)))
    pending = entry.get("pendingPreKey")
    return State(
        base_key=as_key(index.get("baseKey")),
        our_identity=creds.identity.public,
        their_identity=as_key(index.get("remoteIdentityKey")),
        root=as_secret(ratchet.get("rootKey")),
        sending=sending,
        receiving=receiving[-MAX_CHAINS:],
        previous=max(as_number(ratchet.get("previousCounter", 0), _OPEN), 0),
        their_registration_id=as_number(entry.get("registrationId") or default_registration),
        our_registration_id=creds.registration_id,
        pending=_import_pending(as_object(pending)) if pending else None,
        created=as_milliseconds(index.get("created")) // 1000,
    )


def _import_skipped(chain: Mapping[str, Any]) -> Skipped:
    keys = as_object(chain.get("messageKeys", {}))
    skipped = {as_number(index): as_secret(seed) for index, seed in keys.items()}
    return dict(sorted(skipped.items())[-MAX_SKIPPED:])


def _import_pending(pending: Mapping[str, Any]) -> Pending:
    pre_key_id = as_number(pending.get("preKeyId") or 0)
    return Pending(
        as_number(pending.get("signedKeyId")),
        as_key(pending.get("baseKey")),
        # libsignal-node can't tell 0 from none.
        pre_key_id or None,
    )


def _export_state(state: State, used: int, *, closed: bool) -> dict[str, Any]:
    chains: dict[str, Any] = {}
    for chain in state.receiving:
        chains[text(DJB + chain.ratchet)] = {
            "chainKey": _export_place(chain.index, chain.key),
            "chainType": _RECEIVING,
            "messageKeys": {str(n): text(key) for n, key in chain.skipped.items() if len(key) == _SEED},
        }
    sending = state.sending
    if sending.key is not None:
        chains[text(DJB + sending.public)] = {
            "chainKey": _export_place(sending.index, sending.key),
            "chainType": _SENDING,
            "messageKeys": {},
        }
    last = state.receiving[-1].ratchet if state.receiving else state.base_key
    entry: dict[str, Any] = {
        "registrationId": state.their_registration_id,
        "currentRatchet": {
            "ephemeralKeyPair": {"pubKey": text(DJB + sending.public), "privKey": text(sending.private)},
            "lastRemoteEphemeralKey": text(DJB + last),
            "previousCounter": state.previous,
            "rootKey": text(state.root),
        },
        "indexInfo": {
            "baseKey": text(DJB + state.base_key),
            # A pkmsg that names one of "ours" makes libsignal-node throw: only what certainly is ours is called so.
            "baseKeyType": _OURS if state.pending else _THEIRS,
            "closed": used if closed else _OPEN,
            "used": used,
            "created": state.created * 1000 or used,
            "remoteIdentityKey": text(DJB + state.their_identity),
        },
        "_chains": chains,
    }
    if state.pending is not None:
        entry["pendingPreKey"] = {
            "signedKeyId": state.pending.signed_pre_key_id,
            "baseKey": text(DJB + state.pending.base_key),
        }
        if state.pending.pre_key_id is not None:
            entry["pendingPreKey"]["preKeyId"] = state.pending.pre_key_id
    return entry


def _export_place(next_index: int, key: bytes | None) -> dict[str, Any]:
    place: dict[str, Any] = {"counter": next_index - 1}
    if key is not None:
        place["key"] = text(key)
    return place


def _import_sender_state(one: Mapping[str, Any]) -> SenderState:
    chain, signing = as_object(one.get("senderChainKey")), as_object(one.get("senderSigningKey"))
    private = signing.get("private")
    secret = as_bytes(private) if private else b""
    kept = one.get("senderMessageKeys") or []
    if not isinstance(kept, list):
        raise ForeignError("the skipped keys of a sender key are no list")
    skipped = {
        as_number(as_object(key).get("iteration")): as_secret(as_object(key).get("seed")) for key in kept
    }
    return SenderState(
        id=as_number(one.get("senderKeyId")),
        public=as_key(signing.get("public")),
        key=as_secret(chain.get("seed")),
        index=as_number(chain.get("iteration")),
        private=as_secret(secret) if secret else None,
        skipped=dict(sorted(skipped.items())[-MAX_SKIPPED:]),
    )


def _export_sender_state(state: SenderState) -> dict[str, Any]:
    # With base64, not with the numbers that Baileys itself writes here: its reader takes only the former for bytes,
    # so that it can use our skipped keys and not its own.
    return {
        "senderKeyId": state.id,
        "senderChainKey": {"iteration": state.index, "seed": buffer(state.key)},
        "senderSigningKey": {"public": buffer(DJB + state.public), "private": buffer(state.private or b"")},
        "senderMessageKeys": [{"iteration": n, "seed": buffer(key)} for n, key in state.skipped.items()],
    }
