"""A Baileys folder taken over into a real directory: its sessions go on byte by byte; and written back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.creds import CREDS, CREDS_ID
from protocol.keystore import Keystore, Kind, Save
from protocol.signal import groups, session
from protocol.signal.padding import unpad
from tests.support.vectors import FOLDER
from waconnd.store.authdir import AuthDir
from waconnd.store.transfer import baileys
from waconnd.store.transfer.moved import MARK
from waconnd.store.transfer.report import Held, TransferError

NOW = 1_790_000_000.0
FOLDERS = sorted(
    path.parent for path in FOLDER.glob("*/expected.json") if (path.parent / "creds.json").exists()
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(request.param, tmp_path / "baileys"))


def expected(folder: Path) -> dict[str, Any]:
    return msgspec.json.decode((folder / "expected.json").read_bytes())


def steps(store: Keystore, wanted: dict[str, Any]) -> None:
    """What the owner must be able to do, in this order, on one import."""
    txn = store.txn()
    creds = CREDS.get(txn, CREDS_ID)
    assert creds is not None
    me = session.local_from_creds(creds, os.urandom)
    for case in wanted["encrypt"]:
        sealed = session.encrypt(txn, case["signal_address"], bytes.fromhex(case["padded_plaintext"]), me=me)
        assert (sealed.type, sealed.data.hex()) == (case["type"], case["ciphertext"]), case["note"]
    for case in wanted["decrypt"]:
        data = bytes.fromhex(case["ciphertext"])
        opened = session.decrypt(txn, case["signal_address"], case["type"], data, me=me, now=NOW)
        assert opened.plaintext.hex() == case["plaintext"], case["note"]
        assert case["text"].encode() in unpad(opened.plaintext)
    for case in wanted["group_decrypt"]:
        opened_text = groups.decrypt(
            txn, wanted["group"], case["signal_address"], bytes.fromhex(case["ciphertext"])
        )
        assert opened_text.hex() == case["plaintext"], case["note"]
    store.stage(txn)


@pytest.mark.vectors
async def test_sessions_go_on_after_the_import(folder: Path, tmp_path: Path) -> None:
    wanted = expected(folder)
    imported = baileys.read_folder(folder)
    assert [skipped.piece for skipped in imported.report.skipped] == ["expected.json"]
    assert (imported.report.number, imported.report.lid) == (wanted["owner"]["jid"], wanted["owner"]["lid"])
    directory = await AuthDir.open(tmp_path / "account", create=True)
    await directory.commit(Save(1, imported.changes))
    await directory.close()
    directory = await AuthDir.open(tmp_path / "account")
    steps(Keystore(directory), wanted)
    await directory.close()


@pytest.mark.vectors
def test_there_and_back_again_is_the_same_account(folder: Path, tmp_path: Path) -> None:
    wanted = expected(folder)
    first = baileys.read_folder(folder)
    report = baileys.write_folder(Held(first.changes), tmp_path / "back", os.urandom, NOW)
    assert report.skipped == ()
    second = baileys.read_folder(tmp_path / "back")
    steps(Keystore(Held(second.changes)), wanted)
    for kind in (
        Kind.PRE_KEY,
        Kind.IDENTITY_KEY,
        Kind.LID_MAPPING,
        Kind.SENDER_KEY_MEMORY,
        Kind.SENDER_KEY,
        Kind.TC_TOKEN,
        Kind.APP_STATE_KEY,
        Kind.DEVICE_LIST,
    ):
        assert _of(first.changes, kind) == _of(second.changes, kind), kind
    source = {path.name for path in folder.iterdir() if path.name != "expected.json"}
    written = {path.name for path in (tmp_path / "back").iterdir()}
    # Versions are fetched anew, and a person's devices stand under one name.
    left_out = ("app-state-sync-version-", "device-list-")
    gone = {name for name in source - written if not name.startswith(left_out)}
    assert gone == set(), "names of files are Baileys' own"
    for name in ("pre-key-", "tctoken-", "lid-mapping-", "app-state-sync-key-", "identity-key-"):
        for path in folder.glob(f"{name}*.json"):
            assert msgspec.json.decode(path.read_bytes()) == msgspec.json.decode(
                (tmp_path / "back" / path.name).read_bytes()
            )


def _of(changes: Any, kind: str) -> dict[str, bytes]:
    return {id: value for (k, id), value in changes.items() if k == kind}


@pytest.mark.vectors
def test_ids_never_go_back(folder: Path) -> None:
    creds = CREDS.get(Held(baileys.read_folder(folder).changes), CREDS_ID)
    assert creds is not None
    highest = max(int(path.stem.rpartition("-")[2]) for path in folder.glob("pre-key-*.json"))
    assert creds.next_pre_key_id > highest


@pytest.mark.vectors
def test_a_broken_file_is_skipped_and_named(folder: Path) -> None:
    broken = {
        "session-1555.0.json": "{",
        "pre-key-x.json": "{}",
        "lid-mapping-1.json": "7",
        "notes.txt": "hello",
    }
    for name, content in broken.items():
        (folder / name).write_text(content)
    report = baileys.read_folder(folder).report
    assert {skipped.piece for skipped in report.skipped} == {*broken, "expected.json"}
    assert "cut off" in next(s.why for s in report.skipped if s.piece == "session-1555.0.json")


@pytest.mark.vectors
def test_credentials_that_do_not_fit_together_are_refused(folder: Path) -> None:
    creds = msgspec.json.decode((folder / "creds.json").read_bytes())
    other = creds | {"noiseKey": creds["noiseKey"] | {"public": creds["signedIdentityKey"]["public"]}}
    (folder / "creds.json").write_bytes(msgspec.json.encode(other))
    with pytest.raises(TransferError, match="halves of the Noise key"):
        baileys.read_folder(folder)
    (folder / "creds.json").write_bytes(msgspec.json.encode({**creds, "me": None}))
    with pytest.raises(TransferError, match="not linked"):
        baileys.read_folder(folder)
    (folder / "creds.json").unlink()
    with pytest.raises(TransferError, match=r"no creds\.json"):
        baileys.read_folder(folder)


@pytest.mark.vectors
def test_a_folder_moves_once(folder: Path) -> None:
    own = baileys.read_folder(folder).report.number
    baileys.mark_moved(folder, "main", own, NOW)
    assert not (folder / "creds.json").exists(), "the old program must not start on these keys"
    assert (folder / "creds.json.moved").exists()
    with pytest.raises(TransferError, match="moved to waconnd's account 'main'"):
        baileys.read_folder(folder)
    (folder / MARK).unlink()
    (folder / "creds.json.moved").rename(folder / "creds.json")
    assert baileys.read_folder(folder).report.number == own


@pytest.mark.vectors
def test_a_program_that_still_uses_the_folder_is_seen(folder: Path) -> None:
    code = "import sys; f = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "creds.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(TransferError, match=f"process {other.pid} still uses"):
            baileys.read_folder(folder)
        other.communicate()
    baileys.read_folder(folder)


@pytest.mark.vectors
def test_an_export_never_mixes_with_what_is_there(folder: Path, tmp_path: Path) -> None:
    imported = baileys.read_folder(folder)
    with pytest.raises(TransferError, match="not empty"):
        baileys.write_folder(Held(imported.changes), folder, os.urandom, NOW)
