"""The sandbox as a process: its socket, its commands, a script."""

import os
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
# a talk
group ada "Lunch club" bob carl
say bob "Lunch club" "who is hungry?"
expect carl "who is hungry?" --sender bob
rule carl ^pizza --answer "yes please"
say ada "Lunch club" "pizza today"
expect ada "yes please"
clock 1d
"""


@pytest.fixture
def running(tmp_path):
    environment = {**os.environ, "WACONND_SANDBOX_SOCKET": str(tmp_path / "box.sock")}
    command = [sys.executable, "-m", "waconnd", "sandbox"]
    server = subprocess.Popen(
        [*command, "serve", "--state", str(tmp_path / "keys")],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "is running" in server.stderr.readline()

    def run(*words, stdin=""):
        return subprocess.run(
            [*command, *words], env=environment, input=stdin, capture_output=True, text=True, timeout=30
        )

    yield run
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == 0
    server.stderr.close()
    assert not (tmp_path / "box.sock").exists()


def test_commands_and_script(running, tmp_path):
    told = running("info")
    assert told.returncode == 0, told.stderr
    assert ["ada", "15550100000"] in [line.split()[:2] for line in told.stdout.splitlines()]
    root = next(line.split()[1] for line in told.stdout.splitlines() if line.startswith("root"))
    assert len(root) == 64
    assert (tmp_path / "keys" / "root.key").stat().st_mode & 0o777 == 0o600
    done = running("run", "-", stdin=SCRIPT)
    assert done.returncode == 0, done.stderr
    failed = running("run", "-", stdin="say ada bob hello\nexpect bob hullo --within 100ms\n")
    assert failed.returncode != 0
    assert "-:2:" in failed.stderr
    assert "- hullo" in failed.stderr
    assert "+ hello" in failed.stderr
    refused = running("scan", "ada", "nonsense")
    assert refused.returncode != 0
    assert "QR code" in refused.stderr
    ahead = float(running("clock").stdout)
    assert ahead > time.time() + 80000
