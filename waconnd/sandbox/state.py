"""What the server knows: accounts, devices, collections, groups, channels. Plain records, changed by the handlers in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from protocol.flows.phone import Vouched
from protocol.jid import GROUP, LID, USER, Jid
from protocol.node import Node
from protocol.stanza.admission import Newcomer

#: Collections of app state, in the order in which clients ask for them.
COLLECTIONS: Final = ("critical_block", "critical_unblock_low", "regular_high", "regular_low", "regular")

#: The privacy settings a new account has.
PRIVACY: Final = {
    "last": "all",
    "online": "all",
    "profile": "all",
    "status": "all",
    "groupadd": "all",
    "readreceipts": "all",
    "calladd": "all",
    "messages": "all",
    "defense": "off",
    "stickers": "contacts",
}


class SignedKey(NamedTuple):
    """A signed prekey as it was uploaded."""

    id: int
    public: bytes
    signature: bytes


class QueueKey(NamedTuple):
    """What an answer must name to take a stanza out of a device's queue."""

    cls: str
    id: str
    #: Receipts share the id of their message; these tell them apart.
    type: str = ""
    sender: str = ""


@dataclass(slots=True)
class Queued:
    """A stanza that a device still owes an answer for."""

    node: Node
    #: It was written to a connection at least once.
    sent: bool = False
    #: From another device of the same account: only a `sender` receipt ends it.
    own: bool = False
    #: A retry receipt came: an ack now ends it, whoever sent it.
    retried: bool = False
    #: It answers that receipt, and the ack of the stanza that could not be read is still on its way.
    ack_owed: bool = False


class Link:
    """One connection, as the world sees it. The carrier (a socket or a simulated device) is not the world's business."""

    __slots__ = (
        "active",
        "awaiting",
        "catching_up",
        "closed",
        "device",
        "id",
        "pairing",
        "refs",
        "registration",
        "replayed",
        "static",
    )

    def __init__(self, id: int) -> None:
        self.id = id
        self.device: Device | None = None
        self.static = b""
        self.registration: Registration | None = None
        #: Refs of the QR codes that may be on display.
        self.refs: list[str] = []
        self.pairing: PendingPairing | None = None
        self.active = False
        self.catching_up = False
        #: Stanzas of the offline queue that this connection got.
        self.replayed = 0
        #: Server iqs that wait for an answer: id to what they ask.
        self.awaiting: dict[str, str] = {}
        self.closed = False


@dataclass(slots=True)
class Registration:
    """An unpaired companion and how far it got."""

    who: Newcomer
    #: A link code in progress: the number, the wrapped key of the companion, the ref.
    link_code: LinkCode | None = None


@dataclass(slots=True)
class LinkCode:
    """A link code between `companion_hello` and the phone's answer."""

    pn: str
    wrapped_ephemeral: bytes
    ref: bytes
    finish: tuple[bytes, bytes] | None = None


@dataclass(slots=True)
class PendingPairing:
    """pair-success went out; the companion's signature is awaited."""

    account: Account
    number: int
    vouched: Vouched


@dataclass(slots=True)
class Device:
    """One device of an account. Number 0 is the phone."""

    account: Account
    number: int
    identity: bytes
    registration_id: int
    signed: SignedKey
    pn: Jid
    lid: Jid
    noise: bytes = b""
    key_index: int = 0
    platform: int = 0
    #: Complete ADVSignedDeviceIdentity of a companion; a phone has none.
    device_identity: bytes = b""
    pre_keys: dict[int, bytes] = field(default_factory=dict)
    link: Link | None = None
    available: bool = False
    push_name: str = ""
    queue: dict[QueueKey, Queued] = field(default_factory=dict)
    #: Users whose presence this connection asked for.
    subscriptions: set[str] = field(default_factory=set)
    dirty: dict[str, int] = field(default_factory=dict)
    low_asked: bool = False
    login_count: int = 0

    def named(self, server: str) -> Jid:
        """Its address in the given namespace."""
        return self.lid if server == LID else self.pn


@dataclass(slots=True)
class Picture:
    """A profile or group picture."""

    id: str
    image: bytes
    preview: bytes


@dataclass(slots=True)
class Collection:
    """One app state collection: opaque to the server but for its versions."""

    version: int = 0
    patches: dict[int, bytes] = field(default_factory=dict)
    #: (version, ExternalBlobReference) as the phone made it.
    snapshot: tuple[int, bytes] | None = None


@dataclass(slots=True)
class Account:
    """A registered number."""

    pn: Jid
    lid: Jid
    name: str
    raw_id: int
    created: int
    platform: str = "android"
    about: str = "Hey there! I am using WhatsApp."
    about_at: int = 0
    picture: Picture | None = None
    devices: dict[int, Device] = field(default_factory=dict)
    key_counter: int = 0
    #: ADVSignedKeyIndexList and its time.
    key_list: bytes = b""
    key_list_at: int = 0
    contacts: set[str] = field(default_factory=set)
    blocked: dict[str, None] = field(default_factory=dict)
    privacy: dict[str, str] = field(default_factory=lambda: dict(PRIVACY))
    default_timer: int = 0
    default_timer_at: int = 0
    collections: dict[str, Collection] = field(
        default_factory=lambda: {name: Collection() for name in COLLECTIONS}
    )
    tokens: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    last_seen: int = 0
    business_name: str = ""
    #: New companions must show a passkey.
    passkey: bool = False
    #: One-to-one chats of this account go by hidden ids.
    lid_migrated: bool = True
    #: Refused at login with this `failure`.
    failure: Node | None = None

    @property
    def user(self) -> str:
        """The number's digits; the account's key everywhere in the world."""
        return self.pn.user

    def named(self, server: str) -> Jid:
        """Its address in the given namespace."""
        return self.lid if server == LID else self.pn

    def companions(self) -> Iterator[Device]:
        """All devices but the phone."""
        return (device for number, device in self.devices.items() if number)

    @property
    def online(self) -> bool:
        """Some device said `available`."""
        return any(d.available and d.link is not None for d in self.devices.values())


@dataclass(slots=True)
class Member:
    """A participant of a group."""

    account: Account
    #: "", "admin" or "superadmin".
    role: str = ""
    joined: int = 0


@dataclass(slots=True)
class Group:
    """A group or community."""

    jid: Jid
    subject: str
    creator: Account
    created: int
    addressing: str = LID
    subject_at: int = 0
    subject_by: Account | None = None
    members: dict[str, Member] = field(default_factory=dict)
    description: str | None = None
    description_id: str = ""
    description_at: int = 0
    description_by: Account | None = None
    #: Children that are plain flags: announcement, locked, parent, default_sub_group …
    flags: set[str] = field(default_factory=set)
    expiration: int = 0
    add_mode: str = "admin_add"
    link_mode: str = "admin_link"
    approval: bool = False
    invite: str = ""
    parent: Jid | None = None
    picture: Picture | None = None
    version: int = 1
    requests: dict[str, int] = field(default_factory=dict)
    #: Personal invites after a refused add: user to (code, expiry).
    personal: dict[str, tuple[str, int]] = field(default_factory=dict)
    left: dict[str, float] = field(default_factory=dict)

    @property
    def server(self) -> str:
        """The namespace of its participants."""
        return LID if self.addressing == LID else USER

    @property
    def addressing_mode(self) -> str:
        """The wire's word for it."""
        return "lid" if self.addressing == LID else "pn"

    def is_admin(self, account: Account) -> bool:
        """May change the group."""
        member = self.members.get(account.user)
        return member is not None and bool(member.role)


@dataclass(slots=True)
class Channel:
    """A newsletter."""

    jid: Jid
    name: str
    description: str
    owner: Account
    created: int
    invite: str
    followers: dict[str, Account] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    #: Server id to the post as it was delivered.
    posts: dict[int, Node] = field(default_factory=dict)
    #: Server id to who reacted with what.
    reactions: dict[int, dict[str, str]] = field(default_factory=dict)


def group_jid(user: str) -> Jid:
    """The address of a group."""
    return Jid(user, GROUP)
