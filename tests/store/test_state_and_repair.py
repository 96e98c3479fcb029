"""What a person at the console sees, and what repair may do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from protocol.creds import CREDS, new_creds
from tests.store.support import SOME, filed, opened
from waconnd.store.errors import AuthDamaged, StoreLocked, StoreMissing
from waconnd.store.journal import HEADER_SIZE
from waconnd.store.lock import Lock
from waconnd.store.repair import Wishes, repair
from waconnd.store.seal import Aes
from waconnd.store.state import show, verify

SESSION = "session-15550001111.0.json"


def contents(path: Path) -> dict[str, bytes]:
    return {place.name: place.read_bytes() for place in path.iterdir() if place.is_file()}


def test_show(tmp_path: Path) -> None:
    filed(tmp_path)
    records, _ = opened(tmp_path)
    records.append(records.frame({("session", "2.0"): b"{}", ("pre-key", "7"): None}, [b"{}"]))
    before = contents(tmp_path)
    shown = show(tmp_path)
    assert shown.store == records.store.hex()
    assert (shown.seq, shown.journal_frames, shown.unfiled, shown.undrained) == (2, 1, 2, 1)
    assert {kind: summary.records for kind, summary in shown.kinds.items()} == {
        "creds": 1,
        "session": 2,
        "identity-key": 1,
    }
    assert shown.owner is None
    assert "sequence 2" in shown.text()
    assert msgspec.json.decode(msgspec.json.encode(shown))["kinds"]["session"]["records"] == 2
    assert contents(tmp_path) == before
    held = Lock(str(tmp_path), 0.0)
    assert "in use by process" in show(tmp_path).text()
    held.release()


def test_show_refuses_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing):
        show(tmp_path / "nowhere")
    with pytest.raises(AuthDamaged):
        show(tmp_path)


def test_verify_reads_all_and_touches_nothing(tmp_path: Path) -> None:
    filed(tmp_path)
    found = verify(tmp_path)
    assert (found.files, found.findings, found.exit) == (4, (), 0)
    assert found.text().endswith("all right")
    (tmp_path / SESSION).write_bytes(b"{}")
    (tmp_path / "creds.json").unlink()
    (tmp_path / "stranger.json").write_bytes(b"{}")
    before = contents(tmp_path)
    found = verify(tmp_path)
    assert {(f.file, f.harm) for f in found.findings} == {
        (SESSION, "wrong digest"),
        ("creds.json", "missing"),
    }
    assert found.exit == 65
    assert any("stranger.json" in note for note in found.notes)
    assert "2 damaged" in found.text()
    assert contents(tmp_path) == before


def test_verify_names_a_damaged_journal(tmp_path: Path) -> None:
    filed(tmp_path)
    (tmp_path / "journal").write_bytes(b"WACJ")
    assert [f.file for f in verify(tmp_path).findings] == ["journal"]


def test_a_torn_end_is_a_note(tmp_path: Path) -> None:
    filed(tmp_path)
    with (tmp_path / "journal").open("ab") as file:
        file.write(b"\0\0\0\x10torn")
    found = verify(tmp_path)
    assert found.findings == ()
    assert any("never acknowledged" in note for note in found.notes)
    assert show(tmp_path).journal_torn


def test_nothing_to_repair(tmp_path: Path) -> None:
    filed(tmp_path)
    before = contents(tmp_path)
    done = repair(tmp_path)
    assert (done.actions, done.left, done.kept_in) == ((), (), "")
    assert "nothing to do" in done.text()
    assert {name: data for name, data in contents(tmp_path).items() if name != "lock"} == before


def test_repair_needs_the_lock(tmp_path: Path) -> None:
    filed(tmp_path)
    held = Lock(str(tmp_path), 0.0)
    with pytest.raises(StoreLocked):
        repair(tmp_path)
    held.release()


def test_right_bytes_are_put_back_wherever_they_are(tmp_path: Path) -> None:
    path, backup = filed(tmp_path / "main"), tmp_path / "backup"
    backup.mkdir()
    (backup / "anything").write_bytes((path / "creds.json").read_bytes())
    (path / "creds.json").write_bytes(b"broken")
    (path / SESSION).rename(path / "renamed by hand.json")
    done = repair(path, Wishes(search=(backup,)))
    assert done.left == ()
    assert len(done.actions) == 2
    assert opened(path)[0].snapshot() == SOME
    assert (Path(done.kept_in) / "creds.json").read_bytes() == b"broken"


def test_what_can_not_be_proved_is_left(tmp_path: Path) -> None:
    filed(tmp_path)
    (tmp_path / SESSION).write_bytes(b'{"v":1,"chain":[9]}')
    before = contents(tmp_path)
    done = repair(tmp_path)
    assert done.actions == ()
    assert [f.file for f in done.left] == [SESSION]
    assert done.exit == 65
    assert {name: data for name, data in contents(tmp_path).items() if name != "lock"} == before


def test_adopting_takes_an_edited_file(tmp_path: Path) -> None:
    filed(tmp_path)
    (tmp_path / SESSION).write_bytes(b'{"v":1,"chain":[9]}')
    (tmp_path / "creds.json").write_bytes(b"not even JSON")
    done = repair(tmp_path, Wishes(adopt=True))
    assert [f.file for f in done.left] == ["creds.json"]
    assert (Path(done.kept_in) / "manifest.json").exists()
    (tmp_path / "creds.json").write_bytes(SOME["creds", ""] or b"")
    assert opened(tmp_path)[0].get("session", "15550001111.0") == b'{"v":1,"chain":[9]}'


def test_forgetting_lets_go_what_heals_and_nothing_else(tmp_path: Path) -> None:
    filed(tmp_path)
    (tmp_path / SESSION).write_bytes(b"")
    (tmp_path / "pre-key-7.json").unlink()
    (tmp_path / "identity-key-15550001111.0.json").write_bytes(b"")
    done = repair(tmp_path, Wishes(forget=True))
    assert [f.file for f in done.left] == ["identity-key-15550001111.0.json"]
    (tmp_path / "identity-key-15550001111.0.json").write_bytes(SOME["identity-key", "15550001111.0"] or b"")
    assert set(opened(tmp_path)[0].snapshot()) == {("creds", ""), ("identity-key", "15550001111.0")}


def test_rolling_back_a_journal_broken_in_the_middle(tmp_path: Path) -> None:
    creds = CREDS.encode(new_creds(lambda n: b"\x07" * n, 1.0))
    filed(tmp_path, {**SOME, ("creds", ""): creds})
    records, _ = opened(tmp_path)
    for n in range(6):
        records.append(records.frame({("x", str(n)): b"v"}, []))
    journal = bytearray((tmp_path / "journal").read_bytes())
    frame = (records.journal.size - HEADER_SIZE) // 6
    journal[HEADER_SIZE + 2 * frame + 30] ^= 1
    (tmp_path / "journal").write_bytes(journal)
    with pytest.raises(AuthDamaged, match="no torn end"):
        opened(tmp_path)
    assert [f.file for f in repair(tmp_path).left] == ["journal"]
    done = repair(tmp_path, Wishes(roll_back=True))
    assert done.left == ()
    assert (Path(done.kept_in) / "journal").read_bytes() == bytes(journal)
    again, _ = opened(tmp_path)
    assert again.seq > 1_000_000
    assert set(again.ids("x")) == {"0", "1"}
    assert list(again.ids("session")) == []
    assert list(again.ids("identity-key")) == ["15550001111.0"]
    assert CREDS.get(again, "").server_has_pre_keys is False


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"WACJ" * 100),
        lambda path: path.write_bytes(b"\0" + path.read_bytes()[1:]),
    ],
    ids=["gone", "empty", "nonsense", "header"],
)
def test_a_lost_journal_goes_on_from_the_files(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    creds = CREDS.encode(new_creds(lambda n: b"\x07" * n, 1.0))
    filed(tmp_path, {**SOME, ("creds", ""): creds})
    records, _ = opened(tmp_path)
    records.append(records.frame({("x", "new"): b"in the journal alone"}, []))
    store, seq = records.store, records.seq
    spoil(tmp_path / "journal")
    assert [f.file for f in repair(tmp_path).left] == ["journal"]
    assert "--roll-back" in repair(tmp_path).text()
    done = repair(tmp_path, Wishes(roll_back=True))
    assert done.left == ()
    assert "whatever was in the old one alone is lost" in done.text()
    again, _ = opened(tmp_path)
    assert again.store == store, "witnesses know it by this name"
    assert again.seq > seq + 900_000
    assert list(again.ids("session")) == list(again.ids("x")) == []
    assert list(again.ids("identity-key")) == ["15550001111.0"]
    assert CREDS.get(again, "").identity == CREDS.decode(creds).identity


def test_a_lost_journal_that_alone_had_the_credentials_is_left(tmp_path: Path) -> None:
    filed(tmp_path, {("x", "1"): b"{}"})
    (tmp_path / "journal").unlink()
    before = contents(tmp_path)
    done = repair(tmp_path, Wishes(roll_back=True))
    assert [f.file for f in done.left] == ["journal"]
    assert "link the account anew" in done.text()
    assert {name: data for name, data in contents(tmp_path).items() if name != "lock"} == before


def test_a_journal_of_a_newer_program_is_left(tmp_path: Path) -> None:
    filed(tmp_path)
    newer = bytearray((tmp_path / "journal").read_bytes())
    newer[5] = 2
    size = HEADER_SIZE - 16
    newer[size:HEADER_SIZE] = hashlib.blake2b(newer[:size], digest_size=16).digest()
    (tmp_path / "journal").write_bytes(newer)
    done = repair(tmp_path, Wishes(roll_back=True))
    assert "upgrade it" in done.text()
    assert (tmp_path / "journal").read_bytes() == bytes(newer)


def test_what_is_left_comes_with_what_could_be_done(tmp_path: Path) -> None:
    filed(tmp_path)
    (tmp_path / SESSION).unlink()
    told = repair(tmp_path).text()
    assert "--search DIR" in told
    assert "--forget" in told
    (tmp_path / "creds.json").unlink()
    assert "waconnd pair NAME --fresh" in repair(tmp_path).text()
    with pytest.raises(StoreMissing, match="no directory"):
        repair(tmp_path / "nobody")


def test_sealed_directories_too(tmp_path: Path) -> None:
    seal = Aes(bytes(32))
    filed(tmp_path, seal=seal)
    assert show(tmp_path, seal).sealed
    assert verify(tmp_path, seal).findings == ()
    place = tmp_path / seal.file_name("session", "15550001111.0", ())
    place.rename(tmp_path / "elsewhere")
    assert repair(tmp_path, seal=seal).left == ()
    assert opened(tmp_path, seal=seal)[0].snapshot() == SOME
