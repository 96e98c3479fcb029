"""The pages of the HTTP side: each is a method in other clothes, so rights and checks are the dispatcher's."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Protocol

import anyio
import msgspec

from waconnd.rpc.caller import Caller, denied
from waconnd.rpc.dispatch import Dispatcher
from waconnd.rpc.errors import RpcError
from waconnd.rpc.events import Feed, Filter
from waconnd.rpc.http import Exchange
from waconnd.rpc.lines import NULL, Batch, Failure, Request, error_line, parse, result_line
from waconnd.rpc.subscriptions import Subscription, as_ndjson, as_sse, start_of

#: Something to read for proxies that close what is silent.
HEARTBEAT_S: Final = 20.0

#: Kinds of QR picture: the parameter of `pair.qr` that asks for it, the type it is served as.
_PICTURES: Final = {
    "png": ("png", "image/png"),
    "svg": ("svg", "image/svg+xml"),
    "txt": ("ascii", "text/plain; charset=utf-8"),
}


class Spool(Protocol):
    """Where streamed media wait for the method that uses them."""

    async def put(
        self, chunks: AsyncIterator[bytes], *, owner: int, mimetype: str, file_name: str
    ) -> dict[str, Any]:
        """Keep it; gives `upload` (the handle), `size`, `sha256`."""

    async def read(self, handle: str, *, owner: int | None) -> tuple[str, int, AsyncIterator[bytes]]:
        """The type, size and bytes of what stands under a handle. `owner` None may read all."""


class Site:
    """All routes."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        feed: Feed,
        *,
        spool: Spool | None = None,
        metrics: Callable[[], str] | None = None,
        admit: Callable[[Caller, str], None] | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._feed = feed
        self._spool = spool
        self._metrics = metrics
        #: Narrows a caller's rights to those of the bearer token that it shows.
        self._admit = admit

    async def handle(self, exchange: Exchange, caller: Caller) -> None:
        """One request."""
        if authorization := exchange.headers.get("authorization"):
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer" or self._admit is None:
                raise RpcError(
                    "permission_denied",
                    "`Authorization` is `Bearer TOKEN`, of a token made by `token.create`",
                )
            self._admit(caller, token.strip())
        parts = exchange.path.strip("/").split("/")
        match exchange.method, parts:
            case "POST", ["rpc"]:
                await self._rpc(exchange, caller)
            case "POST", [name] if "." in name:
                await self._method(exchange, caller, name)
            case "GET", ["events"]:
                await self._events(exchange, caller)
            case "GET" | "HEAD", ["openrpc.json"]:
                await exchange.respond(200, await self._call(caller, "rpc.discover", {}))
            case "GET" | "HEAD", ["healthz"]:
                await self._health(exchange, caller)
            case "GET" | "HEAD", ["metrics"] if self._metrics is not None:
                if not caller.rights.allows("read"):
                    raise denied("/metrics", "read", None, caller)
                await exchange.respond(
                    200, self._metrics().encode(), "text/plain; version=0.0.4; charset=utf-8"
                )
            case "GET" | "HEAD", ["account", account, picture] if picture.startswith("qr."):
                await self._picture(exchange, caller, account, picture.removeprefix("qr."))
            case "PUT", ["media"]:
                await self._put(exchange, caller)
            case "GET" | "HEAD", ["media", handle]:
                await self._get(exchange, caller, handle)
            case _:
                raise RpcError(
                    "method_not_found",
                    f"there is no `{exchange.method[:16]} {exchange.path[:80]}`",
                    advice="`POST /METHOD` calls a method, `GET /openrpc.json` describes all",
                )

    async def _call(self, caller: Caller, method: str, params: dict[str, Any]) -> bytes:
        raw = msgspec.Raw(msgspec.json.encode(params))
        return await self._dispatcher.answer(Request(method, raw, NULL), caller)

    async def _method(self, exchange: Exchange, caller: Caller, name: str) -> None:
        body = (await exchange.small_body()).strip() or b"{}"
        result = await self._dispatcher.answer(Request(name, msgspec.Raw(body), NULL), caller)
        await exchange.respond(200, result + b"\n")

    async def _rpc(self, exchange: Exchange, caller: Caller) -> None:
        asked = parse((await exchange.small_body()).strip())
        items = asked.items if isinstance(asked, Batch) else [asked]
        answers = [line for item in items if (line := await self._answer(item, caller)) is not None]
        if not answers:
            await exchange.respond(204, b"")
        elif isinstance(asked, Batch):
            await exchange.respond(200, b"[" + b",".join(answers) + b"]\n")
        else:
            await exchange.respond(200, answers[0] + b"\n")

    async def _answer(self, item: Request | Failure, caller: Caller) -> bytes | None:
        if isinstance(item, Failure):
            return error_line(item.id, item.error)
        try:
            result = await self._dispatcher.answer(item, caller)
        except RpcError as error:
            return None if item.id is None else error_line(item.id, error)
        return None if item.id is None else result_line(item.id, result)

    async def _health(self, exchange: Exchange, caller: Caller) -> None:
        result = await self._call(caller, "daemon.health", {})
        healthy = msgspec.json.decode(result)["ok"]
        await exchange.respond(200 if healthy else 503, result + b"\n")

    async def _events(self, exchange: Exchange, caller: Caller) -> None:
        if not caller.rights.allows("read"):
            raise denied("GET /events", "read", None, caller)
        query = exchange.query
        unknown = set(query) - {"after", "accounts", "types", "chats", "passing"}
        if unknown:
            raise RpcError("invalid_params", f"unknown parameter `{min(unknown)}`", path=f"$.{min(unknown)}")
        sse = "text/event-stream" in exchange.headers.get("accept", "")
        after = exchange.headers.get("last-event-id") or query.get("after")
        seq, cursor = await start_of(self._feed, after)
        want = filter_for(caller, _words(query, "accounts"), _words(query, "types"), _words(query, "chats"))
        write = await exchange.begin("text/event-stream" if sse else "application/x-ndjson")
        writing = anyio.Lock()

        async def send(data: bytes) -> None:
            async with writing:
                await write(data)

        subscription = Subscription(
            self._feed,
            want,
            seq,
            sub="http",
            cursor=cursor,
            write=send,
            render=as_sse if sse else as_ndjson,
            passing=query.get("passing", "1") != "0",
        )
        async with anyio.create_task_group() as tasks:
            if sse:
                # The headers alone may sit in a proxy's buffer; a comment opens the EventSource.
                tasks.start_soon(_beat, send)
            await subscription.run()

    async def _picture(self, exchange: Exchange, caller: Caller, account: str, kind: str) -> None:
        if kind not in _PICTURES:
            raise RpcError("not_found", "a QR code is served as qr.png, qr.svg or qr.txt")
        flag, content_type = _PICTURES[kind]
        result = msgspec.json.decode(await self._call(caller, "pair.qr", {"account": account, flag: True}))
        image: str = result[flag]
        body = base64.b64decode(image) if kind == "png" else image.encode()
        headers = [("Cache-Control", "no-store")]
        if expires := result.get("expires_at"):
            headers.append(("X-Expires-At", expires))
        await exchange.respond(200, body, content_type, headers)

    async def _put(self, exchange: Exchange, caller: Caller) -> None:
        if not caller.rights.allows("send"):
            raise denied("PUT /media", "send", None, caller)
        kept = await self._spooled().put(
            exchange.body(),
            owner=caller.peer.uid,
            mimetype=exchange.headers.get("content-type", "application/octet-stream"),
            file_name=exchange.query.get("name", ""),
        )
        await exchange.respond(200, msgspec.json.encode(kept) + b"\n")

    async def _get(self, exchange: Exchange, caller: Caller, handle: str) -> None:
        if not caller.rights.allows("read"):
            raise denied("GET /media", "read", None, caller)
        owner = None if caller.rights.allows("admin") else caller.peer.uid
        content_type, size, chunks = await self._spooled().read(handle, owner=owner)
        # Never a type that something would run.
        headers = [("Content-Length", str(size)), ("Content-Disposition", "attachment")]
        write = await exchange.begin(content_type, headers)
        if exchange.method != "HEAD":
            async for chunk in chunks:
                await write(chunk)
        await exchange.end()

    def _spooled(self) -> Spool:
        if self._spool is None:
            raise RpcError("unsupported", "this socket takes no media")
        return self._spool


async def _beat(send: Callable[[bytes], Any]) -> None:
    while True:
        await send(b": here\n\n")
        await anyio.sleep(HEARTBEAT_S)


def _words(query: dict[str, str], name: str) -> list[str] | None:
    text = query.get(name)
    return None if text is None else [word for word in text.split(",") if word]


def filter_for(
    caller: Caller, accounts: list[str] | None, types: list[str] | None, chats: list[str] | None
) -> Filter:
    """What the caller wants, cut to what it may see. Raises RpcError for an account that is not open to it."""
    mine = caller.rights.accounts("read")
    if accounts is not None and mine is not None:
        for account in accounts:
            if account not in mine:
                raise denied("events", "read", account, caller)
    return Filter(mine if accounts is None else accounts, types, chats)
