"""What docs/sandbox.md and the end of `make demo` tell people to type is typed here, word by word."""

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo import NEXT

PAGE = (Path(__file__).parents[2] / "docs/sandbox.md").read_text()


BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def block(language, holding):
    """The example of the page that holds these words."""
    (found,) = [text for name, text in BLOCKS if name == language and holding in text]
    return found


@pytest.fixture
def room(tmp_path):
    """A folder and an environment of its own; whatever was started there in the background ends with it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "waconnd.toml").write_text(f'[sandbox]\nlisten = "127.0.0.1:{port}"\n')
    bin = tmp_path / "bin"
    bin.mkdir()
    for name, words in (("waconnd", "-m waconnd"), ("python3", "")):
        (bin / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words} "$@"\n')
        (bin / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{bin}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "RUNTIME_DIRECTORY": str(tmp_path),
        "WACONND_SOCKET": str(tmp_path / "waconnd.sock"),
        "WACONND_CONFIG": str(tmp_path / "waconnd.toml"),
    }

    def bash(script):
        return subprocess.run(
            ["bash", "-ec", f"trap 'kill $(jobs -p); wait' EXIT\n{script}"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    bash.folder, bash.environment = tmp_path, environment
    return bash


def test_a_bot_is_tested_in_five_lines(room):
    lines = block("sh", "bot.py")
    assert len(lines.splitlines()) == 5
    (room.folder / "bot.py").write_text(block("python", "message.received"))
    passed = room(lines)
    assert passed.returncode == 0, passed.stderr
    assert "main is ready: it is ada's, +1 555 010 0000" in passed.stdout
    assert "text 'pong' from" in passed.stdout

    (room.folder / "bot.py").write_text(block("python", "message.received").replace("pong", "png"))
    failed = room(lines.replace('expect bob "pong"', 'expect bob "pong" --within 2s'))
    assert failed.returncode != 0
    shown = block("", "bob did not receive").replace("within 10 s", "within 2 s")
    assert shown.strip() in failed.stderr


def test_a_script_and_a_sandbox_that_runs_already(room):
    """`serve --sandbox` joins it; two of a kind are refused with a sentence."""
    (room.folder / "lunch.wa").write_text(block("", "lunch.wa"))
    done = room(
        "waconnd sandbox serve & waconnd sandbox link ada & sleep 1; waconnd serve --sandbox & wait %2\n"
        "waconnd sandbox run lunch.wa; waconnd sandbox info\n"
        "waconnd call account.wait '{\"timeout_s\": 20}'; waconnd status\n"
        "! waconnd sandbox serve; ! waconnd serve --sandbox; ! waconnd serve --sandbox --state x"
    )
    assert done.returncode == 0, done.stderr
    assert "main" in done.stdout
    assert re.search(r"^ada +\d+ .* 0, 1$", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert "another daemon answers on" in done.stderr
    assert "--state and --cache don't go with --sandbox" in done.stderr


def test_a_port_that_is_taken_is_named(room):
    port = (room.folder / "waconnd.toml").read_text().split(":")[1].strip('"\n')
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(port)))
        other.listen()
        refused = room("waconnd serve --sandbox")
        box = room(f"waconnd sandbox serve --port {port}")
    for told in (refused, box):
        assert told.returncode != 0
        assert f"can't listen on 127.0.0.1:{port}: something else listens there" in told.stderr
        assert "Traceback" not in told.stderr


def test_what_the_demo_says_to_try_next(room):
    commands = [command for command, _ in NEXT]
    assert commands[:3] == ["serve --sandbox", "sandbox link ada", "events --follow"]
    told = room(
        f"waconnd {commands[0]} & waconnd {commands[1]}\n"
        f"waconnd {commands[2]} -n 1 -t message.received > seen & SEEN=$!; sleep 1\n"
        + "\n".join(f"waconnd {command}" for command in commands[3:6])
        + "\nwait $SEEN; cat seen"
    )
    assert told.returncode == 0, told.stderr
    assert re.search(r"text +hello, bob +100000000000001@lid", told.stdout)
    assert "hello" in told.stdout.splitlines()[-1]
    assert commands[6:] == ["serve", "pair"]


async def test_the_example_in_python():
    scope = {}
    exec(block("python", "async def test_bot"), scope)
    await scope["test_bot"]()


def test_no_sandbox_says_how_to_start_one(room):
    told = room("waconnd sandbox info")
    assert told.returncode == 2
    assert "start one with `waconnd sandbox serve`" in told.stderr
