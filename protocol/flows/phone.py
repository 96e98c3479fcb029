"""The phone's half of linking, as plain functions: for a server to play against (reference 01, 5.7, 6.4 and 6.5)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from protocol.crypto.curve import Entropy, KeyPair, generate
from protocol.crypto.primitives import hmac_sha256, pbkdf2, same
from protocol.crypto.xeddsa import sign, verify
from protocol.errors import RemoteProtocolError
from protocol.pb import adv_pb2
from protocol.stanza import linkcode, passkey
from protocol.stanza.adv import ACCOUNT, DEVICE, HOSTED_ACCOUNT, KEY_INDEXES, encode_identity


class BadCompanion(RemoteProtocolError):
    """The companion's answer does not fit what the phone signed."""


class Vouched(msgspec.Struct, frozen=True):
    """A companion under the account's signature: `container` is what pair-success carries."""

    details: bytes
    account_key: bytes
    account_signature: bytes
    container: bytes
    key_index: int


def vouch(
    primary: KeyPair,
    companion: bytes,
    adv_secret: bytes,
    entropy: Entropy,
    *,
    raw_id: int,
    key_index: int,
    timestamp: int,
    hosted_account: bool = False,
    hosted_device: bool = False,
) -> Vouched:
    """Sign a companion's identity and wrap it under the secret that its code carried."""
    # Zeros are written out: the companion signs these very bytes.
    details = adv_pb2.ADVDeviceIdentity(
        rawId=raw_id,
        timestamp=timestamp,
        keyIndex=key_index,
        accountType=_kind(hosted_account),
        deviceType=_kind(hosted_device),
    ).SerializeToString()
    prefix = HOSTED_ACCOUNT if hosted_device else ACCOUNT
    signature = sign(primary.private, prefix + details + companion, entropy)
    signed = encode_identity(details, primary.public, signature)
    container = adv_pb2.ADVSignedDeviceIdentityHMAC(
        details=signed,
        hmac=hmac_sha256(adv_secret, (HOSTED_ACCOUNT if hosted_account else b"") + signed),
        accountType=_kind(hosted_account),
    ).SerializeToString()
    return Vouched(details, primary.public, signature, container, key_index)


def complete(vouched: Vouched, companion: bytes, reply: bytes, key_index: int) -> bytes:
    """Check the companion's signature in its answer; its complete identity. Raises BadCompanion."""
    identity = adv_pb2.ADVSignedDeviceIdentity.FromString(reply)
    if identity.details != vouched.details or key_index != vouched.key_index:
        raise BadCompanion("the companion signed another identity")
    message = DEVICE + vouched.details + companion + vouched.account_key
    if not verify(companion, message, identity.deviceSignature):
        raise BadCompanion("the companion's signature is wrong")
    return encode_identity(
        vouched.details, vouched.account_key, vouched.account_signature, identity.deviceSignature
    )


def sign_own(vouched: Vouched, companion: KeyPair, entropy: Entropy) -> bytes:
    """The complete identity of a companion whose keys are at hand: a simulated one."""
    message = DEVICE + vouched.details + companion.public + vouched.account_key
    signature = sign(companion.private, message, entropy)
    return encode_identity(vouched.details, vouched.account_key, vouched.account_signature, signature)


def sign_key_indexes(
    primary: KeyPair, entropy: Entropy, *, raw_id: int, timestamp: int, current: int, valid: Iterable[int]
) -> bytes:
    """The signed list of the companions that are alive."""
    details = adv_pb2.ADVKeyIndexList(
        rawId=raw_id, timestamp=timestamp, currentIndex=current, validIndexes=valid, accountType=adv_pb2.E2EE
    ).SerializeToString()
    return adv_pb2.ADVSignedKeyIndexList(
        details=details,
        accountSignature=sign(primary.private, KEY_INDEXES + details, entropy),
        accountSignatureKey=primary.public,
    ).SerializeToString()


class TypedCode:
    """Somebody has typed a link code: what the phone answers, and what it makes of the companion's last word."""

    def __init__(self, primary: KeyPair, code: str, companion_wrapped: bytes, entropy: Entropy) -> None:
        letters = linkcode.normalize(code).encode()
        self._primary = primary
        self._ephemeral = generate(entropy)
        key = pbkdf2(letters, linkcode.salt_of(companion_wrapped), linkcode.ITERATIONS)
        self._companion = linkcode.unwrap(key, companion_wrapped)
        salt, iv = entropy(linkcode.SALT), entropy(linkcode.IV)
        own = pbkdf2(letters, salt, linkcode.ITERATIONS)
        self.wrapped = linkcode.wrap(own, salt, iv, self._ephemeral.public)

    def finish(self, bundle: bytes, companion_identity: bytes) -> bytes:
        """The pairing secret, for `vouch`. Raises LinkCodeError when the code was another."""
        return linkcode.open_bundle(
            bundle, self._ephemeral, self._primary, self._companion, companion_identity
        )


class PasskeyProof:
    """The phone's side after a companion has shown a passkey."""

    def __init__(self, entropy: Entropy) -> None:
        self._ephemeral = generate(entropy)
        self.identity = passkey.PrimaryIdentity(self._ephemeral.public, entropy(passkey.NONCE))

    def open(
        self, prologue: passkey.Prologue, ephemeral: bytes, kind: int, ref: str, nonce: bytes, sealed: bytes
    ) -> tuple[bytes, bytes, bytes]:
        """Noise key, identity key and pairing secret of the companion. Raises PasskeyError."""
        if not same(passkey.prologue(ephemeral, kind, ref, nonce).payload, prologue.payload):
            raise passkey.PasskeyError("the nonce does not open the commitment")
        key = passkey.encryption_key(self._ephemeral, ephemeral, kind, ref)
        return passkey.open_request(key, sealed)


def _kind(hosted: bool) -> adv_pb2.ADVEncryptionType:
    return adv_pb2.HOSTED if hosted else adv_pb2.E2EE
