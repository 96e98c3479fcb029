"""The command line. It speaks to the daemon by its socket; only `serve`, `state`, `config` and `doctor --offline` read files.

stdout is data, stderr is talk. With `--json` each record is one line of JSON. Nothing waits for ever.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from waconnd.cli.shell import Shell, Stop
from waconnd.rpc.errors import EXIT_INTERRUPTED, EXIT_LATER, EXIT_UNREACHABLE, KINDS


def main(argv: Sequence[str]) -> int:
    """Parse and run; gives the exit code."""
    from waconnd.cli.parser import DEFAULTS, build

    arguments = build().parse_args(argv, argparse.Namespace(**DEFAULTS))
    shell = Shell(arguments)
    try:
        code: int | None = arguments.run(shell, arguments)
        sys.stdout.flush()
    except Stop as stop:
        if str(stop):
            shell.say(f"waconnd: {stop}")
        return stop.code
    except TimeoutError as error:
        shell.say(f"waconnd: {error}")
        return EXIT_LATER
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has enough; and Python shall not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        refused = _refusal(shell, error)
        if refused is None:
            raise
        return refused
    finally:
        shell.close()
    return code or 0


def _refusal(shell: Shell, error: Exception) -> int | None:
    """What the daemon, or its absence, says; None when it is neither."""
    # Not at the top: `waconnd serve` would keep in memory what only its clients need.
    from waconnd.client.sync import Unreachable, WaconndError

    match error:
        case WaconndError():
            shell.say(f"waconnd: {error}")
            if error.advice:
                shell.say(f"  {error.advice}")
            kind = KINDS.get(error.kind)
            return kind.exit if kind is not None else 1
        case Unreachable():
            shell.say(f"waconnd: {error}")
            shell.say("  start it with `systemctl start waconnd` or `waconnd serve`, or name its `--socket`")
            return EXIT_UNREACHABLE
    return None
