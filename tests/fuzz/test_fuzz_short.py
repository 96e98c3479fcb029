"""The short form of `make fuzz`, the same inputs every time."""

import pytest

from tests.fuzz.mutate import fuzz
from tests.fuzz.targets import TARGETS

INPUTS = 3000


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found_quickly(name: str) -> None:
    assert fuzz(TARGETS[name], seed=1, count=INPUTS) == INPUTS
