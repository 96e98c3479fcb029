"""Our own backup: one tar with a manifest, made while the account runs, sealed with a passphrase on request.

The tar holds `manifest.json` (first, with a digest of each other member), `auth.json` (every record) and, when
asked for, `history.db` (the account's part of the archive). Sealed: scrypt and AES-256-GCM in chunks.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from protocol.creds import CREDS, CREDS_ID
from protocol.keystore import Changes, Kind
from waconnd.store.transfer.report import Held, TransferError
from waconnd.store.transfer.vault import is_sealed, open_sealed, seal

FORMAT: Final = "waconnd-export"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
AUTH: Final = "auth.json"
HISTORY: Final = "history.db"
#: Copies and what waits for the archive are history, not identity.
_PASSING: Final = frozenset({Kind.RETRY_COPY})
_CHUNK: Final = 1 << 20
#: A manifest is a few lines; auth state of a large account is tens of megabytes.
MAX_MANIFEST: Final = 1 << 20
MAX_AUTH: Final = 1 << 30


class Member(msgspec.Struct, frozen=True):
    """One file in the tar."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What an export is, and how to know that it is whole."""

    account: str
    made_at: str
    #: How far the account's journal was.
    seq: int
    number: str
    lid: str
    records: int
    members: tuple[Member, ...]
    format: str = FORMAT
    v: int = VERSION


class _Record(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    id: str
    data: str


class Opened(msgspec.Struct, frozen=True):
    """A verified export. `history`: where its database was unpacked, if it has one."""

    manifest: Manifest
    changes: Changes
    history: Path | None

    def __repr__(self) -> str:
        return f"Opened({self.manifest.account}, {len(self.changes)} records)"


def write(
    out: IO[bytes],
    account: str,
    changes: Changes,
    *,
    seq: int,
    now: float,
    history: Path | None = None,
    passphrase: str = "",
    random: Callable[[int], bytes] = os.urandom,
) -> Manifest:
    """Write an export of one moment's records (`AuthDir.snapshot`). Raises TransferError when there is no account."""
    creds = CREDS.get(Held(changes), CREDS_ID)
    if creds is None or creds.account is None:
        raise TransferError("this account is not linked: there is nothing to keep")
    records = [
        _Record(kind, id, b64encode(value).decode())
        for (kind, id), value in sorted(changes.items(), key=lambda item: item[0])
        if value is not None and kind not in _PASSING
    ]
    auth = msgspec.json.encode(records)
    members = [Member(AUTH, len(auth), hashlib.sha256(auth).hexdigest())]
    if history is not None:
        members.append(Member(HISTORY, history.stat().st_size, _digest(history)))
    manifest = Manifest(
        account,
        datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        seq,
        creds.account.pn,
        creds.account.lid,
        len(records),
        tuple(members),
    )
    target = seal(out, passphrase, random) if passphrase else out
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        head = msgspec.json.format(msgspec.json.encode(manifest))
        _add(tar, MANIFEST, io.BytesIO(head), len(head), now)
        _add(tar, AUTH, io.BytesIO(auth), len(auth), now)
        if history is not None:
            with history.open("rb") as file:
                _add(tar, HISTORY, file, members[1].size, now)
    if target is not out:
        target.close()
    out.flush()
    return manifest


def read(source: IO[bytes], workspace: Path, *, passphrase: str = "") -> Opened:
    """Verify an export and take it apart; its history is unpacked into `workspace`. Raises TransferError."""
    # A pipe can't be rewound.
    source = (
        source if isinstance(source, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", source))
    )
    if is_sealed(source.peek(16)):
        if not passphrase:
            raise TransferError("this export is sealed: give its passphrase")
        source = open_sealed(source, passphrase)
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            return _read(tar, workspace)
    except (tarfile.TarError, EOFError) as error:
        raise TransferError(f"this is no export of waconnd, or it was cut off ({error})") from error


def _read(tar: tarfile.TarFile, workspace: Path) -> Opened:
    manifest: Manifest | None = None
    expected: dict[str, Member] = {}
    changes: Changes = {}
    history: Path | None = None
    for item in tar:
        file = tar.extractfile(item)
        if file is None:
            raise TransferError(f"{item.name} has no place in an export")
        if manifest is None:
            manifest = _manifest(item, file)
            expected = {member.name: member for member in manifest.members}
            continue
        member = expected.pop(item.name, None)
        if member is None:
            raise TransferError(f"{item.name} is not listed in the manifest: this export was changed")
        if item.name == AUTH and item.size <= MAX_AUTH:
            data = file.read()
            _check(member, len(data), hashlib.sha256(data).hexdigest())
            changes = _records(data)
        elif item.name == HISTORY:
            history = workspace / HISTORY
            _check(member, *_unpack(file, history))
        else:
            raise TransferError(f"{item.name} is none of the parts of an export")
    if manifest is None or expected:
        raise TransferError(f"this export is not whole: {', '.join(expected) or MANIFEST} is missing")
    if len(changes) != manifest.records:
        raise TransferError("this export is not whole: its manifest counts other records")
    return Opened(manifest, changes, history)


def _manifest(item: tarfile.TarInfo, file: IO[bytes]) -> Manifest:
    if item.name != MANIFEST or item.size > MAX_MANIFEST:
        raise TransferError("this is no export of waconnd: its first part is no manifest")
    try:
        manifest = msgspec.json.decode(file.read(), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TransferError(f"the manifest makes no sense: {error}") from error
    if manifest.format != FORMAT or manifest.v > VERSION:
        raise TransferError(
            f"this export has version {manifest.v}, this program knows {VERSION}: use a newer waconnd"
        )
    return manifest


def _records(data: bytes) -> Changes:
    try:
        records = msgspec.json.decode(data, type=list[_Record])
        return {(record.kind, record.id): b64decode(record.data, validate=True) for record in records}
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise TransferError(f"{AUTH} makes no sense: {error}") from error


def _unpack(file: IO[bytes], path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        for chunk in _chunks(file):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return size, digest.hexdigest()


def _check(member: Member, size: int, digest: str) -> None:
    if (size, digest) != (member.size, member.sha256):
        raise TransferError(
            f"{member.name} is damaged: its digest differs from the manifest's; use another copy"
        )


def _add(tar: tarfile.TarFile, name: str, file: IO[bytes], size: int, now: float) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(now)
    tar.addfile(info, file)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
