"""Calls as the server tells of them: in groups, from the queue, and the chatter around them."""

import pytest

from protocol.events.call import CallAccepted, CallEnded, CallMissed, CallOffer
from protocol.jid import Jid
from protocol.node import Node
from tests.support.pump import Host, Pump
from tests.support.scenes import logged_in
from tests.support.toy_server import Toy

ANN = Jid("100000000000002", "lid")
NUMBER = Jid("15550002222", "s.whatsapp.net")
GROUP = Jid("120363000000000001", "g.us")
CALL = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"


@pytest.fixture
def pump() -> Pump:
    pump = logged_in(Host(), Toy())
    pump.heard.clear()
    return pump


def told(pump: Pump, tag: str, at: float | None = None, **more: object) -> list[Node]:
    """The server tells of a call; what it hears back."""
    head = {key: more.pop(key) for key in ("offline",) if key in more}
    named = {"group-jid" if key == "group_jid" else key: value for key, value in more.items()}
    attrs = {"call-id": CALL, "call-creator": ANN, **named}
    when = str(int(pump.now if at is None else at))
    pump.server.send(Node("call", {"from": ANN, "id": "c1", "t": when, **head}, [Node(tag, attrs)]))
    pump.run()
    return [node for node in pump.heard if node.tag == "ack"]


def test_a_call_of_one_person_under_both_names(pump: Pump) -> None:
    (ack,) = told(pump, "offer", caller_pn=NUMBER)
    assert (ack.text("class"), ack.text("id")) == ("call", "c1")
    (offer,) = pump.events(CallOffer)
    assert (offer.call_id, offer.media, offer.group) == (CALL, "voice", None)
    assert (offer.from_.pn, offer.from_.lid) == (str(NUMBER), str(ANN))


def test_a_call_by_number_tells_the_hidden_id(pump: Pump) -> None:
    attrs = {"call-id": CALL, "call-creator": NUMBER, "caller_lid": ANN}
    pump.server.send(Node("call", {"from": NUMBER, "id": "c1", "t": "1"}, [Node("offer", attrs)]))
    pump.run()
    (offer,) = pump.events(CallOffer)
    assert (offer.from_.pn, offer.from_.lid) == (str(NUMBER), str(ANN))


def test_a_call_in_a_group_is_told_once(pump: Pump) -> None:
    told(pump, "offer_notice", media="video", type="group", group_jid=GROUP)
    told(pump, "offer_notice", media="video", type="group", group_jid=GROUP)
    (offer,) = pump.events(CallOffer)
    assert (offer.media, offer.group) == ("video", str(GROUP))


def test_what_rang_while_we_were_away_was_missed(pump: Pump) -> None:
    told(pump, "offer", at=pump.now - 3600, offline="1")
    assert not pump.events(CallOffer)
    (missed,) = pump.events(CallMissed)
    assert missed.call_id == CALL
    # Its end, which comes after it, is no second call.
    told(pump, "terminate", reason="timeout", offline="1")
    assert len(pump.events(CallMissed)) == 1


def test_what_still_rings_when_we_are_back_is_an_offer(pump: Pump) -> None:
    told(pump, "offer", offline="1")
    assert len(pump.events(CallOffer)) == 1


def test_taken_and_ended(pump: Pump) -> None:
    told(pump, "offer")
    told(pump, "accept")
    told(pump, "terminate", duration="12")
    told(pump, "terminate", duration="12")
    assert len(pump.events(CallAccepted)) == 1
    assert [event.reason for event in pump.events(CallEnded)] == ["ended"]


def test_chatter_and_nonsense_are_acknowledged_and_counted(pump: Pump) -> None:
    counts = pump.client.ctx.counts
    assert told(pump, "relaylatency")
    assert counts["ignored.call"] == 1
    assert told(pump, "teleport")
    assert counts["unknown.call.teleport"] == 1
    pump.server.send(Node("call", {"from": ANN, "id": "c2", "t": "1"}, [Node("offer")]))
    pump.run()
    assert counts["fault.call"] == 1
    assert pump.heard[-1].text("id") == "c2"
