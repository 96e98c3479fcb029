"""What a row of `make bench` is, and how it is measured beside its peer.

A module `tests/bench/bench_*.py` has `rows(stack) -> list[Row]`; what it opens goes on the `ExitStack`. Making the rows
is cheap (all work is in the measurements), since a run may want only some of them. Names of rows stay for ever.
"""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

import msgspec

from tests.tools import npm

#: Ours and the peer's turns alternate this often; each side shows its median.
ROUNDS = 5
#: Of one turn, where it is a loop.
SECONDS = 0.2


class Peer(Protocol):
    """Somebody else's code that does the same."""

    name: str

    @property
    def missing(self) -> str:
        """Why it can't run here; nothing when it can."""


@dataclass(frozen=True)
class Row:
    """One line of the table. A measurement takes one turn and gives its figure in `unit`."""

    name: str
    unit: str
    ours: Callable[[], float]
    peer: Peer | None = None
    theirs: Callable[[], float] | None = None
    better: Literal["higher", "lower"] = "higher"
    rounds: int = ROUNDS


class Result(msgspec.Struct):
    """A line of build/bench.json. `ratio`: how many times better than the peer we are."""

    name: str
    unit: str
    value: float
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None


def rate(run: Callable[[], object], seconds: float = SECONDS) -> Callable[[], float]:
    """Measures calls per second."""

    def measure() -> float:
        clock = time.perf_counter
        calls, batch = 0, 1
        start = end = clock()
        while end - start < seconds:
            for _ in range(batch):
                run()
            calls += batch
            end = clock()
            # Few looks at the clock, yet no long overrun.
            if end - start < seconds / 20:
                batch *= 2
        return calls / (end - start)

    return measure


@dataclass
class NodePeer:
    """A script under tests/interop/bench that serves its tasks with `serve.mjs`; started when first called."""

    name: str
    script: str
    stack: ExitStack
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @cached_property
    def missing(self) -> str:
        return npm.why_not()

    def rate(self, task: str, input: Any, seconds: float = SECONDS) -> Callable[[], float]:
        """Measures calls per second of a task."""
        return lambda: float(self._ask({"task": task, "input": input, "seconds": seconds})["value"])

    def result(self, task: str, input: Any) -> Any:
        """One call's result, to see that both sides do the same."""
        return self._ask({"task": task, "input": input})["result"]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._process = self.stack.enter_context(
                subprocess.Popen(
                    ["node", f"bench/{self.script}"],
                    cwd=npm.FOLDER,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
        pipe = self._process
        assert pipe.stdin and pipe.stdout
        pipe.stdin.write(msgspec.json.encode(request) + b"\n")
        pipe.stdin.flush()
        answer: dict[str, Any] = msgspec.json.decode(pipe.stdout.readline() or b'{"error": "it has ended"}')
        if "error" in answer:
            raise RuntimeError(f"{self.name}, {request['task']}: {answer['error']}")
        return answer


def measure(row: Row) -> Result:
    """Both sides, turn by turn."""
    if row.peer is None or row.theirs is None:
        return Result(row.name, row.unit, statistics.median(row.ours() for _ in range(row.rounds)))
    if row.peer.missing:
        value = statistics.median(row.ours() for _ in range(row.rounds))
        return Result(row.name, row.unit, value, f"{row.peer.name}: not here, {row.peer.missing}")
    turns = [(row.ours(), row.theirs()) for _ in range(row.rounds)]
    value, other = (statistics.median(side) for side in zip(*turns, strict=True))
    ratio = value / other if row.better == "higher" else other / value
    return Result(row.name, row.unit, value, row.peer.name, other, ratio)


def table(results: Iterable[Result]) -> str:
    """The rows for people."""
    lines = [("what", "ours", "peer", "times better", "unit", "peer is")]
    for r in results:
        other = "" if r.peer_value is None else _figure(r.peer_value)
        ratio = "" if r.ratio is None else f"{r.ratio:.2f}"
        lines.append((r.name, _figure(r.value), other, ratio, r.unit, r.peer or ""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 0 < column < 4 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _figure(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3g}"
