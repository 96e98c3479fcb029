"""Power cuts at random operations of a model disk, over auth directory, inbox and archive draining together."""

from __future__ import annotations

import pytest

from tests.crash.disk import REWRITE, SYNCS
from tests.crash.world import Survey

#: Enough lives that the rarest removal was met many times over while this was written.
CONTROL_LIVES = 4000


def test_no_cut_loses_or_invents() -> None:
    survey = Survey(range(700))
    assert survey.violations == []
    assert survey.power_cuts > 1000


@pytest.mark.parametrize("sync", [*SYNCS, REWRITE])
def test_each_sync_is_needed(sync: str) -> None:
    assert Survey(range(CONTROL_LIVES), without=sync, enough=1).violations


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_thousand_lives() -> None:
    survey = Survey(range(20_000))
    print(f"\nall syncs in place: {survey}")
    assert survey.violations == []
    assert survey.power_cuts >= 20_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("sync", [*SYNCS, REWRITE])
def test_without_one_sync(sync: str) -> None:
    survey = Survey(range(2000), without=sync)
    print(f"\nwithout {sync}: {survey}; the first: {survey.violations[0] if survey.violations else None}")
    assert survey.violations
