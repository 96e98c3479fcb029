"""docs/coverage.md names every feature and every known trouble, and only tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/coverage.md"

#: Families of ids and how many each has. B- is what nobody else has, C- is what users report.
FAMILIES = {
    "P": 30,  # pairing and sessions
    "C": 33,  # connection and recovery
    "S": 47,  # sending
    "R": 27,  # receiving
    "M": 15,  # media
    "H": 17,  # chats, contacts, history
    "G": 15,  # groups
    "E": 9,  # presence and receipts
    "K": 6,  # calls
    "U": 8,  # account and privacy
    "I": 21,  # interface
    "W": 9,  # webhooks and streams
    "N": 7,  # several accounts
    "O": 20,  # operations
    "B": 15,  # storage, backup, migration
    "X": 11,  # security
    "T": 7,  # testing
    "L": 6,  # scale
    "B-": 40,
    "C-": 40,
}
ROW = re.compile(r"^\| ([A-Z]-?\d+) \| (.+?) \| (.+) \|$")
TEST = re.compile(r"`([^`]+)::(\w+)`")


def rows() -> list[tuple[str, str, str]]:
    found = (ROW.match(line) for line in PAGE.read_text().splitlines())
    return [(row[1], row[2], row[3]) for row in found if row]


@cache
def functions(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, kinds))


def test_every_id_stands_there_once() -> None:
    expected = [f"{family}{number}" for family, count in FAMILIES.items() for number in range(1, count + 1)]
    assert sorted(id for id, _, _ in rows()) == sorted(expected)


@pytest.mark.parametrize(("id", "name", "shown"), rows(), ids=lambda value: value if len(value) < 6 else "")
def test_each_row_says_how_it_is_shown(id: str, name: str, shown: str) -> None:
    if shown == "not yet":
        return
    if shown.startswith("no: "):
        assert len(shown) > 12, f"{id}: say why not"
        return
    named = TEST.findall(shown)
    assert named, f"{id}: `path::function`, `not yet` or `no: reason`, not {shown!r}"
    for path, function in named:
        assert function.startswith("test_"), f"{id}: {function} is no test"
        assert function in functions(path), f"{id}: there is no {path}::{function}"
