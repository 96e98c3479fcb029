"""A disk that fills up is news before it is an error: free space and inodes are looked at while there is still some.

First people are told and media are no longer taken; only far below that, the store keeps what is left for itself
(`waconnd/store/space.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import anyio

from waconnd.logs import fields
from waconnd.rpc.errors import RpcError
from waconnd.store.archive import ArchiveError
from waconnd.store.space import Level, Space, measure

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
MIB: Final = 1024 * 1024


class Disk:
    """`run` looks for ever. `tell` gets the event `daemon.disk_low` at each change for the worse."""

    def __init__(
        self,
        folders: Sequence[Path],
        least_mb: Callable[[], int],
        tell: Callable[[str, dict[str, Any]], Awaitable[None]],
    ) -> None:
        self._folders, self._least, self._tell = folders, least_mb, tell
        self._told: dict[Path, Level] = {}
        self.space: dict[Path, Space] = {}

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await anyio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Once, at all folders; those of one file system are one."""
        seen: set[int] = set()
        for folder in self._folders:
            try:
                device = folder.stat().st_dev
                if device not in seen:
                    seen.add(device)
                    await self._look(folder)
            except OSError as error:
                log.warning("%s can't be looked at: %s", folder, error.strerror)

    async def _look(self, folder: Path) -> None:
        space = self.space[folder] = measure(str(folder))
        level, before = space.level(self._least() * MIB), self._told.get(folder, Level.ENOUGH)
        self._told[folder] = level
        if level > before:
            log.warning("%s", sentence(folder, space, level), extra=fields("daemon.disk_low"))
            data = {
                "folder": str(folder),
                "free_mib": space.free // MIB,
                "free_files": space.files,
                "full": level is Level.FULL,
            }
            try:
                await self._tell("daemon.disk_low", data)
            except ArchiveError as error:
                log.warning("the event log could not take it: %s", error)
        elif level is Level.ENOUGH and before is not level:
            log.info("%s has room again: %s", folder, space)

    def full(self) -> str:
        """Why nothing more is written, where that is so."""
        for folder, level in self._told.items():
            if level is Level.FULL:
                return sentence(folder, self.space[folder], level)
        return ""


def sentence(folder: Path, space: Space, level: Level) -> str:
    """What is the matter and what to do."""
    if level is Level.FULL:
        return f"the disk of {folder} is full ({space}): nothing is written or received until there is room"
    return (
        f"the disk of {folder} is nearly full ({space}): media are no longer taken, messages still are; make room, or"
        " change retention.min_free_mb"
    )


def require_room(folder: Path, least_mb: int) -> None:
    """For media, which can wait. Raises RpcError `disk_full`."""
    space = measure(str(folder))
    level = space.level(least_mb * MIB)
    if level is not Level.ENOUGH:
        raise RpcError("disk_full", sentence(folder, space, level))
