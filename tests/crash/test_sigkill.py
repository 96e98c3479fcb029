"""kill -9 at random moments under load: what was acknowledged is there, whole, and once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.crash.victim import TASKS
from waconnd.store.files import OsDirectory
from waconnd.store.records import INBOX, Records


def one_life(path: Path, seconds: float) -> dict[int, int]:
    """Start, kill after a while, and tell what each task saw acknowledged."""
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.victim", str(path)], stdout=subprocess.PIPE, bufsize=0
    )
    assert victim.stdout is not None
    try:
        assert victim.stdout.read(6) == b"ready\n"
        # Reads while it waits, so that a full pipe never stops the victim.
        os.set_blocking(victim.stdout.fileno(), False)
        end, data = time.monotonic() + seconds, b""
        while time.monotonic() < end:
            data += victim.stdout.read(1 << 20) or b""
            time.sleep(0.002)
    finally:
        victim.kill()
        victim.wait()
    os.set_blocking(victim.stdout.fileno(), True)
    data += victim.stdout.read()
    victim.stdout.close()
    acks: dict[int, int] = {}
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        task, number = map(int, line.split())
        acks[task] = number
    return acks


def lives(path: Path, count: int) -> Counter[str]:
    random, tally = Random(7), Counter[str]()
    highest = dict.fromkeys(range(TASKS), 0)
    archived: set[tuple[int, int]] = set()
    for _ in range(count):
        for task, number in one_life(path, random.uniform(0.0, 0.12)).items():
            highest[task] = max(highest[task], number)
        directory = OsDirectory(str(path))
        records = Records(directory)
        opened = records.open(create=False)
        tally["torn"] += opened.torn
        tally["frames"] += opened.frames
        assert opened.strays == ()
        counters = {task: int(records.get("counter", str(task)) or 0) for task in range(TASKS)}
        for task, counter in counters.items():
            assert counter >= highest[task], "an acknowledged transaction is gone"
            assert int(records.get("twin", str(task)) or 0) == counter, "half a transaction"
        for record in records.passing.values():
            assert record.kind == INBOX
            event = msgspec.json.decode(record.value or b"")
            assert (event["task"], event["number"]) not in archived, "an event came twice"
            archived.add((event["task"], event["number"]))
        # What the archive would hold now: every event of every transaction, once.
        assert archived == {(t, n) for t, counter in counters.items() for n in range(1, counter + 1)}
        records.drained(max(records.passing, default=0))
        records.checkpoint()
        directory.close()
        highest = counters
    tally["transactions"] = sum(highest.values())
    return tally


def test_killed_twenty_five_times(tmp_path: Path) -> None:
    assert lives(tmp_path / "account", 25)["transactions"] > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_three_hundred_times(tmp_path: Path) -> None:
    tally = lives(tmp_path / "account", 300)
    print(f"\n300 kills: {dict(tally)}, every acknowledged transaction there, whole, each event once")
