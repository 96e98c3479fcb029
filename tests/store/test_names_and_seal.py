"""File names: familiar, short enough, never shared; and sealed ones, which say nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.support import SOME, filed, opened
from waconnd.store.errors import AuthDamaged, Sealed
from waconnd.store.names import MAX_NAME, OWN, choose, is_temporary, temporary
from waconnd.store.seal import Aes, load_key


@pytest.mark.parametrize(
    ("kind", "id", "name"),
    [
        ("creds", "", "creds.json"),
        ("pre-key", "7", "pre-key-7.json"),
        ("session", "15550001111_1.3", "session-15550001111_1.3.json"),
        ("app-state-sync-key", "AA/B=", "app-state-sync-key-AA__B=.json"),
        ("sender-key", "1@g.us::2_1::7", "sender-key-1@g.us--2_1--7.json"),
    ],
)
def test_familiar_names(kind: str, id: str, name: str) -> None:
    assert choose(kind, id, ()) == name


@given(
    st.lists(
        st.tuples(st.sampled_from(["pre", "pre-key", "x"]), st.text("a/:_-\n\0é", max_size=90)), unique=True
    )
)
def test_no_two_records_share_a_name(keys: list[tuple[str, str]]) -> None:
    taken: set[str] = set()
    for kind, id in keys:
        name = choose(kind, id, taken)
        assert name not in taken | OWN
        assert "/" not in name
        assert "\0" not in name
        assert len(temporary(name).encode()) <= 255
        assert not is_temporary(name)
        taken.add(name)


def test_long_ids_are_shortened_apart() -> None:
    a, b = choose("x", "é" * 400 + "a", ()), choose("x", "é" * 400 + "b", ())
    assert a != b
    assert len(a.encode()) <= MAX_NAME


def test_records_with_one_name_both_survive(tmp_path: Path) -> None:
    changes = {("x", "a/b"): b"1", ("x", "a__b"): b"2", ("x", "c:d"): b"3", ("x", "c-d"): b"4"}
    filed(tmp_path, changes)
    records, found = opened(tmp_path)
    assert records.snapshot() == changes
    assert found.strays == ()
    records.append(records.frame({("x", "a/b"): None, ("x", "a__b"): b"22"}, []))
    records.checkpoint()
    assert opened(tmp_path)[0].snapshot() == {("x", "a__b"): b"22", ("x", "c:d"): b"3", ("x", "c-d"): b"4"}


def test_sealed_files_show_nothing(tmp_path: Path) -> None:
    seal = Aes(os.urandom(32))
    filed(tmp_path, seal=seal)
    records, _ = opened(tmp_path, seal=seal)
    records.append(records.frame({("session", "15550002222.0"): b"chain of 15550002222"}, [b"secret words"]))
    assert records.snapshot() == {**SOME, ("session", "15550002222.0"): b"chain of 15550002222"}
    for place in tmp_path.iterdir():
        assert "1555" not in place.name
        assert "session" not in place.name
        data = place.read_bytes()
        for word in (b"1555", b"chain", b"session", b"secret", b"private"):
            assert word not in data, place.name


def test_a_wrong_key_is_not_damage(tmp_path: Path) -> None:
    seal = Aes(b"k" * 32)
    filed(tmp_path, seal=seal)
    records, _ = opened(tmp_path, seal=seal)
    records.append(records.frame({("a", "b"): b"c"}, []))
    with pytest.raises(Sealed, match="not the one"):
        opened(tmp_path, seal=Aes(b"l" * 32))


def test_a_wrong_key_without_frames(tmp_path: Path) -> None:
    filed(tmp_path, seal=Aes(b"k" * 32))
    with pytest.raises(Sealed, match="not the one"):
        opened(tmp_path, seal=Aes(b"l" * 32))


def test_sealed_files_can_not_be_swapped(tmp_path: Path) -> None:
    """Right bytes under another record's name: the digest in the manifest refuses, and so does the seal."""
    seal = Aes(b"k" * 32)
    filed(tmp_path, {("a", "1"): b"one", ("a", "2"): b"two"}, seal=seal)
    one, two = (tmp_path / seal.file_name("a", id, ()) for id in "12")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(AuthDamaged):
        opened(tmp_path, seal=seal)
    with pytest.raises(ValueError, match="name"):
        seal.open(b"a\x002", first)


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "key"
    with pytest.raises(Sealed, match="can't be read"):
        load_key(str(place))
    place.write_bytes(bytes(range(32)))
    place.chmod(0o644)
    with pytest.raises(Sealed, match="chmod 600"):
        load_key(str(place))
    place.chmod(0o600)
    assert load_key(str(place)) == bytes(range(32))
    place.write_text(bytes(range(32)).hex() + "\n")
    assert load_key(str(place)) == bytes(range(32))
    place.write_bytes(b"short")
    with pytest.raises(Sealed, match="32 bytes"):
        load_key(str(place))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(Sealed, match="LoadCredentialEncrypted"):
        load_key()
    (tmp_path / "auth-key").write_bytes(bytes(32))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_key() == bytes(32)
    with pytest.raises(Sealed, match="exactly 32"):
        Aes(b"short")


def test_a_name_chosen_in_vain_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint dies after its renames; by then one of two rivals for a name has been deleted."""
    records, _ = opened(tmp_path)
    records.append(records.frame({("x", "a/b"): b"1", ("x", "a__b"): b"2"}, []))
    plan = records.plan()
    records.append(records.frame({("x", "a/b"): None}, []))
    with monkeypatch.context() as patch:
        patch.setattr(records.shelf, "_write_manifest", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            records.file(plan)
    assert sum(place.name.startswith("x-") for place in tmp_path.iterdir()) == 2
    again, found = opened(tmp_path)
    assert again.snapshot() == {("x", "a__b"): b"2"}
    assert found.strays == ()
    assert sum(place.name.startswith("x-") for place in tmp_path.iterdir()) == 1
