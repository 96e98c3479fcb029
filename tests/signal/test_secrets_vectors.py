"""Padding, participant hash, secret payloads and reporting tokens against recorded values."""

import pytest

from protocol.jid import parse
from protocol.signal.errors import BadPadding
from protocol.signal.padding import MAX_WRITTEN, pad, unpad
from protocol.signal.phash import participant_hash
from protocol.signal.reporting import reporting_token
from protocol.signal.secrets import Sealed, UseCase, WrongSecret, bot_secret, derive, seal, unseal
from tests.signal.support import load

pytestmark = pytest.mark.vectors
PADDING = load("msg_padding_phash.json")
SECRETS = load("secret_message.json")


def b(text: str) -> bytes:
    return bytes.fromhex(text)


def test_padding_is_taken_off() -> None:
    for case in PADDING["valid"]:
        assert unpad(b(case["padded"])) == b(case["message"])
        if case["pad"] <= MAX_WRITTEN:
            assert pad(b(case["message"]), lambda size, n=case["pad"]: bytes([n - 1])) == b(case["padded"])


def test_wrong_padding_is_refused() -> None:
    for case in PADDING["invalid"]:
        with pytest.raises(BadPadding):
            unpad(b(case["padded"]))


def test_every_first_byte_pads_readably() -> None:
    for first in range(256):
        padded = pad(b"text", lambda size, n=first: bytes([n]))
        assert unpad(padded) == b"text"
        assert 1 <= len(padded) - 4 <= MAX_WRITTEN


def test_participant_hash() -> None:
    for case in PADDING["phash"]:
        devices = [parse(text) for text in case["devices"]]
        assert participant_hash(devices) == case["phash"]
        assert participant_hash(reversed(devices + devices)) == case["phash"]


@pytest.mark.parametrize("case", SECRETS["cases"], ids=lambda case: case["use_case"])
def test_secret_payload(case: dict) -> None:
    secret, sealed = b(case["message_secret"]), Sealed(b(case["ciphertext"]), b(case["iv"]))
    where = (case["message_id"], case["original_sender"], case["modification_sender"], case["use_case"])
    assert derive(secret, *where).hex() == case["key"]
    assert seal(secret, *where, b(case["plaintext"]), entropy=lambda size: sealed.iv) == sealed
    opened = unseal(
        secret,
        case["message_id"],
        ["another@lid", case["original_sender"]],
        ["nobody@lid", case["modification_sender"]],
        case["use_case"],
        sealed,
    )
    assert opened.hex() == case["plaintext"]
    for broken in (
        Sealed(sealed.payload, bytes(12)),
        Sealed(sealed.payload[:-1], sealed.iv),
        Sealed(b"", b""),
    ):
        with pytest.raises(WrongSecret):
            unseal(secret, where[0], [where[1]], [where[2]], where[3], broken)
    with pytest.raises(WrongSecret):
        unseal(secret, where[0], [where[1]], ["eve@lid"], where[3], sealed)


def test_bot_answers() -> None:
    for case in SECRETS["bot"]:
        secret = bot_secret(b(case["message_secret"]))
        assert secret.hex() == case["bot_secret"]
        sealed = Sealed(b(case["ciphertext"]), b(case["iv"]))
        opened = unseal(
            secret, case["message_id"], [case["target_sender"]], [case["bot_sender"]], UseCase.BOT, sealed
        )
        assert opened.hex() == case["plaintext"]


def test_reporting_token() -> None:
    for case in SECRETS["reporting"]:
        for who in ("sender_remote", "baileys_outgoing"):
            token = reporting_token(
                b(case["message_protobuf"]),
                b(case["message_secret"]),
                case["message_id"],
                case[who]["info_sender"],
                case[who]["info_remote"],
            )
            assert (token and token.hex()) == case[who]["token"]


@pytest.mark.parametrize("junk", ["", "0b", "0a05", "ff" * 12, "0f01", "9201020800"], ids=str)
def test_nothing_to_report_has_no_token(junk: str) -> None:
    assert reporting_token(b(junk), bytes(32), "id", "a@lid", "b@lid") is None


def test_fixed_width_fields_are_walked_over() -> None:
    """Fields of 4 and 8 bytes before the one that counts change nothing; one that is cut short ends it."""
    text = b"\x0a\x01x"
    plain = reporting_token(text, bytes(32), "id", "a@lid", "b@lid")
    wide = b"\xfd\x07" + bytes(4) + b"\xf9\x07" + bytes(8)
    assert reporting_token(wide + text, bytes(32), "id", "a@lid", "b@lid") == plain
    assert reporting_token(text + wide[:-1], bytes(32), "id", "a@lid", "b@lid") is None
