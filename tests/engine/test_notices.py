"""Every notification and every `ib` that is known has a handler or is left aside on purpose; the rest is counted."""

from __future__ import annotations

import pytest

from protocol.engine.states import Link
from protocol.jid import SERVER, Jid
from protocol.node import Node
from tests.support.pump import Host, Pump
from tests.support.scenes import logged_in
from tests.support.toy_server import Toy

ANN = Jid("15550002222", "s.whatsapp.net")
GROUP = Jid("120363000000000001", "g.us")

#: Types of `<notification>`, each with a child as it may come.
NOTICES = {
    "encrypt": Node("count", {"value": "200"}),
    "server_sync": Node("collection", {"name": "regular", "version": "3"}),
    "account_sync": Node("privacy"),
    "devices": Node("update", {"hash": "AbCd"}),
    "w:gp2": Node("announcement"),
    "picture": Node("set", {"id": "1", "jid": ANN}),
    "status": Node("set", {}, b"On a boat"),
    "contacts": Node("update", {"jid": ANN}),
    "privacy_token": Node("tokens"),
    "disappearing_mode": Node("disappearing_mode", {"duration": "86400", "t": "1"}),
    "mediaretry": Node("error", {"code": "2"}),
    "newsletter": Node("live_updates"),
    "mex": Node(
        "update",
        {"op_name": "NotificationNewsletterUpdate"},
        b'{"data":{"xwa2_notify_newsletter_on_leave":{}}}',
    ),
    "business": Node("verified_name", {"jid": ANN}),
    "link_code_companion_reg": Node("link_code_companion_reg"),
    "companion_reg_refresh": Node("companion_reg_refresh"),
    "passkey_prologue_request": Node("passkey_request_options", {}, b"{}"),
    "crsc_continuation": Node("crsc_continuation"),
    "registration": Node("wa_old_registration", {"code": "123456"}),
    "server": Node("abprops"),
    "psa": Node("campaign"),
    "pay": Node("pay"),
    "hosted": Node("hosted"),
    "waffle": Node("waffle"),
    "w:growth": Node("growth"),
    "digital_commerce_subscription": Node("subscription"),
    "fb:update": Node("update"),
    "fb:call": Node("call"),
    "fbid:devices": Node("devices"),
    "fbid:thread": Node("thread"),
}
IB = {
    "offline_preview": {"count": "0"},
    "offline": {"count": "0"},
    "priority_offline_complete": {},
    "thread_metadata": {},
    "dirty": {"type": "groups", "timestamp": "1"},
    "edge_routing": {},
    "downgrade_webclient": {},
    "client_expiration": {"t": "99"},
    "tos": {},
    "spam": {},
    "recovery_nonce": {},
}


@pytest.fixture
def pump() -> Pump:
    pump = logged_in(Host(), Toy())
    pump.heard.clear()
    return pump


def unknown(pump: Pump) -> list[str]:
    return [
        what for what in pump.client.ctx.counts if what.startswith(("unknown.notification.", "unknown.ib."))
    ]


@pytest.mark.parametrize("type", NOTICES)
@pytest.mark.parametrize("bare", [False, True])
def test_every_notification_is_handled_and_acknowledged(pump: Pump, type: str, bare: bool) -> None:
    origin = GROUP if type == "w:gp2" else ANN if type in ("picture", "status", "devices") else SERVER
    head = {"from": origin, "type": type, "id": "n1", "t": "1"}
    pump.server.send(Node("notification", head, [] if bare else [NOTICES[type]]))
    pump.run()
    acks = [node for node in pump.heard if node.tag == "ack"]
    assert [(node.text("id"), node.text("class"), node.text("type")) for node in acks] == [
        ("n1", "notification", type)
    ]
    assert not unknown(pump)
    assert pump.client.state is Link.READY


@pytest.mark.parametrize("tag", IB)
def test_every_ib_is_handled(pump: Pump, tag: str) -> None:
    pump.server.send(Node("ib", {"from": SERVER}, [Node(tag, dict(IB[tag]))]))
    pump.run()
    assert not unknown(pump)
    assert not [node for node in pump.heard if node.tag == "ack"]


def test_what_nobody_knows_is_counted_and_its_shape_is_kept(pump: Pump) -> None:
    for node in (
        Node(
            "notification", {"from": SERVER, "type": "tarot", "id": "n1", "t": "1"}, [Node("card", {}, b"x")]
        ),
        Node("ib", {"from": SERVER}, [Node("weather", {"secret": "rain"})]),
    ):
        pump.server.send(node)
    pump.run()
    assert unknown(pump) == ["unknown.notification.tarot", "unknown.ib.weather"]
    assert [node.tag for node in pump.heard] == ["ack"]
    shapes = " ".join(pump.client.ctx.strange)
    assert "card" in shapes
    assert "rain" not in shapes
