"""One record: sealed under a key, addressed by the MAC of its index (reference 04, 1.4)."""

from __future__ import annotations

import hmac
from enum import IntEnum
from typing import Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.appstate.errors import IndexMacMismatch, Malformed, ValueMacMismatch
from protocol.appstate.keys import Expanded
from protocol.crypto.primitives import CryptoError, cbc_decrypt, cbc_encrypt, hmac_sha256, same
from protocol.pb.sync_pb2 import SyncActionData, SyncActionValue, SyncdMutation

MAC: Final = 32
IV: Final = 16
#: iv, one block, MAC: nothing shorter can be a record.
MIN_BLOB: Final = IV + 16 + MAC


class Op(IntEnum):
    """What a mutation does to its index."""

    SET = 0
    REMOVE = 1


class Mutation(msgspec.Struct, frozen=True):
    """A record that was opened and checked."""

    op: Op
    index_mac: bytes
    value_mac: bytes
    key_id: bytes
    #: The index as the phone wrote it, and its parts.
    index_json: bytes
    index: tuple[str, ...]
    value: SyncActionValue
    version: int

    @property
    def action(self) -> str:
        """The name of the action, first of the index."""
        return self.index[0] if self.index else ""


def seal(
    op: Op,
    index: tuple[str, ...],
    value: SyncActionValue,
    version: int,
    key_id: bytes,
    keys: Expanded,
    iv: bytes,
) -> tuple[SyncdMutation, Mutation]:
    """Encrypt a record: for the wire, and as it will be known here."""
    written = index_json(index)
    data = SyncActionData(index=written, value=value, padding=b"", version=version)
    ciphertext = iv + cbc_encrypt(keys.value_encryption, iv, data.SerializeToString())
    value_mac = _value_mac(op, key_id, ciphertext, keys)
    index_mac = hmac_sha256(keys.index, written)
    wire = SyncdMutation()
    wire.operation = SyncdMutation.REMOVE if op is Op.REMOVE else SyncdMutation.SET
    wire.record.index.blob = index_mac
    wire.record.value.blob = ciphertext + value_mac
    wire.record.keyId.id = key_id
    return wire, Mutation(op, index_mac, value_mac, key_id, written, index, value, version)


def split(wire: SyncdMutation) -> tuple[bytes, bytes]:
    """Index MAC and value MAC of a mutation, before anything is decrypted."""
    blob, index_mac = wire.record.value.blob, wire.record.index.blob
    if len(blob) < MIN_BLOB or len(index_mac) != MAC:
        raise Malformed(f"a record of {len(blob)} bytes under an index of {len(index_mac)}")
    return index_mac, blob[-MAC:]


def open_(wire: SyncdMutation, keys: Expanded) -> Mutation:
    """Check both MACs and decrypt."""
    index_mac, value_mac = split(wire)
    op = Op.REMOVE if wire.operation == SyncdMutation.REMOVE else Op.SET
    key_id = wire.record.keyId.id
    ciphertext = wire.record.value.blob[:-MAC]
    if not same(_value_mac(op, key_id, ciphertext, keys), value_mac):
        raise ValueMacMismatch("a record's value MAC differs")
    try:
        data = SyncActionData.FromString(cbc_decrypt(keys.value_encryption, ciphertext[:IV], ciphertext[IV:]))
    except (CryptoError, DecodeError) as error:
        raise Malformed("a record does not decode") from error
    if not same(hmac_sha256(keys.index, data.index), index_mac):
        raise IndexMacMismatch("a record lies under another index than its own")
    return Mutation(op, index_mac, value_mac, key_id, data.index, parts(data.index), data.value, data.version)


def index_json(index: tuple[str, ...]) -> bytes:
    """An index as it is written: compact, nothing escaped that need not be."""
    return msgspec.json.encode(list(index))


def parts(index: bytes) -> tuple[str, ...]:
    """The parts of an index; one that does not parse is kept, but has no name to act on."""
    try:
        return tuple(msgspec.json.decode(index, type=list[str]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()


def _value_mac(op: Op, key_id: bytes, ciphertext: bytes, keys: Expanded) -> bytes:
    mark = b"\x02" if op is Op.REMOVE else b"\x01"
    length = (len(key_id) + 1).to_bytes(8, "big")
    return hmac.digest(keys.value_mac, mark + key_id + ciphertext + length, "sha512")[:MAC]
