from __future__ import annotations

from pathlib import Path

import pytest

from protocol.engine import closes
from protocol.engine.closes import RULES, Then
from protocol.engine.states import ACCOUNT, LINK, WORDS, Account, Fact, Link, Step, advance, markdown, word
from protocol.errors import LocalProtocolError
from protocol.jid import SERVER
from protocol.node import Node
from protocol.stanza.session import read_failure, read_stream_error


@pytest.mark.parametrize(("table", "states"), [(ACCOUNT, Account), (LINK, Link)])
def test_no_state_without_an_exit_and_none_out_of_reach(table, states):
    assert set(table) == set(states)
    for state, ways in table.items():
        assert any(target is not state for target in ways.values()), f"{state} has no exit"
    reached = {target for ways in table.values() for target in ways.values()} | {next(iter(table))}
    assert reached == set(states)


def test_every_event_is_used():
    assert {event for ways in ACCOUNT.values() for event in ways} == set(Fact)
    assert {event for ways in LINK.values() for event in ways} == set(Step)


def test_every_link_state_leads_to_another_try():
    """From anywhere, some way leads to dialing again without a restart of the process."""
    good = {Link.DIALING}
    while True:
        more = {state for state, ways in LINK.items() if good & set(ways.values())} - good
        if not more:
            break
        good |= more
    assert good == set(Link)


def test_what_the_table_does_not_list_cannot_happen():
    assert advance(LINK, Link.LOGIN, Step.SUCCESS) is Link.SYNCING
    with pytest.raises(LocalProtocolError, match="caught_up"):
        advance(LINK, Link.LOGIN, Step.CAUGHT_UP)


def test_every_pair_of_states_has_a_word():
    for account in Account:
        for link in Link:
            assert word(account, link) in WORDS
    assert word(Account.LINKED, Link.READY) == "ready"
    assert word(Account.OUTDATED, Link.WAITING) == "waiting"
    assert word(Account.LOGGED_OUT, Link.IDLE) == "logged_out"
    assert word(Account.LIMITED, Link.READY) == "ready"
    assert word(Account.PAIRING, Link.HANDSHAKE) == "pairing"


def test_the_page_is_fresh():
    page = Path(__file__).parents[2] / "docs" / "states.md"
    assert page.read_text() == markdown(), "run `make generate`"


# --- the policy table ---------------------------------------------------------------------------------------------


def test_every_rule_advises_and_shows_a_known_state():
    for reason, rule in RULES.items():
        assert rule.advice.endswith("."), reason
        assert rule.state in WORDS, reason
        if rule.then is Then.STOP:
            assert not rule.transient, f"{reason} stops, so it is not transient"
            assert rule.state not in ("waiting", "connecting"), reason
        if rule.transient:
            assert rule.state in ("waiting", "connecting"), reason


def test_every_way_to_end_has_a_rule():
    named = {*closes.STREAM_CODES.values(), *closes.STREAM_CHILDREN.values()}
    named |= {*closes.FAILURES.values(), *closes.SOCKET_CODES.values()}
    assert named <= set(RULES)
    for stage in ("dns", "tcp", "proxy", "tls", "upgrade"):
        for timed_out in (True, False):
            assert closes.of_stage(stage, timed_out=timed_out).then is Then.BACK_OFF


def stream_error(code: str = "", *children: Node) -> closes.Verdict:
    attrs = {"code": code} if code else {}
    return closes.of_stream_error(read_stream_error(Node("stream:error", attrs, list(children) or None)))


@pytest.mark.parametrize(
    ("error", "reason", "then", "state"),
    [
        (("515",), "restart_required", Then.AT_ONCE, "connecting"),
        (("516",), "forced_logout", Then.STOP, "logged_out"),
        (("503",), "server_restarting", Then.BACK_OFF, "waiting"),
        (("429",), "rate_limited", Then.BACK_OFF, "waiting"),
        (("401",), "unclear_logout", Then.BACK_OFF, "waiting"),
        (("409",), "replaced", Then.STOP, "conflict"),
        (("401", Node("conflict", {"type": "device_removed"})), "device_removed", Then.STOP, "logged_out"),
        (("", Node("conflict", {"type": "replaced"})), "replaced", Then.STOP, "conflict"),
        (("", Node("conflict", {"type": "new_kind"})), "replaced", Then.STOP, "conflict"),
        (("", Node("ack", {"class": "receipt", "id": "1"})), "answer_owed", Then.BACK_OFF, "waiting"),
        (("", Node("ping", {"id": "1"})), "ping_unanswered", Then.BACK_OFF, "waiting"),
        (("", Node("xml-not-well-formed")), "stream_rejected", Then.BACK_OFF, "waiting"),
        (("777",), "stream_rejected", Then.BACK_OFF, "waiting"),
        (("",), "stream_rejected", Then.BACK_OFF, "waiting"),
    ],
)
def test_stream_errors(error, reason, then, state):
    verdict = stream_error(*error)
    assert (verdict.reason, verdict.then, verdict.state) == (reason, then, state)


def test_an_owed_answer_is_named():
    assert "receipt 3EB0" in stream_error("", Node("ack", {"class": "receipt", "id": "3EB0"})).advice


def failure(reason: int, **attrs: str) -> closes.Verdict:
    node = Node("failure", {"reason": str(reason), "from": SERVER, **attrs})
    return closes.of_failure(read_failure(node), now=1000.0)


@pytest.mark.parametrize(
    ("number", "then", "state"),
    [
        (400, Then.STOP, "failed"),
        (401, Then.STOP, "logged_out"),
        (403, Then.STOP, "logged_out"),
        (405, Then.WAIT, "waiting"),
        (406, Then.STOP, "logged_out"),
        (409, Then.STOP, "failed"),
        (412, Then.STOP, "failed"),
        (415, Then.STOP, "failed"),
        (418, Then.STOP, "failed"),
        (500, Then.BACK_OFF, "waiting"),
        (501, Then.BACK_OFF, "waiting"),
        (503, Then.BACK_OFF, "waiting"),
        (999, Then.STOP, "failed"),
    ],
)
def test_failures(number, then, state):
    verdict = failure(number)
    assert (verdict.then, verdict.state, verdict.code) == (then, state, number)


def test_a_ban_ends_when_it_says():
    verdict = failure(402, code="101", expire="3600")
    assert (verdict.then, verdict.state, verdict.until, verdict.code) == (Then.WAIT, "limited", 4600.0, 101)
    assert "address book" in verdict.advice
    assert failure(402).until == 1000.0 + closes.UNKNOWN_BAN_SECONDS


def test_all_that_a_refusal_says_is_kept():
    verdict = failure(403, appeal_token="abc", logout_message_header="Locked")
    assert verdict.said["appeal_token"] == "abc"
    assert "Locked" in verdict.advice


def test_refused_upgrades():
    assert closes.of_upgrade(503).reason == "upgrade_failed"
    assert closes.of_upgrade(429, retry_after=300).least == 300
    assert closes.of_upgrade(429).least == closes.RATE_LIMIT_SECONDS
    assert closes.of_upgrade(302).reason == "upgrade_refused"
    assert closes.of_upgrade(407).reason == "proxy_failed"
    for status in range(300, 600):
        assert closes.of_upgrade(status).then is Then.BACK_OFF


def test_every_socket_code_is_tried_again():
    for code in range(1000, 5000):
        assert closes.of_socket(code).then is Then.BACK_OFF
