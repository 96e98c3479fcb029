"""One story in the sandbox, faults and all, with every byte that its server puts on the wire: `replay(seed)`.

python -m tests.support.replay SEED         # the bytes in hex, from a process with string hashes of its own
"""

import sys

from protocol.effects import Close
from protocol.engine.server import ServerConnection
from protocol.jid import LID
from protocol.node import Node
from tests.support.bare_client import BareDevice
from tests.support.flooding import link_device
from waconnd.sandbox.core import End
from waconnd.sandbox.sandbox import Clock, Sandbox

START = 1_800_000_000.0


class Wire:
    """A device of ada's and the server's end of its connection, in memory and in lock-step."""

    def __init__(self, box, key):
        self.box, self.sent = box, b""
        self.device = BareDevice(box.root.public.hex(), *key.split())
        self.link = box.world.connect()
        entropy = box.random.branch(f"link {self.link.id}")
        self.server = ServerConnection(box.static, box.chain_bytes(), entropy, box.clock())
        self._serve(self.device.hello())

    def _serve(self, data):
        known, now = self.server.who is not None, self.box.clock()
        self.server.receive(data, now)
        if not known and self.server.who is not None:
            self.box.world.opened(self.link, self.server.who, self.server.client_static, now)
        for node in self.server.stanzas():
            self.box.world.receive(self.link, node, now)
        self.rest()

    def rest(self):
        """Until neither end has more to say."""
        for link, item in self.box.world.outputs():
            if link is self.link and not isinstance(item, End):
                self.server.send(item) if isinstance(item, Node) else self.server.send_encoded(item)
        parts = [output.data for output in self.server.outputs() if not isinstance(output, Close)]
        if not parts:
            return
        self.sent += b"".join(parts)
        answers = self.device.receive(b"".join(parts), self.box.clock())
        if answers:
            self._serve(answers)


def replay(seed):
    """Texts, groups, media, a status, a new identity, and every kind of fault by chance."""
    box = Sandbox(seed, clock=Clock(START))
    ada, bob, carl = (box.person(name) for name in ("ada", "bob", "carl"))
    key, _ = link_device(ada)
    wire = Wire(box, key)
    for action in ("drop", "duplicate", "reorder", "corrupt", "delay"):
        box.fault(action, tag="message", chance=0.15, times=None)
    group = box.group("bob", "Lunch", ["ada", "carl"])
    bob.add_companion()
    for number in range(12):
        box.say("bob", "ada", f"text {number}")
        box.say("carl", "Lunch", f"text {number}")
        wire.rest()
        box.advance(1.0)
        wire.rest()
    bob.send_media(ada.jid, "image", b"an image")
    bob.post_status("a status")
    bob.react(bob.phone.read[-1], "!")
    carl.type_to(ada.jid)
    carl.reinstall()
    carl.change_lid("100000000009999")
    box.say("carl", "ada", "it is me")
    bob.group_iq(group.jid, "set", Node("remove", {}, [Node("participant", {"jid": carl.account.lid})]))
    wire.rest()
    box.advance(86400.0)
    wire.rest()
    assert carl.account.lid.server == LID
    return wire.sent


if __name__ == "__main__":
    print(replay(sys.argv[1]).hex())
