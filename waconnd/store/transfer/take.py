"""Taking an account over, from reading the source to marking it as moved: for the command line and `account.import`."""

from __future__ import annotations

import asyncio
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from protocol.keystore import Save
from waconnd.store.archive import Archive
from waconnd.store.authdir import AuthDir
from waconnd.store.names import JOURNAL, MANIFEST
from waconnd.store.seal import Seal
from waconnd.store.stamp import Witness
from waconnd.store.transfer import baileys, export, whatsmeow
from waconnd.store.transfer.moved import MARK, refuse_if_moved, refuse_if_used
from waconnd.store.transfer.report import Import, Report, TransferError
from waconnd.store.transfer.restore import restored

Source = Literal["baileys", "whatsmeow", "waconnd"]


def read(
    source: Source, path: Path, workspace: Path, *, own: str = "", passphrase: str = ""
) -> tuple[Import, Path | None]:
    """What is there, as records, and the history that came along. Writes nothing but `workspace`."""
    match source:
        case "baileys":
            return baileys.read_folder(path if path.is_dir() else _unpacked(path, workspace)), None
        case "whatsmeow":
            return whatsmeow.read_database(path, own), None
        case "waconnd":
            try:
                with path.open("rb") as file:
                    opened = export.read(file, workspace, passphrase=passphrase)
            except OSError as error:
                raise TransferError(f"{path} can't be read: {error.strerror}") from error
            return restored(opened), opened.history
    raise TransferError(f"{source!r} is not known: it is one of {', '.join(get_args(Source))}")


async def take_over(
    source: Source,
    path: Path,
    account: str,
    directory: Path,
    *,
    clock: Callable[[], float],
    archive: Archive | None = None,
    own: str = "",
    passphrase: str = "",
    dry_run: bool = False,
    seal: Seal | None = None,
    witnesses: tuple[Witness, ...] = (),
    mark: bool = True,
) -> Report:
    """Make `directory` the account's home. `own`: which device of a whatsmeow store. `mark`: not for sent copies.

    The source is marked as moved only when everything is durable here: a crash before leaves it usable. Raises
    TransferError or StoreError, and then the source is as it was.
    """
    if any((directory / name).exists() for name in (JOURNAL, MANIFEST)):
        raise TransferError(
            f"account {account!r} has a directory already ({directory}): remove it, or take another name"
        )
    with tempfile.TemporaryDirectory(prefix="waconnd-import-") as workspace:
        imported, history = await asyncio.to_thread(
            read, source, path, Path(workspace), own=own, passphrase=passphrase
        )
        if dry_run:
            return imported.report
        home = await AuthDir.open(directory, create=True, seal=seal, witnesses=witnesses)
        try:
            await home.commit(Save(1, imported.changes))
        finally:
            await home.close()
        if history is not None and archive is not None:
            await archive.history.restore(history, account)
    if mark:
        await asyncio.to_thread(mark_moved, source, path, account, imported.report.number, clock())
    return imported.report


def mark_moved(source: Source, path: Path, account: str, own: str, now: float) -> None:
    """The other program shall not start on these keys again. An export of ours is a copy: it stays."""
    match source:
        case "baileys":
            baileys.mark_moved(path, account, own, now)
        case "whatsmeow":
            whatsmeow.mark_moved(path, account, own, now)
        case "waconnd":
            pass


def refuse_if_in_use(source: Source, path: Path) -> None:
    """For whoever sends the files elsewhere to be read: raises TransferError when they moved already, or are in use."""
    match source:
        case "baileys":
            refuse_if_moved(path / MARK)
            refuse_if_used(path)
        case "whatsmeow":
            refuse_if_used(path)
        case "waconnd":
            pass


def _unpacked(tar: Path, workspace: Path) -> Path:
    """A folder that came as a tar: its files, one level deep, and nothing else."""
    folder = workspace / "folder"
    folder.mkdir(mode=0o700)
    try:
        with tarfile.open(tar, "r:") as members:
            for number, member in enumerate(members):
                name = member.name.removeprefix("./")
                if member.isdir():
                    continue
                if (
                    not member.isfile()
                    or "/" in name
                    or name in ("", ".", "..")
                    or number >= baileys.MAX_FILES
                ):
                    raise TransferError(f"{member.name} has no place in an auth folder")
                if member.size > baileys.MAX_FILE_SIZE:
                    raise TransferError(
                        f"{name} has {member.size >> 20} MiB: such a file is none of Baileys'"
                    )
                file = members.extractfile(member)
                assert file is not None
                with (folder / name).open("xb") as out:
                    shutil.copyfileobj(file, out)
    except (tarfile.TarError, EOFError, FileExistsError) as error:
        raise TransferError(f"this is neither a folder nor a tar of one ({error})") from error
    except OSError as error:
        raise TransferError(f"{tar} can't be unpacked: {error.strerror}") from error
    return folder
