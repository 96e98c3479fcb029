"""A real socket with the real methods over a real archive; only accounts are missing, which these tests need none of."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from waconnd.api import daemon as daemon_api
from waconnd.api import events as events_api
from waconnd.api import hook as hook_api
from waconnd.api import rpc_ as rpc_api
from waconnd.api import token as token_api
from waconnd.api import work as work_api
from waconnd.api.host import Check, Finding, Reloaded, WaVersion
from waconnd.config import Config
from waconnd.eventlog import ArchiveLog
from waconnd.hooks import Hooks
from waconnd.metrics import Metrics
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Catalogue, Params, Result, Scope, method
from waconnd.rpc.dispatch import Dispatcher
from waconnd.rpc.events import Feed
from waconnd.rpc.listen import bind
from waconnd.rpc.peers import Access
from waconnd.rpc.server import Server
from waconnd.rpc.site import Site
from waconnd.rpc.spool import Spool
from waconnd.rpc.tokens import Tokens, narrow
from waconnd.rpc.work import WorkQueues
from waconnd.store.archive import Archive


class EchoParams(Params, frozen=True):
    text: str
    times: int = 1


class EchoResult(Result, frozen=True):
    text: str
    account: str
    ran: int


class SleepParams(Params, frozen=True):
    seconds: float


RUNS = {"count": 0}


@method("echo.say", scope=Scope.SEND, account=True, example={"text": "hi"})
async def say(call: Call, params: EchoParams) -> EchoResult:
    """Say it again."""
    RUNS["count"] += 1
    return EchoResult(params.text * params.times, call.account, RUNS["count"])


@method("echo.sleep", scope=Scope.READ, deadline_s=5)
async def sleep(call: Call, params: SleepParams) -> dict[str, float]:
    """Take a while, telling how far it is."""
    await call.progress(done=0)
    await anyio.sleep(params.seconds)
    return {"slept": params.seconds}


@method("echo.crash", scope=Scope.READ)
async def crash(call: Call, params: SleepParams) -> None:
    """Fail inside."""
    raise ZeroDivisionError("secret +573126809496")


@method("echo.fds", scope=Scope.READ)
async def fds(call: Call, params: Params) -> list[str]:
    """Read what descriptors hold."""
    return [os.pread(fd, 100, 0).decode() for fd in call.fds]


class House:
    """What a daemon is to these methods."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self.config = Config()
        self.archive = archive
        self.feed = Feed(ArchiveLog(archive))
        self.queues = WorkQueues()
        self.metrics = Metrics()
        self.spool = Spool(folder / "spool")
        self.spool.open()
        self.tokens = Tokens(folder / "tokens.json", time.time)
        self.started_at = time.time()
        self.access = Access({}, {})
        self.server: Server
        self.accounts = ["main"]
        self.stopped: list[float] = []
        self.replies: list[tuple[Any, ...]] = []
        self.socket = folder / "s"
        self.hooks = Hooks(
            self.feed,
            folder / "hooks",
            self.metrics,
            emit=self.emit,
            reply=self.reply,
            socket=str(self.socket),
        )

    async def emit(self, type: str, data: dict[str, Any]) -> None:
        await self.archive.events.append("", [{"type": type, "at": time.time(), **data}])

    async def reply(self, *args: Any) -> None:
        self.replies.append(args)

    async def happen(
        self, *texts: str, account: str = "main", type: str = "message.received", who: str = "1@lid"
    ) -> list[int]:
        chat = {"id": who, "kind": "user"}
        return await self.archive.events.append(
            account,
            [
                {
                    "type": type,
                    "at": time.time(),
                    "id": f"ID{text}",
                    "chat": chat,
                    "from": chat,
                    "body": {"kind": "text", "text": text},
                }
                for text in texts
            ],
        )

    def now(self) -> float:
        return time.time()

    def account_names(self) -> list[str]:
        return self.accounts

    def account_states(self) -> dict[str, str]:
        return dict.fromkeys(self.accounts, "ready")

    def wa_version(self) -> WaVersion:
        return WaVersion("2.3000.1", "builtin")

    async def health(self, account: str | None) -> list[Check]:
        return [Check("loop", True)]

    async def reload(self) -> Reloaded:
        return Reloaded([], [])

    async def doctor(self, *, deep: bool) -> list[Finding]:
        return []

    def shutdown(self, drain_s: float) -> None:
        self.stopped.append(drain_s)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[House]:
    """The whole house, until the block ends."""
    async with Archive(folder / "events.db") as archive:
        house = House(folder, archive)
        catalogue = Catalogue.of(
            [daemon_api, events_api, hook_api, rpc_api, token_api, work_api, sys.modules[__name__]]
        )
        dispatcher = Dispatcher(catalogue, house, watch=house.metrics.watch)
        site = Site(
            dispatcher,
            house.feed,
            spool=house.spool,
            metrics=house.metrics.text,
            admit=lambda caller, token: narrow(caller, house.tokens, token),
        )
        house.server = Server(dispatcher, site, lambda: house.access)
        listener = bind(house.socket)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(house.feed.run)
                tasks.start_soon(house.hooks.run)
                tasks.start_soon(house.server.serve, [listener])
                yield house
                await house.server.drain(0.1)
                tasks.cancel_scope.cancel()
        finally:
            listener.close()
