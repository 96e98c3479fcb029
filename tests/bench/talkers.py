"""Who is measured with messages: waconnd and Baileys, each a process with a person's account on one sandbox."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from tests.tools import npm
from waconnd.client.sync import Connection, Unreachable

ROOT: Final = Path(__file__).parents[2]
#: Programs that send at the same time, and how many of their messages are under way together. One connection may have 64
#: calls unfinished; with one alone both sides wait more than they work.
SCRIPTS: Final = 4
AT_ONCE: Final = SCRIPTS * 64
START_SECONDS: Final = 15.0
#: The server has it; the friend's device may have been quicker than the answer.
REACHED: Final = (b'"status":"server_ack"', b'"status":"delivered"')

#: Counts what a follower is sent; with `times` it also says when each message came.
FOLLOWER: Final = """
import json, socket, sys, time
path, count, times = sys.argv[1], int(sys.argv[2]), len(sys.argv) > 3
sock = socket.socket(socket.AF_UNIX); sock.connect(path)
sock.sendall(b'{"id":1,"method":"events.subscribe","params":{"types":["message.received"]}}\\n')
stream = sock.makefile("rb", buffering=1 << 20)
stream.readline()
print("ready", flush=True)
came = {}
while count:
    line = stream.readline()
    if b'"type":"message.received"' in line:
        count -= 1
        if times: came[json.loads(line)["params"]["data"]["id"]] = time.time()
print(json.dumps({"last": time.time(), "came": came}), flush=True)
"""


class Piped:
    """A process that answers JSON lines."""

    def __init__(self, stack: ExitStack, command: list[str], **more: Any) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
        stack.callback(self.process.wait)
        stack.callback(self.process.kill)

    def tell(self, **asked: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(asked) + b"\n")
        self.process.stdin.flush()

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = b""
        # libsignal-node talks on the same pipe.
        while not text.startswith(b"{"):
            text = self.process.stdout.readline() or b'{"error":"it has ended"}'
        said: dict[str, Any] = msgspec.json.decode(text)
        if "error" in said:
            raise RuntimeError(said["error"])
        return said

    def ask(self, op: str, **args: Any) -> Any:
        self.tell(op=op, **args)
        return self.line()["result"]


def cpu(pid: int) -> float:
    """Seconds of processor that a process has used, by all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid: int) -> float:
    """Resident memory in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


class Stage:
    """The sandbox process; started when first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    @cached_property
    def box(self) -> Piped:
        return Piped(self.stack, [sys.executable, "-m", "tests.support.stage"], cwd=ROOT)

    @cached_property
    def where(self) -> dict[str, str]:
        told: dict[str, str] = self.box.ask("hello")
        return told


class Daemon:
    """A waconnd process as an admin runs it: durable settings on."""

    def __init__(self, stage: Stage, person: str) -> None:
        self.stage, self.person = stage, person
        self.process: subprocess.Popen[bytes] | None = None

    @cached_property
    def folder(self) -> Path:
        folder = Path(self.stage.stack.enter_context(TemporaryDirectory(prefix="waconnd-bench-")))
        (folder / "c.toml").write_text(
            f'[daemon]\nstate_dir = "{folder}/state"\ncache_dir = "{folder}/cache"\nsocket = "{folder}/s"\n'
            "start_interval_ms = 0\n"
            f'[endpoint]\nwebsocket_url = "{self.stage.where["url"]}"\n'
            f'noise_root_key = "{self.stage.where["root"]}"\nmedia_scheme = "http"\n[log]\nlevel = "error"\n'
            "[account.main]\nmessages_per_minute = 1000000\n"
        )
        return folder

    @property
    def path(self) -> str:
        return str(self.folder / "s")

    def start(self) -> None:
        """A process, and its first answer."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "waconnd", "serve", "--config", str(self.folder / "c.toml")], cwd=ROOT
        )
        self.stage.stack.callback(self.stop)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with Connection(self.path) as connection:
                    connection.call("daemon.info")
                return
            except Unreachable:
                time.sleep(0.002)
        raise RuntimeError("the daemon did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """As if the power went."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def link(self, account: str = "main", person: str = "") -> None:
        """Pair by QR code."""
        with Connection(self.path) as connection:
            connection.call("account.create", account=account)
            code = connection.call("pair.qr", account=account)["code"]
            self.stage.box.ask("scan", who=person or self.person, qr=code)
            connection.call("account.wait", account=account, state="ready", timeout_s=20)


class Waconnd:
    """Our side of the message rows."""

    name = "waconnd"

    def __init__(self, stage: Stage) -> None:
        self.stage, self.person = stage, "ours"

    @cached_property
    def daemon(self) -> Daemon:
        daemon = Daemon(self.stage, self.person)
        daemon.start()
        daemon.link()
        return daemon

    @property
    def pid(self) -> int:
        return self.daemon.pid

    def start(self) -> None:
        assert self.daemon

    def follower(self, count: int, *times: str) -> Piped:
        follower = Piped(
            self.stage.stack, [sys.executable, "-c", FOLLOWER, self.daemon.path, str(count), *times]
        )
        assert follower.process.stdout is not None
        follower.process.stdout.readline()
        return follower

    def receive(self, count: int) -> float:
        """Seconds from the first message's leaving to the last one's coming to a follower."""
        follower = self.follower(count)
        told = self.stage.box.ask("go")
        return float(follower.line()["last"]) - float(told["started"])

    def send(self, to: str, count: int) -> float:
        """Seconds until the server has all."""
        share, more = divmod(count, SCRIPTS)
        begun = time.perf_counter()
        with ThreadPoolExecutor(SCRIPTS) as pool:
            list(pool.map(partial(self._script, to), [share + (place < more) for place in range(SCRIPTS)]))
        return time.perf_counter() - begun

    def _script(self, to: str, count: int) -> None:
        """One of the programs that send: as many calls at once as one connection may have."""
        ask = b'{"id":%d,"method":"message.send","params":{"to":"%b","text":"message %d","wait":"server"}}\n'
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.daemon.path)
            first = min(AT_ONCE // SCRIPTS, count)
            sock.sendall(b"".join(ask % (n, to.encode(), n) for n in range(first)))
            for place, line in enumerate(_lines(sock, count)):
                if not any(status in line for status in REACHED):
                    raise RuntimeError(line.decode()[:300])
                if place + first < count:
                    sock.sendall(ask % (place + first, to.encode(), place + first))


def _lines(sock: socket.socket, count: int) -> Iterator[bytes]:
    stream = sock.makefile("rb")
    for _ in range(count):
        yield stream.readline()


class Baileys:
    """The peer: with its multi-file auth state on disk, or with auth in memory."""

    def __init__(self, stage: Stage, *, files: bool) -> None:
        self.stage, self._files = stage, files
        self.person = "files" if files else "memory"
        self.name = "Baileys, multi-file auth" if files else "Baileys, auth in memory"

    @cached_property
    def missing(self) -> str:
        return npm.why_not()

    @cached_property
    def node(self) -> Piped:
        where = self.stage.where
        environment = {
            **os.environ,
            "SANDBOX_ROOT": where["root"],
            "SANDBOX_MEDIA": where["media"],
            "NODE_NO_WARNINGS": "1",
        }
        command = ["node", "--import", "./register.mjs", "bench/messages.mjs"]
        node = Piped(self.stage.stack, command, cwd=npm.FOLDER, env=environment)
        folder = self.stage.stack.enter_context(TemporaryDirectory()) if self._files else ""
        node.tell(op="start", id=1, url=where["url"], folder=folder)
        linked = False
        while "open" not in (said := node.line()):
            if "qr" in said and not linked:
                self.stage.box.ask("scan", who=self.person, qr=said["qr"])
                linked = True
        # Its first sync is over when it has waited for the history.
        time.sleep(2.0)
        return node

    @property
    def pid(self) -> int:
        return self.node.process.pid

    def start(self) -> None:
        assert self.node

    def _ask(self, op: str, **args: Any) -> Any:
        self.node.tell(id=2, op=op, **args)
        return self._answer()

    def _answer(self) -> Any:
        while "result" not in (said := self.node.line()):
            pass
        return said["result"]

    def receive(self, count: int) -> float:
        """Seconds from the first message's leaving to the last one's coming to a listener."""
        self._ask("arm")
        self.node.tell(id=3, op="expect", count=count)
        told = self.stage.box.ask("go")
        return float(self._answer()["last"]) - float(told["started"])

    def send(self, to: str, count: int) -> float:
        """Seconds until the server has all."""
        jid = to if "@" in to else f"{to.lstrip('+')}@s.whatsapp.net"
        return float(self._ask("send", to=jid, count=count, at_once=AT_ONCE))
