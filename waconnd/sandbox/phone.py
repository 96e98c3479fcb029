"""A primary phone: it links companions by code, and feeds them app state keys and history."""

from __future__ import annotations

from typing import Final

from protocol.crypto.curve import KeyPair, generate
from protocol.crypto.primitives import pbkdf2
from protocol.node import Node
from protocol.stanza import linkcode
from protocol.stanza.pairing import parse_qr
from waconnd.sandbox import linking
from waconnd.sandbox.history import History
from waconnd.sandbox.identity import sign_devices, vouch
from waconnd.sandbox.party import Party, Read
from waconnd.sandbox.phonestate import PhoneState
from waconnd.sandbox.state import Account, Device, Link
from waconnd.sandbox.world import World

#: An account has at most this many devices beside its phone.
MOST_COMPANIONS: Final = 250


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
        self._code: tuple[Link, KeyPair, str] | None = None
        #: Turned off, a new companion gets neither keys nor history.
        self.shares = True

    @property
    def identity(self) -> KeyPair:
        """The account's key."""
        return self.creds.identity

    # linking

    def scan(self, text: str) -> None:
        """Scan a QR code. Raises LinkFailed, or BadQr for what is none."""
        code = parse_qr(text)
        link = self.world.refs.get(code.ref)
        if link is None or link.registration is None or link.pairing is not None:
            raise LinkFailed("nobody shows this QR code any more; scan a fresh one")
        if link.static != code.noise or link.registration.identity != code.identity:
            raise LinkFailed("the keys of this QR code are not those of the device that shows it")
        self._link(link, code.adv_secret)

    def _link(self, link: Link, adv_secret: bytes) -> None:
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
            registration.identity,
            adv_secret,
            self.random,
            raw_id=account.raw_id,
            key_index=account.key_counter,
            timestamp=int(self.world.now),
        )
        linking.pair(
            self.world, link, account, number, account.key_counter, vouched.details, vouched.container
        )

    def enter_code(self, text: str) -> None:
        """Type the eight letters that a companion shows."""
        code = linkcode.normalize(text)
        link = linking.waiting_for_code(self.world, self.account.pn)
        if link is None or link.registration is None or link.registration.link_code is None:
            raise LinkFailed("no device waits for a code of this number")
        ephemeral = generate(self.random)
        salt, iv = self.random(linkcode.SALT), self.random(linkcode.IV)
        wrapped = linkcode.wrap(stretch(code, salt), salt, iv, ephemeral.public)
        self._code = (link, ephemeral, code)
        linking.primary_hello(self.world, link, wrapped, self.identity.public)

    def code_finished(self, link: Link) -> None:
        """The companion's last word: open its bundle and link it."""
        registration = link.registration
        if self._code is None or self._code[0] is not link or registration is None:
            return
        _, ephemeral, code = self._code
        self._code = None
        pending = registration.link_code
        if pending is None or pending.finish is None:
            return
        bundle, identity = pending.finish
        theirs = linkcode.unwrap(
            stretch(code, linkcode.salt_of(pending.wrapped_ephemeral)), pending.wrapped_ephemeral
        )
        try:
            secret = linkcode.open_bundle(bundle, ephemeral, self.identity, theirs, identity)
        except linkcode.LinkCodeError as error:
            self.failures.append(f"link code: {error}")
            registration.link_code = None
            return
        self._link(link, secret)

    def sign_devices(self) -> bytes:
        """The signed list of devices as it is now."""
        return sign_devices(
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

    def forget(self, number: int) -> None:
        """A companion was unlinked."""
        self._greeted.discard(number)

    def _peer(self, read: Read) -> None:
        protocol = read.message.protocolMessage
        device = self._asking.pop(read.id)
        if protocol.HasField("appStateSyncKeyRequest"):
            self.send_peer(device, self.state.key_share())
        elif protocol.HasField("peerDataOperationRequestMessage"):
            for answer in self.history.answer(protocol.peerDataOperationRequestMessage, read.id):
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


def stretch(code: str, salt: bytes) -> bytes:
    """The key that eight letters make; it costs a tenth of a second."""
    return pbkdf2(code.encode(), salt, linkcode.ITERATIONS)
