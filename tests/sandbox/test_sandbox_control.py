"""The sandbox as a process: its socket, its commands, a script."""

import os
import signal
import subprocess
import sys
import time

import msgspec
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


def test_every_fault_by_command(running, tmp_path):
    """What is known is done, what makes no sense is a sentence; nothing is a fault of ours."""
    frame = {
        "at": 1.0,
        "way": "in",
        "node": ["ib", {"from": "s.whatsapp.net"}, [["dirty", {"type": "groups"}, None]]],
    }
    (tmp_path / "frames.json").write_bytes(msgspec.json.encode({"frames": [frame, {**frame, "way": "out"}]}))
    (tmp_path / "broken.json").write_bytes(msgspec.json.encode({"frames": [{"way": "in"}]}))
    right = [
        "fault withhold --tag message --user bob --times 0 --skip 2", "fault release", "fault delay --seconds 2s",
        "cut ada", "cut ada slow --bytes-per-s 100", "cut ada garbled", "cut ada failure --code 402",
        "refuse messages 463 475", "refuse media 503", "refuse iq:w:g2 429", "refuse collection:regular 409",
        "refuse link_code 400", "refuse upgrade 503", "expire media", "expire auth", "expire prekeys ada", "expire refs",
        "push ada dirty groups", "push ada client_expiration", "push ada retry", "wire chain=expired sliver=1", "wire",
        "wire stop_at=login stop_silently=true", "knob first_ref=2.5", "act ada lid --text 100000000007777",
        "fault clear", "ticks ada", "received bob", f"replay ada {tmp_path / 'frames.json'}",
    ]  # fmt: skip
    done = running("run", "-", stdin="\n".join(right))
    assert done.returncode == 0, done.stderr
    assert "first_ref = 2.5" in done.stdout
    assert "stanzas sent: 1" in done.stdout
    wrong = {
        "cut nobody": "nobody is called 'nobody'; there are ada, bob, carl",
        "cut ada softly": "softly",
        "expect carol hi": "nobody is called 'carol'",
        "expect bob --pattern (": "'(' is no regular expression",
        "rule bob (": "'(' is no regular expression",
        r"rule bob ping --answer \\1": "is no regular expression",
        "flood ada 5": "ada has no linked device to flood",
        "act ada lid --text x": "a hidden id is digits, not 'x'",
        "act ada dance": "nobody can 'dance'",
        "fault explode": "unknown fault 'explode'",
        "fault drop --user nobody": "nobody and no group is called 'nobody'",
        "fault drop --chance 2": "chance",
        "refuse iq 400": "say which: iq:NAME",
        "refuse tea 418": "tea",
        "wire tea=1": "tea",
        "wire chain": "is no NAME=VALUE",
        "knob tea=1": "there is no knob 'tea'",
        "media ada bob image /no/such/file": "can't be read",
        "code ada ABCD-1234": "no device waits for a code",
        "dance": "invalid choice: 'dance'",
        f"replay ada {tmp_path / 'keys/root.key'}": "is no recording: `waconnd call account.frames` makes one",
        f"replay ada {tmp_path / 'broken.json'}": "this is no recording",
        'say ada bob "hi': "No closing quotation",
    }
    for line, sentence in wrong.items():
        told = running("run", "-", stdin=line + "\n")
        assert told.returncode not in (0, 70), line
        assert sentence in told.stderr, told.stderr
        assert f"-:1: {line}" in told.stderr
