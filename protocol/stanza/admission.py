"""The server's reading of a ClientPayload: is this a device that wants to be linked, or one that is? (reference 01, 10)"""

from __future__ import annotations

from typing import Final

import msgspec
from google.protobuf.message import DecodeError

from protocol.crypto.curve import DJB, KEY
from protocol.crypto.xeddsa import SIGNATURE, verify
from protocol.errors import RemoteProtocolError
from protocol.pb.login_pb2 import ClientPayload, DeviceProps
from protocol.stanza.version import Version, build_hash

BAD_REQUEST: Final = 400
OUTDATED: Final = 405


class NotAdmitted(RemoteProtocolError):
    """A payload that the server answers with `<failure reason>`."""

    def __init__(self, reason: int, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class Newcomer(msgspec.Struct, frozen=True):
    """A device that wants to be linked."""

    version: Version
    registration_id: int
    identity: bytes
    signed_pre_key_id: int
    signed_pre_key: bytes
    signature: bytes
    #: Serialised DeviceProps, and the two parts that people see.
    props: bytes
    name: str
    platform_type: int


class Returning(msgspec.Struct, frozen=True):
    """A device that says it is linked: who it is, its Noise key has to show."""

    version: Version
    number: str
    device: int
    passive: bool
    login_count: int


def admit(payload: bytes, *, oldest: Version | None = None) -> Newcomer | Returning:
    """Raises NotAdmitted. `oldest`: refuse versions below it."""
    try:
        read = ClientPayload.FromString(payload)
    except DecodeError as error:
        raise NotAdmitted(BAD_REQUEST, "the payload can't be read") from error
    app = read.userAgent.appVersion
    version = (app.primary, app.secondary, app.tertiary)
    if oldest is not None and version < oldest:
        raise NotAdmitted(OUTDATED, "the version is too old")
    if read.HasField("devicePairingData"):
        return _newcomer(read, version)
    if not read.username or not read.device:
        raise NotAdmitted(BAD_REQUEST, "neither a registration nor a login")
    return Returning(version, str(read.username), read.device, read.passive, read.lc)


def _newcomer(read: ClientPayload, version: Version) -> Newcomer:
    data = read.devicePairingData
    lengths = (
        (data.eRegid, 4),
        (data.eKeytype, 1),
        (data.eIdent, KEY),
        (data.eSkeyId, 3),
        (data.eSkeyVal, KEY),
        (data.eSkeySig, SIGNATURE),
        (data.buildHash, 16),
    )
    if any(len(field) != length for field, length in lengths) or data.eKeytype != DJB:
        raise NotAdmitted(BAD_REQUEST, "a field of the registration has a wrong length")
    if read.HasField("username"):
        raise NotAdmitted(BAD_REQUEST, "a registration carries a username")
    if data.buildHash != build_hash(version):
        raise NotAdmitted(BAD_REQUEST, "the build hash is not that of the version")
    if not verify(data.eIdent, DJB + data.eSkeyVal, data.eSkeySig):
        raise NotAdmitted(BAD_REQUEST, "the signed prekey is not signed by the identity")
    try:
        props = DeviceProps.FromString(data.deviceProps)
    except DecodeError as error:
        raise NotAdmitted(BAD_REQUEST, "the device's properties can't be read") from error
    return Newcomer(
        version,
        int.from_bytes(data.eRegid, "big"),
        data.eIdent,
        int.from_bytes(data.eSkeyId, "big"),
        data.eSkeyVal,
        data.eSkeySig,
        data.deviceProps,
        props.os,
        props.platformType,
    )
