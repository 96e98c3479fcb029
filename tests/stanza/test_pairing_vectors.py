"""Every section of tests/vectors/pairing.json."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from protocol.creds import Account, Creds, SignedPreKey
from protocol.crypto.curve import KeyPair, from_private
from protocol.crypto.primitives import pbkdf2
from protocol.flows import phone
from protocol.pb.adv_pb2 import ADVDeviceIdentity, ADVSignedDeviceIdentity
from protocol.pb.login_pb2 import ClientPayload, DeviceProps
from protocol.stanza import admission, adv, linkcode, login, pairing, passkey, session, version
from protocol.wire.codec import decode, encode
from tests.support.vectors import case_name, load, several

pytestmark = pytest.mark.vectors
VECTORS = load("pairing")
hexed = bytes.fromhex


def pair(case: dict[str, str]) -> KeyPair:
    keys = from_private(hexed(case["private"]))
    assert keys.public == hexed(case["public"])
    return keys


def fixed(*draws: str | bytes):
    """An entropy that gives the vectors' own random bytes, in order."""
    left = [hexed(draw) if isinstance(draw, str) else draw for draw in draws]

    def draw(count: int) -> bytes:
        taken = left.pop(0)
        assert len(taken) == count
        return taken

    return draw


@pytest.mark.parametrize("case", VECTORS["qr"], ids=case_name)
def test_qr_text(case: dict[str, Any]) -> None:
    keys = [hexed(case[name]) for name in ("noise_public", "identity_public", "adv_secret")]
    code = pairing.QrCode(case["ref_text"], *keys, str(case["client_type"]))
    assert code.text() == case["qr_text"]
    assert pairing.parse_qr(case["qr_text"]) == pairing.parse_qr(case["body_without_prefix"]) == code
    with pytest.raises(pairing.BadQr):
        pairing.parse_qr(case["legacy_four_field"])


@pytest.mark.parametrize("case", VECTORS["qr_parse"], ids=case_name)
def test_qr_parse(case: dict[str, Any]) -> None:
    if case["expect"] == "ok":
        assert pairing.parse_qr(case["input"]).ref == case["ref"]
    else:
        with pytest.raises(pairing.BadQr):
            pairing.parse_qr(case["input"])


@pytest.mark.parametrize("case", VECTORS["adv"], ids=case_name)
def test_adv(case: dict[str, Any]) -> None:
    identity = pair(case["companion_identity"])
    container, secret, expect = hexed(case["device_identity_node"]), hexed(case["adv_secret"]), case["expect"]
    if expect["result"] != "ok":
        with pytest.raises(adv.AdvError) as caught:
            adv.accept_container(container, secret, identity, bytes)
        assert (caught.value.code, caught.value.text) == (expect["code"], expect["text"])
        return
    signed = adv.accept_container(container, secret, identity, fixed(expect["z_device"]))
    assert signed.key_index == expect["key_index"]
    assert signed.device_signature.hex() == expect["device_signature"]
    assert signed.encode(with_key=False).hex() == expect["reply_device_identity"]
    assert signed.encode().hex() == expect["stored_account"]
    # What everybody else will check when we write to them.
    seen = adv.verify_device_identity(signed.encode(), identity.public)
    assert (seen.key_index, seen.account_key) == (signed.key_index, signed.account_key)
    if "pair_success_stanza" in expect:
        stanza = decode(hexed(expect["pair_success_stanza"]))
        success = pairing.read_pair_success(stanza)
        assert success.container == container
        reply = pairing.signed(stanza, signed.encode(with_key=False), signed.key_index)
        assert decode(encode(reply)) == decode(hexed(expect["reply_stanza"]))


@pytest.mark.parametrize("case", [c for c in VECTORS["adv"] if c["expect"]["result"] == "ok"], ids=case_name)
def test_adv_from_the_phone(case: dict[str, Any]) -> None:
    """The phone's half makes the very bytes, and checks the companion's answer."""
    primary, companion = pair(case["primary_identity"]), pair(case["companion_identity"])
    parsed = adv.accept_container(
        hexed(case["device_identity_node"]), hexed(case["adv_secret"]), companion, bytes
    )
    vouched = phone.vouch(
        primary,
        companion.public,
        hexed(case["adv_secret"]),
        fixed(case["z_account"]),
        raw_id=parsed.raw_id,
        key_index=parsed.key_index,
        timestamp=parsed.timestamp,
        hosted_account=case["account_type"] == 1,
        hosted_device=case["device_type"] == 1,
    )
    if (
        ADVDeviceIdentity.FromString(hexed(case["device_details"])).ListFields()
        != ADVDeviceIdentity.FromString(vouched.details).ListFields()
    ):
        return  # Other phones may leave fields out; ours writes them all.
    assert vouched.details.hex() == case["device_details"]
    assert vouched.account_signature.hex() == case["account_signature"]
    assert vouched.container.hex() == case["device_identity_node"]
    reply = hexed(case["expect"]["reply_device_identity"])
    whole = phone.complete(vouched, companion.public, reply, case["expect"]["key_index"])
    assert whole.hex() == case["expect"]["stored_account"]
    forged = ADVSignedDeviceIdentity.FromString(reply)
    forged.deviceSignature = bytes(64)
    with pytest.raises(phone.BadCompanion):
        phone.complete(vouched, companion.public, forged.SerializeToString(), case["expect"]["key_index"])


@pytest.mark.parametrize("case", VECTORS["link_code_base32"], ids=lambda case: case["code"])
def test_link_code_letters(case: dict[str, str]) -> None:
    assert linkcode.base32(hexed(case["bytes"])) == case["code"]


@pytest.mark.parametrize("case", VECTORS["link_code"], ids=case_name)
def test_link_code(case: dict[str, Any]) -> None:
    code, hello, answer, end = (
        case[k] for k in ("code", "companion_hello", "primary_hello", "companion_finish")
    )
    assert linkcode.base32(hexed(case["code_bytes"])) == code
    assert linkcode.show(code) == case["code_display"]
    ephemeral, identity = pair(case["companion_ephemeral"]), pair(case["companion_identity"])
    primary, peer = pair(case["primary_identity"]), pair(case["primary_ephemeral"])

    assert hello["pbkdf2_iterations"] == linkcode.ITERATIONS
    key = pbkdf2(code.encode(), hexed(hello["salt"]), linkcode.ITERATIONS)
    assert key.hex() == hello["pbkdf2_key"]
    wrapped = linkcode.wrap(key, hexed(hello["salt"]), hexed(hello["iv"]), ephemeral.public)
    assert wrapped.hex() == hello["link_code_pairing_wrapped_companion_ephemeral_pub"]
    assert linkcode.unwrap(key, wrapped) == ephemeral.public

    theirs = hexed(answer["link_code_pairing_wrapped_primary_ephemeral_pub"])
    key = pbkdf2(code.encode(), linkcode.salt_of(theirs), linkcode.ITERATIONS)
    assert key.hex() == answer["pbkdf2_key"]
    assert linkcode.unwrap(key, theirs) == peer.public

    entropy = fixed(end["bundle_salt"], end["bundle_nonce"], end["adv_random"])
    done = linkcode.finish(ephemeral, identity, peer.public, primary.public, entropy)
    assert done.bundle.hex() == end["link_code_pairing_wrapped_key_bundle"]
    assert done.adv_secret.hex() == case["adv"]["adv_secret"]
    opened = linkcode.open_bundle(done.bundle, peer, primary, ephemeral.public, identity.public)
    assert opened == done.adv_secret
    stranger = from_private(bytes(range(32)))
    for wrong in ((stranger, primary), (peer, stranger)):
        with pytest.raises(linkcode.LinkCodeError):
            linkcode.open_bundle(done.bundle, *wrong, ephemeral.public, identity.public)

    # The stanzas read as what went in, and ours are theirs.
    seen = decode(hexed(hello["stanza"]))
    read = linkcode.read_companion_hello(seen)
    assert (read.number, read.wrapped) == (case["phone"], wrapped)
    assert read.noise.hex() == case["companion_noise_public"]
    ours = linkcode.companion_hello(read)
    assert {**ours.attrs, "id": seen.text("id")} == seen.attrs
    without_nonce = [c for c in ours.need(linkcode.TYPE).children if c.tag != "link_code_pairing_nonce"]
    assert decode(encode(without_nonce[0])) in seen.need(linkcode.TYPE).children
    assert len(without_nonce) == len(seen.need(linkcode.TYPE).children) - 1
    notified = linkcode.read_primary_hello(decode(hexed(answer["stanza"])))
    assert notified == linkcode.PrimaryHello(hexed(case["pairing_ref"]), theirs, primary.public)
    finish = decode(hexed(end["stanza"]))
    assert linkcode.read_companion_finish(finish) == (
        hexed(case["pairing_ref"]),
        done.bundle,
        identity.public,
    )
    ours = linkcode.companion_finish(case["phone"], hexed(case["pairing_ref"]), done.bundle, identity.public)
    assert decode(encode(ours)).content == finish.content


@pytest.mark.parametrize("case", VECTORS["link_code_negative"], ids=case_name)
def test_a_wrong_link_code_gives_another_key(case: dict[str, str]) -> None:
    wrapped = hexed(case["wrapped"])
    key = pbkdf2(case["code"].encode(), linkcode.salt_of(wrapped), linkcode.ITERATIONS)
    assert linkcode.unwrap(key, wrapped).hex() == case["unwrapped"]


@pytest.mark.parametrize("case", several(VECTORS["passkey"]), ids=lambda case: case["ref"])
def test_passkey(case: dict[str, Any]) -> None:
    ephemeral, peer = pair(case["companion_ephemeral"]), pair(case["primary_ephemeral"])
    kind, ref, nonce = case["device_type"], case["ref"], hexed(case["companion_nonce"])
    handoff = passkey.handoff_key(hexed(case["old_adv_secret"]))
    assert handoff.hex() == case["handoff_key"]
    prologue = passkey.prologue(ephemeral.public, kind, ref, nonce)
    assert prologue.identity.hex() == case["companion_ephemeral_identity"]
    assert prologue.payload.hex() == case["prologue_payload"]
    assert hashlib.sha256(prologue.identity + nonce).hexdigest() == case["commitment"]
    assert passkey.handoff_proof(handoff, prologue.payload).hex() == case["pairing_handoff_proof"]
    primary = passkey.read_primary_identity(hexed(case["primary_ephemeral_identity"]))
    assert primary == passkey.PrimaryIdentity(peer.public, hexed(case["primary_nonce"]))
    key = passkey.encryption_key(ephemeral, primary.public, kind, ref)
    assert key.hex() == case["encryption_key"]
    assert passkey.comparison_code(nonce, primary) == case["code"]
    sealed = hexed(case["encrypted_pairing_request"])
    noise, identity, secret = passkey.open_request(key, sealed)
    assert secret.hex() == case["new_adv_secret"]
    assert passkey.seal_request(key, hexed(case["iv"]), noise, identity, secret) == sealed
    with pytest.raises(passkey.PasskeyError):
        passkey.open_request(bytes(32), sealed)


@pytest.mark.parametrize("case", several(VECTORS["client_payload"]), ids=case_name)
def test_client_payloads(case: dict[str, Any]) -> None:
    made = case["registration"]
    signed = SignedPreKey(
        made["signed_prekey"]["id"], pair(made["signed_prekey"]), hexed(made["signed_prekey"]["signature"])
    )
    identity = pair(made["identity"])
    creds = Creds(
        noise=identity,
        identity=identity,
        signed_pre_key=signed,
        registration_id=made["registration_id"],
        adv_secret=bytes(32),
    )
    triple = version.parse(made["version"])
    props = hexed(made["device_props"])
    told = DeviceProps.FromString(props)
    name = told.os
    payload = login.registration(
        creds,
        triple,
        device_name=name,
        platform_type=told.platformType,
        full_history=told.requireFullSync,
        history_days=told.historySyncConfig.fullSyncDaysLimit,
    )
    assert payload.hex() == made["payload"]
    newcomer = admission.admit(payload)
    assert isinstance(newcomer, admission.Newcomer)
    assert (newcomer.identity, newcomer.registration_id) == (identity.public, made["registration_id"])
    assert (newcomer.props, newcomer.name) == (props, name)
    with pytest.raises(admission.NotAdmitted):
        admission.admit(payload, oldest=(9999, 0, 0))
    with pytest.raises(admission.NotAdmitted):
        admission.admit(payload.replace(signed.signature, bytes(64)))

    known = case["login"]
    account = Account(f"{known['username']}:{known['device']}@s.whatsapp.net", "", b"", b"", b"", b"")
    payload = login.login(account, triple, ClientPayload.FromString(hexed(known["payload"])).lc)
    assert payload.hex() == known["payload"]
    returning = admission.admit(payload)
    assert isinstance(returning, admission.Returning)
    assert (returning.number, returning.device) == (str(known["username"]), known["device"])


@pytest.mark.parametrize(
    "case",
    [case for payloads in several(VECTORS["client_payload"]) for case in payloads["build_hash"]],
    ids=lambda case: case["version"],
)
def test_build_hash(case: dict[str, str]) -> None:
    assert version.build_hash(version.parse(case["version"])).hex() == case["md5"]


@pytest.mark.parametrize("case", VECTORS["unified_session"], ids=lambda case: str(case["now_ms"]))
def test_unified_session(case: dict[str, Any]) -> None:
    assert session.unified_session_id(case["now_ms"], case["server_offset_ms"]) == case["id"]
