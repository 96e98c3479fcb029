from __future__ import annotations

import pytest

from protocol.crypto.curve import from_private
from protocol.effects import Query
from protocol.engine.closes import Then
from protocol.engine.states import Link
from protocol.errors import IqError, TimedOut
from protocol.events.pairing import (
    CodeShown,
    PairExpired,
    PairFailed,
    PairSucceeded,
    PasskeyRequired,
    QrShown,
)
from protocol.flows import phone
from protocol.flows.context import Settings
from protocol.flows.link_code import link_code
from protocol.flows.mapping import lid_of
from protocol.flows.questions import ConfirmCode, NeedPasskey
from protocol.jid import SERVER, USER, Jid
from protocol.node import Node
from protocol.pb.login_pb2 import CompanionEphemeralIdentity, ProloguePayload
from protocol.signal.records import IDENTITIES
from protocol.stanza import linkcode, pairing, passkey, session
from tests.support.pump import START, Host, Pump
from tests.support.scenes import connected, logged_in, paired, shown
from tests.support.toy_server import LID_JID, PN, REFS, Toy

#: The public half of some phone's identity.
PN_KEY = from_private(bytes(range(32))).public

# --- QR codes ---------------------------------------------------------------------------------------------------------


def test_codes_in_turn_then_a_harmless_end():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    keys = dict(host.disk.records)
    pump.advance(200)
    codes = pump.events(QrShown)
    assert [code.index for code in codes] == [1, 2, 3, 4, 5, 6] and {code.of for code in codes} == {6}
    assert [pairing.parse_qr(code.code).ref for code in codes] == REFS
    assert [code.at - START for code in codes] == [0, 60, 80, 100, 120, 140]
    assert [code.expires_at - START for code in codes] == [60, 80, 100, 120, 140, 160]
    assert [event.reason for event in pump.events(PairExpired)] == ["timeout"]
    assert pump.client.verdict.reason == "pairing_expired"
    assert pump.client.verdict.state == "unlinked"
    assert host.disk.records == keys, "keys stay between attempts"
    # The window can be asked for again, and works.
    assert paired(host, toy).client.verdict.reason == "restart_required"


def test_the_last_code_still_works():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    pump.advance(159)
    toy.scan(pump, shown(pump))
    assert pump.client.verdict.reason == "restart_required"
    assert len(pump.events(PairSucceeded)) == 1


def test_new_references_replace_the_old_ones():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    pump.server.send(pairing.pair_device("again", ["2@new1", "2@new2"]))
    pump.run()
    assert pairing.parse_qr(shown(pump)).ref == "2@new1"
    pump.advance(61)
    assert pairing.parse_qr(shown(pump)).ref == "2@new2"
    toy.scan(pump, shown(pump))
    assert len(pump.events(PairSucceeded)) == 1


def test_a_refresh_draws_the_same_code_with_a_new_secret():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    first = pairing.parse_qr(shown(pump))
    pump.advance(10)
    pump.heard.clear()
    pump.server.send(pairing.refresh_notification("n1", pump.now))
    pump.run()
    second = pairing.parse_qr(shown(pump))
    assert second.ref == first.ref and second.adv_secret != first.adv_secret
    assert pump.events(QrShown)[-1].expires_at == START + 60
    assert [n.text("type") for n in pump.heard if n.tag == "ack"] == [pairing.REFRESH]
    toy.scan(pump, shown(pump))
    assert len(pump.events(PairSucceeded)) == 1


def test_a_notification_without_the_right_child_changes_nothing():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    before = shown(pump)
    attrs = {"from": SERVER, "type": pairing.REFRESH, "id": "n", "t": "1"}
    pump.server.send(Node("notification", attrs, [Node("other")]))
    pump.run()
    assert shown(pump) == before and len(pump.events(QrShown)) == 1


def test_a_phone_too_old_is_reported_and_the_code_stays():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    pump.server.send(session.ib(Node(pairing.DOWNGRADE)))
    pump.run()
    (event,) = pump.events(PairFailed)
    assert event.going_on and "update" in event.advice
    toy.scan(pump, shown(pump))
    assert len(pump.events(PairSucceeded)) == 1


def test_what_pairing_leaves_behind():
    host, toy = Host(), Toy()
    pump = paired(host, toy)
    creds = pump.client.ctx.creds()
    assert creds.account is not None
    assert (creds.account.pn_jid, creds.account.lid_jid) == (PN, LID_JID)
    assert creds.account.platform == "android" and creds.account.key_index == 3
    assert creds.lid_migrated and creds.server_chain
    assert lid_of(host.store, PN.bare) == LID_JID.bare
    trusted = IDENTITIES.get(host.store, LID_JID.on(0).signal_address)
    assert trusted is not None and trusted.key == toy.primary.public


def test_the_wrong_phone_is_refused():
    host, toy = Host(settings=Settings(expect_number="15559990000")), Toy()
    pump = connected(host, toy)
    toy.scan(pump, shown(pump))
    assert pump.client.verdict.reason == "wrong_phone"
    assert toy.linked is None and pump.client.ctx.creds().account is None
    host.settings = Settings(expect_number=PN.user)
    assert paired(host, toy).client.verdict.reason == "restart_required"


def test_a_server_that_forgets_to_restart():
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    toy.silent = True
    toy.scan(pump, shown(pump))
    assert pump.client.state is Link.RESTARTING
    pump.advance(11)
    assert pump.client.verdict.reason == "restart_required"


@pytest.mark.parametrize("goodbye", [(), (Node("xmlstreamend"),)], ids=["cut", "end of the stream"])
def test_a_server_that_hangs_up_after_pairing_without_saying_why(goodbye):
    """It wants us back as a linked device: at once, not after a backoff."""
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    toy.silent = True
    toy.scan(pump, shown(pump))
    pump.server.send(*goodbye)
    pump.server.close(1006, "")
    pump.run()
    assert (pump.client.verdict.reason, pump.client.verdict.then) == ("restart_required", Then.AT_ONCE)
    toy.silent = False
    assert pump.client.ctx.creds().account is not None


@pytest.mark.parametrize("user", ["0", "-5", "1" * 19, "١٢٣٤٥٦٧", "15550001111x"])
def test_a_number_that_no_login_could_name_is_refused(user):
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    toy.scan(pump, shown(pump), pn=Jid(user, USER, 7))
    assert pump.client.verdict.reason == "pairing_failed"
    assert pump.client.ctx.creds().account is None


# --- link codes -------------------------------------------------------------------------------------------------------


def ask_code(host: Host, toy: Toy, code: str = "") -> tuple[Pump, object]:
    pump = connected(host, toy)
    handle = pump.client.start(link_code(pump.client.ctx, "+1 555 0001111", code), pump.now)
    pump.run()
    return pump, handle


def test_link_code():
    host, toy = Host(), Toy()
    pump, _ = ask_code(host, toy)
    (event,) = pump.events(CodeShown)
    assert event.expires_at == START + 160 and not event.compare
    toy.type_code(pump, event.code)
    assert pump.client.verdict.reason == "restart_required"
    assert len(pump.events(PairSucceeded)) == 1
    assert [(e.what, e.reason) for e in pump.events(PairExpired)] == [("qr", "used")]
    assert logged_in(host, toy).client.state is Link.READY


def test_a_code_of_ones_own():
    host, toy = Host(), Toy()
    pump, _ = ask_code(host, toy, "abcd-efgh")
    assert pump.events(CodeShown)[0].code == "ABCD-EFGH"
    toy.type_code(pump, "abcdefgh")
    assert len(pump.events(PairSucceeded)) == 1


@pytest.mark.parametrize(("number", "code"), [("0155500", ""), ("12", ""), ("15550001111", "OOOOOOOO")])
def test_bad_numbers_and_codes_are_refused_in_words(number, code):
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    handle = pump.client.start(link_code(pump.client.ctx, number, code), pump.now)
    assert isinstance(handle.error, ValueError) and len(str(handle.error)) > 20
    pump.advance(0)
    assert pump.client.state is Link.SHOWING_QR


def test_a_mistyped_code_is_noticed_by_the_phone_and_ends_in_a_minute():
    host, toy = Host(), Toy()
    pump, _ = ask_code(host, toy)
    toy.type_code(pump, "11111111")
    assert toy.wrong_codes == 1
    pump.advance(61)
    assert pump.client.ctx.creds().account is None
    assert [(e.what, e.reason) for e in pump.events(PairExpired)] == [("qr", "used"), ("code", "timeout")]
    assert pump.client.verdict.reason == "pairing_expired"


def test_a_second_answer_of_the_phone_after_a_mistyped_one():
    host, toy = Host(), Toy()
    pump, _ = ask_code(host, toy)
    toy.type_code(pump, "11111111")
    assert toy.wrong_codes == 1
    toy.type_code(pump, pump.events(CodeShown)[0].code)
    assert len(pump.events(PairSucceeded)) == 1


def test_the_server_asks_for_a_fresh_code():
    host, toy = Host(), Toy()
    pump, _ = ask_code(host, toy)
    pump.server.send(linkcode.refresh_code("n1", pump.now, b"other ref"))
    pump.run()
    assert len(pump.events(CodeShown)) == 1
    pump.server.send(linkcode.refresh_code("n2", pump.now, b"ref"))
    pump.run()
    first, second = pump.events(CodeShown)
    assert first.code != second.code
    toy.type_code(pump, second.code)
    assert len(pump.events(PairSucceeded)) == 1


def test_a_fresh_code_that_a_person_has_to_ask_for():
    host, toy = Host(), Toy()
    pump, handle = ask_code(host, toy)
    pump.server.send(linkcode.refresh_code("n2", pump.now, b"ref", manual=True))
    pump.run()
    assert handle.done and len(pump.events(CodeShown)) == 1
    assert pump.events(PairExpired)[-1].reason == "refresh"


@pytest.mark.parametrize("code", [400, 403, 429, 452, 500])
def test_a_refused_code_is_not_repeated(code):
    host, toy = Host(), Toy()
    pump = connected(host, toy)
    serve = pump.serve

    def refuse(pump: Pump, node: Node) -> None:
        if node.child(linkcode.TYPE):
            error = Node("error", {"code": str(code), "text": "no"})
            pump.server.send(Node("iq", {"from": SERVER, "type": "error", "id": node.text("id")}, [error]))
        else:
            serve(pump, node)

    pump.serve = refuse
    handle = pump.client.start(link_code(pump.client.ctx, "15550001111"), pump.now)
    pump.advance(10)
    assert isinstance(handle.error, IqError)
    (event,) = pump.events(PairFailed)
    assert event.code == code and event.advice
    assert len([n for n in pump.heard if n.child(linkcode.TYPE)]) == 1
    assert pump.client.state is Link.SHOWING_QR, "the QR code is still good"


@pytest.mark.parametrize("spoil", ["wrapped", "identity", "zero identity", "finish refused"])
def test_an_answer_that_does_not_fit_ends_the_code_with_words(spoil):
    host, toy = Host(), Toy()
    pump, handle = ask_code(host, toy)
    serve = pump.serve

    def refuse(pump: Pump, node: Node) -> None:
        reg = node.child(linkcode.TYPE)
        if reg is not None and reg.text("stage") == linkcode.FINISH:
            error = Node("error", {"code": "404", "text": "gone"})
            pump.server.send(Node("iq", {"from": SERVER, "type": "error", "id": node.text("id")}, [error]))
        else:
            serve(pump, node)

    pump.serve = refuse
    wrapped = bytes(linkcode.WRAPPED - (spoil == "wrapped"))
    identity = bytes(31) if spoil == "identity" else bytes(32) if spoil == "zero identity" else PN_KEY
    answer = linkcode.PrimaryHello(b"ref", wrapped, identity)
    pump.server.send(linkcode.primary_hello("n1", pump.now, answer))
    pump.run()
    assert handle.done and handle.error is None
    (event,) = pump.events(PairFailed)
    assert (event.reason, event.code) == ("code_failed", 404 if spoil == "finish refused" else 0)
    assert event.advice.endswith("Ask for a new code.")
    assert pump.client.ctx.creds().account is None


# --- passkeys ---------------------------------------------------------------------------------------------------------

OPTIONS = b'{"challenge":"AAAA","rpId":"whatsapp.com"}'
ASSERTION = (
    b'{"id":"aWQ","rawId":"aWQ","type":"public-key",'
    b'"response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":null}}'
)


class PasskeyServer(Toy):
    """Demands a passkey before it believes the phone."""

    def __init__(self) -> None:
        super().__init__()
        self.proof = phone.PasskeyProof(self.rng.randbytes)
        self.prologue: Node | None = None
        self.nonce = b""

    def _answer(self, pump: Pump, node: Node) -> None:
        if node.child("passkey_request_options"):
            self._result(pump, node, [Node("passkey_request_options", {}, OPTIONS)])
        elif node.child("ref"):
            self._result(pump, node, [Node("ref", {}, b"2@passkey")])
        elif prologue := node.child("passkey_prologue"):
            self.prologue = prologue
            self._result(pump, node, [])
            pump.server.send(passkey.continuation_notification("c1", pump.now, self.proof.identity))
        elif nonce := node.child("companion_nonce"):
            self.nonce = nonce.content_bytes()
            self._result(pump, node, [])
        elif sealed := node.child("encrypted_pairing_request"):
            assert self.prologue is not None
            payload = self.prologue.need("prologue_payload").content_bytes()
            ident = ProloguePayload.FromString(payload).companionEphemeralIdentity
            ephemeral = CompanionEphemeralIdentity.FromString(ident).publicKey
            noise, identity, secret = self.proof.open(
                passkey.Prologue(ident, payload),
                ephemeral,
                1,
                "2@passkey",
                self.nonce,
                sealed.content_bytes(),
            )
            assert noise == pump.server.client_static
            assert self.newcomer is not None and identity == self.newcomer.identity
            self._result(pump, node, [])
            self.agree(pump, secret)
        else:
            super()._answer(pump, node)


def demand(options: bytes = OPTIONS) -> tuple[Host, PasskeyServer, Pump, Query]:
    host, toy = Host(), PasskeyServer()
    pump = connected(host, toy)
    pump.server.send(passkey.request_notification("p1", pump.now, options))
    pump.run()
    (query,) = [q for q in host.questions if isinstance(q.question, NeedPasskey)]
    return host, toy, pump, query


@pytest.mark.parametrize("options", [OPTIONS, b"", b"no json"])
def test_passkey_is_passed_on_and_confirmed_by_the_handoff(options):
    host, toy, pump, query = demand(options)
    (event,) = pump.events(PasskeyRequired)
    assert event.challenge.encode() == OPTIONS and event.expires_at == START + 300
    pump.client.answer(query.token, ASSERTION, pump.now)
    pump.run()
    assert toy.prologue is not None and toy.prologue.child("pairing_handoff_proof")
    assert len(pump.events(PairSucceeded)) == 1
    assert not pump.events(CodeShown), "the handoff proves it, nobody has to compare"
    assert logged_in(host, toy).client.state is Link.READY


@pytest.mark.parametrize("same", [True, False])
def test_after_five_minutes_a_person_compares_the_codes(same):
    host, _, pump, query = demand()
    pump.advance(301)
    pump.client.answer(query.token, ASSERTION, pump.now)
    pump.run()
    (shown_code,) = pump.events(CodeShown)
    assert shown_code.compare and len(shown_code.code) == 9
    (ask,) = [q for q in host.questions if isinstance(q.question, ConfirmCode)]
    pump.client.answer(ask.token, same, pump.now)
    pump.advance(0)
    assert bool(pump.events(PairSucceeded)) is same
    assert bool(pump.events(PairFailed)) is not same


def test_a_passkey_that_nobody_gives():
    _, _, pump, query = demand()
    pump.client.answer(query.token, TimedOut("nobody"), pump.now)
    pump.advance(0)
    (event,) = pump.events(PairFailed)
    assert event.reason == "passkey_required"
    assert pump.client.verdict.reason == "pairing_expired"


def test_an_assertion_that_is_none_and_a_phone_that_does_not_go_on():
    _, _, pump, query = demand()
    pump.client.answer(query.token, b"{}", pump.now)
    pump.advance(0)
    (event,) = pump.events(PairFailed)
    assert event.reason == "passkey_failed" and "assertion" in event.advice

    _, _, pump, query = demand()
    serve = pump.serve
    pump.serve = lambda pump, node: None if node.child("companion_nonce") else serve(pump, node)
    pump.client.answer(query.token, ASSERTION, pump.now)
    pump.advance(80)
    assert pump.events(PairFailed)[-1].reason == "passkey_failed"
    assert pump.client.verdict.reason == "pairing_expired"


def test_an_assertion_that_is_none():
    for raw in (b"{}", b"x", b'{"rawId":"aWQ","response":{}}'):
        with pytest.raises(ValueError, match="assertion"):
            passkey.credential_id(raw)
    assert passkey.credential_id(ASSERTION) == b"id"


def test_numbers():
    assert linkcode.phone_number("+49 151 123-45678") == "4915112345678"
    assert pairing.read_pair_success(
        pairing.pair_success("1", pairing.PairSuccess(b"c", Jid("15", USER, 2), None, "", "", False, 0))
    ).pn == Jid("15", USER, 2)
