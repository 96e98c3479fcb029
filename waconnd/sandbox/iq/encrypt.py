"""Prekeys: uploads, bundles (each one-time key is given out once), counts, digests, rotation."""

from __future__ import annotations

from hashlib import sha1
from typing import Final, NamedTuple

from protocol.crypto.xeddsa import verify
from protocol.jid import SERVER
from protocol.node import Attr, BadNode, Node
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.state import Device, SignedKey

KEY_TYPE: Final = b"\x05"


class Bundle(NamedTuple):
    """What somebody needs to open a session with a device."""

    registration_id: int
    identity: bytes
    pre_key: tuple[int, bytes] | None
    signed: SignedKey
    device_identity: bytes


def handle(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="encrypt"`."""
    if iq.child("count") is not None:
        return [Node("count", {"value": str(len(device.pre_keys))})]
    if iq.child("digest") is not None:
        return [_digest(device)]
    asked = iq.child("key")
    if asked is not None:
        return [Node("list", {}, [_user(core, user) for user in asked.all("user")])]
    rotate = iq.child("rotate")
    if rotate is not None:
        device.signed = _signed(rotate.need("skey"), device.identity)
        return []
    if iq.child("list") is not None:
        return _upload(device, iq)
    raise Refused(400, "bad-request")


def take(core: Core, device: Device) -> Bundle:
    """A bundle, with a one-time prekey while there are any; asks for more when they get few."""
    pre_key = None
    if device.pre_keys:
        id = next(iter(device.pre_keys))
        pre_key = (id, device.pre_keys.pop(id))
    if len(device.pre_keys) < core.knobs.low_prekeys and not device.low_asked and device.number:
        device.low_asked = True
        core.notify(device, "encrypt", SERVER, [Node("count", {"value": str(len(device.pre_keys))})])
    return Bundle(device.registration_id, device.identity, pre_key, device.signed, device.device_identity)


def _user(core: Core, asked: Node) -> Node:
    jid = asked.jid("jid")
    device = core.device(jid)
    if device is None or jid is None:
        return Node("user", {"jid": asked.attrs.get("jid", "")}, [_error(404, "item-not-found")])
    if not device.signed.public:
        return Node("user", {"jid": jid}, [_error(404, "item-not-found")])
    bundle = take(core, device)
    children = [
        Node("registration", {}, bundle.registration_id.to_bytes(4, "big")),
        Node("type", {}, KEY_TYPE),
        Node("identity", {}, bundle.identity),
        _skey(bundle.signed),
    ]
    if bundle.pre_key is not None:
        children.insert(3, _key(*bundle.pre_key))
    if bundle.device_identity:
        children.append(Node("device-identity", {}, bundle.device_identity))
    return Node("user", {"jid": jid, "t": core.seconds}, children)


def _error(code: int, text: str) -> Node:
    return Node("error", {"code": str(code), "text": text})


def _key(id: int, public: bytes) -> Node:
    return Node("key", {}, [Node("id", {}, id.to_bytes(3, "big")), Node("value", {}, public)])


def _skey(key: SignedKey) -> Node:
    children = [
        Node("id", {}, key.id.to_bytes(3, "big")),
        Node("value", {}, key.public),
        Node("signature", {}, key.signature),
    ]
    return Node("skey", {}, children)


def _upload(device: Device, iq: Node) -> list[Node]:
    try:
        registration = iq.need("registration").content_bytes()
        identity = iq.need("identity").content_bytes()
        signed = _signed(iq.need("skey"), identity)
        keys = {
            int.from_bytes(_exactly(key.need("id"), 3), "big"): _exactly(key.need("value"), 32)
            for key in iq.need("list").all("key")
        }
    except BadNode as error:
        raise Refused(406, "not-acceptable") from error
    if identity != device.identity or len(registration) != 4:
        raise Refused(406, "not-acceptable")
    device.registration_id = int.from_bytes(registration, "big")
    device.signed = signed
    device.pre_keys.update(keys)
    device.low_asked = False
    return []


def _exactly(node: Node, size: int) -> bytes:
    data = node.content_bytes()
    if len(data) != size:
        raise Refused(406, "not-acceptable", Node("field", {"name": node.tag, "reason": "length"}))
    return data


def _signed(node: Node, identity: bytes) -> SignedKey:
    public = _exactly(node.need("value"), 32)
    signature = _exactly(node.need("signature"), 64)
    if not verify(identity, KEY_TYPE + public, signature):
        raise Refused(406, "not-acceptable")
    return SignedKey(int.from_bytes(_exactly(node.need("id"), 3), "big"), public, signature)


def _digest(device: Device) -> Node:
    if not device.pre_keys:
        raise Refused(404, "item-not-found")
    hashed = sha1(device.identity + device.signed.public + device.signed.signature, usedforsecurity=False)
    for public in device.pre_keys.values():
        hashed.update(public)
    attrs: dict[str, Attr] = {}
    return Node(
        "digest",
        attrs,
        [
            Node("registration", {}, device.registration_id.to_bytes(4, "big")),
            Node("type", {}, KEY_TYPE),
            Node("identity", {}, device.identity),
            _skey(device.signed),
            Node("list", {}, [Node("id", {}, id.to_bytes(3, "big")) for id in device.pre_keys]),
            Node("hash", {}, hashed.digest()),
        ],
    )
