from __future__ import annotations

import time

from protocol.engine.closes import Then
from protocol.engine.states import Link
from protocol.events.account import AccountLinked
from protocol.events.connection import ConnectionClosed, ConnectionOpened
from protocol.events.pairing import PairSucceeded
from protocol.flows.login import logout
from protocol.node import Node
from protocol.stanza import session
from protocol.stanza.iq import SERVER_PING
from tests.support.pump import Host
from tests.support.scenes import connected, logged_in, paired
from tests.support.toy_server import PN, Toy


def test_a_whole_life():
    """Pair, restart, log in, ping, lose the line, resume: hours in a moment."""
    host, toy = Host(), Toy()
    began = time.monotonic()
    pump = paired(host, toy)
    assert pump.client.verdict.reason == "restart_required"
    assert pump.client.verdict.then is Then.AT_ONCE
    assert host.store.durable == host.store.staged
    (event,) = pump.events(PairSucceeded)
    assert event.me.number == f"+{PN.user}" and event.device == 7
    assert len(pump.events(AccountLinked)) == 1

    pump = connected(host, toy)
    assert pump.client.state is Link.READY
    assert pump.client.resumed, "the registration's chain saves a round trip already"
    assert toy.pre_keys == 812 and toy.login_counts == [0]
    # Prekeys come before we are active, so that whoever writes first finds some.
    order = [node.text("xmlns") for node in pump.heard if node.tag == "iq"]
    assert order.index("encrypt") < order.index("passive")

    pump.heard.clear()
    pump.advance(3000)
    pings = [node for node in pump.heard if node.text("xmlns") == "w:p"]
    assert pump.client.state is Link.READY
    assert 3000 / 18.1 - 2 <= len(pings) <= 3000 / 15

    pump.drop()
    assert pump.client.state is Link.WAITING
    assert pump.client.verdict.then is Then.BACK_OFF and pump.client.verdict.transient
    pump = connected(host, toy)
    assert pump.client.state is Link.READY and pump.client.resumed
    assert toy.login_counts == [0, 1]
    assert len(pump.events(ConnectionOpened)) == 2
    assert time.monotonic() - began < 1.0


def test_logout_is_confirmed_by_the_end_of_the_stream():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    handle = pump.client.start(logout(pump.client.ctx), pump.now)
    pump.run()
    assert handle.done and handle.result is True
    assert pump.client.verdict.state == "logged_out"
    assert pump.client.state is Link.IDLE


def test_logout_that_nobody_answers_ends_within_seconds():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    toy.silent = True
    handle = pump.client.start(logout(pump.client.ctx), pump.now)
    pump.advance(6)
    assert handle.done and handle.result is False


def test_server_pings_are_answered_at_once():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    host.durable = False
    pump.heard.clear()
    txn = pump.client.ctx.txn()
    host.store.stage(txn)
    pump.server.send(Node("iq", {"from": session.SERVER, "type": "get", "xmlns": SERVER_PING, "id": "77"}))
    pump.server.send(Node("iq", {"from": session.SERVER, "xmlns": SERVER_PING}, [Node("ping")]))
    pump.run()
    first, second = pump.heard
    assert first.text("type") == second.text("type") == "result"
    assert first.text("id") == "77" and "id" not in second.attrs


def test_a_silent_server_is_noticed():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    silent_from = pump.now
    pump.dead = True
    pump.advance(40)
    closed = pump.events(ConnectionClosed)[-1]
    assert closed.reason == "silent"
    assert closed.at - silent_from <= 33.1


def test_stop_is_stop():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.client.close(pump.now)
    pump.run()
    assert pump.client_closed is not None and pump.client_closed.code == 1000
    pump.client.lost(pump.now, 1000)
    assert pump.client.state is Link.IDLE
    assert pump.client.deadline() is None
