"""A sender key that comes twice, the later place first: nothing that was given to us is lost, nothing read twice."""

from __future__ import annotations

import random

import pytest

from protocol.keystore import Keystore, Txn
from protocol.signal.errors import Duplicate, NoSenderKey
from protocol.signal.groups import decrypt, distribution, encrypt, process_distribution

GROUP, ANN = "1203@g.us", "1_1.0"


class Nothing:
    def get(self, kind: str, id: str) -> bytes | None:
        return None

    def ids(self, kind: str) -> list[str]:
        return []


def both() -> tuple[Txn, Txn, list[bytes], list[bytes]]:
    ann, bob, rng = Keystore(Nothing()).txn(), Keystore(Nothing()).txn(), random.Random(1)
    keys, messages = [], []
    for n in range(6):
        keys.append(distribution(ann, GROUP, ANN, entropy=rng.randbytes))
        messages.append(encrypt(ann, GROUP, ANN, bytes((n,)), entropy=rng.randbytes))
    return ann, bob, keys, messages


def test_what_is_older_than_the_key_is_no_duplicate() -> None:
    _, bob, keys, messages = both()
    process_distribution(bob, GROUP, ANN, keys[3])
    before = dict(bob.changes)
    with pytest.raises(NoSenderKey):
        decrypt(bob, GROUP, ANN, messages[1])
    assert bob.changes == before
    assert decrypt(bob, GROUP, ANN, messages[4]) == b"\x04"


def test_the_earlier_key_opens_what_it_overtook() -> None:
    _, bob, keys, messages = both()
    process_distribution(bob, GROUP, ANN, keys[3])
    assert decrypt(bob, GROUP, ANN, messages[4]) == b"\x04"
    process_distribution(bob, GROUP, ANN, keys[0])
    for n in (1, 0, 5, 2, 3):
        assert decrypt(bob, GROUP, ANN, messages[n]) == bytes((n,))
    for n in range(6):
        with pytest.raises(Duplicate):
            decrypt(bob, GROUP, ANN, messages[n])
