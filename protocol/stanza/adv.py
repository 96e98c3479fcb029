"""Device identities: who vouches for whom (reference 01, 5.5 and 02, 6.3).

The account (the phone) signs each companion, the companion signs back, and at pairing an HMAC under the secret of
the QR code shows that the phone saw this very screen. Raw bytes of `details` are kept: serialising them anew would
break the signatures.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from google.protobuf.message import DecodeError, Message

from protocol.creds import Account
from protocol.crypto.curve import KEY, Entropy, KeyPair, untag
from protocol.crypto.primitives import CryptoError, hmac_sha256, same
from protocol.crypto.xeddsa import SIGNATURE, sign, verify
from protocol.errors import RemoteProtocolError
from protocol.pb import adv_pb2

M = TypeVar("M", bound=Message)

#: What stands in front of the signed bytes.
ACCOUNT: Final = b"\x06\x00"
DEVICE: Final = b"\x06\x01"
KEY_INDEXES: Final = b"\x06\x02"
HOSTED_ACCOUNT: Final = b"\x06\x05"
HOSTED_DEVICE: Final = b"\x06\x06"
HOSTED_KEY_INDEXES: Final = b"\x06\x07"

#: The official client refuses containers beyond this.
MAX_CONTAINER: Final = 500


class AdvError(RemoteProtocolError):
    """A device identity that proves nothing. `code` and `text` are what the server is told at pairing."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"device identity refused: {text}")
        self.code, self.text = code, text


class SignedIdentity(msgspec.Struct, frozen=True):
    """ADVSignedDeviceIdentity in its parts, all checked."""

    details: bytes
    account_key: bytes
    account_signature: bytes
    device_signature: bytes
    raw_id: int = 0
    timestamp: int = 0
    key_index: int = 0
    hosted: bool = False

    def encode(self, *, with_key: bool = True) -> bytes:
        """The protobuf: complete inside messages, without the account's key in the answer to pair-success."""
        return encode_identity(
            self.details, self.account_key if with_key else b"", self.account_signature, self.device_signature
        )


class KeyIndexList(msgspec.Struct, frozen=True):
    """Which companions of an account are alive."""

    raw_id: int
    timestamp: int
    current: int
    valid: frozenset[int]
    hosted: bool = False

    def keeps(self, device: int, key_index: int) -> bool:
        """Whether a listed device is one that the account stands by: all others are stale."""
        return device == 0 or key_index in self.valid or key_index > self.current


def accept_container(
    container: bytes, adv_secret: bytes, identity: KeyPair, entropy: Entropy
) -> SignedIdentity:
    """Check what pair-success brought and sign back. Raises AdvError."""
    if not 0 < len(container) <= MAX_CONTAINER:
        raise AdvError(500, "internal-error")
    outer = _read(adv_pb2.ADVSignedDeviceIdentityHMAC(), container)
    prefix = HOSTED_ACCOUNT if outer.accountType == adv_pb2.HOSTED else b""
    if not same(hmac_sha256(adv_secret, prefix + outer.details), outer.hmac):
        raise AdvError(401, "hmac-mismatch")
    signed = _read(adv_pb2.ADVSignedDeviceIdentity(), outer.details)
    found = _account_checked(signed, identity.public, signed.accountSignatureKey)
    # Our own half is always signed as an ordinary device, on a hosted account too.
    message = DEVICE + found.details + identity.public + found.account_key
    return msgspec.structs.replace(found, device_signature=sign(identity.private, message, entropy))


def verify_device_identity(
    blob: bytes, identity: bytes, *, account_key: bytes | None = None
) -> SignedIdentity:
    """Check a companion's identity as it comes in bundles and messages. Raises AdvError.

    `identity`: the companion's identity key; `account_key`: that of its phone, where it is known. The blob may leave
    it out, and may not contradict it.
    """
    signed = _read(adv_pb2.ADVSignedDeviceIdentity(), blob)
    companion = _key(identity)
    key = signed.accountSignatureKey or (account_key or b"")
    if account_key is not None and _key(key) != _key(account_key):
        raise AdvError(401, "signed by another account")
    found = _account_checked(signed, companion, key)
    message = found.details + companion + found.account_key
    prefixes = (HOSTED_DEVICE, DEVICE) if found.hosted else (DEVICE,)
    if not any(verify(companion, prefix + message, found.device_signature) for prefix in prefixes):
        raise AdvError(401, "device-signature-mismatch")
    return found


def names_account(blob: bytes) -> bool:
    """Does a device identity bring its account's key? The server keeps those that do not (the answer to pair-success)."""
    try:
        return bool(_read(adv_pb2.ADVSignedDeviceIdentity(), blob).accountSignatureKey)
    except AdvError:
        return True


def verify_key_index_list(blob: bytes, account_key: bytes | None = None) -> KeyIndexList:
    """Check a signed key index list. Raises AdvError.

    `account_key`: the phone's identity where it is known; without it the list is taken on the key that it names.
    """
    signed = _read(adv_pb2.ADVSignedKeyIndexList(), blob)
    listed = _read(adv_pb2.ADVKeyIndexList(), signed.details)
    hosted = listed.accountType == adv_pb2.HOSTED
    key = signed.accountSignatureKey or (account_key or b"")
    if account_key is not None and _key(key) != _key(account_key):
        raise AdvError(401, "signed by another account")
    prefixes = (HOSTED_KEY_INDEXES, KEY_INDEXES) if hosted else (KEY_INDEXES,)
    if not any(verify(_key(key), prefix + signed.details, signed.accountSignature) for prefix in prefixes):
        raise AdvError(401, "key-index-list-signature-mismatch")
    return KeyIndexList(
        listed.rawId, listed.timestamp, listed.currentIndex, frozenset(listed.validIndexes), hosted
    )


def read_key_index_list(blob: bytes) -> KeyIndexList | None:
    """A list that names no key, unchecked: nobody can check it as long as the phone's identity is unknown.

    None for one that names a key (then `verify_key_index_list` decides) and for what is no list.
    """
    try:
        signed = _read(adv_pb2.ADVSignedKeyIndexList(), blob)
        listed = _read(adv_pb2.ADVKeyIndexList(), signed.details)
    except AdvError:
        return None
    if signed.accountSignatureKey or not signed.details:
        return None
    hosted = listed.accountType == adv_pb2.HOSTED
    return KeyIndexList(
        listed.rawId, listed.timestamp, listed.currentIndex, frozenset(listed.validIndexes), hosted
    )


def own_identity(account: Account) -> bytes:
    """Our own identity, complete: the `<device-identity>` beside the first message of a session."""
    return encode_identity(
        account.details, account.account_key, account.account_signature, account.device_signature
    )


def encode_identity(
    details: bytes, account_key: bytes, account_signature: bytes, device_signature: bytes = b""
) -> bytes:
    """ADVSignedDeviceIdentity from its parts; an empty part is left out."""
    signed = adv_pb2.ADVSignedDeviceIdentity(details=details)
    if account_key:
        signed.accountSignatureKey = account_key
    if account_signature:
        signed.accountSignature = account_signature
    if device_signature:
        signed.deviceSignature = device_signature
    return signed.SerializeToString()


def _account_checked(
    signed: adv_pb2.ADVSignedDeviceIdentity, companion: bytes, account_key: bytes
) -> SignedIdentity:
    device = _read(adv_pb2.ADVDeviceIdentity(), signed.details)
    if len(account_key) != KEY or len(signed.accountSignature) != SIGNATURE:
        raise AdvError(401, "signature-mismatch")
    hosted = device.deviceType == adv_pb2.HOSTED
    message = (HOSTED_ACCOUNT if hosted else ACCOUNT) + signed.details + companion
    if not verify(account_key, message, signed.accountSignature):
        raise AdvError(401, "signature-mismatch")
    return SignedIdentity(
        signed.details,
        account_key,
        signed.accountSignature,
        signed.deviceSignature,
        device.rawId,
        device.timestamp,
        device.keyIndex,
        hosted,
    )


def _key(raw: bytes) -> bytes:
    try:
        return untag(raw)
    except CryptoError as error:
        raise AdvError(401, "signature-mismatch") from error


def _read(empty: M, raw: bytes) -> M:
    try:
        empty.ParseFromString(raw)
    except DecodeError as error:
        raise AdvError(500, "internal-error") from error
    return empty
