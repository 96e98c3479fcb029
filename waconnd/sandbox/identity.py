"""What only the phone can do at linking: sign a companion's identity, sign the list of devices (reference 01, 5.7)."""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.crypto.curve import Entropy, KeyPair
from protocol.crypto.primitives import hmac_sha256
from protocol.crypto.xeddsa import sign
from protocol.pb.adv_pb2 import (
    E2EE,
    ADVDeviceIdentity,
    ADVKeyIndexList,
    ADVSignedDeviceIdentity,
    ADVSignedDeviceIdentityHMAC,
    ADVSignedKeyIndexList,
)

ACCOUNT_SIGNS: Final = b"\x06\x00"
DEVICE_SIGNS: Final = b"\x06\x01"
LIST_SIGNS: Final = b"\x06\x02"


class Vouched(NamedTuple):
    """A companion's identity under the account's signature."""

    details: bytes
    container: bytes
    account_signature: bytes


def vouch(
    primary: KeyPair,
    companion: bytes,
    adv_secret: bytes,
    entropy: Entropy,
    *,
    raw_id: int,
    key_index: int,
    timestamp: int,
) -> Vouched:
    """Sign a companion and wrap it for pair-success, under the secret that its code carried."""
    # The zeros are written out: the companion signs these very bytes.
    details = ADVDeviceIdentity(
        rawId=raw_id, timestamp=timestamp, keyIndex=key_index, accountType=E2EE, deviceType=E2EE
    ).SerializeToString()
    signature = sign(primary.private, ACCOUNT_SIGNS + details + companion, entropy)
    signed = ADVSignedDeviceIdentity(
        details=details, accountSignatureKey=primary.public, accountSignature=signature
    ).SerializeToString()
    container = ADVSignedDeviceIdentityHMAC(
        details=signed, hmac=hmac_sha256(adv_secret, signed), accountType=E2EE
    )
    return Vouched(details, container.SerializeToString(), signature)


def own_companion(primary: KeyPair, companion: KeyPair, vouched: Vouched, entropy: Entropy) -> bytes:
    """The complete identity of a companion whose keys are at hand: a simulated one."""
    proof = DEVICE_SIGNS + vouched.details + companion.public + primary.public
    return ADVSignedDeviceIdentity(
        details=vouched.details,
        accountSignatureKey=primary.public,
        accountSignature=vouched.account_signature,
        deviceSignature=sign(companion.private, proof, entropy),
    ).SerializeToString()


def sign_devices(
    primary: KeyPair, entropy: Entropy, *, raw_id: int, timestamp: int, current: int, valid: list[int]
) -> bytes:
    """The signed list of the companions that are alive."""
    details = ADVKeyIndexList(
        rawId=raw_id, timestamp=timestamp, currentIndex=current, validIndexes=valid, accountType=E2EE
    ).SerializeToString()
    return ADVSignedKeyIndexList(
        details=details,
        accountSignature=sign(primary.private, LIST_SIGNS + details, entropy),
        accountSignatureKey=primary.public,
    ).SerializeToString()
