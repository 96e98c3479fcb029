"""The list of an account's files: exact kind and id, size, digest, and a stamp that tells when to look again."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from waconnd.store.errors import Damage, Harm, damaged
from waconnd.store.names import MANIFEST
from waconnd.store.seal import Seal

VERSION: Final = 1
DIGEST_SIZE: Final = 16


class Filed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One file as it was written."""

    name: str
    size: int
    digest: bytes
    changed: int


#: kind → id → file.
Index = dict[str, dict[str, Filed]]


class _Document(msgspec.Struct, frozen=True):
    v: int
    store: str
    #: The state is that after this frame of the journal.
    seq: int
    digest: str
    files: msgspec.Raw


class Manifest(msgspec.Struct, frozen=True):
    """A manifest that was read and found right."""

    store: bytes
    seq: int
    index: Index


def digest_of(data: bytes) -> bytes:
    """The digest of a file's bytes as they are on disk."""
    return hashlib.blake2b(data, digest_size=DIGEST_SIZE).digest()


def encode(store: bytes, seq: int, index: Index, seal: Seal) -> bytes:
    """The manifest file."""
    files = msgspec.json.encode(index)
    digest = digest_of(b"%s %d " % (store, seq) + files).hex()
    document = _Document(VERSION, store.hex(), seq, digest, msgspec.Raw(files))
    return seal.close(MANIFEST.encode(), msgspec.json.encode(document))


def decode(data: bytes, seal: Seal) -> Manifest:
    """Raises AuthDamaged."""
    if not data:
        raise damaged(Damage(MANIFEST, Harm.EMPTY))
    try:
        document = msgspec.json.decode(seal.open(MANIFEST.encode(), data), type=_Document)
        store, files = bytes.fromhex(document.store), bytes(document.files)
    except (msgspec.MsgspecError, ValueError) as error:
        raise damaged(Damage(MANIFEST, Harm.UNPARSABLE)) from error
    if document.v != VERSION:
        why = f"is of version {document.v}; this program knows {VERSION}: upgrade it"
        raise damaged(Damage(MANIFEST, Harm.UNPARSABLE, why))
    if digest_of(b"%s %d " % (store, document.seq) + files).hex() != document.digest:
        raise damaged(Damage(MANIFEST, Harm.WRONG_DIGEST))
    try:
        index = msgspec.json.decode(files, type=Index)
    except msgspec.MsgspecError as error:
        raise damaged(Damage(MANIFEST, Harm.UNPARSABLE)) from error
    owners: dict[str, tuple[str, str]] = {}
    for kind, ids in index.items():
        for id, filed in ids.items():
            if filed.name in owners:
                why = f"gives the file {filed.name} to two records, {owners[filed.name]} and {(kind, id)}"
                raise damaged(Damage(MANIFEST, Harm.UNPARSABLE, why))
            owners[filed.name] = (kind, id)
    return Manifest(store, document.seq, index)
