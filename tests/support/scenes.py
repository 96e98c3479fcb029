"""The beginnings that tests of a connection share."""

from __future__ import annotations

from typing import Any

from protocol.engine.states import Link
from protocol.events.pairing import QrShown
from tests.support.pump import Host, Pump
from tests.support.toy_server import Toy


def connected(host: Host, toy: Toy, **more: Any) -> Pump:
    """A new connection, as far as it gets by itself."""
    pump = Pump(host, toy.serve, **more)
    pump.on_login = toy.greet
    pump.advance(0)
    return pump


def paired(host: Host, toy: Toy) -> Pump:
    """Scanned at once; the server has ended the connection."""
    pump = connected(host, toy)
    assert pump.client.state is Link.SHOWING_QR
    toy.scan(pump, shown(pump))
    assert pump.client.verdict is not None
    return pump


def logged_in(host: Host, toy: Toy, **more: Any) -> Pump:
    """Paired before, and ready (or on the way there)."""
    if toy.linked is None:
        paired(host, toy)
    return connected(host, toy, **more)


def shown(pump: Pump) -> str:
    """The newest QR code."""
    event = pump.events(QrShown)[-1]
    assert isinstance(event, QrShown)
    return event.code
