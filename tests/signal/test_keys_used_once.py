"""No key encrypts two plaintexts, wherever the process dies: between commit and send, before either, after both."""

import random
from collections.abc import Callable

import pytest

from protocol.effects import Commit
from protocol.flows.runner import Runner
from protocol.jid import Jid
from protocol.keystore import Keystore, Save
from protocol.node import Node
from protocol.signal import groups, session
from protocol.signal.envelope import read_group_message, read_message, read_pre_key_message
from protocol.signal.records import PRE_KEYS
from tests.signal.people import Device
from tests.signal.support import Disk

GROUP = "120363000000000001@g.us"
#: What a host does with its next commit and what then waits for it, before it dies or goes on.
FATES = ("dies before the write", "dies before it is told", "dies before it is sent", "goes on")


class Host:
    """Carries out what a runner wants, and dies where it is told to."""

    def __init__(self, device: Device, peer: Device, fate: Callable[[], str]) -> None:
        self.device, self.peer, self.fate = device, peer, fate
        self.disk: Disk = device.store.disk
        self.left: list[tuple[bytes, Node]] = []
        self.count = 0
        self.boot()

    def boot(self) -> None:
        self.store = Keystore(self.disk)
        self.runner = Runner(self.store, next_id=lambda: "x")

    def send(self, text: bytes) -> None:
        self.runner.start(self._send(text), now=0.0)
        self.settle(text)

    async def _send(self, text: bytes) -> None:
        txn = self.store.txn()
        if not session.has_session(txn, self.peer.address):
            session.open_session(txn, self.peer.address, self.peer.bundle(), me=self.device.me, now=0.0)
        entropy = self.device.me.entropy
        skdm = groups.distribution(txn, GROUP, self.device.address, entropy=entropy)
        sealed = session.encrypt(txn, self.peer.address, text + skdm, me=self.device.me)
        skmsg = groups.encrypt(txn, GROUP, self.device.address, text, entropy=entropy)
        node = Node("message", {"to": Jid("1", "g.us"), "type": sealed.type}, [
            Node("enc", {"type": sealed.type}, sealed.data), Node("enc", {"type": "skmsg"}, skmsg),
        ])  # fmt: skip
        await Commit(txn, then=(node,))

    def settle(self, text: bytes) -> None:
        for save in self.store.take_saves():
            fate = self.fate()
            if fate != "dies before the write":
                self.write(save)
            if fate in ("goes on", "dies before it is sent"):
                self.store.committed(save.number)
                self.runner.committed(save.number, 0.0)
            released = self.runner.released()
            if fate == "goes on":
                self.left += [(text, node) for node in released]
            else:
                # Nothing may be about to leave that is not on disk.
                assert not released or fate == "dies before it is sent"
                self.boot()
                return

    def write(self, save: Save) -> None:
        for key, value in save.changes.items():
            if value is None:
                self.disk.records.pop(key, None)
            else:
                self.disk.records[key] = value


@pytest.mark.parametrize("seed", range(12))
def test_no_key_encrypts_two_plaintexts(seed: int) -> None:
    chance = random.Random(seed)
    ann, ben = Device("1_1.0", 2 * seed), Device("2_1.5", 2 * seed + 1)
    host = Host(ann, ben, lambda: chance.choice(FATES))
    for number in range(60):
        host.send(b"text %d" % number)
    assert 5 < len(host.left) < 60
    used: dict[tuple[object, int], bytes] = {}
    for text, node in host.left:
        for enc in node.all("enc"):
            key = message_key(enc.text("type"), enc.content_bytes())
            assert used.setdefault(key, text) == text, f"{key} encrypted {used[key]!r} and {text!r}"
    assert len(used) == 2 * len(host.left)


def message_key(type: str, data: bytes) -> tuple[object, int]:
    """What names the message key: chain and place."""
    if type == "skmsg":
        group = read_group_message(data)
        return group.id, group.iteration
    message = read_message(data) if type == "msg" else read_pre_key_message(data).message
    return message.ratchet, message.counter


def test_a_host_that_sends_first_would_be_caught() -> None:
    """The same check on a host that lets a stanza out before its commit: it does find the reuse."""
    ann, ben = Device("1_1.0", 90), Device("2_1.5", 91)
    ann.open(ben)
    seen = []
    for text in (b"one", b"two"):
        txn = ann.store.txn()
        sealed = session.encrypt(txn, ben.address, text, me=ann.me)
        seen.append(message_key(sealed.type, sealed.data))
    assert seen[0] == seen[1]


def test_a_prekey_opens_one_session_only() -> None:
    """A prekey goes in the transaction of its message: dying before it leaves both, dying after it takes both."""
    ann, ben = Device("1_1.0", 92), Device("2_1.5", 93)
    letter = ann.write(ben, b"hello")
    txn = ben.store.txn()
    session.decrypt(txn, ann.address, letter.type, letter.data, me=ben.me, now=0.0)
    ben.store.restart()
    assert PRE_KEYS.get(ben.store.keystore, "1") is not None
    assert not session.has_session(ben.store.keystore, ann.address)
    assert ben.read(letter).plaintext == b"hello"
    ben.store.restart()
    assert PRE_KEYS.get(ben.store.keystore, "1") is None
    assert session.has_session(ben.store.keystore, ann.address)
