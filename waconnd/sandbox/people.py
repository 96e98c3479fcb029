"""People of the sandbox: a number with a phone, perhaps companions, and what they do by themselves."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from protocol.creds import new_creds
from protocol.crypto.media import decrypt, encrypt
from protocol.flows.phone import sign_own, vouch
from protocol.jid import LID, SERVER, STATUS, Jid
from protocol.node import Attr, Node
from protocol.pb.e2e_pb2 import Message
from protocol.stanza.message import Facts
from waconnd.sandbox import linking, rooms
from waconnd.sandbox.party import KEPT, Party, Read
from waconnd.sandbox.phone import Phone
from waconnd.sandbox.state import Account, Group
from waconnd.sandbox.world import World

#: A person takes this long to answer.
ANSWER_SECONDS: Final = 0.2
#: Kinds of media a person can send, with the member of `Message` and the mimetype.
MEDIA: Final = {
    "image": ("imageMessage", "image/jpeg"),
    "video": ("videoMessage", "video/mp4"),
    "audio": ("audioMessage", "audio/ogg; codecs=opus"),
    "document": ("documentMessage", "application/pdf"),
    "sticker": ("stickerMessage", "image/webp"),
}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What a person does when a message comes: answer a text, react, mark it read."""

    pattern: str
    answer: str = ""
    react: str = ""
    read: bool = False


class Person:
    """Somebody in the sandbox. Everything they do goes through their phone, as real Signal traffic."""

    def __init__(self, world: World, number: str, name: str, lid: str) -> None:
        self.world = world
        random = world.random.branch(f"person {number}")
        self.account = Account(
            Jid(number, "s.whatsapp.net"),
            Jid(lid, LID),
            name,
            raw_id=int.from_bytes(random(4), "big"),
            created=int(world.now),
        )
        world.add_account(self.account)
        self.phone = Phone(world, self.account)
        self.companions: list[Party] = []
        self.rules: list[Rule] = []
        #: Messages that the phone read and nobody has waited for yet.
        self.inbox: deque[Read] = deque(maxlen=KEPT)
        #: Call stanzas that reached the phone.
        self.calls: list[Node] = []
        self.phone.on_call = self.calls.append
        self.phone.on_read = self._read
        #: Told about each message that this person's phone reads.
        self.on_message: Callable[[Read], None] = lambda read: None

    @property
    def name(self) -> str:
        """Push name."""
        return self.account.name

    @property
    def jid(self) -> Jid:
        """The number."""
        return self.account.pn

    # talking

    def say(self, to: Jid, text: str, *, quote: Read | None = None, mention: list[Jid] | None = None) -> str:
        """Send a text."""
        message = Message()
        if quote is None and not mention:
            message.conversation = text
        else:
            message.extendedTextMessage.text = text
            context = message.extendedTextMessage.contextInfo
            if quote is not None:
                context.stanzaId = quote.id
                context.participant = str(quote.sender)
                context.quotedMessage.CopyFrom(quote.message)
            context.mentionedJid.extend(str(jid) for jid in mention or ())
        return self._send(to, message)

    def _send(self, to: Jid, message: Message, facts: Facts | None = None, id: str = "") -> str:
        if not message.messageContextInfo.messageSecret:
            message.messageContextInfo.messageSecret = self.phone.random(32)
        id = self.phone.send(to, message, facts=facts, id=id)
        self.phone.history.remember(to, id, message, at=int(self.world.now))
        self.world.settle()
        return id

    def react(self, read: Read, emoji: str) -> str:
        """React to a message."""
        message = Message()
        reaction = message.reactionMessage
        reaction.key.remoteJid = str(read.chat)
        reaction.key.id = read.id
        reaction.key.fromMe = read.from_me
        if read.chat.is_group:
            reaction.key.participant = str(read.sender)
        reaction.text = emoji
        reaction.senderTimestampMs = int(self.world.now * 1000)
        return self._send(read.chat, message, Facts(type="reaction", hide=True))

    def edit(self, to: Jid, id: str, text: str) -> str:
        """Change a message of one's own."""
        message = Message()
        protocol = message.protocolMessage
        protocol.type = protocol.MESSAGE_EDIT
        protocol.key.remoteJid, protocol.key.id, protocol.key.fromMe = str(to), id, True
        protocol.editedMessage.conversation = text
        protocol.timestampMs = int(self.world.now * 1000)
        return self._send(to, message, Facts(edit="1", hide=True))

    def revoke(self, to: Jid, id: str) -> str:
        """Take a message of one's own back."""
        message = Message()
        protocol = message.protocolMessage
        protocol.type = protocol.REVOKE
        protocol.key.remoteJid, protocol.key.id, protocol.key.fromMe = str(to), id, True
        return self._send(to, message, Facts(edit="7"))

    def send_media(self, to: Jid, kind: str, data: bytes, *, caption: str = "", mimetype: str = "") -> str:
        """Upload a file and send it."""
        member, default = MEDIA[kind]
        media_key = self.phone.random(32)
        sealed_file, sealed = encrypt(data, media_key, kind)
        message = Message()
        part = getattr(message, member)
        part.mimetype = mimetype or default
        part.directPath = self.world.blobs.put(sealed_file)
        part.url = self.world.blobs.url(part.directPath)
        part.mediaKey, part.fileLength = media_key, sealed.size
        part.fileSha256, part.fileEncSha256 = sealed.file_sha256, sealed.file_enc_sha256
        part.mediaKeyTimestamp = int(self.world.now)
        if caption and kind in ("image", "video", "document"):
            part.caption = caption
        return self._send(to, message, Facts(type="media", mediatype=kind))

    def open_media(self, message: Message) -> bytes:
        """Download and decrypt the file of a message."""
        for kind, (member, _) in MEDIA.items():
            if message.HasField(member):
                part = getattr(message, member)
                data = self.world.blobs.get(part.directPath)
                if data is None:
                    raise ValueError("the media host does not have this file (any more)")
                return decrypt(
                    data, part.mediaKey, kind, file_sha256=part.fileSha256, file_enc_sha256=part.fileEncSha256
                )
        raise ValueError("this message has no file")

    def post_status(self, text: str) -> str:
        """Tell all contacts."""
        message = Message()
        message.extendedTextMessage.text = text
        return self._send(STATUS, message)

    def type_to(self, to: Jid, on: bool = True) -> None:
        """Typing, or no longer."""
        self.phone.submit(Node("chatstate", {"to": to}, [Node("composing" if on else "paused")]))
        self.world.settle()

    def appear(self, available: bool = True) -> None:
        """Open or close the app."""
        attrs: dict[str, Attr] = {"type": "available" if available else "unavailable", "name": self.name}
        self.phone.submit(Node("presence", attrs))
        self.world.settle()

    def call(self, to: Jid, *, video: bool = False) -> str:
        """Ring somebody."""
        account = self.world.account(to)
        target = account.lid if account is not None else to
        id = self.phone.random(16).hex().upper()
        attrs: dict[str, Attr] = {"call-id": id, "call-creator": self.phone.device.lid}
        children = [Node("audio", {"enc": "opus", "rate": "16000"})]
        if video:
            children.append(Node("video", {"enc": "vp8"}))
        self.phone.submit(
            Node("call", {"to": target, "id": self.phone.new_id()}, [Node("offer", attrs, children)])
        )
        self.world.settle()
        return id

    def mark_read(self, read: Read) -> None:
        """Blue ticks."""
        self.phone.mark_read(read)
        self.world.settle()

    def set_picture(self, image: bytes) -> None:
        """A new profile picture."""
        attrs: dict[str, Attr] = {
            "to": SERVER,
            "type": "set",
            "xmlns": "w:profile:picture",
            "id": self.phone.new_id(),
        }
        self.phone.submit(Node("iq", attrs, [Node("picture", {"type": "image"}, image)]))
        self.world.settle()

    # groups

    def create_group(self, subject: str, people: list[Account], *, addressing: str = LID) -> Group:
        """Start a group."""
        group = rooms.create(self.world, self.account, subject, people, addressing=addressing)
        rooms.announce_creation(self.world, group, self.phone.device)
        self.world.settle()
        return group

    def group_iq(self, to: Jid, type: str, *children: Node) -> None:
        """Ask the server for a change of a group, as any client does."""
        attrs: dict[str, Attr] = {"to": to, "type": type, "xmlns": "w:g2", "id": self.phone.new_id()}
        self.phone.submit(Node("iq", attrs, list(children)))
        self.world.settle()

    # changes of oneself

    def go_offline(self) -> None:
        """The phone loses its network; companions stay."""
        self.phone.disconnect()

    def come_online(self) -> None:
        """The phone is back and gets what waited."""
        self.phone.connect()
        self.world.settle()

    def reinstall(self) -> None:
        """A new phone under the old number: a new identity, companions are logged out."""
        for device in list(self.account.companions()):
            linking.remove(self.world, device)
        self.companions.clear()
        self.phone.cipher.renew()
        self.account.raw_id = int.from_bytes(self.phone.random(4), "big")
        self.account.key_list = self.phone.sign_devices()
        changed = Node("identity")
        for other in linking.acquaintances(self.world, self.account):
            for target in other.devices.values():
                self.world.notify(target, "encrypt", self.jid, [changed], lid=self.account.lid)
        self.world.settle()

    def change_lid(self, lid: str) -> None:
        """The server gives this number another hidden id. Raises ValueError for what is none."""
        if not (lid.isascii() and lid.isdigit()):
            raise ValueError(f"a hidden id is digits, not {lid!r}")
        old = self.account.lid
        self.world.move_lid(self.account, Jid(lid, LID))
        told = {"data": {"xwa2_notify_lid_change": {"old": str(old), "new": str(self.account.lid)}}}
        update = Node("update", {"op_name": "LidChangeNotification"}, msgspec.json.encode(told))
        for other in linking.acquaintances(self.world, self.account):
            for target in other.devices.values():
                self.world.notify(target, "mex", SERVER, [update])
        self.world.settle()

    def add_companion(self) -> Party:
        """Another device of this person, simulated like the phone."""
        account = self.account
        number = max(account.devices) + 1
        account.key_counter += 1
        random = self.world.random.branch(f"companion {account.user} {number}")
        creds = new_creds(random, self.world.now)
        vouched = vouch(
            self.phone.identity,
            creds.identity.public,
            random(32),
            random,
            raw_id=account.raw_id,
            key_index=account.key_counter,
            timestamp=int(self.world.now),
        )
        party = Party(self.world, account, number, creds)
        party.device.key_index = account.key_counter
        party.device.device_identity = sign_own(vouched, creds.identity, random)
        self.companions.append(party)
        linking.announce(self.world, party.device, "add")
        self.world.settle()
        return party

    def unlink(self, number: int) -> None:
        """Log a companion out from the phone."""
        device = self.account.devices.get(number)
        if device is None or not number:
            raise ValueError(f"{self.jid} has no linked device {number}")
        linking.remove(self.world, device)
        self.phone.forget(number)
        self.world.settle()

    def lock(self, reason: int, **attrs: Attr) -> None:
        """Refuse all logins of this account from now on; 0 lets them in again."""
        node = Node("failure", {"reason": str(reason), "location": "lla", **attrs})
        self.account.failure = node if reason else None

    # what they do by themselves

    def _read(self, read: Read) -> None:
        if read.peer:
            return
        sender = None if read.from_me else read.sender
        self.phone.history.remember(read.chat, read.id, read.message, at=read.at, sender=sender)
        self.inbox.append(read)
        self.on_message(read)
        if read.from_me:
            return
        text = text_of(read.message)
        for rule in self.rules:
            found = re.search(rule.pattern, text)
            if found is not None:
                self.world.at(self.world.now + ANSWER_SECONDS, lambda r=rule, f=found: self._obey(r, f, read))  # type: ignore[misc]

    def _obey(self, rule: Rule, found: re.Match[str], read: Read) -> None:
        if rule.read:
            self.phone.mark_read(read)
        if rule.react:
            self.react(read, rule.react)
        if rule.answer:
            self.say(read.chat, found.expand(rule.answer))


def text_of(message: Message) -> str:
    """The plain text of a message, or its caption."""
    for text in (
        message.conversation,
        message.extendedTextMessage.text,
        message.imageMessage.caption,
        message.videoMessage.caption,
        message.documentMessage.caption,
    ):
        if text:
            return text
    return ""
