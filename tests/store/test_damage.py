"""Unreadable is never absent: five kinds of damage, five answers, and nothing moved."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.support import SOME, filed, opened
from waconnd.store import manifest
from waconnd.store.errors import AuthDamaged, Harm, NoPermission, Sealed, StoreMissing
from waconnd.store.files import OsDirectory
from waconnd.store.records import Records
from waconnd.store.seal import Aes, Plain

FILE = "session-15550001111.0.json"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] = ord("8")
    path.write_bytes(bytes(data))


HARMS: dict[Harm, Callable[[Path], object]] = {
    Harm.MISSING: Path.unlink,
    Harm.EMPTY: lambda path: path.write_bytes(b""),
    Harm.UNPARSABLE: lambda path: path.write_bytes(path.read_bytes()[:-4]),
    Harm.WRONG_DIGEST: flip,
}


def contents(path: Path) -> dict[str, bytes]:
    return {place.name: place.read_bytes() for place in path.iterdir()}


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.name)
@pytest.mark.parametrize("name", [FILE, "creds.json"])
def test_each_harm_is_named_and_nothing_is_touched(tmp_path: Path, harm: Harm, name: str) -> None:
    filed(tmp_path)
    HARMS[harm](tmp_path / name)
    before = contents(tmp_path)
    with pytest.raises(AuthDamaged) as caught:
        opened(tmp_path)
    assert (caught.value.file, caught.value.harm) == (name, harm)
    assert caught.value.exit == 65
    assert name in str(caught.value)
    assert contents(tmp_path) == before


class Forbidding(OsDirectory):
    def read(self, name: str) -> bytes:
        if name == FILE:
            raise PermissionError(13, "permission denied", name)
        return super().read(name)


def test_no_permission_is_its_own_answer(tmp_path: Path) -> None:
    filed(tmp_path)
    os.chmod(tmp_path / FILE, 0)  # changes its stamp, so that it is looked at
    with pytest.raises(NoPermission) as caught:
        Records(Forbidding(str(tmp_path))).open()
    assert (caught.value.file, caught.value.harm, caught.value.exit) == (FILE, Harm.NO_PERMISSION, 77)


def test_five_messages(tmp_path: Path) -> None:
    messages = set()
    for number, spoil in enumerate(HARMS.values()):
        path = filed(tmp_path / str(number))
        spoil(path / FILE)
        with pytest.raises(AuthDamaged) as caught:
            opened(path)
        messages.add(str(caught.value))
    path = filed(tmp_path / "forbidden")
    os.chmod(path / FILE, 0)
    with pytest.raises(NoPermission) as caught:
        Records(Forbidding(str(path))).open()
    messages.add(str(caught.value))
    assert len(messages) == 5
    assert all(len(message) > 40 for message in messages)


@pytest.mark.parametrize("name", [FILE, "journal", "manifest.json"])
@pytest.mark.parametrize("plant", [Path.mkdir, lambda path: path.symlink_to("/etc/hostname"), os.mkfifo])
def test_what_is_no_file_is_told_and_hangs_nobody(
    tmp_path: Path, name: str, plant: Callable[[Path], object]
) -> None:
    filed(tmp_path)
    (tmp_path / name).unlink()
    plant(tmp_path / name)
    with pytest.raises(AuthDamaged) as caught:
        opened(tmp_path)
    # A pipe reads as nothing, and what is no file is not in the list of files.
    assert caught.value.harm in (Harm.UNPARSABLE, Harm.EMPTY, Harm.MISSING)
    assert caught.value.file == name
    assert "dmesg" not in str(caught.value)


def test_a_sealed_file_is_told_apart_too(tmp_path: Path) -> None:
    """Bytes that do not open are broken; those of an older copy open, but are not the ones that were written."""
    seal = Aes(bytes(32))
    filed(tmp_path, seal=seal)
    place = tmp_path / seal.file_name("session", "15550001111.0", ())
    older = place.read_bytes()
    records, _ = opened(tmp_path, seal=seal)
    records.append(records.frame({("session", "15550001111.0"): b"{}"}, []))
    records.checkpoint()
    for data, harm in ((older, Harm.WRONG_DIGEST), (older[:-1], Harm.UNPARSABLE), (b"", Harm.EMPTY)):
        place.write_bytes(data)
        with pytest.raises(AuthDamaged) as caught:
            opened(tmp_path, seal=seal)
        assert caught.value.harm is harm


def test_damage_behind_an_unchanged_stamp_is_found_when_it_is_read(tmp_path: Path) -> None:
    """A disk that changes bytes by itself does not change the time of the change."""
    filed(tmp_path)
    records, _ = opened(tmp_path)
    real = OsDirectory.read

    class Rotten(OsDirectory):
        def read(self, name: str) -> bytes:
            data = real(self, name)
            return data.replace(b"chain", b"chaim") if name == FILE else data

    records = Records(Rotten(str(tmp_path)))
    records.open()
    assert records.get("creds", "") == SOME["creds", ""]
    with pytest.raises(AuthDamaged) as caught:
        records.get("session", "15550001111.0")
    assert caught.value.harm is Harm.WRONG_DIGEST


def test_several_are_counted(tmp_path: Path) -> None:
    filed(tmp_path)
    for name in (FILE, "creds.json", "pre-key-7.json"):
        (tmp_path / name).unlink()
    with pytest.raises(AuthDamaged, match="2 more") as caught:
        opened(tmp_path)
    assert len(caught.value.damages) == 3


def test_what_the_journal_holds_heals_its_file(tmp_path: Path) -> None:
    filed(tmp_path)
    records, _ = opened(tmp_path)
    records.append(records.frame({("session", "15550001111.0"): b"newer"}, []))
    (tmp_path / FILE).unlink()
    again, found = opened(tmp_path)
    assert found.frames == 1
    assert again.get("session", "15550001111.0") == b"newer"
    assert (tmp_path / FILE).read_bytes() == b"newer"


@pytest.mark.parametrize(
    ("spoil", "harm"),
    [
        (lambda p: p.unlink(), Harm.MISSING),
        (lambda p: p.write_bytes(b""), Harm.EMPTY),
        (lambda p: p.write_bytes(b"{}"), Harm.UNPARSABLE),
        (lambda p: p.write_bytes(p.read_bytes().replace(b'"pre-key', b'"pre-kez')), Harm.WRONG_DIGEST),
    ],
    ids=["missing", "empty", "unparsable", "wrong"],
)
def test_manifest(tmp_path: Path, spoil: Callable[[Path], object], harm: Harm) -> None:
    filed(tmp_path)
    spoil(tmp_path / "manifest.json")
    with pytest.raises(AuthDamaged) as caught:
        opened(tmp_path)
    assert (caught.value.file, caught.value.harm) == ("manifest.json", harm)


def test_a_lost_journal_is_not_a_new_account(tmp_path: Path) -> None:
    filed(tmp_path)
    (tmp_path / "journal").unlink()
    before = contents(tmp_path)
    with pytest.raises(AuthDamaged, match="journal is gone") as caught:
        opened(tmp_path)
    assert caught.value.harm is Harm.MISSING
    assert contents(tmp_path) == before


def test_an_empty_journal_is_not_a_new_account(tmp_path: Path) -> None:
    filed(tmp_path)
    (tmp_path / "journal").write_bytes(b"")
    with pytest.raises(AuthDamaged) as caught:
        opened(tmp_path)
    assert caught.value.harm is Harm.EMPTY


def test_another_programs_folder_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "creds.json").write_bytes(b"{}")
    (tmp_path / "pre-key-1.json").write_bytes(b"{}")
    with pytest.raises(AuthDamaged, match="waconnd import NAME --from baileys"):
        opened(tmp_path)


def test_nothing_there_and_nobody_asked_to_create(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="waconnd pair"):
        opened(tmp_path, create=False)


def test_files_of_two_copies(tmp_path: Path) -> None:
    one, two = filed(tmp_path / "one"), filed(tmp_path / "two")
    (one / "manifest.json").write_bytes((two / "manifest.json").read_bytes())
    with pytest.raises(AuthDamaged, match="two copies"):
        opened(one)


def test_a_manifest_that_gives_one_file_to_two_records() -> None:
    filed_once = manifest.Filed("x.json", 1, b"d" * 16, 1)
    data = manifest.encode(b"s" * 16, 1, {"x": {"a/b": filed_once, "a__b": filed_once}}, Plain())
    with pytest.raises(AuthDamaged, match="two records"):
        manifest.decode(data, Plain())


def test_a_directory_copied_whole_is_read_whole_and_fine(tmp_path: Path) -> None:
    source, copy = filed(tmp_path / "source"), tmp_path / "copy"
    copy.mkdir()
    for place in source.iterdir():
        (copy / place.name).write_bytes(place.read_bytes())
    records, _ = opened(copy)
    assert records.snapshot() == SOME
    flip(copy / FILE)
    with pytest.raises(AuthDamaged):
        opened(copy)


def test_stray_files_are_named_and_left_alone(tmp_path: Path) -> None:
    filed(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".creds.json.tmp").write_text("left over")
    records, found = opened(tmp_path)
    assert found.strays == ("notes.txt",)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / ".creds.json.tmp").exists()
    assert records.snapshot() == SOME


def test_sealed_and_plain_are_told_apart(tmp_path: Path) -> None:
    sealed, plain = filed(tmp_path / "sealed", seal=Aes(bytes(32))), filed(tmp_path / "plain")
    with pytest.raises(Sealed, match="no key"):
        opened(sealed)
    with pytest.raises(Sealed, match="plain"):
        opened(plain, seal=Aes(bytes(32)))
