"""The process: stores, accounts, socket, signals, systemd; up in this order, down in the reverse."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import anyio

from waconnd import __version__, chronicle, logs, measure, paths, phones
from waconnd.api import catalogue
from waconnd.api.host import Check, Finding, Reloaded, WaVersion
from waconnd.config import Config, ConfigError, Loaded, changes, load
from waconnd.disk import Disk, require_room
from waconnd.doctor import examine
from waconnd.eventlog import ArchiveLog
from waconnd.faults import translate
from waconnd.fleet import Fleet
from waconnd.hooks import Hooks
from waconnd.logs import fields
from waconnd.metrics import Metrics
from waconnd.rpc.caller import Caller
from waconnd.rpc.dispatch import Dispatcher
from waconnd.rpc.events import Feed, Row
from waconnd.rpc.listen import Own, SocketInUse, SocketPathError, bind, group_of
from waconnd.rpc.peers import Access, Rule
from waconnd.rpc.server import Server
from waconnd.rpc.site import Site
from waconnd.rpc.spool import Spool
from waconnd.rpc.tokens import Tokens, narrow
from waconnd.rpc.work import WorkQueues
from waconnd.store.archive import Archive, ArchiveError
from waconnd.store.archive.retention import Retention
from waconnd.store.errors import StoreError
from waconnd.store.stamp import FileStamp
from waconnd.systemd import Notifier, take_sockets
from waconnd.versions import Versions

log = logging.getLogger(__name__)

#: Objects made before the garbage collector looks at the young, and how seldom at the older.
GC_THRESHOLDS: Final = (5_000, 20, 20)

EX_OK: Final = 0
EX_DATAERR: Final = 65
EX_UNAVAILABLE: Final = 69
EX_SOFTWARE: Final = 70
EX_NOPERM: Final = 77
EX_CONFIG: Final = 78
#: Calls in flight get this long when we are told to stop.
DRAIN_SECONDS: Final = 2.0
#: A stop that takes longer is stuck. Below TimeoutStopSec of the unit, so that the reason is logged before systemd kills us.
STOP_SECONDS: Final = 20.0
#: The loop is unwell when it comes so late; systemd then gets no sign of life.
MAX_LAG_SECONDS: Final = 2.0
MAX_STUCK_SECONDS: Final = 60.0
#: STATUS= at most so often.
STATUS_SECONDS: Final = 1.0
METRICS_SECONDS: Final = 60.0
RETENTION_SECONDS: Final = 3600.0
DAY_SECONDS: Final = 86400
MIB: Final = 1024 * 1024


class Daemon:
    """What the methods see (waconnd.api.host.Daemon), and the tasks behind it."""

    def __init__(self, loaded: Loaded, reload: Callable[[], Loaded], beside: Beside) -> None:
        self.loaded, self._load, self._beside = loaded, reload, beside
        config = loaded.config
        self.metrics = Metrics()
        self.archive = Archive(
            config.state_path / "events.db",
            retention=_retention(config),
            witness=FileStamp(config.cache_path / "stamps" / ".events"),
        )
        self.versions = Versions(lambda: self.config, config.cache_path / "version.json")
        self.spool = Spool(
            config.cache_path / "uploads",
            lambda: require_room(config.cache_path, self.config.retention.min_free_mb),
        )
        self.disk = Disk(
            (config.state_path, config.cache_path), lambda: self.config.retention.min_free_mb, self._emit
        )
        self.tokens = Tokens(config.state_path / "tokens.json", time.time)
        self.notifier = Notifier()
        self.queues = WorkQueues()
        self.feed: Feed
        self.hooks: Hooks
        self.fleet: Fleet
        self._stop = anyio.Event()
        self._drain = DRAIN_SECONDS
        self._lag = 0.0
        self._status = ""
        self.started_at = 0.0

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.loaded.config

    # --- what the methods use -----------------------------------------------------------------------------------------

    def now(self) -> float:
        """Unix seconds that never jump."""
        return self.fleet.now()

    def account_names(self) -> Sequence[str]:
        """All accounts."""
        return self.fleet.names()

    def account_states(self) -> dict[str, str]:
        """The state word of each account."""
        return {name: self.fleet.report(name).state for name in self.fleet.names()}

    def wa_version(self) -> WaVersion:
        """The version that we claim."""
        return WaVersion(
            ".".join(map(str, self.versions.current)), source=self.versions.source, age_s=self.versions.age
        )

    async def health(self, account: str | None) -> list[Check]:
        """Can every started account receive? Are the stores and the loop well?"""
        checks = [
            Check("loop", self._lag < MAX_LAG_SECONDS, f"{self._lag * 1000:.0f} ms late"),
            Check(
                "archive", self.archive.stuck_for() < MAX_STUCK_SECONDS, f"{self.archive.waiting()} jobs wait"
            ),
        ]
        full = self.disk.full()
        checks.append(Check("disk", not full, full))
        for name in [account] if account else self.fleet.names():
            report = self.fleet.report(name)
            if report.state in ("stopped", "unlinked"):
                continue
            detail = (
                report.state if report.state == "ready" else f"{report.state}: {report.advice}".rstrip(": ")
            )
            checks.append(Check(f"account {name}", report.state == "ready", detail))
        return checks

    async def reload(self) -> Reloaded:
        """Read the configuration again."""
        self.notifier.reloading()
        try:
            fresh = self._load()
            now, later = changes(self.loaded.config, fresh.config)
            self.loaded = fresh
            _setup_logs(fresh.config)
            self.hooks.configure(fresh.config.hook)
            for name in fresh.config.account:
                if name not in self.fleet.names():
                    await self.fleet.open(name, create=True)
            log.info(
                "configuration read again: %s changed",
                ", ".join(now) or "nothing",
                extra=fields("daemon.config_changed"),
            )
            await self._emit("daemon.config_changed", {"changed": now, "needs_restart": later})
            return Reloaded(now, later)
        finally:
            self.notifier.ready(self._counts())

    async def doctor(self, *, deep: bool) -> list[Finding]:
        """What is wrong, and what to do."""
        return await examine(self, deep=deep)

    def shutdown(self, drain_s: float) -> None:
        """Begin to stop."""
        self._drain = drain_s
        self._stop.set()

    # --- the life -------------------------------------------------------------------------------------------------------

    async def run(self, listeners: Sequence[socket.socket]) -> None:
        """Until told to stop."""
        config = self.config
        self.notifier.extend(30)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, self._dump)
        async with self._beside(), self.archive, anyio.create_task_group() as tasks:
            self.feed = Feed(ArchiveLog(self.archive))
            self.spool.open()
            self.fleet = Fleet(
                lambda: self.config, self.archive, lambda: self.feed, self.metrics, self.versions, tasks
            )
            self.started_at = self.fleet.now()
            self.hooks = Hooks(
                self.feed,
                config.state_path / "hooks",
                self.metrics,
                emit=self._emit,
                reply=self._reply,
                socket=_name_of(listeners),
            )
            self.hooks.configure(config.hook)
            self.metrics.before.append(self._measure)
            server = self._server(listeners)
            self.metrics.before.append(lambda: self.metrics.connections.set(server.connections))
            tasks.start_soon(self.feed.run)
            tasks.start_soon(measure.follow, self.feed, self.metrics, self.fleet.now)
            tasks.start_soon(chronicle.follow, self.feed)
            tasks.start_soon(measure.outboxes, self.archive, self.fleet.names, self.metrics)
            await self.fleet.open_all()
            tasks.start_soon(self.hooks.run)
            tasks.start_soon(self.versions.run)
            tasks.start_soon(self._watch)
            tasks.start_soon(self.disk.run)
            tasks.start_soon(self._sweep)
            tasks.start_soon(phones.watch, self.fleet)
            tasks.start_soon(server.serve, listeners)
            tasks.start_soon(self._signals)
            self.notifier.ready(self._counts())
            log.info(
                "waconnd %s is up (WhatsApp Web %s): %s; it listens on %s",
                __version__,
                self.wa_version().value,
                self._counts(),
                _name_of(listeners),
                extra=fields("daemon.started"),
            )
            await self._emit("daemon.started", {"version": __version__})
            await self._own_up()
            await self._stop.wait()
            await self._go_down(server)
            tasks.cancel_scope.cancel()

    async def _go_down(self, server: Server) -> None:
        self.notifier.stopping()
        log.info("stopping", extra=fields("daemon.draining"))
        guard = threading.Timer(self._drain + STOP_SECONDS, _stuck, [asyncio.get_running_loop()])
        guard.daemon = True
        guard.start()
        await self._emit("daemon.draining", {"deadline_s": self._drain})
        await server.drain(self._drain)
        await self.fleet.close_all()

    def _server(self, listeners: Sequence[socket.socket]) -> Server:
        dispatcher = Dispatcher(catalogue(), self, translate=translate, watch=self.metrics.watch)
        site = Site(dispatcher, self.feed, spool=self.spool, metrics=self.metrics.text, admit=self._admit)
        gid = group_of(listeners[0]) if listeners else None
        return Server(dispatcher, site, lambda: _access(self.config, gid))

    def _admit(self, caller: Caller, token: str) -> None:
        narrow(caller, self.tokens, token)

    async def _emit(self, kind: str, data: dict[str, Any]) -> None:
        """An event of the daemon itself, as a row."""
        at = self.fleet.now()
        await self.archive.events.append("", [{"type": kind, "key": f"{kind}/{at:.6f}", "at": at, **data}])

    async def _reply(self, row: Row, text: str, key: str) -> None:
        """A hook answered an event: its output goes to the event's chat."""
        from waconnd.api.message import send_text

        await send_text(self, row.account, row.chat, text, key)

    async def _own_up(self) -> None:
        """An older state was put back. What the log held since is gone, and its numbers are not used again."""
        was = self.archive.rolled_back_from
        if was is not None:
            log.error(
                "events.db is an older copy than the one that was in use: events up to %d had been told; new ones go on above"
                " them, and whatever was only in the newer file is gone",
                was,
                extra=fields("store.restored"),
            )
            await self._emit("daemon.restored", {"was": was})

    def _counts(self) -> str:
        states = Counter(self.account_states().values())
        parts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        total = sum(states.values())
        return f"{total} account{'' if total == 1 else 's'}" + (f": {parts}" if parts else "")

    def _measure(self) -> None:
        for name, state in self.account_states().items():
            self.metrics.state.forget(account=name)
            self.metrics.state.set(1, account=name, state=state)
        for name, account in self.fleet.accounts.items():
            self.metrics.commits.set(account.authdir.frames, account=name)
            for what, count in account.seen.counts.items():
                self.metrics.unhandled.set(count, account=name, what=what)
        self.metrics.stuck.set(max(self.archive.stuck_for(), self.fleet.stuck_for()))
        self.metrics.events.set(self.feed.newest)
        self.metrics.loop_lag.set(self._lag)
        for folder, space in self.disk.space.items():
            self.metrics.disk_free.set(space.free, folder=str(folder))

    async def _watch(self) -> None:
        """The loop's health, the watchdog's sign of life, the status line, the metrics file."""
        pause = (
            min(self.notifier.watchdog_s / 3, STATUS_SECONDS) if self.notifier.watchdog_s else STATUS_SECONDS
        )
        written = 0.0
        while True:
            before = time.monotonic()
            await anyio.sleep(pause)
            self._lag = max(0.0, time.monotonic() - before - pause)
            stuck = max(self.archive.stuck_for(), self.fleet.stuck_for())
            if self._lag < MAX_LAG_SECONDS and stuck < MAX_STUCK_SECONDS:
                self.notifier.alive()
            status = self._counts()
            if status != self._status:
                self._status = status
                self.notifier.status(status)
            path = self.config.daemon.metrics_file
            if path and time.monotonic() - written > METRICS_SECONDS:
                written = time.monotonic()
                self.metrics.write(Path(path))

    async def _sweep(self) -> None:
        while True:
            try:
                await self.archive.retention.sweep_all()
            except ArchiveError as error:
                log.warning("old events can't be removed: %s", error)
            await anyio.sleep(RETENTION_SECONDS)

    def _dump(self) -> None:
        """SIGQUIT: what every thread and every task is doing, to stderr; life goes on."""
        _dump(asyncio.get_running_loop())

    async def _signals(self) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
            async for number in received:
                if number == signal.SIGHUP:
                    try:
                        await self.reload()
                    except ConfigError as error:
                        log.error("the configuration stays as it was: %s", error)
                    continue
                if self._stop.is_set():
                    # Told twice: the journal makes that safe.
                    os._exit(EX_OK)
                self._stop.set()


#: Opened before the accounts and closed after them: an embedded sandbox.
Beside = Callable[[], AbstractAsyncContextManager[object]]


def run(
    loaded: Loaded,
    reload: Callable[[], Loaded] = load,
    beside: Beside = contextlib.nullcontext,
) -> int:
    """The whole life of the process; gives its exit code."""
    config = loaded.config
    os.umask(0o077)
    try:
        paths.require(config.state_path, "daemon.state_dir")
        paths.require(config.cache_path, "daemon.cache_dir")
    except paths.Unusable as error:
        # What the log masks addresses with would lie there, too; nothing is told here but this.
        logs.setup(level=config.log.level, form=config.log.format, salt=b"", full=False)
        log.critical("%s", error)
        return EX_NOPERM
    _setup_logs(config)
    faulthandler.enable()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    own: Own | None = None
    listeners: list[socket.socket] = []
    try:
        listeners = [sock for group in take_sockets().values() for sock in group]
        if not listeners:
            mode = int(config.daemon.socket_mode, 8)
            listeners = [bind(config.socket_path, mode=mode, group=config.daemon.socket_group)]
            # Only now: what another daemon listens on must not go with us.
            own = Own(config.socket_path)
        # What is loaded by now stays for ever; what messages make is gone soon. Looking through it costs a twentieth.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        anyio.run(Daemon(loaded, reload, beside).run, listeners)
    except (SocketInUse, SocketPathError) as error:
        log.critical("%s", error)
        return EX_UNAVAILABLE if isinstance(error, SocketInUse) else EX_CONFIG
    except ArchiveError as error:
        log.critical("%s", error, extra=fields("store.corrupt"))
        return EX_DATAERR
    except StoreError as error:
        log.critical("%s", error)
        return error.exit
    except ConfigError as error:
        log.critical("%s", error)
        return EX_CONFIG
    except Exception:
        log.critical("a fault of ours ended the daemon", exc_info=True)
        return EX_SOFTWARE
    finally:
        for listener in listeners:
            listener.close()
        if own is not None:
            with contextlib.suppress(OSError):
                own.remove()
    return EX_OK


def _dump(loop: asyncio.AbstractEventLoop) -> None:
    faulthandler.dump_traceback(sys.stderr)
    for task in asyncio.all_tasks(loop):
        task.print_stack(file=sys.stderr)


def _stuck(loop: asyncio.AbstractEventLoop) -> None:
    """On a thread of its own, since nobody knows what hangs. To die is safe: what was promised is in the journal."""
    log.critical(
        "stopping did not end within %g s: a fault of ours, what hangs is told on stderr", STOP_SECONDS
    )
    _dump(loop)
    os._exit(EX_SOFTWARE)


def _setup_logs(config: Config) -> None:
    salt = _salt(config.state_path)
    logs.setup(
        level=config.log.level, form=config.log.format, salt=salt, full=config.log.identifiers == "full"
    )


def _retention(config: Config) -> Retention:
    section = config.retention
    kept = section.messages_days
    return Retention(
        event_seconds=int(section.events_days * DAY_SECONDS),
        event_bytes=section.events_mb * MIB,
        message_seconds=None if kept is None else int(kept * DAY_SECONDS),
    )


def _access(config: Config, gid: int | None) -> Access:
    section = config.access
    return Access(
        {name: Rule(list(rule.scopes), rule.accounts) for name, rule in section.user.items()},
        {name: Rule(list(rule.scopes), rule.accounts) for name, rule in section.group.items()},
        members=Rule(list(section.members), None),
        socket_gid=gid,
    )


def _salt(folder: Path) -> bytes:
    """Local to this installation: masked addresses of two hosts can't be compared."""
    path = folder / "log-salt"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        salt = os.urandom(16)
        path.write_bytes(salt)
        return salt


def _name_of(listeners: Sequence[socket.socket]) -> str:
    name = listeners[0].getsockname() if listeners else ""
    return name if isinstance(name, str) else ""
