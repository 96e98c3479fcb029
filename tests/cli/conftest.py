"""A real daemon in a process of its own; its WhatsApp is a port where nobody answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest


class Installed:
    """A daemon and the command line beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.log = folder / "log"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "WACONND_SOCKET": str(self.socket),
            "WACONND_CONFIG": str(folder / "waconnd.toml"),
            "WACONND_ENDPOINT_WEBSOCKET_URL": "ws://127.0.0.1:9/ws",
        }
        (folder / "waconnd.toml").write_text("[log]\nlevel = 'debug'\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "waconnd", "serve", "--state", str(self.folder / "state")]
        command += ["--cache", str(self.folder / "cache"), "--socket", str(self.socket), *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environ, stderr=log, stdout=log)
        give_up = time.monotonic() + 20
        while self.run("call", "rpc.whoami").returncode:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < give_up, self.log.read_text()
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(10)

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "waconnd", *arguments]
        return subprocess.run(
            command, env=self.environ | environ, input=stdin, text=True, capture_output=True, timeout=40
        )

    def json(self, *arguments: str) -> list:
        done = self.run("--json", *arguments)
        assert done.returncode in (0, 3, 75), (done.returncode, done.stderr)
        return [msgspec.json.decode(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Iterator[Installed]:
    it = Installed(tmp_path_factory.mktemp("waconnd"))
    it.start()
    yield it
    if it.process is not None and it.process.poll() is None:
        assert it.stop() == 0, it.log.read_text()
