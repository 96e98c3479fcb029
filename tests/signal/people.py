"""Devices that talk to each other through nothing but bytes, for tests that shuffle what is under way."""

import random
from dataclasses import dataclass

from protocol.creds import SignedPreKey, sign_pre_key
from protocol.crypto.curve import KeyPair, generate
from protocol.signal import session
from protocol.signal.records import PRE_KEYS, PreKey
from tests.signal.support import Memory


@dataclass
class Letter:
    """One envelope under way."""

    writer: str
    reader: str
    text: bytes
    type: str
    data: bytes
    read: bool = False


class Device:
    """Keys, a store, and the clock standing still."""

    def __init__(self, address: str, seed: int) -> None:
        self.address = address
        self.chance = random.Random(seed)
        self.store = Memory()
        self.identity: KeyPair = generate(self.chance.randbytes)
        self.signed: SignedPreKey = sign_pre_key(
            self.identity, 1, generate(self.chance.randbytes), 0.0, self.chance.randbytes
        )
        self.me = session.Local(self.identity, 1000 + seed, self.signed, self.chance.randbytes)
        self.next_pre_key = 1

    def bundle(self, *, one_time: bool = True) -> session.Bundle:
        pair = None
        if one_time:
            pair = generate(self.chance.randbytes)
            txn = self.store.txn()
            PRE_KEYS.put(txn, str(self.next_pre_key), PreKey(pair.private, pair.public))
            self.store.keep(txn)
            self.next_pre_key += 1
        return session.Bundle(
            registration_id=self.me.registration_id,
            identity=self.identity.public,
            signed_pre_key_id=self.signed.id,
            signed_pre_key=self.signed.pair.public,
            signature=self.signed.signature,
            pre_key_id=self.next_pre_key - 1 if pair else None,
            pre_key=pair.public if pair else None,
        )

    def open(self, other: "Device", *, one_time: bool = True) -> None:
        txn = self.store.txn()
        session.open_session(txn, other.address, other.bundle(one_time=one_time), me=self.me, now=0.0)
        self.store.keep(txn)

    def write(self, other: "Device", text: bytes) -> Letter:
        if not session.has_session(self.store.keystore, other.address):
            self.open(other)
        txn = self.store.txn()
        sealed = session.encrypt(txn, other.address, text, me=self.me)
        self.store.keep(txn)
        return Letter(self.address, other.address, text, sealed.type, sealed.data)

    def read(self, letter: Letter, *, own: bool = False) -> session.Opened:
        """Decrypt and keep; on an error nothing is kept, and nothing may have changed."""
        txn = self.store.txn()
        before = self.store.snapshot()
        try:
            opened = session.decrypt(
                txn, letter.writer, letter.type, letter.data, me=self.me, own=own, now=0.0
            )
        except Exception:
            assert not txn.changes
            assert self.store.snapshot() == before
            raise
        self.store.keep(txn)
        letter.read = True
        return opened
