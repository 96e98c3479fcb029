"""The daemon: how long a call takes, how soon it is there, and what an account that does nothing costs.

A process as an admin runs it, on the sandbox as another process. Events to followers are measured in bench_rpc.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property, partial

import msgspec

from tests.bench.bench_rpc import at
from tests.bench.harness import Row
from tests.bench.posting import Poster
from tests.bench.talkers import Daemon, Stage, rss
from waconnd.client.sync import Connection

#: Accounts that are linked and idle.
MANY = (1, 50, 200)
#: After so long a connection that is lost is dialled again at once (waconnd.policy).
STEADY_SECONDS = 60.0
#: What an account does once it is linked has ended.
SETTLE_SECONDS = 3.0
#: All accounts connect within this, also on a machine that does other things.
READY_SECONDS = 120.0


class Scene:
    """One daemon with one account, and one with many."""

    def __init__(self, stack: ExitStack) -> None:
        self.stage = Stage(stack)
        self._resident: dict[int, float] = {}

    @cached_property
    def daemon(self) -> Daemon:
        daemon = Daemon(self.stage, "owner")
        daemon.start()
        daemon.link()
        with Connection(daemon.path) as connection:
            connection.call("message.send", to=self.friend, text="first", wait="server")
        return daemon

    @cached_property
    def friend(self) -> str:
        return str(self.stage.box.ask("person", who="friend"))

    def _params(self, method: str) -> dict[str, str]:
        return {"message.send": {"to": self.friend, "text": "x", "wait": "queued"}}.get(method, {})

    def lines(self, method: str, part: float) -> float:
        """Milliseconds at a place of the distribution."""
        params = self._params(method)
        with Connection(self.daemon.path) as connection:
            return at(part, lambda: connection.call(method, account="main", **params))

    def http(self, method: str, part: float) -> float:
        body = msgspec.json.encode({"account": "main", **self._params(method)})
        with Poster(self.daemon.path) as post:
            return at(part, lambda: post(method, body))

    def start(self, *, ready: bool) -> float:
        """Milliseconds from the start of a process until it answers, or until its account is ready."""
        self.daemon.stop()
        begun = time.perf_counter()
        self.daemon.start()
        if ready:
            with Connection(self.daemon.path) as connection:
                connection.call("account.wait", account="main", state="ready", timeout_s=20)
        return (time.perf_counter() - begun) * 1000

    def lost_link(self) -> float:
        """Milliseconds from the loss of a connection that had been steady until the account is ready again."""
        with Connection(self.daemon.path) as connection:
            since = _seconds(connection.call("account.wait", account="main", state="ready")["since"])
            time.sleep(max(0.0, since + STEADY_SECONDS + 1 - time.time()))
            after = connection.call("daemon.info")["newest_seq"]
            lost = float(self.stage.box.ask("cut", who=self.daemon.person))
            while True:
                page = connection.call("events.read", after=after, types=["account.state"], wait_s=10)
                for event in page["events"]:
                    if event["data"]["to"] == "ready":
                        return (_seconds(event["at"]) - lost) * 1000
                after = page["next"]

    def resident(self, count: int) -> float:
        """MiB of a daemon with so many accounts, linked and idle."""
        if not self._resident:
            daemon = Daemon(self.stage, "crowd")
            daemon.start()
            for number in range(MANY[-1]):
                daemon.link(f"a{number}", f"crowd {number}")
                if number + 1 in MANY:
                    self._resident[number + 1] = self._idle(daemon)
            daemon.kill()
        return self._resident[count]

    def _idle(self, daemon: Daemon) -> float:
        """MiB of a process that only keeps its accounts connected: what linking them left behind is not idle."""
        # Not `stop`: the newest keys of many accounts are files only after a while, and a disk may be slow.
        daemon.kill()
        daemon.start()
        with Connection(daemon.path, timeout=READY_SECONDS) as connection:
            for account in connection.call("account.list")["accounts"]:
                # The configuration names one more, which nobody links.
                if account["state"] != "unlinked":
                    connection.call("account.wait", account=account["account"], timeout_s=READY_SECONDS)
        time.sleep(SETTLE_SECONDS)
        return rss(daemon.pid)

    def further(self) -> float:
        """MiB of each account after the first."""
        one, _, many = (self.resident(count) for count in MANY)
        return (many - one) / (MANY[-1] - 1)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def rows(stack: ExitStack) -> list[Row]:
    scene = Scene(stack)
    lower: Callable[..., Row] = partial(Row, better="lower")
    return [
        *(
            lower(f"daemon/{method}/{name}/p{part * 100:.0f}", "ms", partial(run, method, part), rounds=1)
            for method in ("account.get", "message.send")
            for name, run in (("lines", scene.lines), ("HTTP", scene.http))
            for part in (0.5, 0.99)
        ),
        lower("daemon/start/first-answer", "ms", partial(scene.start, ready=False), rounds=3),
        lower("daemon/start/ready", "ms", partial(scene.start, ready=True), rounds=3),
        *(
            lower(f"daemon/memory/{count}-accounts", "MiB", partial(scene.resident, count), rounds=1)
            for count in MANY
        ),
        lower("daemon/memory/each-further-account", "MiB", scene.further, rounds=1),
        # Last: it waits until the connection counts as steady.
        lower("daemon/lost-link/ready-again", "ms", scene.lost_link, rounds=1),
    ]
