"""Hypothesis drives a connection with whatever a host, a network and a server may do, in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol.creds import CREDS, CREDS_ID
from protocol.effects import Save
from protocol.engine.server import Faults
from protocol.engine.states import LINK, Link
from protocol.errors import TimedOut
from protocol.events.connection import StanzaFailed
from protocol.events.pairing import CodeShown, QrShown
from protocol.flows.link_code import link_code
from protocol.flows.login import logout
from protocol.jid import GROUP_SERVER, SERVER, STATUS, Jid
from protocol.node import Node
from protocol.stanza import iq, linkcode, pairing, passkey, session
from protocol.wire.framing import frame
from tests.support.pump import Host, Pump, chain
from tests.support.toy_server import LID_JID, PN, Toy

TAGS = st.sampled_from(
    [
        "iq",
        "ib",
        "notification",
        "message",
        "receipt",
        "call",
        "presence",
        "chatstate",
        "success",
        "failure",
        "stream:error",
        "xmlstreamend",
        "ack",
        "status",
        "appdata",
        "error",
        "pair-device",
        "pair-success",
        "ref",
        "device",
        "device-identity",
        "count",
        "list",
        "offline",
        "offline_preview",
        "dirty",
        "edge_routing",
        "routing_info",
        "ping",
        "enc",
        "participants",
        "link_code_companion_reg",
        "set",
        "sync",
        "collection",
    ]
)
JIDS = st.sampled_from(
    [
        SERVER,
        GROUP_SERVER,
        STATUS,
        PN,
        LID_JID,
        Jid("120363000000000001", "g.us"),
        Jid("15550002222", "s.whatsapp.net"),
    ]
)
WORDS = st.sampled_from(
    [
        "get",
        "set",
        "result",
        "error",
        "0",
        "1",
        "-1",
        "401",
        "402",
        "515",
        "99999999999",
        "md",
        "w:p",
        "encrypt",
        "account_sync",
        "w:gp2",
        "devices",
        "text",
        "media",
        "read",
        "retry",
        "sender",
        "server_sync",
        "link_code_companion_reg",
        "companion_reg_refresh",
        "passkey_prologue_request",
        "conflict",
    ]
)
NAMES = st.sampled_from(
    [
        "id",
        "type",
        "from",
        "to",
        "t",
        "xmlns",
        "code",
        "reason",
        "count",
        "participant",
        "recipient",
        "offline",
        "lid",
        "jid",
        "class",
        "expire",
        "stage",
        "value",
    ]
)
CONTENT = st.recursive(
    st.none() | st.binary(max_size=40) | st.sampled_from(["2@ref", "x"]),
    lambda inner: st.lists(
        st.builds(Node, TAGS, st.dictionaries(NAMES, JIDS | WORDS, max_size=4), inner), min_size=1, max_size=3
    ),
    max_leaves=6,
)
NODES = st.builds(Node, TAGS, st.dictionaries(NAMES, JIDS | WORDS, max_size=6), CONTENT)
KNOWN = st.sampled_from(
    [
        session.success(1_767_225_600, LID_JID),
        session.failure(401),
        session.failure(402, expire="60"),
        session.failure(405),
        session.failure(500),
        session.stream_error(515),
        session.stream_error(503),
        session.conflict("replaced"),
        session.conflict("device_removed"),
        session.ib(Node("offline_preview", {"count": "300"})),
        session.ib(Node("offline", {"count": "0"})),
        session.ib(Node("dirty", {"type": "groups", "timestamp": "1"})),
        session.ib(Node("edge_routing", {}, [Node("routing_info", {}, b"abc")])),
        pairing.pair_device("p", ["2@a", "2@b"]),
        pairing.refresh_notification("n", 1.0),
        passkey.request_notification("k", 1.0),
        linkcode.refresh_code("r", 1.0, b"ref"),
        iq.result(Node("iq", {"from": SERVER, "id": "1.1-1"})),
        Node("iq", {"from": SERVER, "xmlns": iq.SERVER_PING, "type": "get"}),
    ]
)


#: What may come out of a handler or a flow when a stanza makes no sense.
EXPECTED = {"BadNode", "IqError", "TimedOut", "PasskeyError", "LinkCodeError", "TypeError"}


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.host, self.toy = Host(), Toy()
        self.pump: Pump | None = None
        self.was_linked = False

    @initialize(linked=st.booleans())
    def begin(self, linked: bool) -> None:
        if linked:
            pump = Pump(self.host, self.toy.serve)
            pump.on_login = self.toy.greet
            pump.advance(0)
            self.toy.scan(pump, str(pump.events(QrShown)[-1].code))
        self.connect(Faults(), bad_chain=False, greet=True)

    def connect(self, faults: Faults, *, bad_chain: bool, greet: bool) -> None:
        if self.host.store.broken:
            self.host.reboot()
        self.host.unsaved.clear()
        # A write that was never reported leaves no hole: what is staged was saved by the host before.
        self.host.reboot()
        self.host.durable = True
        serve = self.toy.serve
        self.pump = Pump(
            self.host, serve, faults=faults, server_chain=chain(root=b"\x22" * 32) if bad_chain else b""
        )
        if greet:
            self.pump.on_login = self.toy.greet
        self.pump.advance(0)

    @property
    def live(self) -> Pump:
        assert self.pump is not None
        return self.pump

    @precondition(lambda self: self.pump and self.pump.client.verdict)
    @rule(
        faults=st.sampled_from(
            [
                Faults(),
                Faults(),
                Faults(sliver=1),
                Faults(sliver=7),
                Faults(resume="fallback"),
                Faults(garbage=True),
            ]
        ),
        bad_chain=st.sampled_from([False, False, False, False, True]),
        greet=st.sampled_from([True, True, True, False]),
    )
    def again(self, faults: Faults, bad_chain: bool, greet: bool) -> None:
        self.connect(faults, bad_chain=bad_chain, greet=greet)

    @rule(data=st.binary(max_size=60), whole=st.booleans())
    def foreign_bytes(self, data: bytes, whole: bool) -> None:
        self.live.client.receive(frame(data) if whole else data, self.live.now)
        self.live.run()

    @rule(text=st.text(max_size=10))
    def text_frame(self, text: str) -> None:
        self.live.client.receive(text, self.live.now)

    @rule(data=st.binary(max_size=40))
    def unreadable_stanza(self, data: bytes) -> None:
        self.live.server.send_encoded(b"\x00" + data)
        self.live.run()

    @rule(nodes=st.lists(NODES, min_size=1, max_size=5))
    def strange_stanzas(self, nodes: list[Node]) -> None:
        self.live.server.send(*nodes)
        self.live.run()

    @rule(node=KNOWN)
    def plausible_stanza(self, node: Node) -> None:
        self.live.server.send(node)
        self.live.run()

    @rule(seconds=st.sampled_from([0, 0.05, 1, 16, 21, 61, 200, 4000]))
    def time_passes(self, seconds: float) -> None:
        self.live.advance(seconds)

    @rule(seconds=st.floats(0, 100))
    def deadline_at_any_time(self, seconds: float) -> None:
        self.host.now += seconds
        self.live.client.handle_deadline(self.host.now)
        self.live.run()

    @rule()
    def disk_stalls(self) -> None:
        self.host.durable = False

    @rule()
    def disk_goes_on(self) -> None:
        self.host.durable = True
        self.live.save()

    @rule()
    def server_falls_silent(self) -> None:
        self.toy.silent = not self.toy.silent

    @rule(how=st.sampled_from([1000, 1001, 1006, 1011, 4999, "stopped", "reconnect", "disk"]))
    def it_ends(self, how: int | str) -> None:
        client = self.live.client
        if how == "disk":
            client.failed()
            self.host.unsaved.clear()
        elif isinstance(how, str):
            client.close(self.live.now, how)
        else:
            client.lost(self.live.now, how)
        self.live.run()

    @rule()
    def scan(self) -> None:
        codes: list[Any] = self.live.events(QrShown)
        if codes and self.toy.newcomer is not None and not self.live.server.closed:
            try:
                self.toy.scan(self.live, codes[-1].code)
            except AssertionError:
                pass  # An old code: the phone ignores it.

    @rule()
    def ask_for_a_link_code(self) -> None:
        self.live.client.start(link_code(self.live.client.ctx, "15550001111"), self.live.now)
        self.live.run()

    @precondition(lambda self: self.toy.hello is not None)
    @rule(right=st.booleans())
    def type_the_code(self, right: bool) -> None:
        codes: list[Any] = self.live.events(CodeShown)
        if codes and not self.live.server.closed:
            self.toy.type_code(self.live, codes[-1].code if right else "11111111")

    @precondition(lambda self: self.pump and self.pump.client.ctx.creds().account)
    @rule()
    def log_out(self) -> None:
        self.live.client.start(logout(self.live.client.ctx), self.live.now)
        self.live.run()

    @rule(token=st.integers(0, 300), value=st.sampled_from([b"x" * 32, True, TimedOut("nobody"), 5]))
    def answer_anything(self, token: int, value: object) -> None:
        self.live.client.answer(token, value, self.live.now)
        self.live.run()

    @rule(number=st.integers(-1, 10_000))
    def committed_late(self, number: int) -> None:
        self.live.client.committed(min(number, self.host.store.durable), self.live.now)

    # --- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def ready_needs_credentials(self) -> None:
        if self.pump and self.pump.client.state in (Link.READY, Link.SYNCING):
            assert self.pump.client.ctx.creds().account is not None

    @invariant()
    def no_state_without_an_exit(self) -> None:
        if not self.pump:
            return
        client = self.pump.client
        assert LINK[client.state]
        if client.verdict is None:
            assert client.deadline() is not None, f"{client.state} would last for ever"
            assert client.state not in (Link.IDLE, Link.WAITING, Link.CONFLICT, Link.CLOSING)
        else:
            assert client.deadline() is None
            assert client.state in (Link.IDLE, Link.WAITING, Link.CONFLICT, Link.CLOSING)
            assert not [out for out in client.outputs() if not isinstance(out, Save)], (
                "something left after the end"
            )
            assert self.pump.client_closed is not None

    @invariant()
    def credentials_on_disk_are_never_lost(self) -> None:
        raw = self.host.disk.get(CREDS.kind, CREDS_ID)
        assert raw is not None
        linked = CREDS.decode(raw).account is not None
        assert linked or not self.was_linked
        self.was_linked = linked

    @invariant()
    def only_known_faults(self) -> None:
        """What strangers send is refused by typed errors; anything else in a handler would be a bug of ours."""
        if self.pump:
            # Of what the server refuses it says only a code.
            told = [event for event in self.pump.events(StanzaFailed) if event.stanza != "sent"]
            bugs = {event.error for event in told} - EXPECTED
            assert not bugs


Machine.TestCase.settings = settings(
    max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestConnectionMachine = Machine.TestCase
