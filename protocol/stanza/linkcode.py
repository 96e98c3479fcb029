"""Pairing by link code: eight letters typed on the phone instead of a scan (reference 01, 6.1 to 6.4). Both ends.

The code never travels. Stretched, it hides an ephemeral key each way; the keys' agreement hides the identity keys and
makes the secret that a QR code would have carried. CTR has no integrity: a wrong code yields another key, and only
the phone notices. Stretching costs 50 to 150 ms, so it is the caller's: every function here takes the stretched key.
"""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.crypto.curve import KEY, Entropy, KeyPair, dh
from protocol.crypto.primitives import CryptoError, ctr, gcm_open, gcm_seal, hkdf
from protocol.errors import RemoteProtocolError
from protocol.jid import SERVER, USER, Jid
from protocol.node import Attr, BadNode, Node
from protocol.stanza import iq

TYPE: Final = "link_code_companion_reg"
ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
CODE_LENGTH: Final = 8
#: 2^17; sources write it as `2 << 16`.
ITERATIONS: Final = 131072
SALT: Final = 32
IV: Final = 16
WRAPPED: Final = SALT + IV + KEY
BUNDLE_NONCE: Final = 12
BUNDLE: Final = SALT + BUNDLE_NONCE + 3 * KEY + 16

HELLO: Final = "companion_hello"
FINISH: Final = "companion_finish"
PRIMARY_HELLO: Final = "primary_hello"
REFRESH_CODE: Final = "refresh_code"

_BUNDLE_INFO: Final = b"link_code_pairing_key_bundle_encryption_key"
_ADV_INFO: Final = b"adv_secret"


class LinkCodeError(RemoteProtocolError):
    """The other side of a link code does not fit: most often another code was typed."""


def base32(five: bytes) -> str:
    """Five bytes as eight letters, most significant first."""
    number = int.from_bytes(five, "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))


def show(code: str) -> str:
    """`XXXX-XXXX`, as people read it."""
    return f"{code[:4]}-{code[4:]}"


def normalize(text: str) -> str:
    """A code as typed, to its eight letters. Raises ValueError."""
    code = text.replace("-", "").replace(" ", "").upper()
    if len(code) != CODE_LENGTH or any(letter not in ALPHABET for letter in code):
        raise ValueError(f"a link code has eight letters out of {ALPHABET}")
    return code


def phone_number(text: str) -> str:
    """The digits of a number in international form. Raises ValueError."""
    digits = text.strip().removeprefix("+").replace(" ", "").replace("-", "")
    if not digits.isascii() or not digits.isdigit() or not 7 <= len(digits) <= 15 or digits[0] == "0":
        raise ValueError(
            "a phone number is needed with its country code and without leading zeros: 4915112345678"
        )
    return digits


def wrap(key: bytes, salt: bytes, iv: bytes, public: bytes) -> bytes:
    """An ephemeral key hidden under the stretched code."""
    return salt + iv + ctr(key, iv, public)


def salt_of(wrapped: bytes) -> bytes:
    """The salt to stretch the code with before `unwrap`. Raises LinkCodeError."""
    if len(wrapped) != WRAPPED:
        raise LinkCodeError(f"a wrapped key has {WRAPPED} bytes, not {len(wrapped)}")
    return wrapped[:SALT]


def unwrap(key: bytes, wrapped: bytes) -> bytes:
    """The reverse of `wrap`: any code gives some key."""
    salt_of(wrapped)
    return ctr(key, wrapped[SALT : SALT + IV], wrapped[SALT + IV :])


class Finish(msgspec.Struct, frozen=True):
    """The companion's last word and the secret that it makes."""

    bundle: bytes
    adv_secret: bytes


def finish(
    ephemeral: KeyPair, identity: KeyPair, peer_ephemeral: bytes, peer_identity: bytes, entropy: Entropy
) -> Finish:
    """Companion: both identity keys for the phone's eyes, and the new pairing secret. Raises LinkCodeError."""
    salt, nonce, random = entropy(SALT), entropy(BUNDLE_NONCE), entropy(KEY)
    shared, identities = _agree(ephemeral, peer_ephemeral), _agree(identity, peer_identity)
    sealed = gcm_seal(hkdf(shared, KEY, _BUNDLE_INFO, salt), nonce, identity.public + peer_identity + random)
    return Finish(salt + nonce + sealed, hkdf(shared + identities + random, KEY, _ADV_INFO))


def open_bundle(
    bundle: bytes, ephemeral: KeyPair, identity: KeyPair, peer_ephemeral: bytes, peer_identity: bytes
) -> bytes:
    """Phone: check the companion's last word; the pairing secret. Raises LinkCodeError when the code was wrong."""
    if len(bundle) != BUNDLE:
        raise LinkCodeError(f"a key bundle has {BUNDLE} bytes, not {len(bundle)}")
    salt, nonce, sealed = bundle[:SALT], bundle[SALT : SALT + BUNDLE_NONCE], bundle[SALT + BUNDLE_NONCE :]
    shared = _agree(ephemeral, peer_ephemeral)
    try:
        plain = gcm_open(hkdf(shared, KEY, _BUNDLE_INFO, salt), nonce, sealed)
    except CryptoError as error:
        raise LinkCodeError("another code was typed") from error
    if plain[:KEY] != peer_identity or plain[KEY : 2 * KEY] != identity.public:
        raise LinkCodeError("the key bundle names other identities")
    return hkdf(shared + _agree(identity, peer_identity) + plain[2 * KEY :], KEY, _ADV_INFO)


# --- stanzas ------------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True):
    """Companion to phone."""

    number: str
    wrapped: bytes
    noise: bytes
    client_type: str
    display: str


class PrimaryHello(msgspec.Struct, frozen=True):
    """Phone to companion."""

    ref: bytes
    wrapped: bytes
    identity: bytes


def companion_hello(hello: Hello) -> Node:
    """Client: ask for a code to be accepted on that phone. The answer brings the reference."""
    return iq.set(
        "md",
        Node(
            TYPE,
            {"jid": Jid(hello.number, USER), "stage": HELLO, "should_show_push_notification": "true"},
            [
                Node("link_code_pairing_wrapped_companion_ephemeral_pub", {}, hello.wrapped),
                Node("companion_server_auth_key_pub", {}, hello.noise),
                Node("companion_platform_id", {}, hello.client_type.encode()),
                Node("companion_platform_display", {}, hello.display.encode()),
                Node("link_code_pairing_nonce", {}, b"\x00"),
            ],
        ),
    )


def read_companion_hello(node: Node) -> Hello:
    """Server: the request of a code. Raises BadNode."""
    reg = node.need(TYPE)
    wrapped = reg.need("link_code_pairing_wrapped_companion_ephemeral_pub").content_bytes()
    display = reg.need("companion_platform_display").content_text()
    if len(wrapped) != WRAPPED or not 1 <= len(display) <= 100:
        raise BadNode("bad-request")
    return Hello(
        reg.need_jid("jid").user,
        wrapped,
        reg.need("companion_server_auth_key_pub").content_bytes(),
        reg.need("companion_platform_id").content_text(),
        display,
    )


def hello_answer(request: Node, ref: bytes) -> Node:
    """Server: the reference under which the phone's answer will come."""
    reg = Node(TYPE, {"stage": HELLO}, [Node("link_code_pairing_ref", {}, ref)])
    return Node("iq", {"from": SERVER, "type": "result", "id": request.text("id")}, [reg])


def read_ref(reply: Node) -> bytes:
    """Client: that reference."""
    return reply.need(TYPE).need("link_code_pairing_ref").content_bytes()


def primary_hello(id: str, now: float, hello: PrimaryHello) -> Node:
    """Server: somebody typed the code."""
    return _notification(
        id,
        now,
        Node(
            TYPE,
            {"stage": PRIMARY_HELLO},
            [
                Node("link_code_pairing_ref", {}, hello.ref),
                Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, hello.wrapped),
                Node("primary_identity_pub", {}, hello.identity),
            ],
        ),
    )


def read_primary_hello(node: Node) -> PrimaryHello:
    """Client: the phone's key, still hidden under the code. Raises BadNode."""
    reg = node.need(TYPE)
    hello = PrimaryHello(
        reg.need("link_code_pairing_ref").content_bytes(),
        reg.need("link_code_pairing_wrapped_primary_ephemeral_pub").content_bytes(),
        reg.need("primary_identity_pub").content_bytes(),
    )
    if len(hello.wrapped) != WRAPPED or len(hello.identity) != KEY:
        raise BadNode("a key of the phone's answer has a wrong length")
    return hello


def refresh_code(id: str, now: float, ref: bytes, *, manual: bool = False) -> Node:
    """Server: this code is used up."""
    attrs: dict[str, Attr] = {"stage": REFRESH_CODE}
    if manual:
        attrs["force_manual_refresh"] = "true"
    return _notification(id, now, Node(TYPE, attrs, [Node("link_code_pairing_ref", {}, ref)]))


def stage_of(node: Node) -> str:
    """Client: which step a notification is; none named means the phone's answer. Empty: not of a link code."""
    if node.tag != "notification" or node.text("type") != TYPE or node.jid("from") != SERVER:
        return ""
    reg = node.child(TYPE)
    return "" if reg is None else reg.text("stage", PRIMARY_HELLO)


def companion_finish(number: str, ref: bytes, bundle: bytes, identity: bytes) -> Node:
    """Client: the last word."""
    return iq.set(
        "md",
        Node(
            TYPE,
            {"jid": Jid(number, USER), "stage": FINISH},
            [
                Node("link_code_pairing_wrapped_key_bundle", {}, bundle),
                Node("companion_identity_public", {}, identity),
                Node("link_code_pairing_ref", {}, ref),
            ],
        ),
    )


def read_companion_finish(node: Node) -> tuple[bytes, bytes, bytes]:
    """Server: reference, bundle and identity key. Raises BadNode."""
    reg = node.need(TYPE)
    return (
        reg.need("link_code_pairing_ref").content_bytes(),
        reg.need("link_code_pairing_wrapped_key_bundle").content_bytes(),
        reg.need("companion_identity_public").content_bytes(),
    )


def _notification(id: str, now: float, reg: Node) -> Node:
    return Node("notification", {"from": SERVER, "type": TYPE, "id": id, "t": str(int(now))}, [reg])


def _agree(own: KeyPair, peer: bytes) -> bytes:
    try:
        return dh(own.private, peer)
    except CryptoError as error:
        raise LinkCodeError("a key of the other side is no key") from error
