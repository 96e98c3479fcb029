from __future__ import annotations

import random

import msgspec
import pytest

from protocol.crypto.curve import generate
from protocol.flows import phone
from protocol.pb import adv_pb2
from protocol.stanza import adv

RNG = random.Random(3)
PRIMARY, COMPANION, STRANGER = (generate(RNG.randbytes) for _ in range(3))


def companion(**more) -> tuple[phone.Vouched, bytes]:
    vouched = phone.vouch(
        PRIMARY, COMPANION.public, bytes(32), RNG.randbytes, raw_id=5, key_index=2, timestamp=99, **more
    )
    return vouched, phone.sign_own(vouched, COMPANION, RNG.randbytes)


@pytest.mark.parametrize("hosted", [False, True])
def test_a_companion_is_believed(hosted):
    _, whole = companion(hosted_device=hosted)
    found = adv.verify_device_identity(whole, COMPANION.public, account_key=PRIMARY.public)
    assert (found.raw_id, found.key_index, found.timestamp, found.hosted) == (5, 2, 99, hosted)
    # With the type byte, as bundles carry keys.
    assert adv.verify_device_identity(whole, b"\x05" + COMPANION.public) == found


def test_the_account_key_may_be_left_out_where_it_is_known():
    vouched, whole = companion()
    bare = adv_pb2.ADVSignedDeviceIdentity.FromString(whole)
    bare.ClearField("accountSignatureKey")
    found = adv.verify_device_identity(bare.SerializeToString(), COMPANION.public, account_key=PRIMARY.public)
    assert found.account_key == PRIMARY.public == vouched.account_key
    with pytest.raises(adv.AdvError):
        adv.verify_device_identity(bare.SerializeToString(), COMPANION.public)


def test_what_is_not_believed():
    _, whole = companion()
    with pytest.raises(adv.AdvError, match="another account"):
        adv.verify_device_identity(whole, COMPANION.public, account_key=STRANGER.public)
    with pytest.raises(adv.AdvError):
        adv.verify_device_identity(whole, STRANGER.public)
    for field in ("details", "accountSignature", "deviceSignature", "accountSignatureKey"):
        bent = adv_pb2.ADVSignedDeviceIdentity.FromString(whole)
        raw = bytearray(getattr(bent, field))
        raw[-1] ^= 1
        setattr(bent, field, bytes(raw))
        with pytest.raises(adv.AdvError):
            adv.verify_device_identity(bent.SerializeToString(), COMPANION.public)
    for junk in (b"", b"\xff\xff", whole[:20]):
        with pytest.raises(adv.AdvError):
            adv.verify_device_identity(junk, COMPANION.public)


def test_key_index_lists():
    blob = phone.sign_key_indexes(PRIMARY, RNG.randbytes, raw_id=5, timestamp=100, current=4, valid=[1, 3])
    listed = adv.verify_key_index_list(blob, PRIMARY.public)
    assert (listed.raw_id, listed.timestamp, listed.current) == (5, 100, 4)
    kept = [
        (device, index)
        for device, index in ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (9, 5))
        if listed.keeps(device, index)
    ]
    assert kept == [(0, 0), (1, 1), (3, 3), (9, 5)]
    with pytest.raises(adv.AdvError):
        adv.verify_key_index_list(blob, STRANGER.public)
    bent = adv_pb2.ADVSignedKeyIndexList.FromString(blob)
    bent.details = adv_pb2.ADVKeyIndexList(rawId=5, timestamp=100, currentIndex=9).SerializeToString()
    with pytest.raises(adv.AdvError):
        adv.verify_key_index_list(bent.SerializeToString(), PRIMARY.public)


def test_a_container_is_bounded():
    with pytest.raises(adv.AdvError):
        adv.accept_container(bytes(adv.MAX_CONTAINER + 1), bytes(32), COMPANION, RNG.randbytes)


def test_no_signature_in_a_repr():
    _, whole = companion()
    found = adv.verify_device_identity(whole, COMPANION.public)
    assert msgspec.structs.replace(found, key_index=9).encode() == whole
