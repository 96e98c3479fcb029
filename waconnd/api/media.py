"""`media.*`: files up and down. Bytes never travel as JSON, but for small ones inline."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated, Literal

import anyio.to_thread
from msgspec import Meta

from protocol.content import Uploaded
from protocol.jid import USER, Jid
from waconnd.api.host import fleet, host
from waconnd.api.message_acts import InChat, MessageId
from waconnd.compose import targets
from waconnd.compose.desk import KINDS, Desk
from waconnd.compose.params import MediaObject
from waconnd.media.fetch import Fetched
from waconnd.media.upload import MediaFailed
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError

Kind = Literal["image", "video", "video_note", "audio", "voice", "document", "sticker"]
assert set(Kind.__args__) == set(KINDS)  # type: ignore[attr-defined]


class UploadParams(MediaObject, frozen=True, kw_only=True):
    kind: Annotated[Kind, Meta(description="As what it will be sent.")]


class UploadResult(Result, frozen=True, kw_only=True):
    upload: Annotated[str, Meta(description="Handle for `message.send`, as often as you like within a day.")]
    kind: str
    mimetype: str
    size: int
    sha256: str
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    file_name: str = ""


@method(
    "media.upload",
    scope=Scope.SEND,
    account=True,
    deadline_s=3600,
    errors=("not_ready", "media_failed", "rate_limited"),
    example={"kind": "image", "data": "iVBORw0KGgo=", "mimetype": "image/png"},
)
async def upload(call: Call, params: UploadParams) -> UploadResult:
    """Encrypt a file and put it on WhatsApp's media hosts, to be sent to many without uploading it again.

    Up to 2 GiB. `PUT /media` streams a file to the daemon; its handle is a source here and in `message.send`.
    """
    all, account = fleet(call), fleet(call).get(call.account)
    desk = Desk(call, host(call), Jid("", USER))
    try:
        uploaded = await desk.media(params.kind, params)
        for waiting in desk.waiting:
            uploaded = await all.media.place(account, waiting, uploaded)
    except MediaFailed as error:
        raise RpcError("media_failed", str(error), cause=error.cause, causes=error.causes or None) from None
    finally:
        desk.forget()
    handle = all.media.keep(call.peer.uid, call.account, KINDS[params.kind], uploaded)
    return _shown(handle, params.kind, uploaded)


def _shown(handle: str, kind: str, uploaded: Uploaded) -> UploadResult:
    return UploadResult(
        upload=handle,
        kind=kind,
        mimetype=uploaded.mimetype,
        size=uploaded.size,
        sha256=uploaded.file_sha256.hex(),
        width=uploaded.width,
        height=uploaded.height,
        duration_s=uploaded.duration_s,
        file_name=uploaded.file_name,
    )


class DownloadParams(Params, frozen=True, kw_only=True):
    id: MessageId
    chat: InChat = ""
    path: Annotated[str, Meta(description="Write it there; only for root and the daemon's own user.")] = ""
    fd: (
        Annotated[int, Meta(ge=0, description="Write it to this descriptor, passed along with the line.")]
        | None
    ) = None
    refresh: Annotated[bool, Meta(description="Have the phone upload it again first.")] = False


class DownloadResult(Result, frozen=True, kw_only=True):
    sha256: str
    size: int
    mimetype: str = ""
    file_name: str = ""
    path: str = ""
    upload: Annotated[
        str,
        Meta(description="Without path and fd: the handle for `GET /media/HANDLE`, and for sending it on."),
    ] = ""


@method(
    "media.download",
    scope=Scope.READ,
    account=True,
    deadline_s=3600,
    errors=("not_found", "media_failed", "media_expired", "not_ready"),
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222"},
)
async def download(call: Call, params: DownloadParams) -> DownloadResult:
    """The file of a message. Every check is made before a byte is handed out; what the hosts have lost the phone is asked for."""
    all, account = fleet(call), fleet(call).get(call.account)
    if params.path:
        call.need_trust("a path")
        if not Path(params.path).is_absolute() or not Path(params.path).parent.is_dir():
            raise RpcError(
                "invalid_params", "`path` is an absolute path in a folder that exists", path="$.path"
            )
    if params.fd is not None and params.fd >= len(call.fds):
        raise RpcError("invalid_params", f"descriptor {params.fd} did not come along", path="$.fd")
    target = await targets.find(all, account, params.id, params.chat)
    fetched = await all.fetcher.fetch(account, target, refresh=params.refresh)
    path = handle = ""
    try:
        if params.fd is not None:
            await anyio.to_thread.run_sync(_copy_to, fetched.path, call.fds[params.fd])
        elif params.path:
            await anyio.to_thread.run_sync(_copy, fetched.path, Path(params.path))
            path = params.path
        else:
            handle = await _handle(call, fetched)
    except OSError as error:
        raise RpcError("disk_full", f"the file can't be written: {error.strerror or error}") from None
    return DownloadResult(
        sha256=fetched.sha256.hex(),
        size=fetched.size,
        mimetype=fetched.mimetype,
        file_name=fetched.file_name,
        path=path,
        upload=handle,
    )


async def _handle(call: Call, fetched: Fetched) -> str:
    return await host(call).spool.adopt(
        fetched.path,
        owner=call.peer.uid,
        mimetype=fetched.mimetype,
        file_name=fetched.file_name,
        sha256=fetched.sha256.hex(),
    )


def _copy(source: Path, target: Path) -> None:
    """Under another name first: whoever watches the folder sees it whole or not at all."""
    part = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _copy_to(source: Path, fd: int) -> None:
    os.set_blocking(fd, True)
    with source.open("rb") as file, os.fdopen(os.dup(fd), "wb") as out:
        shutil.copyfileobj(file, out, 256 * 1024)
