"""A primary phone: it links companions by code, and feeds them app state keys and history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.crypto.curve import KeyPair
from protocol.crypto.media import seal_retry
from protocol.flows.phone import TypedCode, sign_key_indexes, vouch
from protocol.node import Attr, Node
from protocol.pb.mms_pb2 import MediaRetryNotification
from protocol.stanza import linkcode
from protocol.stanza.pairing import parse_qr
from waconnd.sandbox import linking
from waconnd.sandbox.history import History
from waconnd.sandbox.party import Party, Read
from waconnd.sandbox.phonestate import RECOVERY, PhoneState
from waconnd.sandbox.state import Account, Device, Link
from waconnd.sandbox.world import World

#: An account has at most this many devices beside its phone.
MOST_COMPANIONS: Final = 250


#: AES-GCM.
IV_BYTES: Final = 12


class LinkFailed(Exception):
    """The phone shows its user why a device was not linked."""


class Phone(Party):
    """Device 0 of an account."""

    def __init__(self, world: World, account: Account) -> None:
        #: Requests of own devices in progress: message id to who asks.
        self._asking: dict[str, Device] = {}
        super().__init__(world, account, 0)
        self.state = PhoneState(self)
        self.history = History(self)
        #: Companions that were linked and wait for their first stanzas of history.
        self._greeted: set[int] = set()
        self._code: tuple[Link, TypedCode] | None = None
        #: Asks a companion for the account's passkey.
        self.demand_passkey: Callable[[Link, str], None] = lambda link, ref: None
        #: Turned off, a new companion gets neither keys nor history.
        self.shares = True

    @property
    def identity(self) -> KeyPair:
        """The account's key."""
        return self.cipher.creds.identity

    # linking

    def scan(self, text: str) -> None:
        """Scan a QR code. Raises LinkFailed, or BadQr for what is none."""
        code = parse_qr(text)
        link = self.world.refs.get(code.ref)
        if link is None or link.registration is None or link.pairing is not None:
            raise LinkFailed("nobody shows this QR code any more; scan a fresh one")
        if link.static != code.noise or link.registration.who.identity != code.identity:
            raise LinkFailed("the keys of this QR code are not those of the device that shows it")
        if self.account.passkey:
            self.demand_passkey(link, code.ref)
        else:
            self.link(link, code.adv_secret)

    def link(self, link: Link, adv_secret: bytes) -> None:
        """Vouch for a companion whose secret is known."""
        account = self.account
        registration = link.registration
        if registration is None:
            raise LinkFailed("the device is gone")
        number = next((n for n in range(1, MOST_COMPANIONS + 1) if n not in account.devices), 0)
        if not number:
            raise LinkFailed("this account has as many linked devices as it may have")
        account.key_counter += 1
        vouched = vouch(
            self.identity,
            registration.who.identity,
            adv_secret,
            self.random,
            raw_id=account.raw_id,
            key_index=account.key_counter,
            timestamp=int(self.world.now),
        )
        linking.pair(self.world, link, account, number, vouched)

    def enter_code(self, text: str) -> None:
        """Type the eight letters that a companion shows. Stretching them takes a moment."""
        link = linking.waiting_for_code(self.world, self.account.pn)
        if link is None or link.registration is None or link.registration.link_code is None:
            raise LinkFailed("no device waits for a code of this number")
        typed = TypedCode(self.identity, text, link.registration.link_code.wrapped_ephemeral, self.random)
        self._code = (link, typed)
        linking.primary_hello(self.world, link, typed.wrapped, self.identity.public)

    def code_finished(self, link: Link) -> None:
        """The companion's last word: open its bundle and link it."""
        registration = link.registration
        if self._code is None or self._code[0] is not link or registration is None:
            return
        _, typed = self._code
        self._code = None
        pending = registration.link_code
        if pending is None or pending.finish is None:
            return
        try:
            secret = typed.finish(*pending.finish)
        except linkcode.LinkCodeError as error:
            self.failures.append(f"link code: {error}")
            registration.link_code = None
            return
        self.link(link, secret)

    def sign_devices(self) -> bytes:
        """The signed list of devices as it is now."""
        return sign_key_indexes(
            self.identity,
            self.random,
            raw_id=self.account.raw_id,
            timestamp=int(self.world.now),
            current=self.account.key_counter,
            valid=[device.key_index for device in self.account.companions()],
        )

    # what a new companion gets

    def greet(self, device: Device) -> None:
        """A companion is active: the first time it gets keys and history."""
        if device.number in self._greeted or not self.shares or self.world.is_resident(device):
            return
        self._greeted.add(device.number)
        self.state.publish()
        self.send_peer(device, self.state.key_share())
        for message in self.history.chunks():
            self.send_peer(device, message)

    def upload_again(self, device: Device, asked: Node) -> None:
        """A companion found a file gone: upload it again if we still have it, and say where (reference 03, 5.7)."""
        id, rmr, sealed = asked.text("id"), asked.child("rmr"), asked.child("encrypt")
        if rmr is None or sealed is None:
            return
        media = self.history.media(id)
        content = [rmr]
        if media is None:
            content.append(Node("error", {"code": "2"}))
        else:
            media_key, direct_path = media
            told = MediaRetryNotification(
                stanzaId=id, directPath=direct_path, result=MediaRetryNotification.SUCCESS
            )
            iv = self.random(IV_BYTES)
            secret = seal_retry(media_key, id, told.SerializeToString(), iv)
            content.append(Node("encrypt", {}, [Node("enc_p", {}, secret), Node("enc_iv", {}, iv)]))
        attrs: dict[str, Attr] = {
            "type": "mediaretry",
            "id": id,
            "from": self.account.pn,
            "t": self.world.seconds,
        }
        self.world.deliver(device, Node("notification", attrs, content))

    def forget(self, number: int) -> None:
        """A companion was unlinked."""
        self._greeted.discard(number)

    def _peer(self, read: Read) -> None:
        protocol = read.message.protocolMessage
        device = self._asking.pop(read.id)
        if protocol.HasField("appStateSyncKeyRequest"):
            self.send_peer(device, self.state.key_share())
        elif protocol.HasField("peerDataOperationRequestMessage"):
            asked = protocol.peerDataOperationRequestMessage
            answers = self.history.answer(asked, read.id)
            if asked.peerDataOperationRequestType == RECOVERY:
                answers = [self.state.recovery(asked, read.id)]
            for answer in answers:
                self.send_peer(device, answer)

    def receive(self, node: Node) -> list[Node]:
        """As every party; requests of own devices are answered besides."""
        if node.tag == "message" and node.text("category") == "peer":
            device = self.world.device(node.jid("from"))
            if device is not None:
                self._asking[node.text("id")] = device
        answers = super().receive(node)
        if self.read and self.read[-1].peer and self.read[-1].id in self._asking:
            self._peer(self.read[-1])
        return answers
