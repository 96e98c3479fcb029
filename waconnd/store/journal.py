"""The redo journal: its bytes, its scan, and the one implementation over a directory.

    journal := header frame* padding
    header  := "WACJ" version:u16 flags:u16 epoch:8 base:u64 store:16 key:8 digest:16
    frame   := length:u32 seq:u64 digest:16 body        digest = blake2b-128(body, key=epoch, salt=seq)
    body    := record*                                  (sealed as a whole when sealing is on)
    record  := flags:u8 [number:u64] kind:u8+ id:u32+ [value:u32+]       x+ = length, then bytes; big-endian

A group of transactions is one frame, and the next frame is written only after the sync of the one before. So at
most one frame is ever in doubt. Stale bytes never pass: the epoch is new for each journal, and is the key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from waconnd.store.errors import Damage, Harm, Sealed, WrongSequence, damaged, unreadable
from waconnd.store.files import Directory
from waconnd.store.names import JOURNAL, temporary
from waconnd.store.seal import Seal

MAGIC: Final = b"WACJ"
VERSION: Final = 1
FLAG_SEALED: Final = 1
DIGEST_SIZE: Final = 16
STORE_SIZE: Final = 16
EPOCH_SIZE: Final = 8
#: The journal grows in steps of this, filled with zeros: most syncs then have no size to record.
GROWTH: Final = 256 * 1024
#: Beyond this the zeros would cost more than they save.
SMALL_FRAME: Final = 64 * 1024
#: No frame is longer; a length beyond it is not one.
MAX_FRAME: Final = 64 * 1024 * 1024

_HEAD: Final = struct.Struct(">4sHH8sQ16s8s")
HEADER_SIZE: Final = _HEAD.size + DIGEST_SIZE
_FRAME: Final = struct.Struct(">IQ16s")
_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")

_GONE: Final = 1
_NUMBERED: Final = 2


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as a whole. `value` None: deleted. `number` > 0: bound for the archive, never a file."""

    kind: str
    id: str
    value: bytes | None
    number: int = 0


class Scan(msgspec.Struct, frozen=True):
    """What a journal holds: the base it continues, and the frames after it, gapless."""

    store: bytes
    base: int
    frames: tuple[tuple[Record, ...], ...]
    #: The last frame was not written to its end; it was never acknowledged.
    torn: bool

    @property
    def seq(self) -> int:
        """Number of the last frame."""
        return self.base + len(self.frames)


class Journal(Protocol):
    """The narrow door: a replicated log can stand behind it as well."""

    size: int

    def scan(self) -> Scan:
        """Read all. Raises AuthDamaged for what is not a torn end."""

    def append(self, seq: int, records: Sequence[Record], /) -> None:
        """Durable on return. `seq` must be the next one, else WrongSequence."""

    def refresh(self) -> None:
        """What was scanned is durable on return, whatever earlier writes and syncs did; a torn end is gone."""

    def replace(self, base: int, opening: Sequence[Record], /) -> None:
        """A new journal on base `base`, with `opening` as its first frame when there is any. Atomic, durable."""


def encode_records(records: Sequence[Record]) -> bytes:
    """The body of a frame."""
    parts: list[bytes] = []
    for record in records:
        kind, id = record.kind.encode(), record.id.encode()
        flags = (_GONE if record.value is None else 0) | (_NUMBERED if record.number else 0)
        parts.append(bytes((flags,)))
        if record.number:
            parts.append(_U64.pack(record.number))
        parts += (bytes((len(kind),)), kind, _U32.pack(len(id)), id)
        if record.value is not None:
            parts += (_U32.pack(len(record.value)), record.value)
    return b"".join(parts)


def decode_records(body: bytes) -> tuple[Record, ...]:
    """Records of a frame. Raises ValueError."""
    records: list[Record] = []
    at, end = 0, len(body)

    def take(size: int) -> bytes:
        nonlocal at
        if at + size > end:
            raise ValueError("a record is longer than its frame")
        piece = body[at : at + size]
        at += size
        return piece

    while at < end:
        flags = take(1)[0]
        if flags & ~(_GONE | _NUMBERED):
            raise ValueError(f"unknown record flags {flags:#x}")
        number = _U64.unpack(take(8))[0] if flags & _NUMBERED else 0
        kind = take(take(1)[0]).decode()
        id = take(_U32.unpack(take(4))[0]).decode()
        value = None if flags & _GONE else take(_U32.unpack(take(4))[0])
        records.append(Record(kind, id, value, number))
    return tuple(records)


def encode_header(epoch: bytes, base: int, store: bytes, key: bytes = b"") -> bytes:
    """The first bytes of a journal. `key` tells the sealing key from others; empty: not sealed."""
    head = _HEAD.pack(MAGIC, VERSION, FLAG_SEALED if key else 0, epoch, base, store, key)
    return head + hashlib.blake2b(head, digest_size=DIGEST_SIZE).digest()


def encode_frame(epoch: bytes, seq: int, body: bytes) -> bytes:
    """One frame; `body` is sealed already."""
    if not 0 < len(body) <= MAX_FRAME:
        raise ValueError(f"a frame of {len(body)} bytes; allowed are 1 to {MAX_FRAME}")
    return _FRAME.pack(len(body), seq, _digest(epoch, seq, body)) + body


def _digest(epoch: bytes, seq: int, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=DIGEST_SIZE, key=epoch, salt=_U64.pack(seq)).digest()


def frame_at(data: bytes, at: int, epoch: bytes, seq: int | None = None) -> tuple[int, bytes] | None:
    """Sequence and body of the whole, right frame at this place (of this number), or None."""
    if at + _FRAME.size > len(data):
        return None
    length, found, digest = _FRAME.unpack_from(data, at)
    start = at + _FRAME.size
    if not 0 < length <= MAX_FRAME or start + length > len(data) or (seq is not None and found != seq):
        return None
    body = data[start : start + length]
    return (found, body) if hmac.compare_digest(_digest(epoch, found, body), digest) else None


def later_frames(data: bytes, at: int, epoch: bytes, seq: int) -> Iterator[int]:
    """Numbers of right frames somewhere behind a broken one.

    They are found by their sequence numbers: those of one journal share their first six bytes, or two such prefixes.
    """
    tail = data[at:].rstrip(b"\0")
    padded = tail + bytes(min(_FRAME.size, len(data) - at - len(tail)))
    for prefix in {_U64.pack(seq + 1)[:6], _U64.pack(seq + 0xFFFF)[:6]}:
        for match in re.finditer(rb"(?s)(?=(?!\0{4}).{4}" + re.escape(prefix) + rb"..)", padded):
            frame = frame_at(data, at + match.start(), epoch)
            if frame is not None and frame[0] > seq:
                yield frame[0]


class Layout(msgspec.Struct, frozen=True):
    """A journal's bytes taken apart, before the seal is opened."""

    store: bytes
    epoch: bytes
    base: int
    #: Empty: not sealed.
    key: bytes
    bodies: tuple[bytes, ...]
    #: Where the next frame would start.
    end: int
    torn: bool


def parse(data: bytes) -> Layout:
    """Take a journal apart. Raises AuthDamaged where more than an unfinished last frame is wrong."""
    if not data:
        raise damaged(Damage(JOURNAL, Harm.EMPTY))
    if len(data) < HEADER_SIZE or data[:4] != MAGIC:
        raise damaged(Damage(JOURNAL, Harm.UNPARSABLE))
    _, version, flags, epoch, base, store, key = _HEAD.unpack_from(data)
    digest = hashlib.blake2b(data[: _HEAD.size], digest_size=DIGEST_SIZE).digest()
    if not hmac.compare_digest(digest, data[_HEAD.size : HEADER_SIZE]):
        raise damaged(Damage(JOURNAL, Harm.WRONG_DIGEST))
    if version != VERSION or flags & ~FLAG_SEALED:
        raise damaged(
            Damage(
                JOURNAL, Harm.UNPARSABLE, f"is of version {version}; this program knows {VERSION}: upgrade it"
            )
        )
    bodies: list[bytes] = []
    at = HEADER_SIZE
    while frame := frame_at(data, at, epoch, base + len(bodies) + 1):
        bodies.append(frame[1])
        at += _FRAME.size + len(frame[1])
    torn = data.count(0, at) != len(data) - at
    if torn:
        broken = base + len(bodies) + 1
        later = next(later_frames(data, at, epoch, broken), None)
        if later is not None:
            why = (
                f"is broken at frame {broken} (byte {at}), yet frame {later} behind it is whole: this is no torn"
                " end but damage to acknowledged data; put the directory back from a backup, or cut it there with"
                " `waconnd state repair --roll-back`, as after the restore of an old copy"
            )
            raise damaged(Damage(JOURNAL, Harm.WRONG_DIGEST, why))
    return Layout(store, epoch, base, key if flags & FLAG_SEALED else b"", tuple(bodies), at, torn)


def headless(data: bytes) -> bool:
    """Whether not even the header is right: nothing in such a journal can be read, whatever program wrote it."""
    digest = hashlib.blake2b(data[: _HEAD.size], digest_size=DIGEST_SIZE).digest()
    return len(data) < HEADER_SIZE or not hmac.compare_digest(digest, data[_HEAD.size : HEADER_SIZE])


def frame_limits(data: bytes) -> tuple[int, int, int] | None:
    """Of a journal broken in the middle: where its whole frames end, the last of them, the highest behind."""
    _, _, _, epoch, base, _, _ = _HEAD.unpack_from(data)
    at, seq = HEADER_SIZE, base
    while frame := frame_at(data, at, epoch, seq + 1):
        at, seq = at + _FRAME.size + len(frame[1]), seq + 1
    highest = max(later_frames(data, at, epoch, seq + 1), default=None)
    return None if highest is None else (at, seq, highest)


class FileJournal:
    """The journal as one file of a directory."""

    def __init__(self, directory: Directory, seal: Seal, random: Callable[[int], bytes]) -> None:
        self._directory, self._seal, self._random = directory, seal, random
        self.store = b""
        self._epoch = b""
        self._base = self._seq = 0
        self._frames = seal.frames(b"")
        self._bodies: tuple[bytes, ...] = ()
        self._allocated = 0
        self.size = 0

    def scan(self) -> Scan:
        """Read all."""
        try:
            layout = parse(self._directory.read(JOURNAL))
        except OSError as error:
            raise damaged(unreadable(JOURNAL, error)) from error
        if layout.key != (key := self._seal.check(layout.store)):
            if not key:
                raise Sealed(
                    "the directory is sealed, but no key was given: set `sealed = true` under [auth]"
                )
            if not layout.key:
                raise Sealed(
                    "sealing is on, but the directory is plain: export the account, and import it with sealing on"
                )
            raise Sealed("the key is not the one that this directory was sealed with")
        self._bodies = layout.bodies
        self._adopt(layout.store, layout.epoch, layout.base, layout.end)
        frames = self._seal.frames(layout.epoch)
        first = layout.base + 1
        try:
            opened = tuple(
                decode_records(frames.open(first + i, body)) for i, body in enumerate(layout.bodies)
            )
        except ValueError as error:
            why = f"holds a frame that makes no sense: {error}"
            raise damaged(Damage(JOURNAL, Harm.UNPARSABLE, why)) from error
        self._seq = layout.base + len(opened)
        return Scan(layout.store, layout.base, opened, layout.torn)

    def create(self, store: bytes) -> None:
        """The first journal of a new account."""
        self.store = store
        self.replace(0, ())

    def append(self, seq: int, records: Sequence[Record]) -> None:
        """One write, one sync."""
        if seq != self._seq + 1:
            raise WrongSequence(f"frame {seq} was offered, the next one is {self._seq + 1}")
        data = encode_frame(self._epoch, seq, self._frames.close(seq, encode_records(records)))
        end = self.size + len(data)
        if end > self._allocated:
            grown = -(-end // GROWTH) * GROWTH if len(data) <= SMALL_FRAME else end
            self._directory.patch(JOURNAL, self.size, data + bytes(grown - end))
            self._allocated = grown
        else:
            self._directory.patch(JOURNAL, self.size, data)
        self._directory.sync((JOURNAL,))
        self._seq, self.size = seq, end

    def refresh(self) -> None:
        """Rewrite: after a failed sync, pages may look written that never were; a fresh file leaves no doubt."""
        self._swap(self._epoch, self._base, self._bodies)
        self._bodies = ()

    def replace(self, base: int, opening: Sequence[Record]) -> None:
        """A new journal. Everything before it must be durable elsewhere already."""
        epoch = self._random(EPOCH_SIZE)
        bodies: tuple[bytes, ...] = ()
        if opening:
            bodies = (self._seal.frames(epoch).close(base + 1, encode_records(opening)),)
        self._swap(epoch, base, bodies)

    def _swap(self, epoch: bytes, base: int, bodies: Sequence[bytes]) -> None:
        parts = [encode_header(epoch, base, self.store, self._seal.check(self.store))]
        parts += [encode_frame(epoch, base + 1 + i, body) for i, body in enumerate(bodies)]
        data = b"".join(parts)
        name = temporary(JOURNAL)
        self._directory.write(name, data)
        self._directory.sync((name,))
        self._directory.rename(name, JOURNAL)
        self._directory.sync_names()
        self._adopt(self.store, epoch, base, len(data))
        self._seq = base + len(bodies)

    def _adopt(self, store: bytes, epoch: bytes, base: int, end: int) -> None:
        self.store, self._epoch, self._base = store, epoch, base
        self._frames = self._seal.frames(epoch)
        self.size = self._allocated = end
