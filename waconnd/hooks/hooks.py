"""All hooks: their definitions, a follower each, retries with backoff, dead letters."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.abc
import msgspec

from waconnd.config import HookSection
from waconnd.hooks.deliver import DeliveryFailed, body_of, credential, deliver
from waconnd.logs import fields
from waconnd.metrics import Metrics
from waconnd.rpc.events import Feed, Filter, Pruned, Row

log = logging.getLogger(__name__)

#: A page of the log; the cursor is stored after each page that went well.
PAGE_ROWS: Final = 50
PAGE_BYTES: Final = 256 * 1024

#: Between two attempts: doubling from one second, never above this, with jitter.
MAX_PAUSE_S: Final = 60.0

#: Hooks are the admin's; more is a program that makes names up.
MAX_HOOKS: Final = 64

#: Of dead letters one file of this size is kept, and the one before it.
MAX_DEAD: Final = 8 * 1024 * 1024

#: Cursors of hooks stand among the named ones.
CURSOR: Final = "hook:"


class HookError(Exception):
    """A hook that can't be, in words."""


class HookState(msgspec.Struct, omit_defaults=True):
    """One hook and how it does."""

    name: str
    #: `config` (the file's) or `rpc` (set by method).
    origin: str
    hook: HookSection
    seq: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    last_error: str = ""


class Hooks:
    """Call `run()` once; `configure()` at start and reload."""

    def __init__(
        self,
        feed: Feed,
        folder: Path,
        metrics: Metrics,
        *,
        emit: Callable[[str, dict[str, Any]], Awaitable[object]],
        reply: Callable[[Row, str, str], Awaitable[object]],
        socket: str,
    ) -> None:
        self._feed = feed
        self._folder = folder
        self._metrics = metrics
        #: Makes an event of the daemon a row: type, data.
        self._emit = emit
        #: Sends a text to the event's chat: row, text, idempotency key.
        self._reply = reply
        self._socket = socket
        self._states: dict[str, HookState] = {}
        self._running: dict[str, anyio.CancelScope] = {}
        self._tasks: anyio.abc.TaskGroup | None = None

    @property
    def _file(self) -> Path:
        return self._folder / "hooks.json"

    def configure(self, configured: Mapping[str, HookSection]) -> None:
        """Take the file's hooks beside those that were set by method. Raises HookError for an unreadable list."""
        wanted = {name: HookState(name, "config", hook) for name, hook in configured.items()}
        for name, hook in self._stored().items():
            wanted.setdefault(name, HookState(name, "rpc", hook))
        for name in self._states.keys() - wanted.keys():
            self._stop(name)
            del self._states[name]
        for name, state in wanted.items():
            held = self._states.get(name)
            if held is None or (held.hook, held.origin) != (state.hook, state.origin):
                self._states[name] = state
                self._start(name)

    def _stored(self) -> dict[str, HookSection]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, HookSection])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise HookError(f"{self._file} cannot be read ({error}); mend it or move it away") from error

    def _store(self) -> None:
        hooks = {name: state.hook for name, state in self._states.items() if state.origin == "rpc"}
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, msgspec.json.encode(hooks))
            os.fsync(fd)
        finally:
            os.close(fd)
        draft.replace(self._file)

    async def run(self) -> None:
        """Follow for ever, each hook by itself."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for name in self._states:
                self._start(name)
            await anyio.sleep_forever()

    def list(self) -> list[HookState]:
        """All, by name."""
        return [self._states[name] for name in sorted(self._states)]

    def get(self, name: str) -> HookState | None:
        """One."""
        return self._states.get(name)

    def set(self, name: str, hook: HookSection) -> HookState:
        """Make or change one that is not the file's. Raises HookError."""
        held = self._states.get(name)
        if held is not None and held.origin == "config":
            raise HookError(f"hook `{name}` stands in the configuration file; change it there")
        if held is None and len(self._states) >= MAX_HOOKS:
            raise HookError(f"there are {MAX_HOOKS} hooks; remove some")
        self._states[name] = state = HookState(name, "rpc", hook, seq=held.seq if held else 0)
        self._store()
        self._start(name)
        return state

    async def remove(self, name: str) -> bool:
        """End one, and forget its cursor. Raises HookError."""
        held = self._states.get(name)
        if held is None:
            return False
        if held.origin == "config":
            raise HookError(f"hook `{name}` stands in the configuration file; remove it there")
        self._stop(name)
        del self._states[name]
        self._store()
        await self._feed.log.delete_cursor(CURSOR + name)
        return True

    async def replay(self, name: str, after: int) -> bool:
        """Tell it everything after a seq again."""
        if name not in self._states:
            return False
        self._stop(name)
        await self._feed.log.delete_cursor(CURSOR + name)
        await self._feed.log.set_cursor(CURSOR + name, after)
        self._start(name)
        return True

    def _stop(self, name: str) -> None:
        scope = self._running.pop(name, None)
        if scope is not None:
            scope.cancel()

    def _start(self, name: str) -> None:
        self._stop(name)
        if self._tasks is not None and self._states[name].hook.enabled:
            scope = self._running[name] = anyio.CancelScope()
            # Until its cursor is read; a new one begins here.
            self._states[name].seq = self._states[name].seq or self._feed.newest
            self._tasks.start_soon(self._follow, self._states[name], scope)

    async def _follow(self, state: HookState, scope: anyio.CancelScope) -> None:
        with scope:
            while True:
                try:
                    await self._pages(state)
                except Exception:
                    # Its own trouble (a full disk, say) must not end the daemon; it goes on from its cursor.
                    log.exception("hook %s failed inside", state.name)
                    await anyio.sleep(MAX_PAUSE_S)

    async def _pages(self, state: HookState) -> None:
        hook = state.hook
        want = Filter(hook.accounts, hook.types, hook.chats)
        after = await self._feed.log.cursor(CURSOR + state.name)
        if after is None:
            after = await self._feed.log.set_cursor(CURSOR + state.name, self._feed.newest)
        state.seq = after
        while True:
            bell = self._feed.bell
            try:
                rows, upto, _ = await self._feed.read(after, want, limit=PAGE_ROWS, max_bytes=PAGE_BYTES)
            except Pruned as pruned:
                log.warning("hook %s: events up to %d are gone by retention", state.name, pruned.oldest - 1)
                rows, upto = [], pruned.oldest - 1
            for row in rows:
                if not _about(row, state.name):
                    await self._one(state, row)
            if rows:
                await self._feed.log.set_cursor(CURSOR + state.name, upto)
            if upto == after:
                await bell.wait()
            after = state.seq = upto

    async def _one(self, state: HookState, row: Row) -> None:
        pause = 1.0
        for attempt in range(1, state.hook.attempts + 1):
            error = await self._attempt(state, row)
            if not error:
                state.delivered += 1
                self._metrics.hooks.add(hook=state.name, outcome="delivered")
                return
            state.failed += 1
            state.last_error = error
            self._metrics.hooks.add(hook=state.name, outcome="failed")
            if attempt == 1:
                await self._emit(
                    "hook.failed", {"hook": state.name, "seq": row.seq, "attempt": attempt, "error": error}
                )
            log.warning(
                "hook %s: event %d, attempt %d: %s",
                state.name,
                row.seq,
                attempt,
                error,
                extra=fields("hook.failed", seq=row.seq),
            )
            if attempt < state.hook.attempts:
                await anyio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(pause * 2, MAX_PAUSE_S)
        state.dead += 1
        self._metrics.hooks.add(hook=state.name, outcome="dead")
        self._bury(state.name, row)
        log.error("hook %s gave up event %d", state.name, row.seq, extra=fields("hook.dead", seq=row.seq))
        await self._emit(
            "hook.dead",
            {"hook": state.name, "seq": row.seq, "attempt": state.hook.attempts, "error": state.last_error},
        )

    async def _attempt(self, state: HookState, row: Row) -> str:
        hook = state.hook
        secret = None
        if hook.secret is not None:
            secret = credential(hook.secret, self._folder / "credentials")
            if secret is None:
                return f"there is no credential `{hook.secret}`"
        try:
            answer = await deliver(state.name, hook, row, secret=secret, socket=self._socket)
            if hook.reply and answer and row.chat:
                await self._reply(row, answer, f"hook:{state.name}:{row.seq}")
        except DeliveryFailed as error:
            return str(error)
        except Exception as error:
            return (
                f"the reply could not be sent: {error}" if hook.reply else f"{type(error).__name__}: {error}"
            )
        return ""

    def _bury(self, name: str, row: Row) -> None:
        """Keep the event where an admin finds it, even when retention takes its row."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{name}.dead.ndjson"
        if path.exists() and path.stat().st_size > MAX_DEAD:
            path.replace(self._folder / f"{name}.dead.1.ndjson")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, body_of(row) + b"\n")
        finally:
            os.close(fd)


def _about(row: Row, name: str) -> bool:
    """Whether the event tells of this very hook: it would feed itself for ever."""
    if not row.type.startswith("hook."):
        return False
    told = msgspec.json.decode(row.body)
    return bool(told.get("data", {}).get("hook") == name)
