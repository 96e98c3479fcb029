"""What must be there before anything starts: folders that can be written."""

import os
import subprocess
import sys

import pytest

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
