"""A sandbox and a real daemon process that is linked to it, with a typed client: `async with Rig(tmp) as rig:`.

    async with Rig(tmp_path) as rig:
        result = await rig.client.message.send(to=rig.number("ann"), text="hi")
        read = await rig.sandbox.expect("ann", text="hi")

`kill` and `restart` end the process and begin another on the same state; the sandbox lives on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from waconnd.client.aio import AsyncClient, Unreachable
from waconnd.sandbox.people import Person
from waconnd.sandbox.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
#: Until the socket answers: an interpreter starts, modules load.
START_SECONDS = 20.0
POLL_SECONDS = 0.02
_PROGRAM = (
    "import sys; from pathlib import Path; from waconnd.config import load; from waconnd.daemon import run;"
    " file = Path(sys.argv[1]); sys.exit(run(load(file), lambda: load(file)))"
)


class Rig:
    """A world with the person `me`, whose linked device is the daemon's account `main`; and `ann` and `bob`."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        people: Mapping[str, str] = MappingProxyType({"ann": "", "bob": ""}),
        config: str = "",
        pair: bool = True,
        measured: bool = False,
    ) -> None:
        """`people`: name → number, empty for any. `config`: sections in place of the usual one of `main`.

        `measured`: as users run it, without Python's development mode and without a word for each stanza.
        """
        self._measured = measured
        self.folder = folder
        self.sandbox = Sandbox(seed=seed)
        self._people, self._config, self._pair = people, config, pair
        # The path of a Unix socket must be short, and a test's folder is not.
        self._short = tempfile.TemporaryDirectory(prefix="wa")
        self.socket = Path(self._short.name) / "s"
        self.process: asyncio.subprocess.Process | None = None
        self.client = AsyncClient(self.socket)
        self._stack = contextlib.AsyncExitStack()

    # --- life -----------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _begin(self) -> None:
        self._stack.callback(self._short.cleanup)
        await self._stack.enter_async_context(self.sandbox.serving())
        for name, number in {"me": "", **self._people}.items():
            self.sandbox.person(name, number)
        self._write_config()
        await self.start()
        self._stack.push_async_callback(self.stop)
        if self._pair:
            await self.client.account.create(account="main")
            qr = await self.client.pair.qr(account="main")
            self.sandbox.scan("me", qr["code"])
            await self.ready()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _write_config(self) -> None:
        sections = [
            "[daemon]",
            f'state_dir = "{self.folder}/state"',
            f'cache_dir = "{self.folder}/cache"',
            f'socket = "{self.socket}"',
            "[endpoint]",
            f'websocket_url = "{self.sandbox.url}"',
            f'noise_root_key = "{self.sandbox.root.public.hex()}"',
            'media_scheme = "http"',
            "[log]",
            'level = "info"' if self._measured else 'level = "debug"',
            'format = "text"',
            self._config or "[account.main]\nmessages_per_minute = 6000",
        ]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.toml").write_text("\n".join(sections) + "\n")

    async def start(self) -> None:
        """Begin a process and connect to it."""
        log = (self.folder / "daemon.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                *(() if self._measured else ("-X", "dev")),
                "-c",
                _PROGRAM,
                str(self.folder / "config.toml"),
            ),
            cwd=ROOT,
            stderr=log,
            stdout=log,
            env=dict(os.environ, PYTHONPATH=str(ROOT)),
        )
        log.close()
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                await self.client.open()
                return
            except Unreachable:
                if self.process.returncode is not None or time.monotonic() > end:
                    raise AssertionError(f"the daemon did not start:\n{self.log()[-3000:]}") from None
                await asyncio.sleep(POLL_SECONDS)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process; its exit code."""
        await self.client.close()
        self.client = AsyncClient(self.socket)
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(number)
        try:
            return await asyncio.wait_for(self.process.wait(), 15)
        except TimeoutError:
            # Says what every task waits for.
            self.process.send_signal(signal.SIGQUIT)
            await asyncio.sleep(1)
            self.process.kill()
            await self.process.wait()
            raise AssertionError(f"the daemon did not stop:\n{self.log()[-20_000:]}") from None
        finally:
            self.process = None

    async def kill(self) -> None:
        """As if the power went."""
        await self.stop(signal.SIGKILL)

    async def restart(self) -> None:
        """After `kill` or `stop`: begin again and be ready."""
        if self.process is not None:
            await self.stop()
        await self.start()
        await self.ready()

    async def ready(self, seconds: float = 15) -> None:
        """Until the account can send."""
        await self.client.account.wait(account="main", timeout_s=seconds)

    # --- for tests ------------------------------------------------------------------------------------------------------

    def log(self) -> str:
        """All that the daemon has said."""
        return (self.folder / "daemon.log").read_text(errors="replace")

    def number(self, name: str) -> str:
        """A person's number, as people write it."""
        return f"+{self.sandbox.person(name).account.user}"

    def person(self, name: str) -> Person:
        return self.sandbox.person(name)

    async def events(self, *types: str, after: int = 0) -> list[dict[str, Any]]:
        """Everything in the log, of these types when some are named."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.client.call("events.read", after=after, types=list(types) or None, limit=200)
            found += page["events"]
            if not page["events"]:
                return found
            after = page["next"]

    async def event(
        self, type: str, wanted: Callable[[dict[str, Any]], bool] = lambda data: True, seconds: float = 10
    ) -> dict[str, Any]:
        """The first event of this type whose data is wanted; waits for it."""
        end = time.monotonic() + seconds
        while True:
            found = await self.events(type)
            for event in found:
                if wanted(event["data"]):
                    return event["data"]
            if time.monotonic() > end:
                raise AssertionError(f"no {type} as wanted within {seconds:g} s; there are {found}")
            await asyncio.sleep(POLL_SECONDS)
