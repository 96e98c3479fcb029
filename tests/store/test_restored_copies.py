"""An older copy put over a newer one: noticed, said, and made harmless."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from protocol.creds import CREDS, CREDS_ID, Creds, new_creds
from protocol.keystore import Kind
from tests.store.support import opened, save
from waconnd.store.authdir import AuthDir
from waconnd.store.errors import AuthDamaged
from waconnd.store.restore import MAX_PRE_KEY_ID, PRE_KEY_LEAP, drop_ratchets
from waconnd.store.stamp import FileStamp

HARMFUL = [
    (Kind.SESSION, "15550002222.0"),
    (Kind.SENDER_KEY, "1@g.us::15550001111.7"),
    (Kind.SENDER_KEY_MEMORY, "1@g.us"),
    (Kind.DEVICE_LIST, "15550002222"),
    (Kind.PRE_KEY, "3"),
]
KEPT = [(Kind.IDENTITY_KEY, "15550002222.0"), (Kind.APP_STATE_KEY, "AAAA"), (Kind.LID_MAPPING, "15550002222")]


def credentials() -> Creds:
    creds = new_creds(lambda n: b"\x07" * n, 1.0)
    return msgspec.structs.replace(creds, next_pre_key_id=813, server_has_pre_keys=True)


async def history(path: Path, stamp: FileStamp) -> None:
    """An account, a copy of it, and more that happened after the copy."""
    store = await AuthDir.open(path, create=True, witnesses=[stamp])
    changes: dict[tuple[str, str], bytes | None] = dict.fromkeys([*HARMFUL, *KEPT], b"{}")
    await store.commit(save({**changes, (CREDS.kind, CREDS_ID): CREDS.encode(credentials())}))
    await store.checkpoint()
    shutil.copytree(path, path.with_name("copy"))
    for n in range(5):
        await store.commit(save({("session", "15550002222.0"): b"%d" % n}, n))
    await store.close()


def restore(path: Path) -> None:
    shutil.rmtree(path)
    shutil.copytree(path.with_name("copy"), path)


async def test_noticed_by_the_stamp_outside(tmp_path: Path) -> None:
    path, stamp = tmp_path / "main", FileStamp(tmp_path / "cache" / "stamps" / "main")
    await history(path, stamp)
    highest = stamp.highest(opened(path)[0].store)
    restore(path)
    store = await AuthDir.open(path, witnesses=[stamp])
    assert store.opened.rolled_back_from == highest
    assert store.seq > highest
    for kind, id in HARMFUL:
        assert store.get(kind, id) is None
    for kind, id in KEPT:
        assert store.get(kind, id) == b"{}"
    creds = CREDS.get(store, CREDS_ID)
    assert creds is not None
    assert creds.identity == credentials().identity
    assert creds.next_pre_key_id == creds.first_unuploaded_pre_key_id == 813 + PRE_KEY_LEAP
    assert not creds.server_has_pre_keys
    await store.close()
    # It is said once: from here on this is the newest.
    again = await AuthDir.open(path, witnesses=[stamp])
    assert again.opened.rolled_back_from is None
    await again.close()


async def test_a_crash_right_after_the_restore_changes_nothing(tmp_path: Path) -> None:
    path, stamp = tmp_path / "main", FileStamp(tmp_path / "stamp")
    await history(path, stamp)
    restore(path)
    highest = stamp.highest(opened(path)[0].store)
    records, found = opened(path, seen=lambda _: highest, restore=drop_ratchets)
    assert found.rolled_back_from == highest
    again, found = opened(path, seen=lambda _: highest, restore=drop_ratchets)
    assert found.rolled_back_from is None
    assert again.snapshot() == records.snapshot()


async def test_a_lost_last_frame_is_noticed_too(tmp_path: Path) -> None:
    """A disk that lied about its sync: the acknowledged frame is gone, and looks like a torn one."""
    path, stamp = tmp_path / "main", FileStamp(tmp_path / "stamp")
    store = await AuthDir.open(path, create=True, witnesses=[stamp])
    await store.commit(save({("x", "1"): b"v"}))
    size = store._records.journal.size
    await store.commit(save({("x", "2"): b"v"}))
    store._held.let_go()
    with (path / "journal").open("r+b") as file:
        file.truncate(size)
    again = await AuthDir.open(path, witnesses=[stamp])
    assert again.opened.rolled_back_from == 2
    await again.close()


async def test_the_present_is_not_mistaken_for_the_past(tmp_path: Path) -> None:
    path, stamp = tmp_path / "main", FileStamp(tmp_path / "stamp")
    for _ in range(3):
        store = await AuthDir.open(path, create=True, witnesses=[stamp])
        assert store.opened.rolled_back_from is None
        await store.commit(save({("x", "1"): b"v"}, 1))
        await store.close()
        store = await AuthDir.open(path, witnesses=[stamp])
        await store.commit(save({("x", "1"): b"w"}))
        store._held.let_go()


async def test_a_new_account_of_the_same_name_is_new(tmp_path: Path) -> None:
    path, stamp = tmp_path / "main", FileStamp(tmp_path / "stamp")
    await history(path, stamp)
    shutil.rmtree(path)
    store = await AuthDir.open(path, create=True, witnesses=[stamp])
    assert store.opened.rolled_back_from is None
    await store.close()


@pytest.mark.parametrize(
    "content", [b"", b"waconnd stamp 1", b"\xff\xfe", b"waconnd stamp 1 aa 7 00000000\n"]
)
def test_a_torn_stamp_says_nothing(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "stamp"
    stamp = FileStamp(place)
    store = b"s" * 16
    assert stamp.highest(store) == 0
    stamp.saw(store, 41)
    assert FileStamp(place).highest(store) == 41
    assert FileStamp(place).highest(b"t" * 16) == 0
    place.write_bytes(content)
    assert FileStamp(place).highest(store) == 0
    stamp.saw(store, 42)
    assert FileStamp(place).highest(store) == 42
    stamp.close()


def test_a_cache_that_can_not_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    FileStamp(tmp_path / "file" / "stamp").saw(b"s" * 16, 1)


def test_credentials_of_a_newer_program_are_not_restored_blindly() -> None:
    class Newer:
        def get(self, kind: str, id: str) -> bytes | None:
            return b'{"v":99}'

        def ids(self, kind: str) -> list[str]:
            return []

    with pytest.raises(AuthDamaged, match="newer"):
        drop_ratchets(Newer())


def test_prekey_ids_stay_in_their_range() -> None:
    creds = msgspec.structs.replace(credentials(), next_pre_key_id=MAX_PRE_KEY_ID)

    class One:
        def get(self, kind: str, id: str) -> bytes | None:
            return CREDS.encode(creds) if kind == CREDS.kind else None

        def ids(self, kind: str) -> list[str]:
            return []

    changed = CREDS.decode(drop_ratchets(One())[CREDS.kind, CREDS_ID] or b"")
    assert 1 <= changed.next_pre_key_id <= MAX_PRE_KEY_ID
    assert changed.next_pre_key_id == PRE_KEY_LEAP
