"""A simulated device: a real Signal party that lives inside the world, answers every stanza, and keeps what it read.

It writes to every device, answers retries and asks for them: what a client finds on the other end is the protocol itself, only the
network is missing. Its keys are in `cipher`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.creds import Creds
from protocol.errors import RemoteProtocolError
from protocol.jid import LID, STATUS, USER, Jid
from protocol.node import Attr, Node
from protocol.pb.e2e_pb2 import Message
from protocol.signal.errors import Duplicate, SignalError
from protocol.stanza import acks, retry
from protocol.stanza.message import Facts, Incoming, parse
from protocol.stanza.receipt import delivered
from waconnd.sandbox.cipher import Cipher
from waconnd.sandbox.core import Resident
from waconnd.sandbox.state import Account, Device, Group
from waconnd.sandbox.world import World

#: One-time prekeys that a simulated device uploads at a time.
PRE_KEY_BATCH: Final = 50
#: How much of each kind of thing a simulated device remembers.
KEPT: Final = 10_000
#: More than this many demands for one message are not answered (reference 02, 9.7).
MOST_RETRIES: Final = 5


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a device decrypted."""

    id: str
    chat: Jid
    #: The person, without device, by hidden id.
    sender: Jid
    from_me: bool
    at: int
    message: Message
    peer: bool = False
    type: str = "text"


class Tick(msgspec.Struct, frozen=True):
    """A receipt for something that this device sent."""

    id: str
    type: str
    by: Jid


class Sent(msgspec.Struct, frozen=True):
    """What a device sent, kept to answer retries."""

    to: Jid
    message: Message
    facts: Facts
    peer: bool = False


class Party(Resident):
    """See the module."""

    def __init__(self, world: World, account: Account, number: int, creds: Creds | None = None) -> None:
        self.world = world
        self.random = world.random.branch(f"{account.user}:{number}")
        self.account = account
        self.cipher = Cipher(world, self.random, account, number, creds)
        self.device = account.devices[number] = self.cipher.device
        self.read: deque[Read] = deque(maxlen=KEPT)
        self.ticks: deque[Tick] = deque(maxlen=KEPT)
        self.failures: deque[str] = deque(maxlen=KEPT)
        self.sent: dict[str, Sent] = {}
        self._retries: dict[str, int] = {}
        #: Chat, author and id of what was shown: a second copy shows nothing, as on every phone.
        self._shown: dict[tuple[Jid, Jid, str], None] = {}
        #: Ask for a second sending of this many messages, although they opened.
        self.demand_retries = 0
        #: Told about each message as soon as it is read.
        self.on_read: Callable[[Read], None] = lambda read: None
        self.on_call: Callable[[Node], None] = lambda node: None
        self.connect()
        self.cipher.upload_pre_keys()

    # being there

    def connect(self) -> None:
        """Come online; what waited is handed over."""
        link = self.world.connect()
        self.world.settle_in(link, self)
        link.device, self.device.link = self.device, link
        link.active = True
        for queued in list(self.device.queue.values()):
            queued.sent = True
            self.world.emit(link, queued.node)

    def disconnect(self) -> None:
        """Go offline: stanzas queue at the server."""
        if self.device.link is not None:
            self.world.forget_link(self.device.link)

    def submit(self, node: Node) -> None:
        """Send a stanza to the server."""
        if self.device.link is not None:
            self.world.submit(self.device.link, node)

    # sending

    def new_id(self) -> str:
        """A message id as phones make them."""
        return "AC" + self.random(15).hex().upper()

    def send(
        self, to: Jid, message: Message, *, facts: Facts | None = None, id: str = "", server: str = ""
    ) -> str:
        """Encrypt for every device of a person or group, and send. Returns the message's id."""
        id = id or self.new_id()
        facts = facts or Facts()
        self._keep(id, Sent(to, message, facts))
        group = self.world.group(to)
        if group is not None:
            self.submit(self._for_group(group, id, message, facts))
        elif to == STATUS:
            self.submit(self._for_status(id, message, facts))
        else:
            account = self.world.account(to)
            if account is None:
                raise ValueError(f"{to} is nobody in this sandbox")
            default = LID if self.account.lid_migrated and account.lid_migrated else USER
            self.submit(self._for_person(account, id, message, facts, server or default))
        return id

    def _keep(self, id: str, sent: Sent) -> None:
        self.sent[id] = sent
        if len(self.sent) > KEPT:
            del self.sent[next(iter(self.sent))]

    def send_peer(self, device: Device, message: Message, *, id: str = "") -> str:
        """A message to one of the account's own devices (keys, history)."""
        id = id or self.new_id()
        self._keep(id, Sent(device.pn, message, Facts(), peer=True))
        sealed = self.cipher.seal([(device, message.SerializeToString())], Facts())
        attrs: dict[str, Attr] = {"id": id, "to": device.pn, "type": "text", "category": "peer"}
        self.submit(Node("message", attrs, self._with_identity(sealed)))
        return id

    def _with_identity(self, children: list[Node]) -> list[Node]:
        if self.device.device_identity and _opens(children):
            children.append(Node("device-identity", {}, self.device.device_identity))
        return children

    def _others(self, accounts: Iterable[Account]) -> list[Device]:
        unique = {a.user: a for a in accounts}
        return [d for a in unique.values() for d in a.devices.values() if d is not self.device]

    def _for_person(self, account: Account, id: str, message: Message, facts: Facts, server: str) -> Node:
        chat = account.named(server)
        own = Message()
        own.deviceSentMessage.destinationJid = str(chat)
        own.deviceSentMessage.message.CopyFrom(message)
        if message.HasField("messageContextInfo"):
            own.messageContextInfo.CopyFrom(message.messageContextInfo)
        plain, plain_own = message.SerializeToString(), own.SerializeToString()
        devices = self._others((account, self.account))
        texts = [plain_own if device.account is self.account else plain for device in devices]
        sealed = self.cipher.seal(zip(devices, texts, strict=True), facts)
        to = _addressed(zip(devices, sealed, strict=True), server)
        attrs: dict[str, Attr] = {"id": id, "to": chat, "type": facts.type}
        if server == LID:
            attrs["peer_recipient_pn"] = account.pn
        return Node("message", _edited(attrs, facts), self._with_identity([Node("participants", {}, to)]))

    def _for_group(self, group: Group, id: str, message: Message, facts: Facts) -> Node:
        members = [member.account for member in group.members.values()]
        attrs: dict[str, Attr] = {
            "id": id,
            "to": group.jid,
            "type": facts.type,
            "addressing_mode": group.addressing_mode,
        }
        return Node(
            "message", _edited(attrs, facts), self._shared(group.jid, members, group.server, message, facts)
        )

    def _for_status(self, id: str, message: Message, facts: Facts) -> Node:
        people = [
            self.world.accounts[user] for user in sorted(self.account.contacts) if user in self.world.accounts
        ]
        attrs: dict[str, Attr] = {"id": id, "to": STATUS, "type": facts.type}
        return Node("message", attrs, self._shared(STATUS, [*people, self.account], LID, message, facts))

    def _shared(
        self, chat: Jid, people: list[Account], server: str, message: Message, facts: Facts
    ) -> list[Node]:
        """The sender key for who lacks it, then one ciphertext for all."""
        devices = self._others([*people, self.account])
        keys, sealed = self.cipher.seal_shared(chat, devices, message, facts)
        children = [Node("participants", {}, _addressed(keys, server))] if keys else []
        return self._with_identity([*children, sealed])

    def lose_session(self, other: Jid) -> None:
        """Forget the session with every device of a person."""
        account = self.world.account(other)
        self.cipher.lose_sessions(account.devices.values() if account is not None else ())

    # receiving

    def receive(self, node: Node) -> list[Node]:
        """Handle one stanza and answer it."""
        try:
            return self._handle(node)
        except (RemoteProtocolError, DecodeError) as error:
            self.failures.append(f"<{node.tag}> {node.text('id')}: {error}")
            return [acks.ack(node)]

    def _handle(self, node: Node) -> list[Node]:
        match node.tag:
            case "message" | "status":
                return self._message(node)
            case "receipt":
                self._receipt(node)
                return [acks.ack(node)]
            case "notification":
                self._notification(node)
                return [acks.ack(node)]
            case "call":
                self.on_call(node)
                return [acks.ack(node)]
        return []

    def _notification(self, node: Node) -> None:
        if node.text("type") == "w:gp2" and node.child("remove") is not None:
            self.cipher.rotate(node.need_jid("from"))
        elif node.text("type") == "encrypt" and node.child("count") is not None:
            self.cipher.upload_pre_keys()

    def _message(self, node: Node) -> list[Node]:
        message = parse(node, (self.device.lid, self.device.pn))
        if message.plaintext is not None or message.unavailable is not None:
            return [acks.ack(node, me=self.device.pn)]
        try:
            opened = self.cipher.open(message)
        except Duplicate:
            return [delivered(message, available=True)]
        except (SignalError, DecodeError) as error:
            self.failures.append(f"{message.id} from {message.sender}: {error}")
            reason = error.retry_reason if isinstance(error, SignalError) else 0
            return self._demand(node, message, reason)
        if self.demand_retries and not message.peer:
            self.demand_retries -= 1
            return self._demand(node, message, 0)
        account = self.world.account(message.sender)
        if opened is not None and account is not None and self._is_new(message.chat, account.lid, message.id):
            read = Read(
                id=message.id,
                chat=message.chat,
                sender=account.lid,
                from_me=message.from_me,
                at=message.at,
                message=opened,
                peer=message.peer,
                type=message.type,
            )
            self.read.append(read)
            self.on_read(read)
        return [delivered(message, available=True)]

    def _is_new(self, chat: Jid, author: Jid, id: str) -> bool:
        key = (chat, author, id)
        new = key not in self._shown
        self._shown[key] = None
        if len(self._shown) > KEPT:
            del self._shown[next(iter(self._shown))]
        return new

    def _demand(self, node: Node, message: Incoming, reason: int) -> list[Node]:
        """Ask for the message again, with fresh keys."""
        count = self._retries[message.id] = self._retries.get(message.id, 0) + 1
        answers = [acks.ack(node, me=self.device.pn)]
        if count < MOST_RETRIES:
            keys = self.cipher.retry_keys()
            asked = retry.ask(message, count, self.cipher.creds.registration_id, reason, keys)
            answers.insert(0, asked)
        return answers

    def _receipt(self, node: Node) -> None:
        by = self.world.account(node.jid("participant") or node.jid("from"))
        if by is None:
            return
        if node.text("type") == "retry":
            self._send_again(node)
            return
        ids = [node.text("id"), *(i.text("id") for child in node.all("list") for i in child.all("item"))]
        self.ticks += [Tick(id, node.text("type") or "delivered", by.lid) for id in ids]

    def _send_again(self, node: Node) -> None:
        asked = retry.parse(node)
        sent = self.sent.get(asked.id)
        device = self.world.device(asked.requester)
        if sent is None or device is None or asked.count >= MOST_RETRIES:
            return
        message = sent.message
        attrs: dict[str, Attr] = {"id": asked.id, "to": asked.from_, "type": sent.facts.type}
        if asked.participant is not None:
            attrs["participant"] = asked.participant
        elif sent.peer:
            attrs["category"] = "peer"
        elif device.account is self.account:
            message = Message()
            message.deviceSentMessage.destinationJid = str(sent.to)
            message.deviceSentMessage.message.CopyFrom(sent.message)
            attrs["recipient"] = sent.to
        sealed = self.cipher.seal_again(device, message, sent.facts, asked)
        self.submit(Node("message", _edited(attrs, sent.facts), self._with_identity([sealed])))

    def mark_read(self, read: Read, type: str = "read") -> None:
        """Say that a message was read or played."""
        attrs: dict[str, Attr] = {"id": read.id, "type": type, "to": read.chat, "t": self.world.seconds}
        if read.chat.is_group:
            group = self.world.group(read.chat)
            sender = self.world.account(read.sender)
            if group is not None and sender is not None:
                attrs["participant"] = sender.named(group.server)
        self.submit(Node("receipt", attrs))


def _addressed(sealed: Iterable[tuple[Device, Node]], server: str) -> list[Node]:
    return [Node("to", {"jid": device.named(server)}, [node]) for device, node in sealed]


def _opens(children: Iterable[Node]) -> bool:
    """Whether one of these ciphertexts opens a session."""
    return any(
        child.attrs.get("type") == "pkmsg" or (child.tag in ("participants", "to") and _opens(child.children))
        for child in children
    )


def _edited(attrs: dict[str, Attr], facts: Facts) -> dict[str, Attr]:
    if facts.edit:
        attrs["edit"] = facts.edit
    return attrs
