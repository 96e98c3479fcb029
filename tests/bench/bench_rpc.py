"""The socket: how long a call takes, by lines and by HTTP, and how many events reach 1, 10 and 100 followers.

Server and clients are processes of their own, as in life; the events are rows of a real archive.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.harness import Row
from tests.bench.posting import Poster

CALLS = 2000
EVENTS = 4000
#: A user may hold 32 connections; a hundred followers share them.
CONNECTIONS = 32

SERVER = """
import sys, time
from pathlib import Path
import anyio
from tests.rpc.house import serving

async def main():
    async with serving(Path(sys.argv[1])) as house:
        print("ready", flush=True)
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            for _ in range(int(line) // 40):
                await house.happen(*("hello there" for _ in range(40)))
anyio.run(main)
"""

FOLLOWERS = """
import socket, sys, time, selectors
path, connections, followers, events = sys.argv[1], *map(int, sys.argv[2:])
socks = []
for n in range(min(connections, followers)):
    sock = socket.socket(socket.AF_UNIX); sock.connect(path); socks.append(sock)
for n in range(followers):
    socks[n % len(socks)].sendall(b'{"id":%d,"method":"events.subscribe","params":{"types":["message.*"]}}\\n' % n)
MARK = b'"method":"event"'
tail = dict.fromkeys(socks, b"")
left = {sock: events * len(range(n, followers, len(socks))) for n, sock in enumerate(socks)}
answers = 0
selector = selectors.DefaultSelector()
for sock in socks: selector.register(sock, selectors.EVENT_READ)
started = None
while left:
    for key, _ in selector.select():
        data = key.fileobj.recv(1 << 20)
        answers += data.count(b'"from_seq"')
        # A mark may be cut in two by a read.
        data = tail[key.fileobj] + data
        got = data.count(MARK)
        cut = data.rfind(MARK) + len(MARK) if got else 0
        tail[key.fileobj] = data[max(cut, len(data) - len(MARK) + 1):]
        if started is None and answers == followers:
            print("subscribed", flush=True); started = True
        if got and started is True: started = time.perf_counter()
        if key.fileobj in left:
            left[key.fileobj] -= got
            if left[key.fileobj] <= 0: del left[key.fileobj]
print(time.perf_counter() - started, flush=True)
"""


class Bench:
    """Starts the server when it is first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    @cached_property
    def folder(self) -> Path:
        return Path(self._stack.enter_context(TemporaryDirectory()))

    @cached_property
    def server(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SERVER, str(self.folder)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    @property
    def path(self) -> str:
        assert self.server
        return str(self.folder / "s")

    def lines(self, part: float) -> float:
        """Milliseconds of a call that does nothing, at a place of the distribution."""
        from waconnd.client.sync import Connection

        with Connection(self.path) as connection:
            return at(part, lambda: connection.call("echo.say", text="x"))

    def http(self, part: float) -> float:
        """The same as POST, on a connection that is kept."""
        with Poster(self.path) as post:
            return at(part, lambda: post("echo.say", b'{"text":"x"}'))

    def followers(self, count: int) -> float:
        """Events a second that reach the clients, all followers together."""
        command = [sys.executable, "-c", FOLLOWERS, self.path, str(CONNECTIONS), str(count), str(EVENTS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
            assert clients.stdout is not None
            assert self.server.stdin is not None
            clients.stdout.readline()
            self.server.stdin.write(f"{EVENTS}\n")
            self.server.stdin.flush()
            return EVENTS * count / float(clients.stdout.readline())


def at(part: float, call: Callable[[], object]) -> float:
    """Milliseconds at a place of the distribution."""
    for _ in range(50):
        call()
    times = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.quantiles(times, n=100)[int(part * 100) - 1] * 1000


def command_line() -> float:
    """Milliseconds from typing a command to its end, of which Python's own start is about 15."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "waconnd", "completion", "fish"], capture_output=True, check=True)
    return (time.perf_counter() - begun) * 1000


def rows(stack: ExitStack) -> list[Row]:
    bench = Bench(stack)
    made = [
        Row(
            f"rpc {name} round trip p{part:.0%}".rstrip("%"),
            "ms",
            partial(run, part),
            better="lower",
            rounds=3,
        )
        for name, run in (("lines", bench.lines), ("HTTP", bench.http))
        for part in (0.5, 0.99)
    ]
    made += [
        Row(f"rpc events to {count} followers", "events/s", partial(bench.followers, count), rounds=3)
        for count in (1, 10, 100)
    ]
    return [*made, Row("cli start", "ms", command_line, better="lower")]
