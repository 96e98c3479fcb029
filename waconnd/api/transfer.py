"""`account.export` and `account.import`: accounts out of the daemon and into it. Files travel by `/media`, never by path."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import anyio
import msgspec
from msgspec import Meta

from protocol.creds import CREDS, CREDS_ID
from protocol.keystore import Changes
from waconnd.api.host import fleet, host
from waconnd.config import ACCOUNT_NAME
from waconnd.fleet import Fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339
from waconnd.store.errors import StoreError
from waconnd.store.seal import Aes, load_key
from waconnd.store.transfer import baileys
from waconnd.store.transfer import export as exports
from waconnd.store.transfer.report import Held, Report, TransferError
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
    to: Annotated[
        Literal["waconnd", "baileys"],
        Meta(
            description="`baileys`: a tar of a folder with which Baileys goes on; the account must be stopped here, for good."
        ),
    ] = "waconnd"


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
    if params.to == "baileys" and account.report().state != "stopped":
        raise RpcError(
            "conflict",
            f"account {call.account!r} runs: stop it first, two programs on the same keys break each other",
            account=call.account,
            advice=f"`waconnd accounts stop {call.account}`",
        )
    records, seq, now = await account.authdir.snapshot(), account.authdir.seq, all.now()
    with tempfile.TemporaryDirectory(prefix="waconnd-export-") as folder:
        whole = Path(folder) / "export"
        if params.to == "baileys":
            report = await anyio.to_thread.run_sync(_folder, records, Path(folder), whole, now)
            return await _kept(
                call, whole, f"{call.account}.tar", report.number, sum(report.counts.values()), now
            )
        history = Path(folder) / "history.db" if not params.what or "history" in params.what else None
        if history is not None:
            await all.archive.history.export(call.account, history)

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
        name = f"{call.account}.waconnd"
        return await _kept(call, whole, name, manifest.number, manifest.records, now)


async def _kept(call: Call, file: Path, name: str, number: str, records: int, now: float) -> ExportResult:
    kept = await host(call).spool.put(
        _pieces(file), owner=call.caller.peer.uid, mimetype="application/octet-stream", file_name=name
    )
    return ExportResult(
        upload=kept["upload"],
        size=kept["size"],
        sha256=kept["sha256"],
        made_at=rfc3339(now),
        number=number,
        records=records,
    )


def _folder(records: Changes, workspace: Path, target: Path, now: float) -> Report:
    folder = workspace / "folder"
    report = baileys.write_folder(Held(records), folder, os.urandom, now)
    with tarfile.open(target, "w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    return report


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


@method(
    "account.import",
    scope=Scope.ADMIN,
    example={"account": "shop", "from": "baileys", "upload": "u_8Qd0…", "dry_run": True},
    previews=True,
    deadline_s=DEADLINE_S,
    errors=("account_exists_differs",),
)
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
    bring = partial(
        take_over,
        params.from_,
        path,
        params.account,
        all.folder / params.account,
        clock=all.now,
        archive=all.archive,
        own=params.device,
        passphrase=params.passphrase,
        seal=Aes(load_key(auth.key_file or None)) if auth.sealed else None,
        mark=False,
    )
    try:
        report = await bring(dry_run=True)
        _refuse_twin(all, report)
        if not call.dry_run:
            report = await bring()
    except (TransferError, StoreError) as error:
        raise RpcError("invalid_params", str(error), path="$.upload") from error
    if not call.dry_run:
        host(call).spool.drop(params.upload)
        await all.open(params.account)
    return _told(params.account, report)


def _refuse_twin(all: Fleet, report: Report) -> None:
    """The same device twice in one daemon would break itself as two programs do."""
    for name, held in all.accounts.items():
        creds = CREDS.get(held.authdir, CREDS_ID)
        if creds is not None and creds.account is not None and creds.account.pn == report.number:
            raise RpcError(
                "account_exists_differs",
                f"this device is account {name!r} already: remove that one first",
                account=name,
                advice=f"`waconnd accounts remove {name}`",
            )


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
