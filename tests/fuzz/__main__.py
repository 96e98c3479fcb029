"""`make fuzz`: every target in turn, FUZZ_SECONDS in all (60), from FUZZ_SEED (a new one each run).

`python -m tests.fuzz codec` runs some targets only. With atheris installed and FUZZ_ENGINE=atheris, one target runs
under libFuzzer with coverage feedback instead.
"""

import os
import sys
import time
from typing import Any

from tests.fuzz.mutate import Crash, fuzz
from tests.fuzz.targets import TARGETS, Target

SECONDS = 60.0


def main() -> int:
    names = sys.argv[1:] or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        print(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    seconds = float(os.environ.get("FUZZ_SECONDS", SECONDS))
    seed = int(os.environ.get("FUZZ_SEED", time.time_ns() % 2**32))
    if os.environ.get("FUZZ_ENGINE") == "atheris":
        return under_atheris(TARGETS[names[0]], seconds)
    print(f"seed {seed}, {seconds:g} s for {len(names)} targets")
    failed = False
    for name in names:
        try:
            tried = fuzz(TARGETS[name], seed=seed, seconds=seconds / len(names))
        except Crash as crash:
            failed = True
            print(f"{name}: {crash}")
        else:
            print(f"{name}: {tried:,} inputs, nothing found")
    return int(failed)


def under_atheris(target: Target, seconds: float) -> int:
    import atheris  # type: ignore[import-not-found,unused-ignore]

    engine: Any = atheris
    engine.instrument_all()
    for data in target.corpus():
        target.run(data)
    engine.Setup([sys.argv[0], f"-max_total_time={int(seconds)}"], target.run)
    engine.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
