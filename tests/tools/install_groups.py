"""Install dependency groups of pyproject.toml; pip learned `--group` only in 25.1, and Debian ships older ones."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    wanted = [spec for name in sys.argv[1:] for spec in groups[name]]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *wanted], check=True)


if __name__ == "__main__":
    main()
