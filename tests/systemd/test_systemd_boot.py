"""The shipped units under a real systemd: installed, watched, killed, upgraded, asked by three users, uninstalled."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import msgspec
import pytest

from tests.systemd.machine import PYTHON, ROOT, SOURCE, Machine, missing
from waconnd.logs import MESSAGE_IDS

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(240),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

#: Nobody answers there.
CONFIG = "[endpoint]\nwebsocket_url = 'ws://127.0.0.1:9/ws'\n[log]\nlevel = 'info'\n"
#: What an installation is made of.
SOURCES = ("waconnd", "protocol", "contrib", "pyproject.toml", "README.md", "LICENSE", "Makefile")
INSTALL = ("make", "install", f"PY={PYTHON}")


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        machine.ok(*INSTALL, "-C", SOURCE)
        machine.write("/etc/waconnd/waconnd.toml", CONFIG)
        machine.ok("chmod", "-R", "a+rX", "/etc/waconnd")
        machine.ok("systemctl", "enable", "--now", "waconnd.socket", "waconnd.service")
        yield machine
    finally:
        machine.halt()


def waconnd(machine: Machine, *arguments: str, user: str = "") -> subprocess.CompletedProcess[str]:
    prefix = ["setpriv", *user.split()] if user else []
    return machine.run("env", "-u", "WACONND_SOCKET", *prefix, "/usr/local/bin/waconnd", *arguments)


def test_it_can_write_nothing_of_ours(machine, tmp_path):
    (tmp_path / "canary").write_text("alive")
    assert machine.run("touch", str(tmp_path / "x")).returncode
    assert machine.run("touch", str(ROOT / "x")).returncode
    machine.ok("systemctl", "start", "sysinit.target")
    machine.run("systemd-tmpfiles", "--create", "--remove", "--boot")
    assert (tmp_path / "canary").read_text() == "alive"
    # What is meant for a boot took the running service's private /tmp away.
    machine.ok("systemctl", "restart", "waconnd")


def test_it_is_up_and_says_so(machine):
    assert machine.show("ActiveState") == "active"
    assert machine.show("Type") == "notify"
    assert re.match(r"\d+ account", machine.show("StatusText"))
    assert waconnd(machine, "accounts", "create", "shop").returncode == 0
    machine.until(lambda: machine.show("StatusText") == "1 account: 1 unlinked")
    # Locked in as shipped: what it can't see, it can't lose.
    state = machine.ok("stat", "-c", "%U %a", "/var/lib/waconnd", "/run/waconnd/waconnd.sock").split()
    assert state == ["waconnd", "700", "waconnd", "660"]


def test_three_users_have_three_kinds_of_rights(machine):
    gid = machine.ok("getent", "group", "waconnd").split(":")[2]
    root = waconnd(machine, "call", "rpc.whoami")
    assert msgspec.json.decode(root.stdout)["scopes"] == ["admin", "read", "send"]
    member = waconnd(machine, "call", "rpc.whoami", user=f"--reuid 4001 --regid 4001 --groups {gid}")
    assert msgspec.json.decode(member.stdout)["scopes"] == ["read", "send"], member.stderr
    refused = waconnd(machine, "accounts", "stop", "shop", user=f"--reuid 4001 --regid 4001 --groups {gid}")
    assert (refused.returncode, "`admin`" in refused.stderr) == (77, True)
    stranger = waconnd(machine, "status", user="--reuid 4002 --regid 4002 --clear-groups")
    assert stranger.returncode == 2


def test_reload(machine):
    machine.write("/etc/waconnd/waconnd.toml", CONFIG + "[access.user.4003]\nscopes = ['read']\n")
    machine.ok("systemctl", "reload", "waconnd")
    machine.ok("chmod", "666", "/run/waconnd/waconnd.sock")
    known = waconnd(machine, "call", "rpc.whoami", user="--reuid 4003 --regid 4003 --clear-groups")
    assert msgspec.json.decode(known.stdout)["scopes"] == ["read"]
    pid = machine.show("MainPID")
    machine.write("/etc/waconnd/waconnd.toml", "[nonsense]")
    machine.run("systemctl", "reload", "waconnd")
    machine.until(lambda: "stays as it was" in machine.ok("journalctl", "-u", "waconnd", "-o", "cat"))
    assert machine.show("MainPID") == pid
    machine.write("/etc/waconnd/waconnd.toml", CONFIG)
    machine.ok("systemctl", "reload", "waconnd")


def journal(machine: Machine, *matches: str) -> str:
    return machine.ok("journalctl", "-u", "waconnd", "-o", "json", *matches)


def test_the_journal_has_fields(machine):
    said = machine.ok("journalctl", "-u", "waconnd", "LOGGER=waconnd.daemon", "-o", "json").splitlines()
    entries = [msgspec.json.decode(line) for line in said]
    up = next(entry for entry in entries if "is up" in entry["MESSAGE"])
    assert (up["PRIORITY"], up["SYSLOG_IDENTIFIER"], up["_TRANSPORT"]) == ("6", "waconnd", "journal")
    assert up["CODE_FILE"].endswith("daemon.py")
    assert (up["MESSAGE_ID"], up["WACONND_EVENT"]) == (MESSAGE_IDS["daemon.started"], "daemon.started")
    # An account's story by its name, each line with its weight; who was refused, by the number of the user.
    waconnd(machine, "call", "pair.qr", "account=shop", "timeout_s=1")
    machine.until(lambda: "WACONND_STATE" in journal(machine, "WACONND_ACCOUNT=shop"))
    line = msgspec.json.decode(journal(machine, "WACONND_ACCOUNT=shop").splitlines()[-1])
    assert line["MESSAGE_ID"] == MESSAGE_IDS["account.state"] and int(line["WACONND_SEQ"])
    assert "`admin`" in journal(machine, "WACONND_PEER_UID=4001", f"MESSAGE_ID={MESSAGE_IDS['peer.denied']}")


def test_kill_9_is_a_way_to_stop(machine):
    pid = machine.show("MainPID")
    machine.ok("systemctl", "kill", "--kill-who=main", "--signal=KILL", "waconnd")
    # Nobody is refused meanwhile: the kernel queues at systemd's socket.
    answer = waconnd(machine, "--json", "status")
    assert msgspec.json.decode(answer.stdout)["account"] == "shop", answer.stderr
    machine.until(lambda: machine.show("ActiveState") == "active")
    assert machine.show("MainPID") != pid
    assert machine.show("NRestarts") == "1"


def test_a_starved_watchdog_restarts_it(machine):
    machine.write(
        "/run/systemd/system/waconnd.service.d/watchdog.conf", "[Service]\nWatchdogSec=2\nRestartSec=1"
    )
    machine.ok("systemctl", "daemon-reload")
    machine.ok("systemctl", "restart", "waconnd")
    pid = machine.show("MainPID")
    machine.ok("systemctl", "kill", "--kill-who=main", "--signal=STOP", "waconnd")
    machine.until(
        lambda: machine.show("ActiveState") == "active" and machine.show("MainPID") not in (pid, "0"), 30
    )
    assert "watchdog" in machine.ok("journalctl", "-u", "waconnd", "-o", "cat")
    # A stop is quick, and clean.
    machine.ok("systemctl", "stop", "waconnd")
    assert machine.show("Result") == "success"
    machine.ok("systemctl", "start", "waconnd")


def test_upgrade_refused_downgrade_and_uninstall(machine):
    parts = " ".join(f"{SOURCE}/{name}" for name in SOURCES)
    machine.ok("bash", "-c", f"mkdir /tmp/newer && cp -r {parts} /tmp/newer")
    machine.ok("sed", "-i", 's/^__version__ = .*/__version__ = "99.0.0"/', "/tmp/newer/waconnd/__init__.py")
    machine.ok(*INSTALL, "-C", "/tmp/newer")
    machine.until(lambda: "99.0.0 (daemon 99.0.0)" in waconnd(machine, "version").stdout)
    assert "shop" in waconnd(machine, "status").stdout
    refused = machine.run(*INSTALL, "-C", SOURCE)
    assert refused.returncode != 0
    assert "older" in refused.stdout + refused.stderr
    machine.ok("make", "uninstall", "-C", SOURCE)
    assert machine.run("test", "-e", "/usr/local/bin/waconnd").returncode == 1
    assert machine.ok("ls", "/var/lib/waconnd/accounts").split() == ["shop"]
    machine.ok("make", "uninstall", "PURGE=1", "-C", SOURCE)
    assert machine.run("test", "-e", "/var/lib/waconnd").returncode == 1
