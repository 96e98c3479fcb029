"""Linking, login and the offline queue, spoken to the world stanza by stanza."""

import msgspec
import pytest

from protocol.creds import sign_pre_key
from protocol.crypto.curve import generate
from protocol.jid import GROUP_SERVER, SERVER
from protocol.node import Node
from protocol.noise.certificate import verify_chain
from protocol.noise.errors import CertificateError
from protocol.stanza import pairing, passkey
from protocol.stanza.admission import Newcomer, Returning
from protocol.stanza.adv import accept_container, encode_identity
from waconnd.sandbox.core import End
from waconnd.sandbox.phone import LinkFailed
from waconnd.sandbox.sandbox import Clock, Sandbox
from waconnd.sandbox.seed import Seeded

VERSION = (2, 3000, 1)


class Companion:
    """The client's side, by hand."""

    def __init__(self, box):
        self.box, self.random = box, Seeded("companion")
        self.noise, self.identity = generate(self.random), generate(self.random)
        self.secret = self.random(32)
        self.link = None

    def take(self):
        return [item for link, item in self.box.world.outputs() if link is self.link]

    def register(self):
        self.link = self.box.world.connect()
        signed = sign_pre_key(self.identity, 1, generate(self.random), 0.0, self.random)
        shown = (signed.id, signed.pair.public, signed.signature)
        who = Newcomer(VERSION, 77, self.identity.public, *shown, b"", "test", 1)
        self.box.world.opened(self.link, who, self.noise.public, self.box.clock())
        return pairing.refs_of(self.take()[0])

    def qr(self, ref):
        from base64 import b64encode

        keys = (self.noise.public, self.identity.public, self.secret)
        return ",".join([ref, *(b64encode(key).decode() for key in keys), "1"])

    def send(self, node):
        self.box.world.receive(self.link, node, self.box.clock())
        return self.take()

    def sign(self, success):
        told = pairing.read_pair_success(success)
        mine = accept_container(told.container, self.secret, self.identity, self.random)
        reply = encode_identity(mine.details, b"", mine.account_signature, mine.device_signature)
        index = 1
        return self.send(pairing.signed(success, reply, index)), told

    def login(self, number, device):
        self.link = self.box.world.connect()
        who = Returning(VERSION, number, device, True, 0)
        self.box.world.opened(self.link, who, self.noise.public, self.box.clock())
        return self.take()

    def activate(self):
        return self.send(iq("set", "passive", Node("active")))


def iq(type, xmlns, *children, id="7"):
    return Node("iq", {"to": SERVER, "type": type, "xmlns": xmlns, "id": id}, list(children))


@pytest.fixture
def box():
    sandbox = Sandbox(5, clock=Clock(1_800_000_000.0))
    sandbox.person("ada")
    sandbox.person("bob")
    return sandbox


@pytest.fixture
def linked(box):
    companion = Companion(box)
    ref = companion.register()[0]
    box.people["ada"].phone.scan(companion.qr(ref))
    companion.sign(companion.take()[0])
    return companion


def tags(items):
    return [item.tag if isinstance(item, Node) else type(item).__name__ for item in items]


def test_pairing_ends_with_a_restart(box):
    companion = Companion(box)
    refs = companion.register()
    assert len(refs) == 6
    box.people["ada"].phone.scan(companion.qr(refs[3]))
    out, told = companion.sign(companion.take()[0])
    assert tags(out) == ["stream:error", "xmlstreamend", "End"]
    assert out[0].attrs["code"] == "515"
    device = box.people["ada"].account.devices[told.pn.device]
    assert (device.noise, device.identity) == (companion.noise.public, companion.identity.public)
    # The others were told, and the own list is signed anew.
    assert (
        any(n.node.text("type") == "devices" for n in box.people["bob"].phone.device.queue.values()) is False
    )
    assert box.people["ada"].account.key_list


def test_a_code_of_other_keys_is_refused(box):
    companion = Companion(box)
    ref = companion.register()[0]
    companion.noise = generate(companion.random)
    with pytest.raises(LinkFailed, match="keys of this QR code"):
        box.people["ada"].phone.scan(companion.qr(ref))
    with pytest.raises(LinkFailed, match="scan a fresh one"):
        box.people["ada"].phone.scan(companion.qr("2@gone"))


def test_refs_expire_in_virtual_time(box):
    companion = Companion(box)
    companion.register()
    box.advance(159)
    assert not companion.link.closed
    box.advance(2)
    assert companion.link.closed
    assert tags(companion.take()) == ["End"]


def test_a_wrong_signature_links_nothing(box):
    companion = Companion(box)
    ref = companion.register()[0]
    box.people["ada"].phone.scan(companion.qr(ref))
    success = companion.take()[0]
    told = pairing.read_pair_success(success)
    mine = accept_container(told.container, companion.secret, companion.identity, companion.random)
    out = companion.send(
        pairing.signed(success, encode_identity(mine.details, b"", mine.account_signature, bytes(64)), 1)
    )
    assert out[0].attrs["reason"] == "401"
    assert list(box.people["ada"].account.devices) == [0]


def test_passkey_stands_between_scan_and_link(box):
    box.people["ada"].account.passkey = True
    companion = Companion(box)
    ref = companion.register()[0]
    box.people["ada"].phone.scan(companion.qr(ref))
    request = companion.take()[0]
    assert passkey.is_request(request)
    assert msgspec.json.decode(passkey.options_of(request))["rpId"] == "whatsapp.com"
    told = companion.send(passkey.ask_ref())[0]
    shown = passkey.read_ref(told)
    ephemeral, nonce = generate(companion.random), companion.random(32)
    prologue = passkey.prologue(ephemeral.public, 1, shown, nonce)
    response = {"clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA", "userHandle": None}
    assertion = msgspec.json.encode(
        {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": response}
    )
    credential = passkey.credential_id(assertion)
    out = companion.send(passkey.send_prologue(credential, assertion, prologue.payload, b""))
    primary = passkey.read_primary_identity(out[1].need("primary_ephemeral_identity").content_bytes())
    companion.send(passkey.send_nonce(nonce))
    key = passkey.encryption_key(ephemeral, primary.public, 1, shown)
    companion.secret = companion.random(32)
    sealed = passkey.seal_request(
        key, companion.random(12), companion.noise.public, companion.identity.public, companion.secret
    )
    out = companion.send(passkey.send_request(sealed))
    assert pairing.is_pair_success(out[1])
    companion.sign(out[1])
    assert 1 in box.people["ada"].account.devices


def test_login_checks_the_key(box, linked):
    number = box.people["ada"].account.user
    assert tags(linked.login(number, 1)) == ["success", "ib"]
    stranger = Companion(box)
    stranger.noise = generate(stranger.random)
    assert stranger.login(number, 1)[0].attrs["reason"] == "401"
    assert linked.login(number, 9)[0].attrs["reason"] == "401"


def test_second_login_replaces_the_first(box, linked):
    number = box.people["ada"].account.user
    linked.login(number, 1)
    first = linked.link
    linked.login(number, 1)
    assert first.closed
    assert not linked.link.closed


def test_queue_waits_for_active_and_for_answers(box, linked):
    number = box.people["ada"].account.user
    box.say("bob", "ada", "one")
    assert "message" not in tags(linked.login(number, 1))
    out = linked.activate()
    shown = [item for item in out if isinstance(item, Node)]
    assert tags(shown)[:2] == ["iq", "ib"]
    messages = [node for node in shown if node.tag == "message"]
    # The text, and from the own phone keys and four pieces of history.
    assert all("offline" in node.attrs or node.text("category") for node in messages)
    text = next(node for node in messages if not node.text("category"))
    assert shown[1].children[0].attrs["message"] == "1"
    again = [
        n for n in linked.login(number, 1) + linked.activate() if isinstance(n, Node) and n.tag == "message"
    ]
    assert text.attrs["id"] in [node.attrs["id"] for node in again]
    linked.send(Node("receipt", {"id": text.attrs["id"], "to": text.attrs["from"]}))
    again = [
        n for n in linked.login(number, 1) + linked.activate() if isinstance(n, Node) and n.tag == "message"
    ]
    assert text.attrs["id"] not in [node.attrs["id"] for node in again]


def test_queue_in_pieces(box, linked):
    number = box.people["ada"].account.user
    box.world.knobs.primer, box.world.knobs.strict_batches = 2, True
    for place in range(9):
        box.say("bob", "ada", str(place))
    linked.login(number, 1)

    def offline(items):
        return [n for n in items if isinstance(n, Node) and "offline" in n.attrs]

    got = len(offline(linked.activate()))
    assert got == 2
    more = linked.send(Node("ib", {}, [Node("offline_batch", {"count": "4"})]))
    assert len(offline(more)) == 4
    rest = linked.send(Node("ib", {}, [Node("offline_batch", {"count": "200"})]))
    assert rest[-1].child("offline") is not None


def test_unlinked_by_the_phone(box, linked):
    linked.login(box.people["ada"].account.user, 1)
    box.people["ada"].unlink(1)
    out = linked.take()
    assert out[0].attrs["code"] == "401"
    assert out[0].children[0].attrs["type"] == "device_removed"


def test_unknown_and_unpaired_requests(box, linked):
    linked.login(box.people["ada"].account.user, 1)
    answer = linked.send(iq("get", "no:such:thing"))[0]
    assert answer.children[0].attrs["code"] == "501"
    fresh = Companion(box)
    fresh.register()
    assert fresh.send(iq("get", "usync"))[0].children[0].attrs["code"] == "401"


def test_server_ping_must_be_answered(box, linked):
    box.world.knobs.ping_every = 20.0
    linked.login(box.people["ada"].account.user, 1)
    box.advance(20)
    ping = next(n for n in linked.take() if isinstance(n, Node) and n.tag == "iq")
    linked.send(Node("iq", {"to": SERVER, "type": "result", "id": ping.attrs["id"]}))
    box.advance(20)
    assert not linked.link.closed
    box.advance(20)
    out = linked.take()
    assert isinstance(out[-1], End)
    assert out[-3].children[0].tag == "ping"


def test_prekeys_are_given_out_once_and_asked_for(box, linked):
    account = box.people["ada"].account
    device = account.devices[1]
    device.pre_keys.update({n: bytes([n]) * 32 for n in range(1, 12)})
    linked.login(account.user, 1)
    linked.activate()
    given = set()
    for _ in range(12):
        asked = iq("get", "encrypt", Node("key", {}, [Node("user", {"jid": account.lid.on(1)})]))
        answer = next(node for node in linked.send(asked) if node.tag == "iq")
        user = answer.children[0].children[0]
        key = user.child("key")
        given.add(None if key is None else key.need("id").content_bytes())
    # Eleven, one of which the own phone took to send keys and history; then none is left.
    assert None in given
    assert len(given) == 11
    low = [q.node for q in device.queue.values() if q.node.text("type") == "encrypt"]
    assert len(low) == 1


def test_group_requests_are_throttled_on_demand(box, linked):
    linked.login(box.people["ada"].account.user, 1)
    box.world.knobs.group_iqs_a_minute = 2
    asked = Node(
        "iq", {"to": GROUP_SERVER, "type": "get", "xmlns": "w:g2", "id": "9"}, [Node("participating")]
    )
    codes = [linked.send(asked)[0].attrs["type"] for _ in range(3)]
    assert codes == ["result", "result", "error"]
    box.advance(61)
    linked.take()
    assert linked.send(asked)[0].attrs["type"] == "result"


def test_certificates_go_bad_on_demand(box):
    now = box.clock()
    verify_chain(box.chain_bytes(), box.static.public, box.root.public, now)
    for kind in ("expired", "other_root"):
        box.chain = kind
        with pytest.raises(CertificateError):
            verify_chain(box.chain_bytes(), box.static.public, box.root.public, now)
    box.chain = "good"
    verify_chain(box.chain_bytes(), box.static.public, box.root.public, now)


def test_an_outdated_hidden_id_still_arrives_and_is_told(box, linked):
    linked.login(box.people["ada"].account.user, 1)
    linked.activate()
    bob = box.people["bob"]
    old = bob.account.lid
    bob.change_lid("100000000008888")
    linked.take()
    enc = Node("enc", {"v": "2", "type": "msg"}, b"x")
    to = Node("to", {"jid": old}, [enc])
    sent = Node("message", {"id": "A1", "to": old, "type": "text"}, [Node("participants", {}, [to])])
    answer = next(node for node in linked.send(sent) if node.tag == "ack")
    assert answer.attrs["refresh_lid"] == "true"


def test_a_malformed_request_is_refused_and_noted(box, linked):
    linked.login(box.people["ada"].account.user, 1)
    answer = linked.send(iq("get", "w:mex", Node("query", {"query_id": "1"}, b"{")))[0]
    assert answer.children[0].attrs["code"] == "400"
    answer = linked.send(iq("get", "usync"))[0]
    assert answer.children[0].attrs["code"] == "400"
    assert len(box.world.complaints) == 2
