"""XEdDSA against three real libraries' signatures, and against what they refuse."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto.curve import from_private
from protocol.crypto.primitives import CryptoError
from protocol.crypto.xeddsa import P, sign, verify
from tests.support.vectors import case_name, load, several

VECTORS = load("xeddsa")
NOISE = load("noise")["xeddsa"]
#: Those that were made with known randomness, by the name that each file gives it.
REPEATABLE = [(case, "random_z") for case in NOISE]
REPEATABLE += [(case, "random") for case in VECTORS["valid"] if "random" in case]
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def hexes(case: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


@pytest.mark.vectors
@pytest.mark.parametrize("case", [*VECTORS["valid"], *NOISE], ids=case_name)
def test_accepts_what_real_libraries_sign(case: dict[str, Any]) -> None:
    private, public, message, signature = hexes(case, "private", "public", "message", "signature")
    assert from_private(private).public == public
    assert verify(public, message, signature)
    assert not verify(public, message + b"\x00", signature)


@pytest.mark.vectors
@pytest.mark.parametrize(("case", "randomness"), REPEATABLE, ids=case_name)
def test_signs_the_same_bytes(case: dict[str, Any], randomness: str) -> None:
    private, message, noise, signature = hexes(case, "private", "message", randomness, "signature")
    assert sign(private, message, lambda size: noise[:size]) == signature


@pytest.mark.vectors
@pytest.mark.parametrize("case", VECTORS["invalid"], ids=case_name)
def test_refuses_damaged_signatures(case: dict[str, Any]) -> None:
    assert not verify(*hexes(case, "public", "message", "signature"))


@pytest.mark.vectors
@pytest.mark.parametrize("case", several(VECTORS["malleable"]), ids=case_name)
def test_refuses_a_malleable_signature(case: dict[str, Any]) -> None:
    # The same signature with s + L: libsignal takes it, so it would make two signatures of one.
    assert not verify(*hexes(case, "public", "message", "signature"))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.binary(min_size=64, max_size=64))
@settings(max_examples=50, deadline=None)
def test_what_we_sign_verifies_and_no_changed_bit_does(private: bytes, message: bytes, noise: bytes) -> None:
    public = from_private(private).public
    signature = sign(private, message, lambda _: noise)
    assert verify(public, message, signature)
    at = noise[0] % 64
    changed = signature[:at] + bytes((signature[at] ^ 1 << noise[1] % 8,)) + signature[at + 1 :]
    assert not verify(public, message, changed)


@pytest.mark.parametrize("u", [0, 1, P - 1, P, P + 1, 2**255 - 1])
def test_keys_of_low_order_vouch_for_nothing(u: int) -> None:
    # With such a key, R = identity and s = 0 would verify for every message under a lenient check.
    public = u.to_bytes(32, "little")
    for sign_bit in (0, 0x80):
        for r in (1, 0, P - 1):
            forged = r.to_bytes(32, "little") + bytes(31) + bytes((sign_bit,))
            for message in (b"", b"a", b"abc", b"pay me"):
                assert not verify(public, message, forged)


def test_lengths() -> None:
    pair = from_private(bytes(range(32)))
    signature = sign(pair.private, b"m", bytes)
    assert verify(pair.public, b"m", signature)
    assert not verify(pair.public, b"m", signature[:-1])
    assert not verify(pair.public, b"m", signature + b"\x00")
    assert not verify(pair.public[:-1], b"m", signature)
    assert not verify(pair.tagged, b"m", signature)
    with pytest.raises(CryptoError):
        sign(pair.private[:-1], b"m", bytes)


def test_s_beyond_the_group_order_is_refused() -> None:
    pair = from_private(bytes(range(32)))
    signature = sign(pair.private, b"m", bytes)
    s = int.from_bytes(signature[32:63] + bytes((signature[63] & 0x7F,)), "little") + GROUP_ORDER
    tail = bytearray(s.to_bytes(32, "little"))
    tail[31] |= signature[63] & 0x80
    assert not verify(pair.public, b"m", signature[:32] + bytes(tail))
