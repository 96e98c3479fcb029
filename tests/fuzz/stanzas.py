"""Well-formed stanzas that say the wrong things: every handler and every reader of an answer, in a living connection.

Bytes that decode are used as they are; from all others a known stanza is taken and changed where it hurts.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

import msgspec

from protocol.errors import ProtocolError
from protocol.events.connection import StanzaFailed
from protocol.flows import channels, groups, privacy
from protocol.flows.devices import devices_of
from protocol.jid import GROUP_SERVER, SERVER, STATUS, Jid
from protocol.node import Content, Node
from protocol.stanza import iq, linkcode, pairing, passkey, session
from protocol.wire.codec import CodecError, EncodeError, decode, encode
from tests.support.plain_node import from_plain
from tests.support.pump import Host, Pump
from tests.support.scenes import connected, logged_in
from tests.support.toy_server import LID_JID, PN, REFS, Toy
from tests.support.vectors import load

ENCODE = msgspec.json.Encoder().encode

#: A world gets old: after so many stanzas there is a new one.
LIFE = 400
FRIEND, GROUP = Jid("100000000000022", "lid"), Jid("120363012345678901", "g.us")
CHANNEL = Jid("120363000000000077", "newsletter")
#: What attributes should not be.
NASTY: list[str | Jid] = [
    "-1", "--5", "0", "1", "9" * 18, "9" * 19, "9" * 5000, "²", "٣", "1e9", "true", "a@b", "\x00", "x" * 300, "../..",
    "{}", "2:", SERVER, GROUP_SERVER, STATUS, GROUP, CHANNEL, FRIEND, PN, LID_JID, Jid("0", "s.whatsapp.net"),
    Jid("1555", "hosted", 99), Jid("x", "bot"), Jid("1555", "msgr", 300), Jid("a", "unheard.of"),
]  # fmt: skip
CONTENTS: list[Content] = [None, b"", b"\xff" * 33, b"{}", b"[1]", b'{"a":{"a":1}}', "text", "12", []]


def _known() -> list[Node]:
    of = {"from": FRIEND.on(3), "id": "3EB0AA", "t": "1767225601"}
    vectors = [from_plain(case["node"]) for case in load("group_stanzas")["notifications"]]
    posts = [
        Node(
            "message",
            {"from": CHANNEL, "id": f"P{n}", "t": "1", "type": "text", "server_id": str(n)},
            [Node("plaintext", {}, bytes.fromhex(case["hex"]))],
        )
        for n, case in enumerate(load("messages")["vectors"])
    ]
    listed = Node("list", {}, [Node("item", {"id": "B"})])
    retry = [
        Node("retry", {"v": "1", "id": "3EB0AA", "t": "1", "count": "2"}),
        Node("registration", {}, b"\0\0\0\1"),
        Node("keys", {}, [Node("type", {}, b"\5"), Node("identity", {}, bytes(32))]),
    ]
    kinds = {
        "devices": Node("add", {"device_hash": "2:x"}, [Node("device", {"jid": FRIEND.on(5), "key-index": "1"})]),
        "encrypt": Node("count", {"value": "3"}),
        "account_sync": Node("devices", {"dhash": "2:x"}, [Node("device", {"jid": PN}), Node("key-index-list", {}, b"x")]),
        "privacy_token": Node("tokens", {}, [Node("token", {"type": "trusted_contact", "t": "5", "jid": PN}, b"t")]),
        "server_sync": Node("collection", {"name": "regular", "version": "3"}),
        "picture": Node("set", {"jid": FRIEND, "id": "77"}),
        "status": Node("set", {"hash": "x"}, b"about"),
        "contacts": Node("update", {"jid": FRIEND}),
        "disappearing_mode": Node("disappearing_mode", {"duration": "86400", "t": "5"}),
        "business": Node("verified_name", {"jid": FRIEND, "v": "1"}, b"x"),
        "newsletter": Node("live_updates", {}, [Node("messages", {"t": "1"}, [Node("message", {"server_id": "1"})])]),
        "mex": Node("update", {"op_name": "NotificationNewsletterJoin"}, b'{"data":{"id":"1"}}'),
        "registration": Node("wa_old_registration", {"code": "123456", "expiry_t": "5"}),
        "server": Node("abprops"),
        "mediaretry": Node("encrypt", {}, [Node("enc_p", {}, b"x"), Node("enc_iv", {}, bytes(12))]),
        pairing.REFRESH: Node(pairing.REFRESH),
    }  # fmt: skip
    return [
        *vectors,
        *posts,
        *(Node("notification", {**of, "type": kind}, [part]) for kind, part in kinds.items()),
        Node("message", {**of, "type": "text"}, [Node("enc", {"v": "2", "type": "msg"}, b"\x33" + bytes(40))]),
        Node("message", {**of, "type": "text"}, [Node("unavailable", {"type": "view_once"})]),
        Node("status", {**of, "from": STATUS, "participant": FRIEND}, [Node("enc", {"type": "skmsg"}, b"x")]),
        Node("receipt", {**of, "type": "read"}, [listed]),
        Node("receipt", {**of, "type": "retry"}, retry),
        Node("call", of, [Node("offer", {"call-id": "C", "call-creator": FRIEND}, [Node("audio", {"enc": "opus"})])]),
        Node("presence", {"from": FRIEND, "type": "unavailable", "last": "5"}),
        Node("chatstate", {"from": FRIEND}, [Node("composing", {"media": "audio"})]),
        Node("iq", {"from": SERVER, "type": "get", "xmlns": iq.SERVER_PING, "id": "1"}),
        Node("ack", {"class": "message", "from": FRIEND, "id": "A", "t": "5", "error": "463"}),
        Node("error", {"code": "479", "text": "smax-invalid"}),
        Node("appdata", {**of, "category": "peer"}, [Node("enc", {"v": "3"}, b"x")]),
        session.ib(Node("offline_preview", {"count": "3"}), Node("offline", {"count": "0"})),
        session.ib(Node("dirty", {"type": "groups", "timestamp": "5"})),
        session.ib(Node("edge_routing", {}, [Node("routing_info", {}, b"abc")])),
        session.ib(Node("client_expiration", {"t": "1767225601"})),
        session.success(1_767_225_600, LID_JID),
        session.failure(402, expire="60", code="101"),
        session.stream_error(515),
        session.stream_error(0, Node("ack", {"class": "message", "id": "X"})),
        session.conflict("replaced"),
        pairing.pair_device("p", REFS),
        pairing.pair_success("p", pairing.PairSuccess(b"x", PN, LID_JID, "android", "", True, 5)),
        linkcode.primary_hello("n", 1.0, linkcode.PrimaryHello(b"ref", bytes(80), bytes(32))),
        linkcode.refresh_code("r", 1.0, b"ref"),
        passkey.request_notification("k", 1.0, b"{}"),
    ]  # fmt: skip


def _answers() -> list[Node]:
    """What the server says to requests."""
    vectors = load("group_stanzas")
    found = [from_plain(case["node"]) for case in vectors["metadata"]]
    found += [from_plain(case["response"]) for case in vectors["iq"]]
    device_list = Node("device-list", {"hash": "2:x"}, [Node("device", {"id": "3", "key-index": "1"})])
    devices = Node("devices", {}, [device_list, Node("key-index-list", {"ts": "1"}, b"\x0a\x00")])
    user = Node("user", {"jid": FRIEND}, [devices, Node("lid", {"val": FRIEND})])
    keys = [
        Node("registration", {}, bytes(4)),
        Node("identity", {}, bytes(32)),
        Node("skey", {}, [Node("id", {}, bytes(3)), Node("value", {}, bytes(32)), Node("signature", {}, bytes(64))]),
    ]  # fmt: skip
    parts = [
        Node("usync", {}, [Node("list", {}, [user])]),
        Node("list", {}, [Node("user", {"jid": FRIEND}, list(keys))]),
        Node(
            "props",
            {"hash": "x", "refresh": "9"},
            [Node("prop", {"config_code": "10518", "config_value": "1"})],
        ),
        Node("privacy", {}, [Node("category", {"name": "last", "value": "all"})]),
        Node("result", {}, b'{"data":{"xwa2_newsletter_subscribed":[{"id":"1@newsletter"}]}}'),
        Node("count", {"value": "7"}),
        Node(
            "digest", {}, [*keys, Node("hash", {}, bytes(20)), Node("list", {}, [Node("id", {}, bytes(3))])]
        ),
        Node("error", {"code": "404", "text": "item-not-found", "backoff": "5"}),
        Node("groups", {}, list(found[0].children)),
        Node("sync", {}, [Node("collection", {"name": "regular", "version": "1"}, [Node("patches")])]),
    ]
    for part in parts:
        type = "error" if part.tag == "error" else "result"
        found.append(Node("iq", {"from": SERVER, "type": type, "id": "0"}, [part]))
    return found


KNOWN, ANSWERS = _known(), _answers()
TAGS = sorted({child.tag for node in KNOWN + ANSWERS for child in [node, *node.children]})


class _World:
    """One connection, and what was done to it."""

    def __init__(self, seed: int, *, linked: bool) -> None:
        self.chance = random.Random(seed)
        toy, host = Toy(), Host()
        self.left = LIFE
        self.pump: Pump = logged_in(host, toy) if linked else connected(host, toy)
        self.serve = self.pump.serve
        self.pump.serve = self.answer
        self.told = len(host.events)

    def answer(self, pump: Pump, node: Node) -> None:
        """A request gets the right answer, another one's, or a damaged one."""
        if node.tag != "iq" or node.text("type") not in ("get", "set") or self.chance.random() < 0.3:
            self.serve(pump, node)
            return
        reply = damaged(self.chance.choice(ANSWERS), self.chance)
        attrs = {**reply.attrs, "id": node.text("id"), "from": node.attrs["to"]}
        send(pump, Node("iq", attrs, reply.content))


_worlds: dict[bool, _World] = {}


def fuzz_stanzas(data: bytes) -> None:
    chance = random.Random(zlib.crc32(data))
    linked = chance.random() < 0.9
    world = _worlds.get(linked)
    if world is None or not world.left or not world.pump.client.alive:
        world = _worlds[linked] = _World(zlib.crc32(data), linked=linked)
    world.left -= 1
    world.chance = chance
    pump = world.pump
    try:
        node = decode(data)
    except CodecError:
        node = damaged(chance.choice(KNOWN), chance)
    if chance.random() < 0.1:
        ask(pump, chance)
    send(pump, node)
    pump.run()
    if chance.random() < 0.2:
        pump.advance(chance.choice((0.2, 20, 80)))
    _check(world)


def ask(pump: Pump, chance: random.Random) -> None:
    """Conversations whose answers can be damaged."""
    ctx = pump.client.ctx
    starts: list[Callable[[], object]] = [
        lambda: pump.client.start(devices_of(ctx, [FRIEND], fresh=True), pump.now),
        lambda: pump.client.start(groups.refresh(ctx, GROUP), pump.now),
        lambda: pump.client.start(channels.refresh_all(ctx), pump.now),
        lambda: pump.client.start(privacy.refresh_account(ctx), pump.now),
    ]
    if ctx.creds().account is not None:
        chance.choice(starts)()


def send(pump: Pump, node: Node) -> None:
    try:
        pump.server.send_encoded(encode(node))
    except EncodeError:
        pass


def _check(world: _World) -> None:
    host = world.pump.host
    for event in host.events[world.told :]:
        if isinstance(event, StanzaFailed):
            assert "unsendable" not in event.stanza, event
            assert event.error in MEANT or event.stanza == "sent", event
    world.told = len(host.events)
    for event in host.disk.events:
        # What has a row is written as JSON.
        assert ENCODE(event)
    host.disk.events.clear()


def _names(kind: type[BaseException]) -> set[str]:
    return {kind.__name__, *(name for sub in kind.__subclasses__() for name in _names(sub))}


#: A stanza that makes no sense is somebody's fault, and has a name; everything else is a bug of ours.
MEANT = _names(ProtocolError)


def damaged(node: Node, chance: random.Random) -> Node:
    """Something about it, at any depth, is not as it should be."""
    for _ in range(chance.randrange(1, 4)):
        node = _damage(node, chance)
    return node


def _damage(node: Node, chance: random.Random) -> Node:
    children = node.children
    if children and chance.random() < 0.6:
        at = chance.randrange(len(children))
        new = [*children[:at], _damage(children[at], chance), *children[at + 1 :]]
        return Node(node.tag, node.attrs, new)
    attrs, content = dict(node.attrs), node.content
    name = chance.choice(sorted(attrs)) if attrs else ""
    match chance.randrange(8):
        case 0 if name:
            del attrs[name]
        case 1 | 2 if name:
            attrs[name] = chance.choice(NASTY)
        case 3:
            content = chance.choice(CONTENTS)
        case 4 if children:
            content = [child for child in children if chance.random() < 0.5] or None
        case 5 if children:
            content = children * chance.choice((2, 30))
        case 6:
            return Node(chance.choice(TAGS), attrs, content)
        case 7 if isinstance(content, bytes) and content:
            at = chance.randrange(len(content))
            content = content[:at] + bytes((chance.randrange(256),)) + content[at + chance.randrange(2) :]
        case _:
            other = chance.choice(KNOWN + ANSWERS)
            content = [*children, *other.children] or None
    return Node(node.tag, attrs, content)


def corpus() -> list[bytes]:
    return [encode(node) for node in KNOWN + ANSWERS]
