"""The whole way of `waconnd import`: dry run, commit, mark; and nothing of it when it fails."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from protocol.creds import CREDS, CREDS_ID
from tests.support.vectors import FOLDER
from waconnd.store.authdir import AuthDir
from waconnd.store.transfer import export
from waconnd.store.transfer.baileys import read_folder
from waconnd.store.transfer.report import TransferError
from waconnd.store.transfer.take import take_over

NOW = 1_790_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER / "baileys_auth", tmp_path / "baileys"))


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_dry_run_reports_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    before = listing(folder)
    report = await take_over("baileys", folder, "main", tmp_path / "main", clock=lambda: NOW, dry_run=True)
    assert report.counts["session"] == 2
    assert listing(folder) == before
    assert not (tmp_path / "main").exists()


async def test_the_account_lives_here_and_no_longer_there(folder: Path, tmp_path: Path) -> None:
    report = await take_over("baileys", folder, "main", tmp_path / "main", clock=lambda: NOW)
    home = await AuthDir.open(tmp_path / "main")
    creds = CREDS.get(home, CREDS_ID)
    assert creds is not None
    assert creds.account is not None
    assert creds.account.pn == report.number
    await home.close()
    assert not (folder / "creds.json").exists()
    with pytest.raises(TransferError, match="moved to"):
        await take_over("baileys", folder, "again", tmp_path / "again", clock=lambda: NOW)
    assert not (tmp_path / "again").exists()


async def test_an_account_is_never_written_over(folder: Path, tmp_path: Path) -> None:
    home = await AuthDir.open(tmp_path / "main", create=True)
    await home.close()
    with pytest.raises(TransferError, match="has a directory already"):
        await take_over("baileys", folder, "main", tmp_path / "main", clock=lambda: NOW)
    assert (folder / "creds.json").exists()


async def test_an_own_export_comes_back(folder: Path, tmp_path: Path) -> None:
    with (tmp_path / "backup").open("wb") as out:
        export.write(out, "main", read_folder(folder).changes, seq=1, now=NOW, passphrase="horse")
    with pytest.raises(TransferError, match="passphrase"):
        await take_over("waconnd", tmp_path / "backup", "b", tmp_path / "b", clock=lambda: NOW)
    report = await take_over(
        "waconnd", tmp_path / "backup", "b", tmp_path / "b", clock=lambda: NOW, passphrase="horse"
    )
    assert "session" not in report.counts
    assert any("left behind" in note for note in report.notes)
    assert (tmp_path / "backup").exists()


async def test_what_is_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "noise").write_bytes(os.urandom(5_000))
    for source, path in (
        ("baileys", "empty"),
        ("baileys", "gone"),
        ("whatsmeow", "noise"),
        ("waconnd", "noise"),
        ("waconnd", "gone"),
    ):
        with pytest.raises(TransferError):
            await take_over(source, tmp_path / path, "x", tmp_path / "x", clock=lambda: NOW)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


async def test_a_folder_may_come_as_a_tar(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "sent.tar", "w") as tar:
        for path in folder.iterdir():
            tar.add(path, arcname=path.name)
    report = await take_over(
        "baileys", tmp_path / "sent.tar", "m", tmp_path / "m", clock=lambda: NOW, mark=False
    )
    assert report.counts["session"] == 2
    assert (folder / "creds.json").exists()


@pytest.mark.parametrize("name", ["../creds.json", "/etc/passwd", "a/b"])
async def test_a_tar_that_reaches_outside_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "sent.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(TransferError, match="no place"):
        await take_over("baileys", tmp_path / "sent.tar", "m", tmp_path / "m", clock=lambda: NOW, mark=False)
    assert {path.name for path in tmp_path.iterdir()} == {"sent.tar"}
