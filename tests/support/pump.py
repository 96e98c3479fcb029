"""Two ends in memory under a virtual clock: what a host and a network do around them, with loss on demand."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator

from protocol.creds import CREDS, CREDS_ID, new_creds
from protocol.crypto.curve import from_private
from protocol.crypto.primitives import pbkdf2
from protocol.effects import Close, Query, Question, Save, Send
from protocol.engine.connection import Connection
from protocol.engine.server import Faults, ServerConnection
from protocol.errors import RemoteProtocolError
from protocol.events.base import Event
from protocol.flows.context import Settings
from protocol.flows.questions import StretchCode
from protocol.keystore import Changes, Keystore
from protocol.node import Node
from protocol.noise.certificate import issue_chain

START = 1_767_225_600.0
ROOT = from_private(bytes(range(1, 33)))
SERVER_STATIC = from_private(bytes(range(65, 97)))


def chain(
    root: bytes = ROOT.private,
    key: bytes = SERVER_STATIC.public,
    *,
    begin: float = START - 86400,
    days: float = 365,
) -> bytes:
    rng = random.Random(7)
    end = int(begin + days * 86400)
    return issue_chain(root, key, not_before=int(begin), not_after=end, entropy=rng.randbytes)


class Disk:
    """A dict that plays the host's store."""

    def __init__(self) -> None:
        self.records: Changes = {}
        self.events: list[Event] = []

    def get(self, kind: str, id: str) -> bytes | None:
        return self.records.get((kind, id))

    def ids(self, kind: str) -> list[str]:
        return [i for k, i in self.records if k == kind]

    def save(self, save: Save) -> None:
        self.events += save.events
        for key, value in save.changes.items():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value


class Host:
    """One account's host: its disk, its keystore, and a connection at a time."""

    def __init__(self, seed: int = 1, settings: Settings | None = None, *, root: bytes = ROOT.public) -> None:
        self.rng = random.Random(seed)
        self.now = START
        self.disk = Disk()
        self.settings = settings or Settings()
        self.root = root
        self.resume = True
        CREDS_BYTES = CREDS.encode(new_creds(self.rng.randbytes, self.now))
        self.disk.records[CREDS.kind, CREDS_ID] = CREDS_BYTES
        self.store = Keystore(self.disk)
        self.events: list[Event] = []
        #: Saves are kept back while False.
        self.durable = True
        self.unsaved: deque[Save] = deque()
        self.questions: list[Query] = []

    def connect(self) -> Connection:
        return Connection(
            self.store, self.rng.randbytes, self.settings, self.root, self.now, resume=self.resume
        )

    def reboot(self) -> None:
        """A new process on the same disk."""
        self.store = Keystore(self.disk)


Serve = Callable[["Pump", Node], None]
Network = Callable[[bytes], Iterator[bytes]]


def dropped(nth: int) -> Network:
    """A network that loses the nth message."""
    return _at(nth, lambda data: iter(()))


def doubled(nth: int) -> Network:
    """A network that brings the nth message twice."""
    return _at(nth, lambda data: iter((data, data)))


def _at(nth: int, odd: Network) -> Network:
    count = 0

    def carry(data: bytes) -> Iterator[bytes]:
        nonlocal count
        count += 1
        return odd(data) if count == nth else iter((data,))

    return carry


class Pump:
    """Carries everything between a client and a server until nothing moves; time passes by `advance`."""

    def __init__(
        self,
        host: Host,
        serve: Serve | None = None,
        *,
        faults: Faults | None = None,
        server_chain: bytes = b"",
    ) -> None:
        self.host = host
        self.serve = serve or (lambda pump, node: None)
        self.client = host.connect()
        self.server = ServerConnection(
            SERVER_STATIC, server_chain or chain(), random.Random(99).randbytes, host.now, faults
        )
        self.heard: list[Node] = []
        #: Called once, when the handshake is through.
        self.on_login: Callable[[Pump], None] | None = None
        self.to_server: Network = lambda data: iter((data,))
        self.to_client: Network = lambda data: iter((data,))
        #: Neither end hears the other any more, and nobody is told.
        self.dead = False
        self.client_closed: Close | None = None
        self.server_closed: Close | None = None
        self.complaint: RemoteProtocolError | None = None
        self.run()

    @property
    def now(self) -> float:
        return self.host.now

    def run(self) -> None:
        for _ in range(10_000):
            if not (self._client_out() | self._server_out()):
                return
        raise AssertionError("the two ends never come to rest")

    def advance(self, seconds: float) -> None:
        """Let time pass, firing every deadline on its way."""
        end = self.now + seconds
        for _ in range(1_000_000):
            self.run()
            due = self.client.deadline()
            if due is None or due > end:
                self.host.now = end
                return
            self.host.now = max(self.now, due)
            self.client.handle_deadline(self.now)
        raise AssertionError("deadlines without end")

    def drop(self) -> None:
        """The network is gone, and the client notices."""
        self.client.lost(self.now)
        self.run()

    def events(self, kind: type[Event]) -> list[Event]:
        return [event for event in (*self.host.disk.events, *self.host.events) if isinstance(event, kind)]

    def save(self) -> None:
        """Make durable what was kept back."""
        while self.host.unsaved:
            save = self.host.unsaved.popleft()
            self.host.disk.save(save)
            self.client.committed(save.number, self.now)
        self.run()

    def _client_out(self) -> bool:
        client, host = self.client, self.host
        outputs = client.outputs()
        host.events += client.events()
        for output in outputs:
            match output:
                case Save():
                    host.unsaved.append(output)
                    if host.durable:
                        self._save_now()
                case Query(token, question):
                    host.questions.append(output)
                    if isinstance(question, StretchCode):
                        client.answer(token, self.stretch(question), self.now)
                case Close():
                    self.client_closed = output
                case Send(data):
                    for part in self.to_server(data):
                        if not self.dead and not self.server.closed:
                            self._deliver(part)
        return bool(outputs)

    def _save_now(self) -> None:
        while self.host.unsaved:
            save = self.host.unsaved.popleft()
            self.host.disk.save(save)
            self.client.committed(save.number, self.now)

    @staticmethod
    def stretch(question: Question) -> bytes:
        assert isinstance(question, StretchCode)
        return pbkdf2(question.password, question.salt, question.iterations)

    def _deliver(self, data: bytes) -> None:
        try:
            self.server.receive(data, self.now)
        except RemoteProtocolError as error:
            self.complaint = error
            self.server.close(1006, str(error))

    def _server_out(self) -> bool:
        server = self.server
        if server.login is not None and self.on_login is not None:
            greet, self.on_login = self.on_login, None
            greet(self)
        for node in server.stanzas():
            self.heard.append(node)
            self.serve(self, node)
        outputs = server.outputs()
        for output in outputs:
            if isinstance(output, Close):
                self.server_closed = output
                if not self.dead:
                    self.client.lost(self.now, output.code)
            else:
                for part in self.to_client(output.data):
                    if not self.dead:
                        self.client.receive(part, self.now)
        return bool(outputs)
