"""A disk that promises only what disks promise.

Contents that were not synced may vanish, tear at any byte, or lose 64-byte blocks. Names that were not synced
survive in any subset. A sync that fails loses its data although reads still show it. A process that is killed
leaves all it wrote visible, and none of it durable.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from random import Random

from waconnd.store.files import Stamp

BLOCK = 64


class PowerCut(BaseException):
    """The lights went out. No `except Exception` may notice."""


class Killed(BaseException):
    """The process is gone, the machine is not."""


class Inode:
    def __init__(self, stamp: int) -> None:
        self.durable = b""
        self.content = bytearray()
        self.pending: list[tuple[int, bytes]] = []
        self.stamp = stamp

    def write(self, at: int, data: bytes) -> None:
        if len(self.content) < at:
            self.content.extend(bytes(at - len(self.content)))
        self.content[at : at + len(data)] = data
        self.pending.append((at, data))

    def settle(self) -> None:
        self.durable, self.pending = bytes(self.content), []

    def cut(self, random: Random) -> None:
        content = bytearray(self.durable)
        for at, data in self.pending:
            for start, piece in _surviving(data, random):
                if len(content) < at + start:
                    content.extend(bytes(at + start - len(content)))
                content[at + start : at + start + len(piece)] = piece
        self.content = content
        self.settle()


def _surviving(data: bytes, random: Random) -> list[tuple[int, bytes]]:
    match random.randrange(4):
        case 0:
            return []
        case 1:
            return [(0, data)]
        case 2:
            return [(0, data[: random.randrange(len(data) + 1)])]
        case _:
            starts = range(0, len(data), BLOCK)
            return [(start, data[start : start + BLOCK]) for start in starts if random.random() < 0.6]


class Disk:
    """Implements `Directory`. `fuse` counts operations down; at zero `bang` happens."""

    def __init__(self, random: Random, without: str | None = None) -> None:
        self.random, self.without = random, without
        self.names: dict[str, Inode] = {}
        self.durable_names: dict[str, Inode] = {}
        self.name_changes: list[tuple[str | None, str | None, Inode | None]] = []
        self.fuse = -1
        self.bang: type[BaseException] = PowerCut
        self.sync_errors = 0.0
        #: Go off right after the next journal switch: a narrow moment that chance alone rarely meets.
        self.aimed = False
        self.clock = 0
        #: Called before each operation of a checkpoint: commits go on meanwhile.
        self.meanwhile: Callable[[], None] | None = None
        self.renamed = "open"
        self.inodes: list[Inode] = []
        self.operations = self.power_cuts = 0

    def tick(self) -> None:
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
            self.meanwhile = meanwhile
        self.operations += 1
        if self.fuse == 0:
            self.fuse = -1
            raise self.bang
        self.fuse -= self.fuse > 0

    def power_cut(self) -> None:
        self.power_cuts += 1
        keep = self.random.choice((0.0, 0.2, 0.5, 0.8, 1.0))
        for old, new, inode in self.name_changes:
            if self.random.random() < keep:
                if old is not None:
                    self.durable_names.pop(old, None)
                if new is not None and inode is not None:
                    self.durable_names[new] = inode
        self.names = dict(self.durable_names)
        self.name_changes.clear()
        for inode in self.inodes:
            if inode.pending:
                inode.cut(self.random)
        self.inodes = list({id(inode): inode for inode in self.names.values()}.values())
        self.restart()

    def restart(self) -> None:
        self.renamed, self.meanwhile = "open", None

    # --- Directory ----------------------------------------------------------------------------------------------

    def list(self) -> dict[str, Stamp]:
        return {name: self.stamp(name) for name in self.names}

    def stamp(self, name: str) -> Stamp:
        inode = self.names[name]
        return Stamp(len(inode.content), inode.stamp)

    def read(self, name: str) -> bytes:
        if name not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        return bytes(self.names[name].content)

    def write(self, name: str, data: bytes) -> None:
        self.tick()
        inode = self.names.get(name)
        if inode is None:
            inode = self.names[name] = Inode(0)
            self.inodes.append(inode)
            self.name_changes.append((None, name, inode))
        inode.content = bytearray()
        inode.write(0, data)
        self._touch(inode)

    def patch(self, name: str, at: int, data: bytes) -> None:
        self.tick()
        self.names[name].write(at, data)
        self._touch(self.names[name])

    def sync(self, names: Sequence[str]) -> None:
        for name in names:
            self.tick()
            if self.site(name) == self.without:
                continue
            inode = self.names[name]
            if self.sync_errors and self.random.random() < self.sync_errors:
                inode.pending = []  # the kernel marks the pages clean and forgets
                raise OSError(errno.EIO, "input/output error", name)
            inode.settle()

    def rename(self, old: str, new: str) -> None:
        self.tick()
        inode = self.names[new] = self.names.pop(old)
        self.name_changes.append((old, new, inode))
        self.renamed = new
        self._touch(inode)
        if self.aimed and new == "journal":
            self.aimed, self.fuse = False, 0

    def remove(self, name: str) -> None:
        self.tick()
        if name not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        del self.names[name]
        self.name_changes.append((name, None, None))

    def sync_names(self) -> None:
        self.tick()
        if f"names after {self.renamed}" != self.without:
            self.durable_names = dict(self.names)
            self.name_changes.clear()

    @staticmethod
    def site(name: str) -> str:
        """Which of the store's syncs this is."""
        return {
            "journal": "frame",
            ".journal.tmp": "new journal",
            ".manifest.json.tmp": "manifest",
        }.get(name, "files")

    def _touch(self, inode: Inode) -> None:
        self.clock += 1
        inode.stamp = self.clock


#: Every sync that the store does.
SYNCS = (
    "frame",
    "files",
    "manifest",
    "names after manifest.json",
    "new journal",
    "names after journal",
    "names after open",
)
#: And the step without which a failed or unfinished sync is taken for a done one.
REWRITE = "rewrite of the journal at recovery"
