"""Transcripts of real libraries, byte for byte in both directions."""

from collections.abc import Iterator

import pytest

from protocol.creds import SignedPreKey
from protocol.crypto.curve import KeyPair, untag
from protocol.keystore import Txn
from protocol.signal import errors, session
from protocol.signal.chains import advance, seed
from protocol.signal.envelope import read_message
from protocol.signal.ratchet import message_keys, turn
from protocol.signal.records import PRE_KEYS, SESSIONS, PreKey
from protocol.signal.x3dh import initiate, respond
from tests.signal.support import Memory, load

FILE = "signal_session.json"
ERRORS = {
    "duplicate": errors.Duplicate,
    "bad_mac": (errors.BadMac, errors.InvalidMessage, errors.InvalidKey),
    "too_far_in_future": errors.TooFarAhead,
    "no_session": errors.NoSession,
    "no_prekey": errors.NoPreKey,
    "prekey_not_found": errors.NoPreKey,
    "invalid_message": errors.InvalidMessage,
    "no_signed_prekey": errors.NoSignedPreKey,
}

pytestmark = pytest.mark.vectors


class Party:
    """One side of a transcript. Its generator hands out the recorded private keys in order."""

    def __init__(self, facts: dict) -> None:
        self.facts = facts
        self.address = facts["address"]
        self.store = Memory()
        self.keys: Iterator[str] = iter(())
        signed = facts.get("signed_prekey") or {}
        self.me = session.Local(
            pair(facts["identity"]),
            facts["registration_id"],
            SignedPreKey(signed["id"], pair(signed), bytes.fromhex(signed["signature"])),
            lambda size: bytes.fromhex(next(self.keys)),
        )
        txn = self.store.txn()
        for number, key in facts.get("one_time_prekeys", {}).items():
            both = pair(key)
            PRE_KEYS.put(txn, str(number), PreKey(both.private, both.public))
        self.store.keep(txn)

    def generating(self, event: dict) -> None:
        self.drawn = [key["private"] for key in event.get("generated_keys", [])]
        if event["op"] == "decrypt_implementation_defined":
            self.drawn = ["77" * 32]
        self.keys = iter(self.drawn)

    def all_drawn(self) -> None:
        assert next(self.keys, None) is None, "a key pair of the transcript was not needed"


def pair(facts: dict) -> KeyPair:
    return KeyPair(bytes.fromhex(facts["private"]), public(facts))


def parties(transcript: dict) -> dict[str, Party]:
    return {
        name: Party(facts)
        for name, facts in transcript["parties"].items()
        if "private" in facts["identity"] and facts.get("signed_prekey", {}).get("private")
    }


def transcripts() -> list:
    return [pytest.param(one, id=one["id"]) for one in load(FILE)["transcripts"]]


@pytest.mark.parametrize("reload", [False, True], ids=["one_process", "restarted_each_time"])
@pytest.mark.parametrize("transcript", transcripts())
def test_transcript(transcript: dict, reload: bool) -> None:
    people = parties(transcript)
    assert people
    for step, event in enumerate(transcript["events"]):
        where = f"{transcript['id']} event {step}: {event}"
        party = people.get(event.get("party", ""))
        if party is None:
            assert event["op"] in ("comment", "peer_decrypted"), where
            continue
        party.generating(event)
        peer = transcript["parties"][event["peer"]] if "peer" in event else {}
        replay(event, party, peer, where)
        if event["op"] in ("encrypt", "process_bundle") or event.get("expect") == "ok":
            party.all_drawn()
        if reload:
            party.store.restart()


def replay(event: dict, party: Party, peer: dict, where: str) -> None:
    txn = party.store.txn()
    match event["op"]:
        case "process_bundle":
            session.open_session(txn, peer["address"], bundle(peer, event), me=party.me, now=0.0)
        case "encrypt":
            sealed = session.encrypt(txn, peer["address"], bytes.fromhex(event["plaintext"]), me=party.me)
            assert (sealed.type, sealed.data.hex()) == (event["type"], event["ciphertext"]), where
        case "encrypt_repeat":
            for _ in range(event["count"]):
                sealed = session.encrypt(txn, peer["address"], bytes.fromhex(event["plaintext"]), me=party.me)
            assert sealed.data.hex() == event["last_ciphertext"], where
        case "advance_sending_chain":
            advance_chain(txn, peer["address"], event["count"])
        case "decrypt" | "decrypt_implementation_defined":
            decrypt(txn, event, party, peer, where)
        case "peer_decrypted" | "comment":
            pass
        case other:
            pytest.fail(f"unknown operation {other}")
    party.store.keep(txn)


def decrypt(txn: Txn, event: dict, party: Party, peer: dict, where: str) -> None:
    data = bytes.fromhex(event["ciphertext"])
    if event.get("expect", "ok") == "ok":
        opened = session.decrypt(txn, peer["address"], event["type"], data, me=party.me, now=0.0)
        assert opened.plaintext.hex() == event["plaintext"], where
        return
    before = dict(txn.changes)
    with pytest.raises(errors.SignalError) as caught:
        session.decrypt(txn, peer["address"], event["type"], data, me=party.me, now=0.0)
    assert isinstance(caught.value, ERRORS.get(event["error"], errors.SignalError)), (
        where,
        repr(caught.value),
    )
    assert txn.changes == before
    assert len(list(party.keys)) == len(party.drawn), "a failed attempt drew entropy"


def bundle(peer: dict, event: dict) -> session.Bundle:
    one_time = event.get("one_time_prekey_id")
    return session.Bundle(
        registration_id=peer["registration_id"],
        identity=public(peer["identity"]),
        signed_pre_key_id=peer["signed_prekey"]["id"],
        signed_pre_key=public(peer["signed_prekey"]),
        signature=bytes.fromhex(peer["signed_prekey"]["signature"]),
        pre_key_id=one_time,
        pre_key=public(peer["one_time_prekeys"][str(one_time)]) if one_time else None,
    )


def public(facts: dict) -> bytes:
    """With or without its type byte."""
    return untag(bytes.fromhex(facts["public"]))


def advance_chain(txn: Txn, address: str, count: int) -> None:
    record = SESSIONS.get(txn, address)
    assert record and record.current and record.current.sending.key
    chain = record.current.sending
    for _ in range(count):
        chain.key = advance(chain.key)
    chain.index += count
    SESSIONS.put(txn, address, record)


def test_worked_examples() -> None:
    """Every value on the way to a first message, from the keys of both sides."""
    for transcript in load(FILE)["transcripts"]:
        facts = transcript.get("worked_example")
        if facts:
            worked(transcript, {k: v for k, v in facts.items() if isinstance(v, str)})


def worked(transcript: dict, facts: dict[str, str]) -> None:
    start = next(event for event in transcript["events"] if event["op"] == "process_bundle")
    sender, receiver = (transcript["parties"][start[side]] for side in ("party", "peer"))
    base, ratchet = (pair(key) for key in start["generated_keys"])
    signed, number = pair(receiver["signed_prekey"]), start["one_time_prekey_id"]
    one_time = pair(receiver["one_time_prekeys"][str(number)]) if number else None
    ann, ben = pair(sender["identity"]), pair(receiver["identity"])
    root, chain = initiate(ann, base, ben.public, signed.public, one_time and one_time.public)
    answer = respond(ben, signed, one_time and one_time.private, ann.public, base.public)
    assert (root, chain) == answer
    assert root.hex() == facts["x3dh_root_key"]
    assert chain.hex() == facts["x3dh_chain_key_unused_by_sender"]
    root, chain = turn(root, ratchet.private, signed.public)
    assert root.hex() == facts["root_key_after_first_ratchet"]
    assert chain.hex() == facts["sending_chain_key_0"]
    assert seed(chain).hex() == facts["message_key_seed_0"]
    assert advance(chain).hex() == facts["next_chain_key"]
    keys = message_keys(seed(chain))
    assert keys.hex() == facts["cipher_key_0"] + facts["mac_key_0"] + facts["iv_0"]
    inner = read_message(bytes.fromhex(facts["inner_signal_message"]))
    assert inner.ciphertext.hex() == facts["aes_ciphertext"]
    assert inner.mac.hex() == facts["mac8"]
    assert facts["mac_input"] == (ann.tagged + ben.tagged + inner.signed).hex()
