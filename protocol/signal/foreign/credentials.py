"""Credentials of Baileys (`creds.json`) and whatsmeow (a row of `whatsmeow_device`), all signatures checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError

from protocol.creds import Account, Creds, SignedPreKey
from protocol.crypto.curve import DJB, Entropy, KeyPair, from_private, generate
from protocol.crypto.xeddsa import verify
from protocol.jid import Jid, parse
from protocol.pb.adv_pb2 import ADVDeviceIdentity
from protocol.signal.foreign.values import (
    ForeignError,
    as_bytes,
    as_key,
    as_number,
    as_object,
    as_secret,
    buffer,
    text,
)

#: What stands in front of the signed bytes: of an ordinary and of a hosted account (reference 02, 6.3).
_ACCOUNT: Final = (b"\x06\x00", b"\x06\x05")
_DEVICE: Final = (b"\x06\x01", b"\x06\x06")


def import_creds(obj: object) -> Creds:
    """Baileys' `creds.json`. Raises ForeignError with a sentence when it can't be this account."""
    whole = as_object(obj)
    signed = as_object(whole.get("signedPreKey"))
    me, account = as_object(whole.get("me") or {}), as_object(whole.get("account") or {})
    if not me or not account:
        raise ForeignError("these credentials are not linked: there is no account in them")
    creds = Creds(
        noise=_pair(whole.get("noiseKey")),
        identity=_pair(whole.get("signedIdentityKey")),
        signed_pre_key=SignedPreKey(
            as_number(signed.get("keyId")),
            _pair(signed.get("keyPair")),
            as_bytes(signed.get("signature")),
            float(as_number(signed.get("timestampS") or 0)),
        ),
        registration_id=as_number(whole.get("registrationId")),
        adv_secret=as_secret(whole.get("advSecretKey")),
        account=_account(
            str(me.get("id", "")),
            str(me.get("lid") or ""),
            as_bytes(account.get("details")),
            as_key(account.get("accountSignatureKey")),
            as_bytes(account.get("accountSignature")),
            as_bytes(account.get("deviceSignature")),
            str(whole.get("platform") or ""),
        ),
        push_name=str(me.get("name") or ""),
        next_pre_key_id=as_number(whole.get("nextPreKeyId", 1), 1),
        first_unuploaded_pre_key_id=as_number(whole.get("firstUnuploadedPreKeyId", 1), 1),
        server_has_pre_keys=as_number(whole.get("firstUnuploadedPreKeyId", 1), 1) > 1,
        routing_info=as_bytes(whole["routingInfo"]) if whole.get("routingInfo") else b"",
        props_hash=str(whole.get("lastPropHash") or ""),
        my_app_state_key=str(whole.get("myAppStateKeyId") or ""),
        history_synced=as_number(whole.get("accountSyncCounter") or 0) > 0,
    )
    return _checked(creds)


def export_creds(creds: Creds, entropy: Entropy) -> dict[str, Any]:
    """A `creds.json` with which Baileys goes on. Raises ForeignError while unlinked. Draws 32 bytes."""
    account = creds.account
    if account is None:
        raise ForeignError("this account is not linked: there is nothing that another program could use")
    me = {"id": account.pn, "name": creds.push_name}
    if account.lid:
        me["lid"] = account.lid
    obj: dict[str, Any] = {
        "noiseKey": _export_pair(creds.noise),
        "pairingEphemeralKeyPair": _export_pair(generate(entropy)),
        "signedIdentityKey": _export_pair(creds.identity),
        "signedPreKey": {
            "keyPair": _export_pair(creds.signed_pre_key.pair),
            "signature": buffer(creds.signed_pre_key.signature),
            "keyId": creds.signed_pre_key.id,
            "timestampS": int(creds.signed_pre_key.made_at),
        },
        "registrationId": creds.registration_id,
        "advSecretKey": text(creds.adv_secret),
        "processedHistoryMessages": [],
        "nextPreKeyId": creds.next_pre_key_id,
        # What was never uploaded is not offered by Baileys either: it makes new keys.
        "firstUnuploadedPreKeyId": creds.next_pre_key_id,
        # 0 would start a second initial sync.
        "accountSyncCounter": 1,
        "accountSettings": {"unarchiveChats": False},
        "registered": True,
        "me": me,
        "account": {
            "details": text(account.details),
            "accountSignatureKey": text(account.account_key),
            "accountSignature": text(account.account_signature),
            "deviceSignature": text(account.device_signature),
        },
        "signalIdentities": [
            {
                "identifier": {"name": account.lid or account.pn, "deviceId": 0},
                "identifierKey": buffer(DJB + account.account_key),
            }
        ],
        "platform": account.platform,
    }
    if creds.my_app_state_key:
        obj["myAppStateKeyId"] = creds.my_app_state_key
    if creds.props_hash:
        obj["lastPropHash"] = creds.props_hash
    if creds.routing_info:
        obj["routingInfo"] = buffer(creds.routing_info)
    return obj


def import_device(row: Mapping[str, Any], *, next_pre_key_id: int, first_unuploaded: int) -> Creds:
    """A row of whatsmeow's `whatsmeow_device`, by column name; the ids come from its table of prekeys.

    Raises ForeignError with a sentence when it can't be this account.
    """
    signed = from_private(as_secret(row.get("signed_pre_key")))
    pn = str(row.get("jid") or "")
    creds = Creds(
        noise=from_private(as_secret(row.get("noise_key"))),
        identity=from_private(as_secret(row.get("identity_key"))),
        signed_pre_key=SignedPreKey(
            as_number(row.get("signed_pre_key_id")), signed, as_bytes(row.get("signed_pre_key_sig"))
        ),
        registration_id=as_number(row.get("registration_id")),
        adv_secret=as_bytes(row.get("adv_key")),
        account=_account(
            pn,
            str(row.get("lid") or ""),
            as_bytes(row.get("adv_details")),
            as_key(row.get("adv_account_sig_key")),
            as_bytes(row.get("adv_account_sig")),
            as_bytes(row.get("adv_device_sig")),
            str(row.get("platform") or ""),
            str(row.get("business_name") or ""),
        ),
        push_name=str(row.get("push_name") or ""),
        next_pre_key_id=next_pre_key_id,
        first_unuploaded_pre_key_id=first_unuploaded,
        server_has_pre_keys=first_unuploaded > 1,
        lid_migrated=bool(row.get("lid_migration_ts")),
        # It asks for the whole history at pairing alone.
        history_synced=True,
    )
    return _checked(creds)


def _account(
    pn: str,
    lid: str,
    details: bytes,
    key: bytes,
    signature: bytes,
    device_signature: bytes,
    platform: str,
    business: str = "",
) -> Account:
    try:
        inner = ADVDeviceIdentity.FromString(details)
    except DecodeError as error:
        raise ForeignError("the device identity in these credentials is damaged") from error
    number, hidden = _own(pn), _own(lid) if lid else None
    if hidden is not None and not hidden.device:
        # Old folders wrote the hidden id without the device.
        hidden = hidden.on(number.device)
    return Account(
        pn=str(number),
        lid=str(hidden or ""),
        details=details,
        account_key=key,
        account_signature=signature,
        device_signature=device_signature,
        key_index=inner.keyIndex,
        platform=platform,
        business_name=business,
    )


def _own(address: str) -> Jid:
    try:
        jid = parse(address)
    except ValueError as error:
        raise ForeignError("the own address in these credentials can't be read") from error
    if not jid.is_user or not jid.user:
        raise ForeignError("the own address in these credentials is no person's")
    return jid


def _checked(creds: Creds) -> Creds:
    """Refuse what would only be noticed when the server, or a peer, turns us away."""
    account = creds.account
    assert account is not None
    if not account.pn_jid.device:
        raise ForeignError("these are the credentials of a phone, not of a linked device")
    pairs = {
        "Noise": creds.noise,
        "identity": creds.identity,
        "signed prekey": creds.signed_pre_key.pair,
    }
    for name, pair in pairs.items():
        if from_private(pair.private).public != pair.public:
            raise ForeignError(f"the halves of the {name} key do not belong together")
    identity = creds.identity.public
    signed = creds.signed_pre_key
    if not verify(identity, DJB + signed.pair.public, signed.signature):
        raise ForeignError("the signed prekey was not signed by the identity in these credentials")
    body = account.details + identity
    if not any(verify(account.account_key, p + body, account.account_signature) for p in _ACCOUNT):
        raise ForeignError("the account did not sign the identity in these credentials")
    body += account.account_key
    if not any(verify(identity, p + body, account.device_signature) for p in _DEVICE):
        raise ForeignError("the device signature in these credentials does not verify")
    return creds


def _pair(obj: object) -> KeyPair:
    pair = as_object(obj)
    return KeyPair(as_secret(pair.get("private")), as_key(pair.get("public")))


def _export_pair(pair: KeyPair) -> dict[str, Any]:
    return {"private": buffer(pair.private), "public": buffer(pair.public)}
