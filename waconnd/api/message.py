"""`message.send` and `message.forward`: one call a message, whatever it is."""

from __future__ import annotations

import os
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from protocol.content import Options, build
from protocol.content.outgoing import key_of
from protocol.jid import Jid
from waconnd.address import resolve
from waconnd.api.host import Daemon, fleet, host
from waconnd.compose import targets
from waconnd.compose.desk import Desk, one_of
from waconnd.compose.params import Reference, Said
from waconnd.outgoing import Parcel, Posted, Wait, again, digest, known_key, message_id, post
from waconnd.reach import first_address
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import parse_time, rfc3339

SEND_ERRORS = (
    "not_ready", "not_linked", "not_on_whatsapp", "recipient_unreachable", "not_found", "forbidden_by_whatsapp",
    "rate_limited", "account_limited", "idempotency_conflict", "outbox_full", "media_failed", "server_error",
)  # fmt: skip

To = Annotated[str, Meta(description="A number, an address, a group, a channel or `alias:NAME`.")]
WaitFor = Annotated[
    Wait,
    Meta(
        description="Return when it is stored, when the server has it, or when a device of the recipient has it. "
        "When `timeout_s` passes first, the state reached is returned and the message goes on."
    ),
]


class SendParams(Said, frozen=True, kw_only=True):
    """Exactly one content; all else is optional."""

    to: To
    not_before: Annotated[str, Meta(description="Send it then, not earlier (RFC 3339).")] = ""
    not_after: Annotated[str, Meta(description="Rather not at all than later (RFC 3339).")] = ""
    wait: WaitFor = "server"


class DeviceResult(Result, frozen=True):
    """A device that did not get the message."""

    device: str
    reason: str


class SendResult(Result, frozen=True, kw_only=True):
    """What became of a message so far."""

    id: Annotated[str, Meta(description="WhatsApp's id of the message.")] = ""
    ids: Annotated[list[str], Meta(description="Of an album: the header first.")] = []
    outbox_id: str = ""
    chat: dict[str, str] = {}
    at: Annotated[str, Meta(description="The server's time when it has it, else ours.")]
    status: Annotated[
        str,
        Meta(
            description="queued, sent, server_ack, delivered, read, played; failed, expired, cancelled; "
            "`checked` for a dry run."
        ),
    ]
    duplicate: Annotated[bool, Meta(description="The `key` was used before: nothing was sent again.")] = False
    server_id: Annotated[str, Meta(description="Of a channel's post.")] = ""
    devices: Annotated[int, Meta(description="For how many devices it was encrypted.")] = 0
    per_device: Annotated[
        list[DeviceResult], Meta(description="Devices that it could not be encrypted for.")
    ] = []


def shown(posted: Posted, ids: list[str] | None = None, *, duplicate: bool = False) -> SendResult:
    """A row as the socket shows it."""
    return SendResult(
        id=posted.entry.id,
        ids=ids or [],
        outbox_id=posted.entry.outbox_id,
        chat=posted.chat,
        at=rfc3339(posted.at),
        status=posted.status,
        duplicate=duplicate,
        server_id=posted.server_id,
        devices=posted.devices,
        per_device=[DeviceResult(one.device, one.reason) for one in posted.failures],
    )


@method(
    "message.send",
    scope=Scope.SEND,
    account=True,
    previews=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={"to": "+15550002222", "text": "Your table is ready", "key": "table-8841"},
)
async def send(call: Call, params: SendParams) -> SendResult:
    """Send a message of any kind. It is durable before this returns, and sent as soon as the account can.

    The same `key` with the same content is the same message, over restarts too: it is sent once, and every call gets its state.
    """
    all, account = fleet(call), fleet(call).get(call.account)
    name = one_of(params)
    to = await resolve(all, call.account, params.to)
    hash = digest("message.send", _identity(params)) if call.key else b""
    earlier = await known_key(all, call.account, call.key or "", hash)
    if earlier is not None:
        ids = await _album_ids(call, params, earlier.id)
        state = await again(all, account, earlier, params.wait, call.timeout_s)
        return shown(state, ids, duplicate=True)
    desk = Desk(call, host(call), to)
    common: dict[str, Any] = {
        "to": to,
        "via": call.peer.user,
        "not_before": _time(params.not_before, "$.not_before"),
        "not_after": _time(params.not_after, "$.not_after"),
    }
    try:
        options = await desk.options(params, name)
        if params.album is not None:
            return await _album(call, params, desk, options, common, hash)
        key, value = await desk.content(params)
        message = build(key, value, options)
        if call.dry_run:
            desk.forget()
            return await _checked(call, to)
        parcel = Parcel(message=message, key=call.key or "", hash=hash, waiting=tuple(desk.waiting), **common)
        return shown(await post(all, account, parcel, params.wait, call.timeout_s))
    except RpcError as error:
        if "outbox_id" not in error.data:
            desk.forget()
        raise


async def _album(
    call: Call, params: SendParams, desk: Desk, options: Options, common: dict[str, Any], hash: bytes
) -> SendResult:
    """The header, then each item that names it as its parent."""
    all, account = fleet(call), fleet(call).get(call.account)
    to: Jid = common["to"]
    items = params.album or []
    header, key = desk.album(items), call.key or ""
    parent = message_id(to)
    about = key_of(str(targets.on_wire(targets.context(account), to)), parent, from_me=True)
    parcels = [Parcel(message=build("album", header, options), key=key, hash=hash, id=parent, **common)]
    inner = msgspec.structs.replace(options, quote=None, mentions=(), mention_all=False, album=about)
    for index, item in enumerate(items):
        before = len(desk.waiting)
        name, value = await desk.content(Said(image=item.image, video=item.video, caption=item.caption))
        parcels.append(
            Parcel(
                message=build(name, value, inner),
                key=f"{key}/{index}" if key else "",
                hash=hash,
                waiting=tuple(desk.waiting[before:]),
                **common,
            )
        )
    if call.dry_run:
        desk.forget()
        return await _checked(call, to)
    rows = [await post(all, account, parcel, "queued", None) for parcel in parcels]
    ids = [row.entry.id for row in rows]
    for row in rows[1:]:
        await again(all, account, row.entry, params.wait, call.timeout_s)
    return shown(await again(all, account, rows[0].entry, params.wait, call.timeout_s), ids)


async def _album_ids(call: Call, params: SendParams, header: str) -> list[str]:
    """The ids of an album that was sent before."""
    if params.album is None:
        return []
    outbox = fleet(call).archive.outbox
    rows = [await outbox.by_key(call.account, f"{call.key}/{index}") for index in range(len(params.album))]
    return [header, *(row.id for row in rows if row is not None)]


async def _checked(call: Call, to: Jid) -> SendResult:
    """A dry run ends here: everything was looked at, the recipient too."""
    account = fleet(call).get(call.account)
    if account.ready and await first_address(account, to) is None:
        raise RpcError("not_on_whatsapp", f"+{to.user} is not on WhatsApp")
    return SendResult(
        at=rfc3339(account.now()), status="checked", chat={"id": str(targets.canonical(account, to))}
    )


def _identity(params: SendParams) -> dict[str, Any]:
    """What makes a message this message: not who waits for it, nor how long."""
    fields: dict[str, Any] = msgspec.to_builtins(params)
    return {
        name: value
        for name, value in fields.items()
        if name not in ("key", "dry_run", "timeout_s", "wait", "account")
        and value not in (None, "", [], False)
    }


def _time(text: str, path: str) -> float:
    if not text:
        return 0.0
    try:
        return parse_time(text)
    except ValueError as error:
        raise RpcError("invalid_params", str(error), path=path) from None


class ForwardParams(Params, frozen=True, kw_only=True):
    id: str | Reference
    chat: Annotated[str, Meta(description="Where the message stands.")] = ""
    to: Annotated[list[str], Meta(min_length=1, max_length=20)]
    wait: WaitFor = "server"


class ForwardResult(Result, frozen=True):
    sent: Annotated[list[SendResult], Meta(description="One for each recipient, in their order.")]


@method(
    "message.forward",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=(*SEND_ERRORS, "unsupported"),
    example={"id": "3EB0A1B2C3D4E5F60718", "chat": "+15550002222", "to": ["+15550003333"]},
)
async def forward(call: Call, params: ForwardParams) -> ForwardResult:
    """Send a message on to others, marked as forwarded."""
    all, account = fleet(call), fleet(call).get(call.account)
    target = await targets.find(all, account, params.id, params.chat)
    name, value = await targets.content_of(all, call.account, target)
    score = int((target.data.get("body", {}).get("forwarded") or {}).get("score", 0)) + int(
        not target.from_me
    )
    sent: list[SendResult] = []
    for index, recipient in enumerate(params.to):
        to = await resolve(all, call.account, recipient)
        desk = Desk(call, host(call), to)
        options = await desk.options(Said(text="-", forwarded=score), "text")
        parcel = Parcel(
            to=to,
            message=build(name, value, options),
            via=call.peer.user,
            key=f"{call.key}/{index}" if call.key else "",
            hash=digest("message.forward", [target.id, str(target.chat), recipient]),
        )
        sent.append(shown(await post(all, account, parcel, params.wait, call.timeout_s)))
    return ForwardResult(sent)


async def send_text(daemon: Daemon, account: str, chat: str, text: str, key: str) -> None:
    """For hooks: what a program answered goes to the chat of the event. It is queued; nobody waits."""
    all = daemon.fleet
    to = await resolve(all, account, chat)
    message = build("text", text, Options(secret=os.urandom(32)))
    parcel = Parcel(to=to, message=message, via="hook", key=key, hash=digest("hook", [chat, text]))
    await post(all, all.get(account), parcel, "queued", None)
