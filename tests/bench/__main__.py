"""`make bench`: every row once, one table, and the same in build/bench.json. `make bench ONLY=pattern` runs a part."""

import compileall
import sys
from contextlib import ExitStack
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import msgspec

from tests.bench.harness import Result, measure, table

BUILD = Path("build")
#: What an installation has compiled; a checkout may be told not to keep it.
PACKAGES = ("waconnd", "protocol")


def main() -> int:
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    results: list[Result] = []
    failed = False
    for package in PACKAGES:
        compileall.compile_dir(package, quiet=1)
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        with ExitStack() as stack:
            for row in import_module(f"tests.bench.{path.stem}").rows(stack):
                if not wanted(row.name, pattern):
                    continue
                print(f"... {row.name}", file=sys.stderr, flush=True)
                try:
                    results.append(measure(row))
                except Exception as error:
                    failed = True
                    print(f"{row.name} could not be measured: {error}", file=sys.stderr)
    print(table(results))
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return int(failed or not results)


def wanted(name: str, pattern: str) -> bool:
    return not pattern or pattern in name or fnmatch(name, pattern)


if __name__ == "__main__":
    sys.exit(main())
