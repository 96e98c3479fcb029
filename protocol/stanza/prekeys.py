"""The `encrypt` family: keys uploaded, counted, checked, rotated, and bundles fetched (reference 02, 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from protocol.creds import SignedPreKey
from protocol.crypto.curve import KEY
from protocol.errors import RemoteProtocolError
from protocol.jid import SERVER, Jid
from protocol.node import Node
from protocol.signal.session import Bundle

KEY_TYPE: Final = b"\x05"
SIGNATURE: Final = 64

#: Users in one question for bundles; no hard limit is known (reference 02, 2.4).
MAX_BUNDLES: Final = 100


class BadBundle(RemoteProtocolError):
    """A device's keys are not usable: wrong lengths, or the server has none."""


class Digest(msgspec.Struct, frozen=True):
    """What the server holds of us."""

    registration_id: int
    pre_key_ids: tuple[int, ...]
    hash: bytes


class Fetched(msgspec.Struct, frozen=True):
    """The answer for one device."""

    bundle: Bundle
    #: ADVSignedDeviceIdentity of a companion; empty when the server sent none.
    device_identity: bytes = b""


def id3(number: int) -> bytes:
    """Ids of keys have three bytes on the wire."""
    return number.to_bytes(3, "big")


def skey(key: SignedPreKey) -> Node:
    """A signed prekey's public half."""
    return Node(
        "skey",
        {},
        [
            Node("id", {}, id3(key.id)),
            Node("value", {}, key.pair.public),
            Node("signature", {}, key.signature),
        ],
    )


def key(id: int, public: bytes) -> Node:
    """A one-time prekey's public half."""
    return Node("key", {}, [Node("id", {}, id3(id)), Node("value", {}, public)])


def registration(id: int) -> Node:
    """Our registration id."""
    return Node("registration", {}, id.to_bytes(4, "big"))


def _iq(type: str, *children: Node) -> Node:
    return Node("iq", {"xmlns": "encrypt", "type": type, "to": SERVER}, list(children))


def upload(
    registration_id: int, identity: bytes, signed: SignedPreKey, keys: Sequence[tuple[int, bytes]]
) -> Node:
    """Hand prekeys to the server: (id, public), ascending. Their private halves are durable before this leaves."""
    return _iq(
        "set",
        registration(registration_id),
        Node("type", {}, KEY_TYPE),
        Node("identity", {}, identity),
        Node("list", {}, [key(id, public) for id, public in keys]),
        skey(signed),
    )


def parse_upload(reply: Node) -> bool:
    """True: the pool is still too small after this upload."""
    listed = reply.child("list")
    return listed is not None and listed.text("count_low") == "true"


def count() -> Node:
    """How many of our prekeys are left?"""
    return _iq("get", Node("count"))


def parse_count(reply: Node) -> int:
    """What is missing or no number counts as none left."""
    node = reply.child("count")
    return node.number("value") if node else 0


def digest() -> Node:
    """What do you hold of us?"""
    return _iq("get", Node("digest"))


def parse_digest(reply: Node) -> Digest | None:
    """None: the server has nothing of us."""
    node = reply.child("digest")
    if node is None:
        return None
    listed = node.child("list") or Node("list")
    return Digest(
        registration_id=int.from_bytes(_part(node, "registration"), "big"),
        pre_key_ids=tuple(int.from_bytes(item.content_bytes(), "big") for item in listed.all("id")),
        hash=_part(node, "hash"),
    )


def digest_hash(identity: bytes, signed: SignedPreKey, publics: Sequence[bytes]) -> bytes:
    """The hash that the server must have computed, over what we have."""
    return hashlib.sha1(identity + signed.pair.public + signed.signature + b"".join(publics)).digest()


def rotate(signed: SignedPreKey) -> Node:
    """Replace the signed prekey."""
    return _iq("set", Node("rotate", {}, [skey(signed)]))


def fetch(devices: Sequence[Jid], *, identity: bool = False) -> Node:
    """Ask for the bundles of these devices. `identity`: also of those that we have talked to before."""
    users = [
        Node("user", {"jid": jid, "reason": "identity"} if identity else {"jid": jid}) for jid in devices
    ]
    return _iq("get", Node("key", {}, list(users)))


def parse_bundles(reply: Node) -> Mapping[Jid, Fetched | BadBundle]:
    """By device, in any order; one user's error leaves the others alone."""
    out: dict[Jid, Fetched | BadBundle] = {}
    for node in reply.need("list").all("user"):
        jid = node.need_jid("jid")
        try:
            out[jid] = parse_bundle(node)
        except BadBundle as error:
            out.setdefault(jid, error)
    return out


def parse_bundle(node: Node) -> Fetched:
    """The keys in a `<user>` or in a retry receipt. Raises BadBundle."""
    error = node.child("error")
    if error is not None:
        raise BadBundle(f"the server has no keys: {error.text('code')} {error.text('text')}".strip())
    keys = node.child("keys") or node
    signed = keys.child("skey")
    if signed is None:
        raise BadBundle("no signed prekey")
    one_time = keys.child("key")
    identity = keys.child("device-identity") or node.child("device-identity")
    return Fetched(
        bundle=Bundle(
            registration_id=int.from_bytes(_part(node, "registration", 4), "big"),
            identity=_part(keys, "identity", KEY),
            pre_key_id=_id(one_time) if one_time else None,
            pre_key=_part(one_time, "value", KEY) if one_time else None,
            signed_pre_key_id=_id(signed),
            signed_pre_key=_part(signed, "value", KEY),
            signature=_part(signed, "signature", SIGNATURE),
        ),
        device_identity=identity.content_bytes() if identity else b"",
    )


def _id(node: Node) -> int:
    return int.from_bytes(_part(node, "id", 3), "big")


def _part(node: Node, tag: str, length: int = 0) -> bytes:
    child = node.child(tag)
    data = child.content_bytes() if child else b""
    if length and len(data) != length:
        raise BadBundle(f"<{tag}> has {len(data)} bytes, not {length}")
    return data
