from __future__ import annotations

import pytest

from protocol.engine import chores
from protocol.engine.closes import Then
from protocol.engine.server import Faults
from protocol.engine.states import Link
from protocol.errors import IqError
from protocol.events.account import ClientOutdated
from protocol.events.connection import ConnectionDeaf, ConnectionOpened, OfflineSync
from protocol.jid import SERVER, Jid
from protocol.node import Node
from protocol.stanza import session
from tests.support.pump import START, Host, Pump
from tests.support.scenes import connected, logged_in, paired
from tests.support.toy_server import LID_JID, PN, Toy


def queued(count: int) -> list[Node]:
    attrs = {"from": SERVER, "type": "psa", "t": "1", "offline": "1"}
    return [Node("notification", {**attrs, "id": f"q{n}"}) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "primer"), [(1, 5), (5, 5), (6, 5), (205, 5), (1000, 5), (1000, 1000), (3, 0)]
)
def test_the_offline_queue_is_pulled_to_its_end(count, primer):
    host, toy = Host(), Toy()
    paired(host, toy)
    toy.queue, toy.primer = queued(count), primer
    pump = connected(host, toy)
    assert count < 300 or primer == count or pump.client.state is Link.SYNCING
    pump.advance(10)
    assert pump.client.state is Link.READY
    acked = [node.text("id") for node in pump.heard if node.tag == "ack"]
    assert acked == [f"q{n}" for n in range(count)], "each once, in the order of arrival"
    assert toy.batches <= count // 200 + 2
    first, last = pump.events(OfflineSync)[:1], pump.events(OfflineSync)[-1:]
    assert first[0].pending == count and last[0].done


def test_catching_up_ends_though_the_server_never_says_so():
    host, toy = Host(), Toy()
    paired(host, toy)
    toy.offline = False
    pump = connected(host, toy)
    assert pump.client.state is Link.SYNCING and pump.client.ctx.catching_up
    pump.advance(50)
    pump.server.send(*queued(1))
    pump.advance(50)
    assert pump.client.state is Link.SYNCING, "a queued stanza came a moment ago"
    pump.advance(11)
    assert pump.client.state is Link.READY and not pump.client.ctx.catching_up
    assert len(pump.events(ConnectionOpened)) == 1


def test_a_late_end_of_the_queue_is_no_second_ready():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.server.send(session.ib(Node("offline", {"count": "0"})), session.success(pump.now, LID_JID))
    pump.run()
    assert pump.client.state is Link.READY
    assert len(pump.events(ConnectionOpened)) == 1


def test_the_counter_and_the_clock():
    host, toy = Host(), Toy()
    for expected in range(3):
        pump = logged_in(host, toy)
        assert toy.login_counts[-1] == expected
    pump = Pump(host, toy.serve)
    pump.server.send(session.success(pump.now + 90, LID_JID))
    pump.run()
    assert pump.client.ctx.clock_offset == 90


def test_a_hidden_id_without_device_is_completed():
    host, toy = Host(), Toy()
    paired(host, toy)
    pump = Pump(host, toy.serve)
    pump.server.send(session.success(pump.now, Jid("200000000000002", "lid")))
    pump.run()
    assert pump.client.ctx.account.lid_jid == Jid("200000000000002", "lid", PN.device)


def test_routing_info_leads_the_next_connection():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    info = Node("routing_info", {}, b"\x08\x02\x08\x05")
    pump.server.send(session.ib(Node("edge_routing", {}, [info])))
    pump.server.send(session.ib(Node("edge_routing", {}, [Node("routing_info", {}, bytes(2000))])))
    pump.server.send(session.ib(Node("edge_routing")))
    pump.run()
    assert logged_in(host, toy).server.routing_info == b"\x08\x02\x08\x05"


def test_what_is_dirty_is_fetched_then_called_clean(monkeypatch):
    fetched = []

    async def fetch(ctx) -> None:
        fetched.append(ctx.catching_up)

    monkeypatch.setitem(chores.REFRESH, "account_sync", fetch)
    monkeypatch.setitem(chores.REFRESH, "groups", fetch)
    host, toy = Host(), Toy()
    paired(host, toy)
    toy.offline = False
    pump = connected(host, toy)
    for kind in ("account_sync", "groups", "unheard_of"):
        pump.server.send(session.ib(Node("dirty", {"type": kind, "timestamp": "1234"})))
    pump.run()

    def cleaned() -> list[str]:
        found = [
            node.child("clean") for node in pump.heard if node.text("xmlns") == "urn:xmpp:whatsapp:dirty"
        ]
        assert all(node is not None and node.text("timestamp") == "1234" for node in found)
        return [node.text("type") for node in found if node is not None]

    assert cleaned() == ["account_sync", "unheard_of"]
    pump.server.send(session.ib(Node("offline", {"count": "0"})))
    pump.advance(0)
    assert cleaned()[-1] == "groups" and fetched == [True, False]


def test_a_fetch_that_fails_leaves_it_dirty(monkeypatch):
    async def fetch(ctx) -> None:
        raise IqError(500, "no")

    monkeypatch.setitem(chores.REFRESH, "account_sync", fetch)
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.server.send(session.ib(Node("dirty", {"type": "account_sync", "timestamp": "1"})))
    pump.run()
    assert not [node for node in pump.heard if node.child("clean")]
    assert pump.client.ctx.counts["fault.flow"] == 1


def test_several_news_in_one_ib():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.server.send(
        session.ib(
            Node("client_expiration", {"t": str(int(START) + 9999)}),
            Node("edge_routing", {}, [Node("routing_info", {}, b"abc")]),
            Node("thread_metadata"),
        )
    )
    pump.run()
    (event,) = pump.events(ClientOutdated)
    assert event.expires_at == START + 9999
    assert pump.client.ctx.creds().routing_info == b"abc"


def test_an_active_that_is_never_answered_ends_the_login():
    host, toy = Host(), Toy()
    paired(host, toy)
    pump = connected(host, toy)

    def mute(pump: Pump, node: Node) -> None:
        if node.text("xmlns") != "passive":
            toy.serve(pump, node)

    pump = Pump(host, mute)
    pump.on_login = toy.greet
    pump.advance(80)
    assert pump.client.verdict.reason == "login_incomplete"


def test_a_deaf_connection_is_healed_and_then_replaced():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    pump.heard.clear()
    pump.advance(3700)
    assert [event.rung for event in pump.events(ConnectionDeaf)] == [1]
    assert [node for node in pump.heard if node.text("xmlns") == "passive"]
    pump.advance(600)
    assert pump.client.verdict.reason == "deaf"


def test_news_keeps_a_quiet_connection():
    host, toy = Host(), Toy()
    pump = logged_in(host, toy)
    for n in range(4):
        pump.advance(3000)
        pump.server.send(Node("notification", {"from": SERVER, "type": "psa", "id": f"n{n}", "t": "1"}))
    pump.run()
    assert pump.client.state is Link.READY and not pump.events(ConnectionDeaf)


def test_a_server_that_does_not_take_our_prekeys_does_not_keep_us_out():
    host, toy = Host(), Toy()
    paired(host, toy)

    def full(pump: Pump, node: Node) -> None:
        if node.child("list"):
            error = Node("error", {"code": "500", "text": "later"})
            pump.server.send(Node("iq", {"from": SERVER, "type": "error", "id": node.text("id")}, [error]))
        else:
            toy.serve(pump, node)

    pump = Pump(host, full)
    pump.on_login = toy.greet
    pump.advance(19)
    assert pump.client.state is Link.SYNCING
    pump.advance(2)
    assert pump.client.state is Link.READY
    pump.serve = toy.serve
    pump.advance(60)
    assert toy.pre_keys == 812, "and it is tried again beside everything else"


def test_a_refused_version_is_named():
    host, toy = Host(), Toy()
    pump = connected(host, toy, faults=Faults(oldest=(2, 3000, 2_000_000_000)))
    assert pump.client.verdict.reason == "client_outdated"
    assert pump.client.verdict.then is Then.WAIT and pump.client.verdict.state == "waiting"
    (event,) = pump.events(ClientOutdated)
    assert event.version == "2.3000.1045798079"
