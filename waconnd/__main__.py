"""`waconnd …` and `python -m waconnd …`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command and end the process with its exit code."""
    from waconnd.cli import main as run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
