"""`account.export` and `account.import`: accounts out of the daemon and into it. Files travel by `/media`, never by path."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Final, Literal

import anyio
import msgspec
from msgspec import Meta

from waconnd.api.host import fleet, host
from waconnd.config import ACCOUNT_NAME
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.store.errors import StoreError
from waconnd.store.seal import Aes, load_key
from waconnd.store.transfer import export as exports
from waconnd.store.transfer.report import Report, TransferError
from waconnd.store.transfer.take import take_over

#: A large account's history takes minutes.
DEADLINE_S: Final = 900.0
_PIECE: Final = 1 << 20


class SkippedResult(Result, frozen=True):
    """One piece that was left out."""

    piece: str
    why: str


class ExportParams(Params, frozen=True):
    passphrase: Annotated[
        str, Meta(max_length=1024, description="Seals the export; without, it holds keys in the clear.")
    ] = ""
    what: Annotated[
        list[Literal["auth", "history"]],
        Meta(description="Empty: both. `auth` is always part of it."),
    ] = []


class ExportResult(Result, frozen=True):
    upload: Annotated[str, Meta(description="Fetch it: GET /media/<upload>, within a day.")]
    size: int
    sha256: str
    made_at: str
    number: str
    records: int


@method(
    "account.export",
    scope=Scope.ADMIN,
    account=True,
    mutates=False,
    deadline_s=DEADLINE_S,
    errors=("not_linked",),
)
async def export(call: Call, params: ExportParams) -> ExportResult:
    """A backup of one moment, while the account runs."""
    all = fleet(call)
    account = all.get(call.account)
    if not account.linked:
        raise RpcError("not_linked", f"account {call.account!r} is not linked", account=call.account)
    records, seq, now = await account.authdir.snapshot(), account.authdir.seq, all.now()
    with tempfile.TemporaryDirectory(prefix="waconnd-export-") as folder:
        history = Path(folder) / "history.db" if not params.what or "history" in params.what else None
        if history is not None:
            await all.archive.history.export(call.account, history)
        whole = Path(folder) / "export"

        def work() -> exports.Manifest:
            with whole.open("wb") as out:
                return exports.write(
                    out,
                    call.account,
                    records,
                    seq=seq,
                    now=now,
                    history=history,
                    passphrase=params.passphrase,
                )

        manifest = await anyio.to_thread.run_sync(work)
        kept = await host(call).spool.put(
            _pieces(whole),
            owner=call.caller.peer.uid,
            mimetype="application/octet-stream",
            file_name=f"{call.account}.waconnd",
        )
    return ExportResult(
        upload=kept["upload"],
        size=kept["size"],
        sha256=kept["sha256"],
        made_at=manifest.made_at,
        number=manifest.number,
        records=manifest.records,
    )


class ImportParams(Params, frozen=True, kw_only=True):
    account: Annotated[str, Meta(description="The name that it gets here: a-z, 0-9, - and _, at most 32.")]
    upload: Annotated[
        str, Meta(description="The export, the database, or a tar of the folder, put to /media before.")
    ]
    from_: Annotated[
        Literal["baileys", "whatsmeow", "waconnd"], Meta(description="Whose files these are.")
    ] = msgspec.field(default="waconnd", name="from")
    passphrase: Annotated[str, Meta(max_length=1024)] = ""
    device: Annotated[str, Meta(description="Which device, when a whatsmeow store has several.")] = ""


class ImportResult(Result, frozen=True):
    account: str
    number: str
    lid: str
    counts: dict[str, int]
    skipped: list[SkippedResult]
    notes: list[str]


@method("account.import", scope=Scope.ADMIN, deadline_s=DEADLINE_S, errors=("account_exists_differs",))
async def import_(call: Call, params: ImportParams) -> ImportResult:
    """Take an account over, with its sessions and no new QR. The program that had it must be stopped, for good."""
    if not ACCOUNT_NAME.match(params.account):
        raise RpcError("invalid_params", f"{params.account!r} is no name for an account", path="$.account")
    all = fleet(call)
    if params.account in all.names():
        raise RpcError(
            "account_exists_differs",
            f"account {params.account!r} exists: remove it, or take another name",
            account=params.account,
        )
    path, _ = host(call).spool.find(params.upload, call.caller.peer.uid)
    auth = host(call).config.auth
    try:
        report = await take_over(
            params.from_,
            path,
            params.account,
            all.folder / params.account,
            clock=all.now,
            archive=all.archive,
            own=params.device,
            passphrase=params.passphrase,
            dry_run=call.dry_run,
            seal=Aes(load_key(auth.key_file or None)) if auth.sealed else None,
            mark=False,
        )
    except (TransferError, StoreError) as error:
        raise RpcError("invalid_params", str(error), path="$.upload") from error
    if not call.dry_run:
        host(call).spool.drop(params.upload)
        await all.open(params.account)
    return _told(params.account, report)


def _told(account: str, report: Report) -> ImportResult:
    return ImportResult(
        account=account,
        number=report.number,
        lid=report.lid,
        counts=report.counts,
        skipped=[SkippedResult(skipped.piece, skipped.why) for skipped in report.skipped],
        notes=list(report.notes),
    )


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while piece := await file.read(_PIECE):
            yield piece
