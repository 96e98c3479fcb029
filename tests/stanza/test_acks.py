from __future__ import annotations

import pytest

from protocol.jid import SERVER, STATUS, Jid
from protocol.node import Node
from protocol.stanza import iq
from protocol.stanza.acks import PARSING_ERROR, ack
from protocol.stanza.receipt import app_data
from protocol.wire.codec import decode, encode

ANN = Jid("15550002222", "s.whatsapp.net", 3)
GROUP = Jid("120363000000000001", "g.us")
ME = Jid("15550001111", "s.whatsapp.net", 7)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (
            Node("notification", {"from": SERVER, "type": "server_sync", "id": "1", "t": "9"}),
            {"class": "notification", "id": "1", "to": SERVER, "type": "server_sync"},
        ),
        (
            Node("notification", {"from": GROUP, "type": "w:gp2", "id": "2", "participant": ANN}),
            {"class": "notification", "id": "2", "to": GROUP, "type": "w:gp2", "participant": ANN},
        ),
        # A receipt without a type stays without one; a participant that is the sender is left out.
        (Node("receipt", {"from": ANN, "id": "3"}), {"class": "receipt", "id": "3", "to": ANN}),
        (
            Node("receipt", {"from": ANN, "id": "4", "type": "read", "participant": ANN}),
            {"class": "receipt", "id": "4", "to": ANN, "type": "read"},
        ),
        (
            Node("receipt", {"from": GROUP, "id": "5", "participant": ANN, "recipient": ME}),
            {"class": "receipt", "id": "5", "to": GROUP, "participant": ANN, "recipient": ME},
        ),
        (Node("call", {"from": ANN, "id": "6"}), {"class": "call", "id": "6", "to": ANN}),
        (
            Node("message", {"from": GROUP, "id": "7", "type": "text", "participant": ANN}),
            {"class": "message", "id": "7", "to": GROUP, "participant": ANN, "from": ME, "type": "text"},
        ),
        (
            Node("status", {"from": STATUS, "id": "8", "type": "media", "participant": ANN}),
            {"class": "status", "id": "8", "to": STATUS, "participant": ANN, "from": ME, "type": "media"},
        ),
        (
            Node("notification", {"from": ANN, "type": "encrypt", "id": "9"}, [Node("identity")]),
            {"class": "notification", "id": "9", "to": ANN},
        ),
    ],
)
def test_every_class(node, expected):
    answer = ack(node, me=ME)
    assert answer.tag == "ack" and answer.content is None
    assert answer.attrs == expected
    assert decode(encode(answer)) == answer


def test_a_negative_ack_names_its_code():
    node = Node("message", {"from": ANN, "id": "1", "recipient": GROUP})
    attrs = ack(node, error=PARSING_ERROR).attrs
    assert attrs["error"] == "487" and attrs["recipient"] == GROUP and attrs["to"] == ANN


@pytest.mark.parametrize(
    ("attrs", "children", "expected"),
    [
        ({"type": "get", "xmlns": "urn:xmpp:ping", "id": "1"}, None, True),
        ({"xmlns": "urn:xmpp:ping"}, None, True),
        ({"type": "get", "id": "1"}, [Node("ping")], True),
        ({"type": "result", "xmlns": "urn:xmpp:ping"}, None, False),
        ({"type": "error", "id": "1"}, [Node("ping")], False),
        ({"type": "get", "xmlns": "md"}, None, False),
    ],
)
def test_what_is_a_server_ping(attrs, children, expected):
    assert iq.is_ping(Node("iq", attrs, children)) is expected


def test_ids_are_unique_on_a_connection_and_differ_between_two():
    one, two = iq.Ids(lambda n: b"\x01\x02"), iq.Ids(lambda n: b"\xff\x00")
    ids = [one() for _ in range(100)] + [two() for _ in range(100)]
    assert len(set(ids)) == 200 and ids[0] == "1.2-1"


def test_app_data_of_other_products_is_answered_by_a_receipt():
    node = Node("appdata", {"from": ANN, "id": "1", "category": "peer"}, [Node("enc", {"v": "3"}, b"x")])
    assert app_data(node) == Node("receipt", {"id": "1", "category": "peer_appdata", "to": ANN})
