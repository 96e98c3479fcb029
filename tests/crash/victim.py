"""A process to be killed: many tasks commit numbered transactions and report each one that returned.

`python -m tests.crash.victim DIRECTORY`; one line `task number` for each acknowledged transaction.
"""

from __future__ import annotations

import os
import sys

import anyio

from protocol.events.base import Durable
from protocol.keystore import Save
from waconnd.store import authdir
from waconnd.store.authdir import AuthDir

TASKS = 6


class Committed(Durable, frozen=True, tag="victim.committed"):
    task: int
    number: int


async def work(store: AuthDir, task: int) -> None:
    number = int(store.get("counter", str(task)) or 0)
    while True:
        number += 1
        text = b"%d" % number
        changes = {
            ("counter", str(task)): text,
            ("twin", str(task)): text,
            ("session", f"{task}.{number % 9}"): text * 90,
        }
        event = Committed(at=0.0, key=f"{task}-{number}", task=task, number=number)
        await store.commit(Save(0, changes, (event,)))
        os.write(1, b"%d %d\n" % (task, number))


async def main(directory: str) -> None:
    authdir.CHECKPOINT_SIZE = 64 * 1024  # type: ignore[misc]
    authdir.JOURNAL_SIZE = 4 * authdir.CHECKPOINT_SIZE  # type: ignore[misc]
    store = await AuthDir.open(directory, create=True)
    os.write(1, b"ready\n")
    async with anyio.create_task_group() as group:
        for task in range(TASKS):
            group.start_soon(work, store, task)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
