"""Installs the node libraries of tests/interop when somebody first needs them.

`why_not` says why there are none, for a skip that everybody can read.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "interop"
#: npm's own retries included.
INSTALL_SECONDS = 300
#: No lock file: it would name a registry's host. The versions in package.json are exact.
INSTALL = [
    "npm",
    "install",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--loglevel=error",
]


@cache
def why_not() -> str:
    """Installs what is missing; a sentence when that can't be done, else nothing."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    modules = FOLDER / "node_modules"
    stamp = modules / ".waconnd"
    wanted = hashlib.sha256((FOLDER / "package.json").read_bytes()).hexdigest()
    # Several workers may come at once.
    with (FOLDER / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return ""
        try:
            done = subprocess.run(
                INSTALL, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=os.environ
            )
        except subprocess.TimeoutExpired:
            return f"npm install took longer than {INSTALL_SECONDS} s"
        if done.returncode:
            return "npm install failed: " + " ".join(done.stderr.split())[-300:]
        stamp.write_text(wanted)
    return ""


def ensure() -> Path | None:
    """The node_modules folder, installed if need be; None when there is no way."""
    return None if why_not() else FOLDER / "node_modules"
