"""What must be there before anything starts: folders that can be written."""

import ast
import contextlib
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from waconnd.client.sync import Client, Unreachable
from waconnd.paths import Unusable, require


def test_folders_are_made_for_their_owner_alone(tmp_path):
    require(tmp_path / "a/b", "daemon.state_dir")
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700
    require(tmp_path / "a/b", "daemon.state_dir")


def test_each_obstacle_has_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    for folder, words in (
        (tmp_path / "file", "is no folder: move it away, or set daemon.state_dir"),
        (tmp_path / "file/below", "is no folder"),
        (tmp_path / "/proc/nowhere", "can't be made: No such file"),
    ):
        with pytest.raises(Unusable, match=words):
            require(folder, "daemon.state_dir")


def test_somebody_elses_folder(tmp_path):
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(Unusable, match=r"can't be read and written by user \d+: `chown` it"):
            require(type(tmp_path)("/usr"), "daemon.state_dir")
    finally:
        os.seteuid(user)


def test_the_daemon_says_so_and_ends(tmp_path):
    (tmp_path / "file").touch()
    for key, option in (("state_dir", "--state"), ("cache_dir", "--cache")):
        command = [sys.executable, "-m", "waconnd", "serve", "--socket", str(tmp_path / "s")]
        others = {"--state": str(tmp_path / "state"), "--cache": str(tmp_path / "cache")}
        for name, value in {**others, option: str(tmp_path / "file")}.items():
            command += [name, value]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 77
        assert f"is no folder: move it away, or set daemon.{key}" in done.stderr
        assert "Traceback" not in done.stderr


def test_what_few_need_is_not_loaded_at_the_start():
    """Each costs megabytes and tens of milliseconds."""
    program = (
        "import sys; import waconnd.daemon; from waconnd.api import catalogue; catalogue();"
        "print(*(name for name in sys.argv[1:] if name in sys.modules))"
    )
    rare = [
        "PIL",
        "qrcode",
        "http.client",
        "waconnd.compose.preview",
        "waconnd.api.event_types",
        "waconnd.sandbox",
    ]
    done = subprocess.run([sys.executable, "-c", program, *rare], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_it_builds_on_is_little_and_declared():
    """Whatever is imported stands in pyproject.toml: ten packages that a person can look through."""
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=!~\[ ]", one)[0] for one in project["dependencies"]}
    optional = {
        re.split(r"[<>=!~\[ ]", one)[0]
        for group in project["optional-dependencies"].values()
        for one in group
    }
    modules = {"google": "protobuf", "nacl": "pynacl", "PIL": "pillow"}
    imported = set()
    for path in [*root.glob("waconnd/**/*.py"), *root.glob("protocol/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"waconnd", "protocol"}
    assert {modules.get(name, name) for name in foreign} == declared | optional
    assert len(declared) <= 10


def test_a_small_machine_is_enough(tmp_path):
    """512 MiB of address space and 64 descriptors: what a small container has."""
    socket = tmp_path / "s"
    command = f"ulimit -v 524288 -n 64; exec {sys.executable} -m waconnd serve --state {tmp_path}/state --cache {tmp_path}/cache"
    environ = os.environ | {"WACONND_ENDPOINT_WEBSOCKET_URL": "ws://127.0.0.1:9/ws"}
    process = subprocess.Popen(
        ["bash", "-c", f"{command} --socket {socket}"], env=environ, stderr=subprocess.PIPE
    )
    try:
        until = time.monotonic() + 20
        while True:
            assert process.poll() is None, process.stderr.read()
            with contextlib.suppress(Unreachable), Client(socket) as client:
                client.account.create(account="shop")
                break
            assert time.monotonic() < until
            time.sleep(0.05)
        process.terminate()
        assert process.wait(10) == 0, process.stderr.read()
    finally:
        process.kill()
        process.stderr.close()
        process.wait()
