"""The table is right, and says when a peer is not there."""

from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import msgspec
import pytest

from tests.bench.__main__ import wanted
from tests.bench.harness import Row, measure, rate, table


class Somebody:
    name = "somebody"

    def __init__(self, missing: str = "") -> None:
        self.missing = missing


def row(better: str, theirs: float, missing: str = "") -> Row:
    return Row("x", "u", lambda: 10.0, Somebody(missing), lambda: theirs, better)  # type: ignore[arg-type]


def test_the_ratio_says_how_much_better_we_are_either_way() -> None:
    assert measure(row("higher", 5.0)).ratio == 2.0
    assert measure(row("lower", 5.0)).ratio == 0.5


def test_medians_of_turns_that_alternate() -> None:
    turns: list[str] = []
    ours, theirs = iter([1.0, 100.0, 3.0]), iter([2.0, 2.0, 900.0])

    def we() -> float:
        turns.append("we")
        return next(ours)

    def they() -> float:
        turns.append("they")
        return next(theirs)

    result = measure(Row("x", "u", we, Somebody(), they, rounds=3))
    assert (result.value, result.peer_value) == (3.0, 2.0)
    assert turns == ["we", "they"] * 3


def test_a_missing_peer_is_named_with_its_reason() -> None:
    result = measure(row("higher", 5.0, missing="node is not installed"))
    assert (result.peer_value, result.ratio) == (None, None)
    assert "node is not installed" in table([result])
    assert set(msgspec.to_builtins(result)) == {"name", "unit", "value", "peer", "peer_value", "ratio"}


def test_rate_counts_calls() -> None:
    calls: list[int] = []
    found = rate(lambda: calls.append(1), seconds=0.01)()
    assert 0 < found <= len(calls) / 0.01


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("codec/decode/receipt", "", True),
        ("codec/decode/receipt", "decode", True),
        ("codec/decode/receipt", "codec/*/receipt", True),
        ("codec/decode/receipt", "encode", False),
    ],
)
def test_a_pattern_picks_rows(name: str, pattern: str, expected: bool) -> None:
    assert wanted(name, pattern) is expected


def test_names_are_unique_and_making_rows_measures_nothing() -> None:
    names: list[str] = []
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        with ExitStack() as stack:
            names += [row.name for row in import_module(f"tests.bench.{path.stem}").rows(stack)]
    assert len(names) == len(set(names))
