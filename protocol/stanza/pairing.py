"""Pairing by QR code: its text, pair-device, pair-success and the answer (reference 01, 5). Both ends."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.crypto.curve import KEY
from protocol.errors import RemoteProtocolError
from protocol.jid import SERVER, Jid
from protocol.node import Attr, BadNode, Node, decimal
from protocol.pb import login_pb2
from protocol.stanza import iq

XMLNS: Final = "md"
PREFIX: Final = "https://wa.me/settings/linked_devices#"
#: So many references a real server sends at once.
REFS: Final = 6
#: Refuse a pair-device with more than anybody could show.
MAX_REFS: Final = 64

DOWNGRADE: Final = "downgrade_webclient"
REFRESH: Final = "companion_reg_refresh"


class BadQr(RemoteProtocolError):
    """Not a code that links a device."""


class QrCode(msgspec.Struct, frozen=True):
    """What a QR code says."""

    ref: str
    noise: bytes
    identity: bytes
    adv_secret: bytes
    client_type: str

    def text(self) -> str:
        """The text to draw."""
        keys = (base64.b64encode(key).decode() for key in (self.noise, self.identity, self.adv_secret))
        return PREFIX + ",".join((self.ref, *keys, self.client_type))


def parse_qr(text: str) -> QrCode:
    """Read a code as the phone does: unknown further fields are ignored. Raises BadQr."""
    fields = text.removeprefix(PREFIX).split(",")
    if len(fields) < 5 or not all(fields[:5]):
        raise BadQr("a QR code has a reference, three keys and a client type")
    noise, identity, adv_secret = (_key(field) for field in fields[1:4])
    return QrCode(fields[0], noise, identity, adv_secret, fields[4])


class PairSuccess(msgspec.Struct, frozen=True):
    """The phone has agreed."""

    container: bytes
    pn: Jid
    lid: Jid | None
    platform: str
    business_name: str
    lid_migrated: bool
    #: The server's clock, 0 when it is not told.
    server_time: int


def pair_device(id: str, refs: Sequence[str]) -> Node:
    """Server: the references to show."""
    return _push(id, Node("pair-device", {}, [Node("ref", {}, ref.encode()) for ref in refs]))


def refs_of(node: Node) -> list[str]:
    """Client: the references of a pair-device."""
    refs = [ref.content_text() for ref in node.need("pair-device").all("ref")][:MAX_REFS]
    if not refs or not all(refs):
        raise BadNode("<pair-device> has no references")
    return refs


def pair_success(id: str, success: PairSuccess) -> Node:
    """Server: the phone's container, and who the device now is."""
    device: dict[str, Attr] = {"jid": success.pn}
    if success.lid is not None:
        device["lid"] = success.lid
    children = [
        Node("platform", {"name": success.platform}),
        Node("device-identity", {}, success.container),
        Node("device", device),
    ]
    if success.business_name:
        children.insert(0, Node("biz", {"name": success.business_name}))
    if success.lid_migrated:
        props = login_pb2.ClientPairingProps(isChatDbLidMigrated=True)
        children.append(Node("client-props", {}, props.SerializeToString()))
    return _push(id, Node("pair-success", {}, children), t=success.server_time)


def read_pair_success(node: Node) -> PairSuccess:
    """Client: what the server says after the scan. Raises BadNode."""
    success = node.need("pair-success")
    device = success.need("device")
    biz, platform, props = success.child("biz"), success.child("platform"), success.child("client-props")
    pn, lid = device.need_jid("jid"), device.jid("lid")
    # The number is sent as an integer at every login.
    if not (pn.is_pn and pn.device and (decimal(pn.user) or 0) > 0) or (lid is not None and not lid.is_lid):
        raise BadNode("<device> of pair-success names no device of a person")
    return PairSuccess(
        success.need("device-identity").content_bytes(),
        pn,
        lid,
        platform.text("name") if platform else "",
        biz.text("name") if biz else "",
        _lid_migrated(props.content_bytes() if props else b""),
        node.number("t"),
    )


def signed(request: Node, identity: bytes, key_index: int) -> Node:
    """Client: our half of the signatures, without the account's key."""
    device = Node("device-identity", {"key-index": str(key_index)}, identity)
    return iq.result(request, Node("pair-device-sign", {}, [device]))


def read_signed(reply: Node) -> tuple[bytes, int]:
    """Server: the identity in the answer to pair-success, and its key index. Raises BadNode."""
    if reply.text("type") != "result":
        raise BadNode("the device refused pair-success")
    device = reply.need("pair-device-sign").need("device-identity")
    return device.content_bytes(), device.number("key-index")


def remove(device: Jid, reason: str = "user_initiated") -> Node:
    """Client: unlink ourselves."""
    return iq.set(XMLNS, Node("remove-companion-device", {"jid": device, "reason": reason}))


def refresh_notification(id: str, now: float) -> Node:
    """Server: the codes on display are no longer good."""
    attrs: dict[str, Attr] = {"from": SERVER, "type": REFRESH, "id": id, "t": str(int(now))}
    return Node("notification", attrs, [Node(REFRESH)])


def is_refresh(node: Node) -> bool:
    """Client: a new secret is wanted, and the code on display is to be drawn again."""
    return (
        node.tag == "notification"
        and node.text("type") == REFRESH
        and node.jid("from") == SERVER
        and any(child.tag in (REFRESH, "pair-device-rotate-qr") for child in node.children)
    )


def is_pair_device(node: Node) -> bool:
    """Client: references to show, or a malformed attempt to send some."""
    return node.tag == "iq" and node.jid("from") == SERVER and node.child("pair-device") is not None


def brings_refs(node: Node) -> bool:
    """Client: a pair-device that replaces what is shown; a malformed one replaces nothing."""
    try:
        return is_pair_device(node) and bool(refs_of(node))
    except BadNode:
        return False


def is_pair_success(node: Node) -> bool:
    """Client: the phone has agreed, so nothing is left to show."""
    return node.tag == "iq" and node.jid("from") == SERVER and node.child("pair-success") is not None


def _push(id: str, child: Node, *, t: int = 0) -> Node:
    attrs: dict[str, Attr] = {"from": SERVER, "type": "set", "id": id, "xmlns": XMLNS}
    if t:
        attrs["t"] = str(t)
    return Node("iq", attrs, [child])


def _lid_migrated(props: bytes) -> bool:
    try:
        return login_pb2.ClientPairingProps.FromString(props).isChatDbLidMigrated
    except DecodeError:
        # A wish of the phone, not a condition of pairing.
        return False


def _key(field: str) -> bytes:
    try:
        key = base64.b64decode(field, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadQr("a key of the QR code is not base64") from error
    if len(key) != KEY:
        raise BadQr("a key of the QR code is not 32 bytes long")
    return key
