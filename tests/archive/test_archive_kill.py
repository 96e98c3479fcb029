"""SIGKILL while events come in: each that was acknowledged is there, once, and the next process goes on."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

APPENDER = """
import asyncio, sys
from pathlib import Path
from waconnd.store.archive import Archive

async def main(path, first):
    async with Archive(Path(path)) as archive:
        print("ready", flush=True)
        async def produce(lane):
            n = first
            while True:
                event = {
                    "type": "message.received", "key": f"{lane}-{n}", "at": 1.0, "id": f"{lane}-{n}", "sent_at": float(n),
                    "chat": {"id": f"{lane}@lid", "kind": "user"}, "from": {"id": f"{lane}@lid"},
                    "body": {"kind": "text", "text": f"word{n}"},
                }
                await archive.events.append("main", [event])
                print(f"{lane}-{n}", flush=True)
                n += 1
        await asyncio.gather(*(produce(lane) for lane in range(4)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def kills(tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "events.db"
    acked: set[str] = set()
    chance = random.Random(7)
    for round in range(rounds):
        with subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(path), str(round * 1_000_000)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": "."},
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.2)
            process.send_signal(signal.SIGKILL)
            lines = process.stdout.read().decode().splitlines(keepends=True)
        acked |= {line.strip() for line in lines if line.endswith("\n")}
        connection = sqlite3.connect(path)
        keys = [row[0] for row in connection.execute("select key from event order by seq")]
        assert acked <= set(keys)
        assert len(keys) == len(set(keys))
        assert connection.execute("select count(*) from message").fetchone()[0] == len(keys), (
            "a row and its projection are one"
        )
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        connection.execute("insert into message_text(message_text, rank) values('integrity-check', 1)")
        connection.close()
    assert len(acked) > rounds


def test_killed_a_few_times(tmp_path: Path) -> None:
    kills(tmp_path, 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_many_times(tmp_path: Path) -> None:
    kills(tmp_path, 300)
