"""What happened to a message, stage by stage: for `message.trace`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from waconnd.store.archive.thread import Worker


class Stage(msgspec.Struct, frozen=True):
    """`at` in ms. `detail` is for people; it names no content."""

    at: int
    stage: str
    detail: str


class Traces:
    """`archive.traces`."""

    def __init__(self, writer: Worker, reader: Worker, clock: Callable[[], float]) -> None:
        self._writer, self._reader, self._clock = writer, reader, clock

    async def add(self, account: str, id: str, stage: str, detail: str = "") -> None:
        """One more stage, now."""
        at = round(self._clock() * 1000)
        await self._writer.call(
            lambda c: c.execute(
                "insert into trace(account, id, at, stage, detail) values(?, ?, ?, ?, ?)",
                (account, id, at, stage, detail),
            ).close()
        )

    async def get(self, account: str, id: str) -> list[Stage]:
        """In order."""
        return await self._reader.call(
            lambda c: [
                Stage(*row)
                for row in c.execute(
                    "select at, stage, detail from trace where account = ? and id = ? order by n",
                    (account, id),
                )
            ]
        )
