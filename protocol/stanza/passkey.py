"""Pairing that demands a passkey: the proof of a WebAuthn authenticator, then a short code (reference 01, 6.5)."""

from __future__ import annotations

import base64
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.crypto.curve import KEY, KeyPair, dh
from protocol.crypto.primitives import CryptoError, gcm_open, gcm_seal, hkdf, hmac_sha256, sha256
from protocol.errors import RemoteProtocolError
from protocol.jid import SERVER
from protocol.node import BadNode, Node
from protocol.pb import login_pb2
from protocol.stanza import iq, linkcode

REQUEST: Final = "passkey_prologue_request"
CONTINUATION: Final = "crsc_continuation"
#: Request options beyond this are refused.
MAX_OPTIONS: Final = 4096
#: How long the proof that ties the passkey to the scanned code is good.
HANDOFF_SECONDS: Final = 300.0
NONCE: Final = 32
IV: Final = 12

_HANDOFF_INFO: Final = b"shortcake-passkey-handoff-v1"
_KEY_INFO: Final = b"Pairing Information Encryption Key"


class PasskeyError(RemoteProtocolError):
    """A step of the passkey's way does not fit."""


def handoff_key(adv_secret: bytes) -> bytes:
    """What ties the passkey to the code that was scanned."""
    return hkdf(adv_secret, KEY, _HANDOFF_INFO)


class Prologue(msgspec.Struct, frozen=True):
    """What the companion commits to before it sees the phone's key."""

    identity: bytes
    payload: bytes


def prologue(public: bytes, device_type: int, ref: str, nonce: bytes) -> Prologue:
    """The commitment: an ephemeral key, and a nonce that is told later."""
    identity = login_pb2.CompanionEphemeralIdentity(
        publicKey=public,
        deviceType=device_type,  # type: ignore[arg-type]
        ref=ref,
    ).SerializeToString()
    payload = login_pb2.ProloguePayload(
        companionEphemeralIdentity=identity,
        commitment=login_pb2.CompanionCommitment(hash=sha256(identity + nonce)),
    ).SerializeToString()
    return Prologue(identity, payload)


def handoff_proof(key: bytes, payload: bytes) -> bytes:
    """The tie itself."""
    return hmac_sha256(key, payload)


class PrimaryIdentity(msgspec.Struct, frozen=True):
    """The phone's ephemeral key and nonce."""

    public: bytes
    nonce: bytes


def read_primary_identity(raw: bytes) -> PrimaryIdentity:
    """Raises PasskeyError."""
    try:
        read = login_pb2.PrimaryEphemeralIdentity.FromString(raw)
    except DecodeError as error:
        raise PasskeyError("the phone's ephemeral identity can't be read") from error
    if len(read.publicKey) != KEY or len(read.nonce) != NONCE:
        raise PasskeyError("the phone's ephemeral identity has wrong lengths")
    return PrimaryIdentity(read.publicKey, read.nonce)


def encryption_key(ephemeral: KeyPair, peer: bytes, device_type: int, ref: str) -> bytes:
    """The key of the pairing request. Raises PasskeyError."""
    try:
        shared = dh(ephemeral.private, peer)
    except CryptoError as error:
        raise PasskeyError("the phone's key is no key") from error
    return hkdf(shared, KEY, _KEY_INFO, f"Companion Pairing {device_type} with ref {ref}".encode())


def comparison_code(nonce: bytes, primary: PrimaryIdentity) -> str:
    """The short code that both screens show."""
    digest = sha256(nonce + primary.public)
    return linkcode.show(
        linkcode.base32(bytes(a ^ b for a, b in zip(primary.nonce[:5], digest[:5], strict=True)))
    )


def seal_request(key: bytes, iv: bytes, noise: bytes, identity: bytes, adv_secret: bytes) -> bytes:
    """Companion: its keys and the new secret, for the phone alone."""
    request = login_pb2.PairingRequest(
        companionPublicKey=noise, companionIdentityKey=identity, advSecret=adv_secret
    )
    sealed = gcm_seal(key, iv, request.SerializeToString())
    return login_pb2.EncryptedPairingRequest(encryptedPayload=sealed, iv=iv).SerializeToString()


def open_request(key: bytes, sealed: bytes) -> tuple[bytes, bytes, bytes]:
    """Phone: Noise key, identity key and secret of the companion. Raises PasskeyError."""
    try:
        outer = login_pb2.EncryptedPairingRequest.FromString(sealed)
        request = login_pb2.PairingRequest.FromString(gcm_open(key, outer.iv, outer.encryptedPayload))
    except (DecodeError, CryptoError) as error:
        raise PasskeyError("the pairing request does not open") from error
    return request.companionPublicKey, request.companionIdentityKey, request.advSecret


def credential_id(assertion: bytes) -> bytes:
    """The credential that a WebAuthn assertion (JSON) is by. Raises ValueError with a sentence."""
    try:
        fields: Any = msgspec.json.decode(assertion)
        raw = fields["rawId"]
        response = fields["response"]
        missing = [
            name for name in ("clientDataJSON", "authenticatorData", "signature") if name not in response
        ]
        if missing:
            raise ValueError(f"the assertion's response lacks {', '.join(missing)}")
        return base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ValueError(
            "the assertion must be the JSON of a WebAuthn credential: id, rawId, type, response"
        ) from error


# --- stanzas ------------------------------------------------------------------------------------------------


def is_request(node: Node) -> bool:
    """The server demands a passkey."""
    return node.tag == "notification" and node.text("type") == REQUEST and node.jid("from") == SERVER


def is_continuation(node: Node) -> bool:
    """The phone's half has come."""
    return node.tag == "notification" and node.text("type") == CONTINUATION and node.jid("from") == SERVER


def options_of(node: Node) -> bytes:
    """The WebAuthn request options (JSON) in a notification or an answer; empty when missing or bad."""
    child = node.child("passkey_request_options")
    raw = child.content_bytes() if child else b""
    if not 0 < len(raw) <= MAX_OPTIONS:
        return b""
    try:
        return raw if isinstance(msgspec.json.decode(raw), dict) else b""
    except msgspec.DecodeError:
        return b""


def request_notification(id: str, now: float, options: bytes = b"") -> Node:
    """Server: demand a passkey."""
    children = [Node("passkey_request_options", {}, options)] if options else None
    return Node("notification", {"from": SERVER, "type": REQUEST, "id": id, "t": str(int(now))}, children)


def continuation_notification(id: str, now: float, primary: PrimaryIdentity) -> Node:
    """Server: the phone's ephemeral key and nonce."""
    raw = login_pb2.PrimaryEphemeralIdentity(
        publicKey=primary.public, nonce=primary.nonce
    ).SerializeToString()
    return Node(
        "notification",
        {"from": SERVER, "type": CONTINUATION, "id": id, "t": str(int(now))},
        [Node("primary_ephemeral_identity", {}, raw)],
    )


def ask_options() -> Node:
    """Client: the options again."""
    return iq.get("md", Node("passkey_request_options"))


def ask_ref() -> Node:
    """Client: the reference of this pairing."""
    return iq.get("md", Node("ref"))


def read_ref(reply: Node) -> str:
    """Client: that reference. Raises BadNode."""
    ref = reply.need("ref").content_text()
    if not ref:
        raise BadNode("<ref> is empty")
    return ref


def send_prologue(credential: bytes, assertion: bytes, payload: bytes, proof: bytes) -> Node:
    """Client: the assertion and the commitment."""
    children = [
        Node("credential_id", {}, credential),
        Node("webauthn_assertion", {}, assertion),
        Node("prologue_payload", {}, payload),
    ]
    if proof:
        children.append(Node("pairing_handoff_proof", {}, proof))
    return iq.set("md", Node("passkey_prologue", {}, children))


def send_nonce(nonce: bytes) -> Node:
    """Client: open the commitment."""
    return iq.set("md", Node("companion_nonce", {}, nonce))


def send_request(sealed: bytes) -> Node:
    """Client: the sealed keys."""
    return iq.set("md", Node("encrypted_pairing_request", {}, sealed))
