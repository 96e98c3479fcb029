"""Taking an account over, from reading the source to marking it as moved: for the command line and `account.import`."""

from __future__ import annotations

import asyncio
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
from waconnd.store.transfer.report import Import, Report, TransferError
from waconnd.store.transfer.restore import restored

Source = Literal["baileys", "whatsmeow", "waconnd"]


def read(
    source: Source, path: Path, workspace: Path, *, own: str = "", passphrase: str = ""
) -> tuple[Import, Path | None]:
    """What is there, as records, and the history that came along. Writes nothing but `workspace`."""
    match source:
        case "baileys":
            return baileys.read_folder(path), None
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
) -> Report:
    """Make `directory` the account's home. `own`: which device of a whatsmeow store.

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
    report, now = imported.report, clock()
    match source:
        case "baileys":
            await asyncio.to_thread(baileys.mark_moved, path, account, report.number, now)
        case "whatsmeow":
            await asyncio.to_thread(whatsmeow.mark_moved, path, account, report.number, now)
        case "waconnd":
            pass  # an export is a copy: it stays
    return report
