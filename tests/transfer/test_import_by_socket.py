"""The real daemon and the real command line: a folder goes in, a backup and a folder come out, and go in again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.vectors import FOLDER


class Daemon:
    def __init__(self, folder: Path) -> None:
        self.socket = folder / "w.sock"
        config = folder / "waconnd.toml"
        # Nothing listens there: what is imported can't connect anywhere.
        config.write_text(
            f'[daemon]\nstate_dir = "{folder / "state"}"\ncache_dir = "{folder / "cache"}"\nsocket = "{self.socket}"\n'
            '[endpoint]\nwebsocket_url = "ws://127.0.0.1:1/"\n'
        )
        self.log = (folder / "log").open("wb")
        command = [sys.executable, "-m", "waconnd", "serve", "--config", str(config)]
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, env=os.environ | {"PYTHONPATH": "."}
        )
        until = time.monotonic() + 20
        while not self.socket.exists():
            assert self.process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)

    def run(self, *arguments: object, code: int = 0) -> str:
        words = [sys.executable, "-m", "waconnd", "--socket", str(self.socket), *map(str, arguments)]
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=60, env=os.environ | {"PYTHONPATH": "."}
        )
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    running = Daemon(tmp_path)
    yield running
    running.stop()


@pytest.mark.vectors
def test_in_out_and_in_again(daemon: Daemon, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FOLDER / "baileys_auth", tmp_path / "baileys"))
    own = msgspec.json.decode((folder / "expected.json").read_bytes())["owner"]["jid"].partition(":")[0]
    assert "session" in daemon.run("import", "main", "--from", "baileys", folder, "--dry-run")
    assert (folder / "creds.json").exists()
    daemon.run("import", "main", "--from", "baileys", folder)
    assert not (folder / "creds.json").exists()
    assert "moved to waconnd" in daemon.run("import", "other", "--from", "baileys", folder, code=65)
    assert own in daemon.run("accounts", "list", "--json", code=75)

    (tmp_path / "pass").write_text("correct horse\n")
    daemon.run("export", "main", tmp_path / "backup", "--passphrase-file", tmp_path / "pass")
    assert own.encode() not in (tmp_path / "backup").read_bytes()
    secret = ("--passphrase-file", tmp_path / "pass")
    assert "account 'main' already" in daemon.run("import", "again", tmp_path / "backup", *secret, code=66)

    daemon.run("accounts", "stop", "main")
    daemon.run("export", "main", tmp_path / "back", "--to", "baileys")
    names = {path.name for path in (tmp_path / "back").glob("session-*")}
    assert names == {path.name for path in folder.glob("session-*")}

    daemon.run("accounts", "remove", "main", "--yes")
    assert "passphrase" in daemon.run("import", "again", tmp_path / "backup", code=64)
    assert "left behind" in daemon.run("import", "again", tmp_path / "backup", *secret)
    assert own in daemon.run("accounts", "list", "--json", code=75)
