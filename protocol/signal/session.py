"""Pairwise sessions: open, encrypt, decrypt, each against a transaction.

All or nothing: when a function raises, the transaction is what it was before. The caller commits it before a
ciphertext leaves (else one message key could encrypt two plaintexts) and before a message is acknowledged.
Addresses are `Jid.signal_address`, of the hidden id when it is known (reference 02, 7.2).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from protocol.creds import Creds, SignedPreKey
from protocol.crypto.curve import Entropy, KeyPair
from protocol.errors import RecordDamaged
from protocol.keystore import Txn, View


class Local(msgspec.Struct, frozen=True):
    """Our side of every session."""

    identity: KeyPair
    registration_id: int
    #: The current one; older ones are read from the store by id.
    signed_pre_key: SignedPreKey
    entropy: Entropy


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """What the server hands out about a device, keys without type byte."""

    registration_id: int
    identity: bytes
    signed_pre_key_id: int
    signed_pre_key: bytes
    signature: bytes
    pre_key_id: int | None = None
    pre_key: bytes | None = None


class Envelope(msgspec.Struct, frozen=True):
    """The type and content of an `enc` element."""

    type: Literal["pkmsg", "msg"]
    data: bytes


class Opened(msgspec.Struct, frozen=True):
    """A decrypted message, still padded."""

    plaintext: bytes
    #: The device has another identity key than the one that we knew.
    identity_changed: bool = False
    new_session: bool = False
    #: The old record made no sense and was set aside.
    damage: RecordDamaged | None = None

    def __repr__(self) -> str:
        return f"Opened(<{len(self.plaintext)} bytes>)"


def local_from_creds(creds: Creds, entropy: Entropy) -> Local:
    """Our side, from the credentials."""
    return Local(creds.identity, creds.registration_id, creds.signed_pre_key, entropy)


def has_session(view: View, address: str) -> bool:
    """Can we encrypt to this device without asking for a bundle? False for a record that makes no sense."""
    raise NotImplementedError


def open_session(txn: Txn, address: str, bundle: Bundle, *, me: Local, now: float) -> bool:
    """Start a session from a bundle. The old one is archived. True when the identity changed.

    Raises BadSignature, InvalidKey.
    """
    raise NotImplementedError


def encrypt(txn: Txn, address: str, plaintext: bytes, *, me: Local) -> Envelope:
    """Encrypt (padded) plaintext. Raises NoSession."""
    raise NotImplementedError


def decrypt(
    txn: Txn, address: str, type: str, data: bytes, *, me: Local, own: bool = False, now: float
) -> Opened:
    """Decrypt the content of an `enc` of type `msg` or `pkmsg`. `own`: the sender is a device of this account.

    Raises a SignalError, and then nothing has changed.
    """
    raise NotImplementedError


def delete_session(txn: Txn, address: str) -> None:
    """Forget a session, the identity stays."""
    raise NotImplementedError


def merge_sessions(txn: Txn, from_address: str, to_address: str) -> None:
    """Two names were found to be one device: the states of `from` go behind those of `to`, its record away."""
    raise NotImplementedError


def base_key(view: View, address: str) -> bytes:
    """The name of the current session, empty without one: two retries on the same one mean that it is stuck."""
    raise NotImplementedError


def their_registration_id(view: View, address: str) -> int | None:
    """The registration id that the other side of the current session named; None without one."""
    raise NotImplementedError
