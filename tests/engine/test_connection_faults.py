"""What makes today's clients deaf, or fools them. None of it works here."""

from __future__ import annotations

import msgspec
import pytest

from protocol.crypto.curve import generate
from protocol.crypto.primitives import hmac_sha256
from protocol.engine.closes import Then
from protocol.engine.server import Faults
from protocol.engine.states import Link
from protocol.errors import LocalProtocolError, StoreFailed
from protocol.events.connection import ConnectionClosed, StanzaFailed
from protocol.events.pairing import PairFailed, PairSucceeded
from protocol.flows import phone
from protocol.flows.login import logout
from protocol.jid import SERVER, Jid
from protocol.node import Node
from protocol.pb.adv_pb2 import ADVSignedDeviceIdentityHMAC
from protocol.stanza import iq, pairing, session
from protocol.stanza.adv import encode_identity
from protocol.wire.framing import frame
from tests.support.pump import ROOT, START, Host, Pump, chain, doubled, dropped
from tests.support.scenes import connected, logged_in, paired, shown
from tests.support.toy_server import Toy


def slivers(data: bytes):
    return (bytes((byte,)) for byte in data)


def halves(data: bytes):
    return iter((data[: len(data) // 2], data[len(data) // 2 :]))


@pytest.mark.parametrize("cut", [slivers, halves])
def test_the_stream_cut_anywhere(cut):
    host, toy = Host(), Toy()
    paired(host, toy)
    pump = connected(host, toy, faults=Faults(sliver=1 if cut is slivers else 0))
    pump.to_server = pump.to_client = cut
    pump.advance(100)
    assert pump.client.state is Link.READY
    assert pump.complaint is None


def test_from_the_first_byte_on():
    """The whole handshake, too, byte by byte; and several frames in one message."""
    host, toy = Host(), Toy()
    pump = connected(host, toy, faults=Faults(sliver=1))
    assert pump.client.state is Link.SHOWING_QR


def test_text_frames_and_empty_frames_are_passed_over():
    host, toy = Host(), Toy()
    pump = Pump(host, toy.serve)
    client = pump.client
    client.receive("hello", pump.now)
    client.receive(b"", pump.now)
    client.receive(frame(b""), pump.now)
    pump.on_login = toy.greet
    pump.advance(0)
    assert client.state is Link.SHOWING_QR
    client.receive("{}", pump.now)
    client.receive(frame(b""), pump.now)
    client.receive(frame(b"") + frame(b""), pump.now)  # The third in a row is one too many…
    assert client.verdict.reason == "garbled"
    assert client.ctx.counts["text_frame"] == 2


def test_two_empty_frames_change_nothing():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    for _ in range(10):
        pump.client.receive(frame(b"") * 2, pump.now)
        pump.advance(20)  # …but a ping is answered in between.
    assert pump.client.state is Link.READY


def test_the_servers_end_passes_empty_frames_over_from_the_first_one_on():
    host, toy = Host(), Toy()
    paired(host, toy)
    pump = Pump(host, toy.serve)
    pump.on_login = toy.greet
    pump.to_server = lambda data: iter((data, frame(b""), b""))
    pump.server.receive(b"", pump.now)
    pump.advance(100)
    assert pump.client.state is Link.READY and pump.complaint is None


def test_a_frame_that_takes_minutes_to_arrive():
    """Nothing else fits through the line meanwhile, not even the answer to a ping."""
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.server.send(session.ib(Node("tos", {}, bytes(60_000))))
    (whole,) = (out.data for out in pump.server.outputs())
    toy.silent = True
    for at in range(0, len(whole), 5_000):
        pump.client.receive(whole[at : at + 5_000], pump.now)
        pump.advance(10)
    assert pump.client.state is Link.READY
    pump.advance(40)
    assert pump.client.verdict.reason == "silent"


def test_compressed_stanzas():
    host, toy = Host(), Toy()
    assert logged_in(host, toy, faults=Faults(compress_above=0)).client.state is Link.READY


def test_three_unreadable_stanzas_in_a_row_end_the_connection():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.server.send_encoded(b"\x00\xff\x80")
    pump.server.send_encoded(b"\x00")
    pump.server.send(session.ib(Node("tos")))
    pump.run()
    assert pump.client.state is Link.READY
    for _ in range(3):
        pump.server.send_encoded(b"\x00\xff\x80")
    pump.run()
    assert pump.client.verdict.reason == "garbled"
    assert pump.client.verdict.then is Then.BACK_OFF


def test_a_frame_that_does_not_decrypt_is_the_end():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.client.receive(frame(bytes(40)), pump.now)
    pump.run()
    assert pump.client.verdict.reason == "garbled" and pump.client.verdict.loud


OTHER = b"\x11" * 32


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (chain(root=OTHER), "root"),
        (chain(begin=START - 10 * 86400, days=5), "expired"),
        (chain(begin=START + 86400, days=5), "not valid yet"),
        (chain(key=ROOT.public), "key"),
    ],
    ids=["other root", "expired", "not yet valid", "other key"],
)
def test_a_server_without_proof_hears_nothing_from_us(bad, word):
    host, toy = Host(), Toy()
    pump = connected(host, toy, server_chain=bad)
    assert pump.client.verdict.reason == "server_unproven"
    assert not pump.client.verdict.transient
    assert "clock" in pump.client.verdict.advice
    assert pump.server.login is None, "the payload was sent to a server that proved nothing"


def test_garbage_in_place_of_a_handshake():
    host, toy = Host(), Toy()
    pump = connected(host, toy, faults=Faults(garbage=True))
    assert pump.client.verdict.reason == "handshake_failed"
    assert pump.client.verdict.then is Then.BACK_OFF


def test_a_server_that_says_nothing_at_all():
    host, toy = Host(), Toy()
    pump = Pump(host, toy.serve)
    # Nobody greets: the handshake is through, and then silence.
    pump.advance(30)
    assert pump.client.verdict.reason == "login_timeout"
    assert pump.now - START <= 30
    client = host.connect()
    assert client.deadline() == host.now + 20
    client.handle_deadline(host.now + 20)
    assert client.verdict.reason == "handshake_timeout"


@pytest.mark.parametrize("network", [dropped, doubled])
@pytest.mark.parametrize("side", ["to_client", "to_server"])
def test_a_stream_with_a_hole_is_noticed_and_the_next_one_is_whole(network, side):
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    setattr(pump, side, network(2))
    pump.advance(100)
    assert not pump.client.alive and pump.client.verdict.transient
    assert logged_in(host, toy).client.state is Link.READY


# --- resumption -----------------------------------------------------------------------------------------------------


def test_a_server_that_falls_back():
    host, toy = Host(), Toy()
    logged_in(host, toy)
    pump = logged_in(host, toy, faults=Faults(resume="fallback"))
    assert pump.server.pattern == "XXfallback"
    assert pump.client.state is Link.READY and not pump.client.resumed
    assert logged_in(host, toy).client.resumed


def test_a_resumption_that_fails_is_not_tried_again():
    host, toy = Host(), Toy()
    logged_in(host, toy)
    pump = logged_in(host, toy, faults=Faults(garbage=True))
    assert pump.client.verdict.reason == "resumption_refused"
    assert pump.client.verdict.then is Then.AT_ONCE
    pump = logged_in(host, toy)
    assert pump.server.pattern == "XX" and pump.client.state is Link.READY
    # The chain of the full handshake is good; a host that saw the refusal asks for no more of it.
    host.resume = False
    assert logged_in(host, toy).server.pattern == "XX"
    host.resume = True
    assert logged_in(host, toy).server.pattern == "IK"


def test_a_line_that_breaks_in_a_resumption_leads_to_the_full_handshake():
    host, toy = Host(), Toy()
    logged_in(host, toy)
    client = host.connect()
    client.lost(host.now)
    assert client.verdict.then is Then.BACK_OFF
    for save in [out for out in client.outputs() if hasattr(out, "changes")]:
        host.disk.save(save)
        host.store.committed(save.number)
    assert logged_in(host, toy).server.pattern == "XX"


def test_an_old_chain_is_not_used():
    host, toy = Host(), Toy()
    pump = connected(host, toy, server_chain=chain(days=2))
    toy.scan(pump, shown(pump))
    host.now += 3 * 86400
    assert logged_in(host, toy).server.pattern == "XX"


# --- pairing --------------------------------------------------------------------------------------------------------


def test_a_forged_account_signature_is_refused(monkeypatch):
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    before = dict(host.disk.records)

    def forge(primary, companion, secret, entropy, **more):
        """Signed by a stranger who claims to be the account."""
        vouched = vouch(generate(entropy), companion, secret, entropy, **more)
        signed = encode_identity(vouched.details, primary.public, vouched.account_signature)
        container = ADVSignedDeviceIdentityHMAC(details=signed, hmac=hmac_sha256(secret, signed))
        return msgspec.structs.replace(vouched, container=container.SerializeToString())

    vouch = phone.vouch
    monkeypatch.setattr(phone, "vouch", forge)
    toy.scan(pump, shown(pump))
    assert pump.client.verdict.reason == "pairing_failed"
    assert host.disk.records == before, "a forged link changed the credentials"
    assert pump.heard[-1].need("error").text("text") == "signature-mismatch"
    assert pump.events(PairFailed) and not pump.events(PairSucceeded)


def test_another_secret_is_refused():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    toy.scan(pump, shown(pump), secret=bytes(32))
    assert pump.client.verdict.reason == "pairing_failed"
    assert pump.heard[-1].need("error").text("text") == "hmac-mismatch"
    # The same keys, and a new code, work.
    assert paired(host, toy).client.verdict.reason == "restart_required"


@pytest.mark.parametrize("broken", ["", "device", "device-identity"])
def test_a_malformed_pair_success_is_answered(broken):
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    children = [
        Node("device", {"jid": Jid("1", "s.whatsapp.net", 3)}),
        Node("device-identity", {}, b"junk"),
    ]
    left = [child for child in children if child.tag != broken]
    attrs = {"from": SERVER, "type": "set", "id": "x", "xmlns": "md"}
    pump.server.send(Node("iq", attrs, [Node("pair-success", {}, left)]))
    pump.run()
    assert pump.client.verdict.reason == "pairing_failed"
    assert pump.heard[-1].text("type") == "error"


def test_references_that_are_none():
    host, toy = Host(), Toy()
    pump = Pump(host, toy.serve)
    pump.server.send(pairing.pair_device("x", []))
    pump.run()
    assert pump.client.verdict.reason == "pairing_failed"
    pump = connected(host, toy)
    pump.server.send(pairing.pair_device("x", []))
    pump.run()
    assert pump.client.state is Link.SHOWING_QR, "the codes that are shown stay good"
    assert pump.heard[-1].text("type") == "error"


def test_a_linked_device_ignores_pairing():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    before = dict(host.disk.records)
    for tag in ("pair-device", "pair-success"):
        attrs = {"from": SERVER, "type": "set", "id": "x", "xmlns": "md"}
        pump.server.send(Node("iq", attrs, [Node(tag, {}, [Node("ref", {}, b"r")])]))
    pump.server.send(Node("notification", {"from": SERVER, "type": "passkey_prologue_request", "id": "n"}))
    pump.run()
    assert pump.client.state is Link.READY
    assert host.disk.records == before


def test_an_unlinked_device_ignores_success():
    host, toy = Host(), Toy()
    pump = Pump(host, toy.serve)
    pump.server.send(session.success(pump.now, None))
    pump.run()
    assert pump.client.state is Link.LOGIN
    toy.greet(pump)
    pump.run()
    assert pump.client.state is Link.SHOWING_QR


# --- durability -----------------------------------------------------------------------------------------------------


def test_the_answer_to_pair_success_waits_for_the_credentials():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    host.durable = False
    toy.scan(pump, shown(pump))
    assert toy.linked is None
    assert not [node for node in pump.heard if node.child("pair-device-sign")]
    pump.save()
    assert toy.linked is not None
    host.reboot()
    host.durable = True
    assert connected(host, toy).client.state is Link.READY


def test_killed_right_after_pairing_it_is_still_linked():
    host, toy = Host(), Toy()
    paired(host, toy)
    host.reboot()
    assert connected(host, toy).client.state is Link.READY


def test_a_write_that_fails_ends_everything():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    handle = pump.client.start(logout(pump.client.ctx), pump.now)
    host.durable = False
    host.store.stage(pump.client.ctx.txn())
    pump.client.tell(Node("presence", {"type": "unavailable"}))
    pump.client.failed()
    pump.run()
    assert pump.client.verdict.reason == "store_failed"
    assert isinstance(handle.error, StoreFailed)
    with pytest.raises(LocalProtocolError):
        host.store.stage(host.store.txn())


# --- single stanzas ---------------------------------------------------------------------------------------------------


def test_a_handler_that_fails_is_named_and_the_rest_goes_on(monkeypatch):
    from protocol.engine import router

    def broken(ctx, node):
        raise ZeroDivisionError("secret text")

    monkeypatch.setitem(router.NOTIFICATIONS, "psa", broken)
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.heard.clear()
    pump.server.send(Node("notification", {"from": SERVER, "type": "psa", "id": "n1", "t": "1"}))
    pump.run()
    assert [node.tag for node in pump.heard] == ["ack"]
    (event,) = pump.events(StanzaFailed)
    assert (event.stanza, event.error) == ("notification psa", "ZeroDivisionError")
    assert "secret" not in repr(event)
    assert pump.client.state is Link.READY


def test_a_stanza_of_ours_that_cannot_be_written_harms_no_other():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.heard.clear()
    pump.client.tell(Node("", {}))
    pump.client.tell(iq.ping("p1"))
    pump.run()
    assert [node.text("id") for node in pump.heard] == ["p1"]
    assert pump.events(StanzaFailed)


def test_unknown_stanzas_are_counted_and_unknown_notifications_acked():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.heard.clear()
    pump.server.send(
        Node("wonder", {"from": SERVER}),
        Node("notification", {"from": SERVER, "type": "brand_new", "id": "n1", "t": "1"}),
        session.ib(Node("strange")),
        Node("iq", {"from": SERVER, "type": "set", "xmlns": "who:knows", "id": "4"}),
    )
    pump.run()
    assert [(n.tag, n.text("class"), n.text("type")) for n in pump.heard] == [
        ("ack", "notification", "brand_new")
    ]
    counts = pump.client.ctx.counts
    assert counts["unknown.stanza.wonder"] == counts["unknown.notification.brand_new"] == 1
    assert counts["unknown.ib.strange"] == counts["unknown.iq"] == 1


def test_what_is_for_an_account_stays_with_the_server_until_there_is_one():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    pump.heard.clear()
    early = [
        Node("message", {"from": Jid("15550002222", "s.whatsapp.net"), "id": "1", "t": "1"}),
        Node("notification", {"from": SERVER, "type": "w:gp2", "id": "2", "t": "1"}),
        Node("status", {}),
    ]
    pump.server.send(*early)
    pump.run()
    assert pump.client.ctx.counts["early_stanza"] == 3
    assert not pump.heard and not pump.events(StanzaFailed)


def test_the_end_of_the_stream_is_the_end():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.server.send(Node("error", {"code": "479", "text": "smax-invalid"}))
    pump.run()
    assert pump.client.ctx.counts["rejected"] == 1 and pump.client.state is Link.READY
    pump.server.send(Node("xmlstreamend"))
    pump.run()
    assert pump.client.verdict.reason == "server_closed"


def test_replaced_is_a_conflict_and_a_ban_waits():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.server.end_stream(session.conflict("replaced"))
    pump.run()
    assert pump.client.state is Link.CONFLICT
    pump = Pump(host, toy.serve)
    pump.server.end_stream(session.failure(402, code="101", expire="7200"))
    pump.run()
    assert pump.client.verdict.until == pump.now + 7200
    kinds = [type(event).__name__ for event in host.disk.events]
    assert kinds[-2:] == ["AccountConflict", "AccountLimited"]


def test_events_of_the_end_come_once():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.server.end_stream(session.conflict("device_removed"))
    pump.run()
    pump.client.lost(pump.now, 1006)
    pump.client.close(pump.now)
    pump.run()
    assert [e.reason for e in pump.events(ConnectionClosed)[-2:]] == ["restart_required", "device_removed"]
