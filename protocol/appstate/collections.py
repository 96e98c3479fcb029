"""What is kept of each collection: how far it was read, and which records live in it.

Records are known by their MACs and their index; what they say lives in the archive. They lie in 256 pieces a
collection, by the first byte of the index MAC, so that changing one journals a few kilobytes and not megabytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from protocol.appstate import lthash
from protocol.keystore import Kind, Table, Txn, View


class Collection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a collection stands. Filed under its name."""

    v: int = 1
    version: int = 0
    lthash: bytes = lthash.ZERO
    #: Read to its end at least once. A version of 0 says nothing: an empty collection stays there.
    synced: bool = False
    synced_at: float = 0.0
    #: The newest version that the server spoke of: work that outlives a restart.
    wanted: int = 0
    #: Keys without which it can't be read, in base64, and when the phone was asked for each.
    missing: dict[str, float] = {}
    #: Why nothing is written any more, and what was read may be old.
    degraded: str = ""
    degraded_at: float = 0.0
    #: When the phone was asked for a whole copy.
    recovery_at: float = 0.0
    #: Copies that it gave.
    copies: int = 0

    @property
    def behind(self) -> bool:
        """There is something to fetch."""
        return not self.synced or self.wanted > self.version


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A live record: its value MAC and its index."""

    value_mac: bytes
    index: bytes


class Piece(msgspec.Struct, frozen=True):
    """Records whose index MACs begin alike, by the whole MAC in hex."""

    held: dict[str, Held] = {}
    v: int = 1


COLLECTIONS: Final = Table(Kind.APP_STATE_VERSION, Collection)
PIECES: Final = Table(Kind.APP_STATE_MACS, Piece)


def get(view: View, name: str) -> Collection:
    """A collection, untouched when there is none yet."""
    return COLLECTIONS.get(view, name) or Collection()


def value_mac(view: View, name: str, index_mac: bytes) -> bytes | None:
    """Of a live record."""
    piece = PIECES.get(view, _place(name, index_mac))
    found = piece.held.get(index_mac.hex()) if piece is not None else None
    return found.value_mac if found is not None else None


def records(view: View, name: str) -> Iterator[tuple[str, Held]]:
    """All live records by their index MACs in hex."""
    for first in range(256):
        piece = PIECES.get(view, f"{name}-{first:02x}")
        if piece is not None:
            yield from piece.held.items()


def change(txn: Txn, name: str, changes: Mapping[bytes, Held | None]) -> None:
    """Set and remove records, each piece written once."""
    by_place: dict[str, dict[str, Held | None]] = {}
    for index_mac, held in changes.items():
        by_place.setdefault(_place(name, index_mac), {})[index_mac.hex()] = held
    for place, some in by_place.items():
        before = PIECES.get(txn, place) or Piece()
        after = {mac: held for mac, held in (before.held | some).items() if held is not None}
        if after:
            PIECES.put(txn, place, Piece(after))
        else:
            PIECES.delete(txn, place)


def replace(txn: Txn, name: str, records: Mapping[bytes, Held]) -> None:
    """These records and no others."""
    for first in range(256):
        PIECES.delete(txn, f"{name}-{first:02x}")
    change(txn, name, records)


def _place(name: str, index_mac: bytes) -> str:
    return f"{name}-{index_mac[0]:02x}"
