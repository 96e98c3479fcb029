"""What we tell systemd, what it hands us, and the units that we ship."""

from __future__ import annotations

import gc
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from waconnd.logs.ids import MESSAGE_IDS
from waconnd.systemd import Notifier, take_sockets

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "contrib/systemd"

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture
def units(tmp_path):
    """The units with a program that is there: `verify` looks whether it can be run."""
    for path in UNITS.glob("waconnd*.*"):
        (tmp_path / path.name).write_text(path.read_text().replace("/usr/local/bin/waconnd", "/bin/true"))
    return tmp_path


@needs_analyze
def test_units_are_clean(units):
    names = ["./waconnd.service", "./waconnd.socket", "./waconnd@shop.service"]
    done = subprocess.run(["systemd-analyze", "verify", *names], cwd=units, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@needs_analyze
@pytest.mark.parametrize("name", ["waconnd.service", "waconnd@.service"])
def test_units_are_locked_down(units, name):
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=13", f"./{name}"]
    done = subprocess.run(command, cwd=units, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:]


def test_the_catalog_explains_every_notable_event():
    found = re.findall(r"^-- ([0-9a-f]{32})$", (UNITS / "waconnd.catalog").read_text(), re.MULTILINE)
    assert sorted(found) == sorted(MESSAGE_IDS.values())


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="journalctl is not installed")
def test_the_catalog_is_one(tmp_path):
    (tmp_path / "usr/lib/systemd/catalog").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(UNITS / "waconnd.catalog", tmp_path / "usr/lib/systemd/catalog")
    done = subprocess.run(
        ["journalctl", "--update-catalog", f"--root={tmp_path}"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


class Manager(socket.socket):
    """Its name as systemd writes it."""

    name = ""


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """The other end of NOTIFY_SOCKET."""
    sock = Manager(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = str(tmp_path / "notify") if request.param == "path" else f"\0waconnd-test-{os.getpid()}"
    sock.bind(address)
    sock.settimeout(15)
    sock.name = address.replace("\0", "@")
    yield sock
    sock.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_messages(manager, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    notifier = Notifier()
    assert notifier.watchdog_s == 60
    notifier.ready("1 account:\n1 ready")
    assert manager.recv(1000) == b"READY=1\nSTATUS=1 account: 1 ready"
    notifier.reloading()
    # One datagram, and the clock that systemd compares with.
    lines = manager.recv(1000).decode().splitlines()
    assert lines[0] == "RELOADING=1"
    assert abs(int(lines[1].removeprefix("MONOTONIC_USEC=")) / 1e6 - time.monotonic()) < 5
    for call, sent in (
        (notifier.stopping, b"STOPPING=1"),
        (notifier.alive, b"WATCHDOG=1"),
        (lambda: notifier.extend(30), b"EXTEND_TIMEOUT_USEC=30000000"),
    ):
        call()
        assert manager.recv(1000) == sent


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_without_systemd_nothing_is_said(caplog, monkeypatch):
    Notifier({}).ready("x")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nonexistent/notify")
    Notifier().ready("x")
    gc.collect()
    assert len(caplog.records) == 1
    assert Notifier({"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}).watchdog_s is None


def test_sockets_of_another_process_are_not_ours():
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
    assert take_sockets(environ) == {}
    assert environ == {}


def test_a_daemon_under_a_manager(manager, tmp_path):
    """Socket activation, READY, STATUS, reload and stop, as systemd does it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "rpc"))
    listener.listen()
    (tmp_path / "waconnd.toml").write_text("")
    environ = {
        "PATH": os.environ["PATH"],
        "NOTIFY_SOCKET": manager.name,
        "WATCHDOG_USEC": "3000000",
        "STATE_DIRECTORY": str(tmp_path / "state"),
        "CACHE_DIRECTORY": str(tmp_path / "cache"),
        "CONFIGURATION_DIRECTORY": f"{tmp_path}:/nonexistent",
        "LISTEN_FDS": "1",
        "LISTEN_FDNAMES": "rpc",
    }
    # The shell's pid becomes the daemon's, as systemd's child's does.
    command = f'LISTEN_PID=$$ exec "{sys.executable}" -m waconnd serve 3<&{listener.fileno()}'
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command], env=environ, pass_fds=[listener.fileno()], stderr=log
        )

    def until(wanted: bytes) -> bytes:
        while True:
            assert process.poll() is None or wanted == b"STOPPING=1", (tmp_path / "log").read_text()
            message = manager.recv(4096)
            if wanted in message:
                return message

    try:
        assert b"STATUS=0 accounts" in until(b"READY=1")
        until(b"WATCHDOG=1")
        client = [sys.executable, "-m", "waconnd", "--socket", str(tmp_path / "rpc")]
        subprocess.run([*client, "accounts", "create", "shop"], check=True, capture_output=True)
        until(b"STATUS=1 account: 1 unlinked")
        process.send_signal(1)
        assert b"MONOTONIC_USEC=" in until(b"RELOADING=1")
        until(b"READY=1")
        (tmp_path / "waconnd.toml").write_text("[nonsense]\n")
        process.send_signal(1)
        until(b"RELOADING=1")
        until(b"READY=1")
        subprocess.run([*client, "status"], capture_output=True)
        process.terminate()
        until(b"STOPPING=1")
        assert process.wait(10) == 0
        assert "the configuration stays as it was" in (tmp_path / "log").read_text()
        # The socket is systemd's: it stays.
        assert (tmp_path / "rpc").exists()
    finally:
        process.kill()
        process.wait()
        listener.close()
