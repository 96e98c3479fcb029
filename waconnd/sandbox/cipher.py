"""The Signal half of a simulated device: its keys and sessions. Contents in, `<enc>` nodes out, and the reverse.

It opens sessions from bundles that the server hands out, as any client does; nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from protocol.creds import Creds, new_creds
from protocol.crypto.curve import generate
from protocol.errors import RemoteProtocolError
from protocol.jid import Jid
from protocol.keystore import Txn
from protocol.node import Node
from protocol.pb.e2e_pb2 import Message
from protocol.signal import groups as sender_keys
from protocol.signal.padding import pad, unpad
from protocol.signal.records import PRE_KEYS, PreKey
from protocol.signal.session import (
    Bundle,
    Local,
    decrypt,
    delete_session,
    encrypt,
    has_session,
    local_from_creds,
    open_session,
)
from protocol.stanza import retry
from protocol.stanza.message import Facts, Incoming, enc
from waconnd.sandbox.iq.encrypt import take
from waconnd.sandbox.memory import Memory
from waconnd.sandbox.seed import Seeded
from waconnd.sandbox.state import Account, Device, SignedKey
from waconnd.sandbox.world import World

#: One-time prekeys that a simulated device uploads at a time.
PRE_KEY_BATCH: Final = 50


class Cipher:
    """One device's. `device` is what the server knows of it, and is made here."""

    def __init__(
        self, world: World, random: Seeded, account: Account, number: int, creds: Creds | None
    ) -> None:
        self._world, self._random = world, random
        self.creds = creds or new_creds(random, world.now)
        self._store = Memory()
        self.device = Device(
            account=account,
            number=number,
            identity=self.creds.identity.public,
            registration_id=self.creds.registration_id,
            signed=_signed(self.creds),
            pn=account.pn.on(number),
            lid=account.lid.on(number),
            push_name=account.name,
        )
        #: Chat to the devices that have our sender key.
        self._keyed: dict[str, set[tuple[str, int]]] = {}
        self._next_pre_key = 1

    @property
    def _me(self) -> Local:
        return local_from_creds(self.creds, self._random)

    # keys

    def upload_pre_keys(self) -> None:
        """Give the server one-time prekeys."""
        with self._store.change() as txn:
            for id in range(self._next_pre_key, self._next_pre_key + PRE_KEY_BATCH):
                pair = generate(self._random)
                PRE_KEYS.put(txn, str(id), PreKey(pair.private, pair.public))
                self.device.pre_keys[id] = pair.public
        self._next_pre_key += PRE_KEY_BATCH

    def retry_keys(self) -> retry.Keys:
        """A bundle of our own, by which a sender opens a new session with us."""
        pair = generate(self._random)
        id, self._next_pre_key = self._next_pre_key, self._next_pre_key + 1
        with self._store.change() as txn:
            PRE_KEYS.put(txn, str(id), PreKey(pair.private, pair.public))
        return retry.Keys(
            self.creds.identity.public,
            id,
            pair.public,
            self.creds.signed_pre_key,
            self.device.device_identity,
        )

    def renew(self) -> None:
        """A new phone under the old number: other keys, no sessions."""
        creds = new_creds(self._random, self._world.now)
        self.creds = msgspec.structs.replace(creds, account=self.creds.account)
        self._store = Memory()
        device = self.device
        device.identity, device.registration_id = creds.identity.public, creds.registration_id
        device.signed = _signed(creds)
        device.pre_keys.clear()
        self.upload_pre_keys()

    def lose_sessions(self, devices: Iterable[Device]) -> None:
        """Forget the sessions with these devices."""
        with self._store.change() as txn:
            for device in devices:
                delete_session(txn, device.lid.signal_address)

    # sealing

    def seal(self, targets: Iterable[tuple[Device, bytes]], facts: Facts) -> list[Node]:
        """One ciphertext for each device, of what is meant for it."""
        with self._store.change() as txn:
            return [self._seal(txn, device, plaintext, facts) for device, plaintext in targets]

    def seal_again(self, device: Device, message: Message, facts: Facts, asked: retry.Request) -> Node:
        """For a device that could not open it: a new session from its keys, in groups the sender key besides."""
        again = Message()
        again.CopyFrom(message)
        with self._store.change() as txn:
            if asked.keys is not None:
                open_session(
                    txn, device.lid.signal_address, asked.keys.bundle, me=self._me, now=self._world.now
                )
            if asked.participant is not None:
                again.MergeFrom(self._distribution(txn, str(asked.from_)))
            return self._seal(txn, device, again.SerializeToString(), facts, count=asked.count)

    def seal_shared(
        self, chat: Jid, devices: Iterable[Device], message: Message, facts: Facts
    ) -> tuple[list[tuple[Device, Node]], Node]:
        """The sender key for the devices that lack it, and one ciphertext for all."""
        name = str(chat)
        keyed = self._keyed.setdefault(name, set())
        keys: list[tuple[Device, Node]] = []
        with self._store.change() as txn:
            told = self._distribution(txn, name).SerializeToString()
            for device in devices:
                if (device.account.user, device.number) not in keyed:
                    keyed.add((device.account.user, device.number))
                    keys.append((device, self._seal(txn, device, told, Facts())))
            plain = pad(message.SerializeToString(), self._random)
            me = self.device.lid.signal_address
            data = sender_keys.encrypt(txn, name, me, plain, entropy=self._random)
        return keys, enc("skmsg", data, facts)

    def rotate(self, chat: Jid) -> None:
        """Somebody left: the next message makes a new sender key."""
        with self._store.change() as txn:
            sender_keys.rotate(txn, str(chat), self.device.lid.signal_address)
        self._keyed.pop(str(chat), None)

    def _seal(self, txn: Txn, device: Device, plaintext: bytes, facts: Facts, *, count: int = 0) -> Node:
        address = device.lid.signal_address
        if not has_session(txn, address):
            bundle = take(self._world, device)
            one = bundle.pre_key or (None, None)
            opened = Bundle(
                registration_id=bundle.registration_id,
                identity=bundle.identity,
                signed_pre_key_id=bundle.signed.id,
                signed_pre_key=bundle.signed.public,
                signature=bundle.signed.signature,
                pre_key_id=one[0],
                pre_key=one[1],
            )
            open_session(txn, address, opened, me=self._me, now=self._world.now)
        envelope = encrypt(txn, address, pad(plaintext, self._random), me=self._me)
        return enc(envelope.type, envelope.data, facts, count=count)

    def _distribution(self, txn: Txn, name: str) -> Message:
        message = Message()
        told = message.senderKeyDistributionMessage
        told.groupId = name
        told.axolotlSenderKeyDistributionMessage = sender_keys.distribution(
            txn, name, self.device.lid.signal_address, entropy=self._random
        )
        return message

    # opening

    def open(self, message: Incoming) -> Message | None:
        """What a message says; None when it only brought a key. Raises SignalError and others, and then changes nothing."""
        sender = self._world.device(message.sender)
        if sender is None:
            raise RemoteProtocolError(f"{message.sender} is no device in this sandbox")
        address = sender.lid.signal_address
        found: Message | None = None
        with self._store.change() as txn:
            for part in sorted(message.encs, key=lambda part: part.type == "skmsg"):
                if part.type == "skmsg":
                    plain = sender_keys.decrypt(txn, str(message.chat), address, part.data)
                else:
                    opened_part = decrypt(
                        txn, address, part.type, part.data, me=self._me, now=self._world.now
                    )
                    plain = opened_part.plaintext
                opened = Message.FromString(unpad(plain))
                if opened.HasField("senderKeyDistributionMessage"):
                    told = opened.senderKeyDistributionMessage
                    sender_keys.process_distribution(
                        txn, told.groupId, address, told.axolotlSenderKeyDistributionMessage
                    )
                    if len(message.encs) > 1:
                        continue
                if message.from_me and opened.HasField("deviceSentMessage"):
                    opened = opened.deviceSentMessage.message
                found = opened
        return found


def _signed(creds: Creds) -> SignedKey:
    signed = creds.signed_pre_key
    return SignedKey(signed.id, signed.pair.public, signed.signature)
