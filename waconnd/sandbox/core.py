"""The ground under all handlers: directory, clock, timers, and the one way out of the world (`emit`)."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from protocol.jid import GROUP, LID, Jid
from protocol.node import Attr, Content, Node
from waconnd.sandbox.faults import Faults
from waconnd.sandbox.media import Blobs
from waconnd.sandbox.seed import Seeded
from waconnd.sandbox.state import Account, Channel, Device, Group, Link, Queued, QueueKey

#: A client in a loop shall not fill the memory with the same sentence.
MOST_COMPLAINTS: Final = 1000


class Knobs:
    """What a test may turn. Defaults are what the real server does."""

    def __init__(self) -> None:
        #: Seconds that the first and each later QR ref lives; the connection ends with the last.
        self.first_ref = 60.0
        self.next_ref = 20.0
        self.refs = 6
        #: A companion that has fewer prekeys here is asked for more.
        self.low_prekeys = 10
        #: Stanzas of an offline queue before the first `offline_batch`; 0 sends the whole queue at once.
        self.primer = 0
        #: A client must ask for what follows the primer.
        self.strict_batches = False
        #: Wrong or missing answers end the stream, as the real server does.
        self.strict_acks = False
        #: The oldest client revision that may log in.
        self.oldest_revision = 0
        #: Ask each connection `urn:xmpp:ping` this often; 0 never does.
        self.ping_every = 0.0
        #: Patches of an app state collection in one answer.
        self.patch_page = 50
        #: Most participants of a group.
        self.group_size = 1025
        #: Group iqs in a minute before 429; 0 has no limit.
        self.group_iqs_a_minute = 0


class End(NamedTuple):
    """The connection ends without a close frame, as the real server ends it."""

    reason: str


class Resident(Protocol):
    """A device that lives inside the sandbox: it gets stanzas at once and answers with stanzas."""

    def receive(self, node: Node) -> list[Node]:
        """Handle one stanza."""
        ...


class Refused(Exception):
    """An iq is answered with an error."""

    def __init__(self, code: int, text: str, *children: Node, **attrs: Attr) -> None:
        super().__init__(f"{code} {text}")
        self.node = Node("error", {"code": str(code), "text": text, **attrs}, list(children) or None)


class Core:
    """State and exits of the world; `world.World` adds the verbs."""

    def __init__(self, entropy: Seeded, now: float, knobs: Knobs | None = None) -> None:
        self.random = entropy
        self.now = now
        self.knobs = knobs or Knobs()
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self.channels: dict[str, Channel] = {}
        self.blobs = Blobs(entropy.branch("media"))
        self.faults = Faults(entropy.branch("faults"))
        self.links: dict[int, Link] = {}
        #: QR refs and link code refs to the registration that shows them.
        self.refs: dict[str, Link] = {}
        self._by_lid: dict[str, Account] = {}
        self._residents: dict[int, Resident] = {}
        self._inbox: deque[tuple[Link, Node]] = deque()
        self._outputs: list[tuple[Link, Node | bytes | End]] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._tick = 0
        #: When each account asked for something about groups within the last minute.
        self.group_iqs: dict[str, deque[float]] = {}
        #: Things to do once the answer in the making was sent.
        self.after_reply: list[Callable[[], None]] = []
        self._serial = 0
        #: Told about each account, message and receipt that passes; the sandbox and tests listen here.
        self.watchers: list[Callable[[str, Device, Node], None]] = []
        #: A companion said `active`: its phone greets it the first time.
        self.on_active: Callable[[Device], None] = lambda device: None
        #: A companion answered the phone's half of a link code.
        self.on_code_finished: Callable[[Link], None] = lambda link: None
        #: An unpaired companion asks for the steps of a passkey.
        self.on_passkey: Callable[[Link, Node], list[Node]] = _no_passkey
        #: The phone's signature over its list of devices (ADVSignedKeyIndexList).
        self.sign_devices: Callable[[Account], bytes] = lambda account: b""
        #: A companion asks its phone to upload a file again.
        self.on_media_retry: Callable[[Device, Node], None] = lambda device, node: None
        #: Stanzas that were answered wrongly, in words; tests read it.
        self.complaints: list[str] = []

    def complain(self, what: str) -> None:
        """Note what a client did wrong."""
        if len(self.complaints) < MOST_COMPLAINTS:
            self.complaints.append(what)

    # directory

    def add_account(self, account: Account) -> None:
        """Make an account known under both names."""
        self.accounts[account.user] = account
        self._by_lid[account.lid.user] = account

    def move_lid(self, account: Account, lid: Jid) -> None:
        """The account gets another hidden id. The old one still leads to it, and acks say that it is outdated."""
        account.lid = lid
        self._by_lid[lid.user] = account
        for device in account.devices.values():
            device.lid = lid.on(device.number)

    def account(self, jid: Jid | None) -> Account | None:
        """Whose address it is."""
        if jid is None:
            return None
        if jid.server == LID:
            return self._by_lid.get(jid.user)
        return self.accounts.get(jid.user) if jid.is_user else None

    def device(self, jid: Jid | None) -> Device | None:
        """Which device it is; an address without device means the phone."""
        account = self.account(jid)
        return account.devices.get(jid.device) if account is not None and jid is not None else None

    def group(self, jid: Jid | None) -> Group | None:
        """A group by address."""
        return self.groups.get(jid.user) if jid is not None and jid.server == GROUP else None

    # time

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Do something later."""
        self._tick += 1
        heapq.heappush(self._timers, (when, self._tick, call))

    def deadline(self) -> float | None:
        """When `handle_deadline` wants to be called."""
        return self._timers[0][0] if self._timers else None

    @property
    def seconds(self) -> str:
        """The clock as attributes show it."""
        return str(int(self.now))

    # exits

    def serial(self) -> str:
        """An id for a stanza of the server's own."""
        self._serial += 1
        return f"{3000000000 + self._serial}"

    def settle_in(self, link: Link, resident: Resident) -> None:
        """Let a simulated device live behind this link."""
        self._residents[link.id] = resident

    def is_resident(self, device: Device) -> bool:
        """A simulated device, not a client of ours."""
        return device.link is not None and device.link.id in self._residents

    def emit(self, link: Link, node: Node) -> None:
        """Send a stanza over a connection, through whatever faults are switched on."""
        if link.closed:
            return
        if link.id in self._residents:
            self._inbox.append((link, node))
        elif self.faults.quiet:
            self._outputs.append((link, node))
        else:
            for delay, item in self.faults.outbound(link, node):
                self._emit_late(link, item, delay)

    def _emit_late(self, link: Link, node: Node, delay: float) -> None:
        def send() -> None:
            if not link.closed:
                self._outputs.append((link, node))

        if delay > 0:
            self.at(self.now + delay, send)
        else:
            send()

    def release(self) -> None:
        """What a fault withheld leaves now."""
        for link, node in self.faults.take_withheld():
            self._emit_late(link, node, 0.0)

    def emit_encoded(self, link: Link, data: bytes) -> None:
        """Send a stanza that was encoded before; floods use it."""
        if not link.closed:
            self._outputs.append((link, data))

    def end(self, link: Link, reason: str, *last: Node) -> None:
        """Send the last stanzas and drop the connection."""
        if link.closed:
            return
        for node in last:
            self._outputs.append((link, node))
        self._outputs.append((link, End(reason)))
        self.forget_link(link)

    def forget_link(self, link: Link) -> None:
        """The connection is gone."""
        link.closed = True
        self.links.pop(link.id, None)
        self._residents.pop(link.id, None)
        for ref in link.refs:
            self.refs.pop(ref, None)
        device = link.device
        if device is not None and device.link is link:
            device.link = None
            device.subscriptions.clear()

    def outputs(self) -> list[tuple[Link, Node | bytes | End]]:
        """What leaves, in order."""
        taken, self._outputs = self._outputs, []
        return taken

    def deliver(self, device: Device, node: Node, *, own: bool = False) -> None:
        """Queue a stanza for a device until it is answered, and send it when the device is there."""
        key = queue_key(node)
        before = device.queue.get(key)
        owed = before is not None and before.retried
        device.queue[key] = queued = Queued(node, own=own, ack_owed=owed)
        link = device.link
        if link is not None and link.active and not link.catching_up:
            queued.sent = True
            self.emit(link, node)

    def notify(self, device: Device, type: str, sender: Jid, content: Content, **attrs: Attr) -> None:
        """Queue a notification."""
        head: dict[str, Attr] = {"from": sender, "type": type, "id": self.serial(), "t": self.seconds}
        self.deliver(device, Node("notification", {**head, **attrs}, content))

    def tell(self, event: str, device: Device, node: Node) -> None:
        """Let watchers know."""
        for watcher in self.watchers:
            watcher(event, device, node)


def _no_passkey(link: Link, iq: Node) -> list[Node]:
    raise Refused(400, "bad-request")


def queue_key(node: Node) -> QueueKey:
    """Under which a stanza waits for its answer."""
    if node.tag == "receipt":
        return QueueKey("receipt", node.text("id"), node.text("type"), receipt_sender(node, "from"))
    return QueueKey(node.tag, node.text("id"))


def receipt_sender(node: Node, name: str) -> str:
    """Who a receipt is from (`from`), or whose receipt is acked (`to`)."""
    return node.text("participant") or node.text(name)
