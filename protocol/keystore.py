"""Keys and records in memory: a copy-on-write view over what the host has on disk.

A transaction lives between two awaits and never across one. Staging it changes memory at once, so the next
decrypt may build on it; the host makes it durable and says so by number. Nothing here is decoded: a record is
bytes under an exact `(kind, id)`; `Table` gives one kind its type.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from protocol.errors import LocalProtocolError, RecordDamaged, StaleTxn
from protocol.events.base import Event

Key = tuple[str, str]
Changes = dict[Key, bytes | None]


class Kind:
    """Names of record kinds: the familiar file prefixes first, then ours."""

    CREDS: Final = "creds"
    PRE_KEY: Final = "pre-key"
    SESSION: Final = "session"
    SENDER_KEY: Final = "sender-key"
    SENDER_KEY_MEMORY: Final = "sender-key-memory"
    IDENTITY_KEY: Final = "identity-key"
    DEVICE_LIST: Final = "device-list"
    LID_MAPPING: Final = "lid-mapping"
    TC_TOKEN: Final = "tctoken"
    APP_STATE_KEY: Final = "app-state-sync-key"
    APP_STATE_VERSION: Final = "app-state-sync-version"
    #: 1/256 of a collection's index MACs each, so that a one-line change never journals megabytes.
    APP_STATE_MACS: Final = "app-state-macs"
    SIGNED_PRE_KEY: Final = "signed-pre-key"
    GROUP: Final = "group"
    #: Channels that we follow, and when lists that the server keeps were last read.
    CHANNEL: Final = "channel"
    FRESHNESS: Final = "freshness"
    #: Settings that the server keeps for the account: privacy, the list of the blocked.
    SETTING: Final = "setting"
    #: Calls that ring or are going on.
    CALL: Final = "call"
    RETRY_COUNT: Final = "retry-count"
    #: How often we sent a message again for one device, and when a session was given up for that.
    RETRY_ANSWER: Final = "retry-answer"
    SESSION_RECREATED: Final = "session-recreated"
    TODO: Final = "todo"
    #: What was sent, kept to answer retries; it never becomes a file but moves to the archive.
    RETRY_COPY: Final = "retry-copy"
    #: Records that make no sense, set aside with their bytes.
    QUARANTINE: Final = "quarantine"


class Source(Protocol):
    """What the host has. After the host reported commit n durable, these must return its values."""

    def get(self, kind: str, id: str, /) -> bytes | None:
        """The bytes of a record, or None."""

    def ids(self, kind: str, /) -> Iterable[str]:
        """All ids of a kind."""


class View(Protocol):
    """What `Table` reads from: the keystore itself or a transaction on it."""

    def get(self, kind: str, id: str, /) -> bytes | None:
        """The bytes of a record, or None."""

    def ids(self, kind: str, /) -> Iterable[str]:
        """All ids of a kind."""


class Save(msgspec.Struct, frozen=True):
    """One commit for the host to make durable as a whole: records and the events they brought."""

    number: int
    changes: Changes
    events: tuple[Event, ...] = ()


class Txn:
    """Copy on write. Drop it and nothing happened."""

    __slots__ = ("_store", "base", "changes")

    def __init__(self, store: Keystore, base: int) -> None:
        self._store = store
        self.base = base
        self.changes: Changes = {}

    def get(self, kind: str, id: str) -> bytes | None:
        """The newest value as this transaction sees it."""
        key = (kind, id)
        return self.changes[key] if key in self.changes else self._store.get(kind, id)

    def put(self, kind: str, id: str, value: bytes) -> None:
        """Set a record."""
        self.changes[kind, id] = value

    def delete(self, kind: str, id: str) -> None:
        """Remove a record."""
        self.changes[kind, id] = None

    def ids(self, kind: str) -> Iterator[str]:
        """All ids of a kind as this transaction sees them."""
        return _merged(kind, self._store.ids(kind), self.changes)

    def fork(self) -> Txn:
        """A copy to try something on: throw it away or `adopt` it."""
        twin = Txn(self._store, self.base)
        twin.changes = dict(self.changes)
        return twin

    def adopt(self, twin: Txn) -> None:
        """Take over what a fork changed."""
        self.changes = twin.changes


class Keystore:
    """The account's records. One per account, it outlives connections; numbers rise for its whole life."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._overlay: dict[Key, tuple[int, bytes | None]] = {}
        self._pending: deque[Save] = deque()
        self._unsaved: list[Save] = []
        self.staged = 0
        self.durable = 0
        self.broken = False

    def get(self, kind: str, id: str) -> bytes | None:
        """The newest staged value."""
        held = self._overlay.get((kind, id))
        return held[1] if held is not None else self._source.get(kind, id)

    def ids(self, kind: str) -> Iterator[str]:
        """All ids of a kind, staged changes included."""
        return _merged(
            kind, self._source.ids(kind), {k: v for k, (_, v) in self._overlay.items() if k[0] == kind}
        )

    def txn(self) -> Txn:
        """A transaction on the newest staged state."""
        return Txn(self, self.staged)

    def stage(self, txn: Txn, events: tuple[Event, ...] = ()) -> int:
        """Apply to memory at once and queue for the host. Returns the commit's number."""
        if self.broken:
            raise LocalProtocolError(
                "this store failed to write; the account must be opened again by recovery"
            )
        if txn.base != self.staged:
            raise StaleTxn(f"transaction on commit {txn.base}, newest is {self.staged}")
        self.staged += 1
        save = Save(self.staged, txn.changes, events)
        for key, value in txn.changes.items():
            self._overlay[key] = (self.staged, value)
        self._unsaved.append(save)
        self._pending.append(save)
        return self.staged

    def take_saves(self) -> list[Save]:
        """What the host has to make durable, in order; each is handed out once."""
        saves, self._unsaved = self._unsaved, []
        return saves

    def committed(self, number: int) -> None:
        """All commits up to `number` are durable and `source` returns their values."""
        self.durable = max(self.durable, number)
        while self._pending and self._pending[0].number <= number:
            save = self._pending.popleft()
            for key in save.changes:
                held = self._overlay.get(key)
                if held is not None and held[0] <= number:
                    del self._overlay[key]

    def failed(self) -> None:
        """A write failed: nothing may be staged on this store again."""
        self.broken = True


def _merged(kind: str, below: Iterable[str], changes: Mapping[Key, bytes | None]) -> Iterator[str]:
    touched = {id: value for (k, id), value in changes.items() if k == kind}
    for id in below:
        if id not in touched:
            yield id
    for id, value in touched.items():
        if value is not None:
            yield id


T = TypeVar("T", bound=msgspec.Struct)
Migration = Callable[[dict[str, Any]], dict[str, Any]]


class Table(Generic[T]):
    """One kind of record as a typed, versioned JSON struct (its first field is `v: int`).

    `migrations[n]` turns the fields of version n into those of n + 1; each is kept for ever.
    """

    def __init__(
        self,
        kind: str,
        record: type[T],
        *,
        version: int = 1,
        migrations: Mapping[int, Migration] | None = None,
    ) -> None:
        self.kind, self.version = kind, version
        self._migrations = dict(migrations or {})
        self._type = record
        self._decoder = msgspec.json.Decoder(record)
        self._encode = msgspec.json.Encoder().encode
        # A record that leaves defaults out would leave out its version too, and pass for a newer one later.
        self._head = b'{"v":%d' % version if record.__struct_config__.omit_defaults else b""

    def get(self, view: View, id: str) -> T | None:
        """Read a record. Raises RecordDamaged when its bytes make no sense."""
        raw = view.get(self.kind, id)
        return None if raw is None else self.decode(raw, id)

    def decode(self, raw: bytes, id: str = "") -> T:
        """Bytes to record, through the migrations when they are of an older version."""
        try:
            record = self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._migrate(raw, id, str(error))
        if getattr(record, "v", self.version) != self.version:
            return self._migrate(raw, id, f"version {getattr(record, 'v', None)}")
        return record

    def encode(self, record: T) -> bytes:
        """Record to bytes."""
        raw = self._encode(record)
        if not self._head or raw.startswith(b'{"v":'):
            return raw
        return self._head + (b"," if len(raw) > len(b"{}") else b"") + raw[1:]

    def put(self, txn: Txn, id: str, record: T) -> None:
        """Write a record."""
        txn.put(self.kind, id, self.encode(record))

    def delete(self, txn: Txn, id: str) -> None:
        """Remove a record."""
        txn.delete(self.kind, id)

    def ids(self, view: View) -> Iterable[str]:
        """All ids of this kind."""
        return view.ids(self.kind)

    def _migrate(self, raw: bytes, id: str, why: str) -> T:
        try:
            fields: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
            version = int(fields.get("v", 0))
            if version > self.version:
                raise RecordDamaged(self.kind, id, f"version {version} is newer than this program knows")
            if version == self.version:
                raise RecordDamaged(self.kind, id, why)
            while version < self.version:
                fields = self._migrations[version](fields)
                version += 1
            return msgspec.convert(fields | {"v": version}, self._type)
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise RecordDamaged(self.kind, id, why) from error
