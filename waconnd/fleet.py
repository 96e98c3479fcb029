"""All accounts of a daemon: opened, kept running, isolated from each other; and what each needs of its surroundings."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import anyio
import anyio.abc
import msgspec

from protocol.effects import Question
from protocol.events.base import Durable, Event
from protocol.flows.context import Settings
from protocol.jid import USER
from waconnd import rules
from waconnd.account import Account, NotReady
from waconnd.announcements import AccountAuthDamaged
from waconnd.config import AccountSection, Config
from waconnd.dial import Endpoint
from waconnd.history import Histories
from waconnd.link import Clock
from waconnd.logs import fields
from waconnd.media import eager
from waconnd.media.fetch import Fetcher
from waconnd.media.room import MediaRoom
from waconnd.metrics import Metrics
from waconnd.pump import Pump
from waconnd.questions import answer
from waconnd.rpc.events import Feed
from waconnd.standing import Report
from waconnd.store.archive import Archive, ArchiveError
from waconnd.store.archive.body import chat_of, presented
from waconnd.store.drain import Drain
from waconnd.store.errors import AuthDamaged, NoPermission, ReadFailed, StoreError, WriteFailed
from waconnd.store.seal import Aes, load_key
from waconnd.store.stamp import FileStamp
from waconnd.versions import Versions

log = logging.getLogger(__name__)

#: WhatsApp's own root for the certificates of its Noise handshake (reference 01, 2.4).
WHATSAPP_ROOT: Final = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
#: After a bug in an account's own task: try again, slowly, for ever.
CRASH_SECONDS: Final = 30.0
#: A disk that has just failed gets a moment.
REOPEN_SECONDS: Final = 5.0
LONGEST_REOPEN_SECONDS: Final = 300.0
#: Accounts that are closed at one time, and for how long their files are still written at the end of the process: a
#: fresh account has eight hundred. The journals hold all of it, so those that come later leave it to the next start.
CLOSE_AT_ONCE: Final = 8
TIDY_SECONDS: Final = 5.0
PLATFORMS: Final = {"chrome": 1, "firefox": 2, "safari": 5, "edge": 6, "desktop": 7}


class UnknownAccount(LookupError):
    """No account of that name."""


class Broken(msgspec.Struct, frozen=True):
    """An account whose directory can't be opened: it is shown, with what to do, and left alone."""

    report: Report
    error: StoreError


class _Life:
    """The tasks of an open account: how to end them, and when they have ended."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()


class Fleet:
    """The accounts by name."""

    def __init__(
        self,
        config: Callable[[], Config],
        archive: Archive,
        feed: Callable[[], Feed],
        metrics: Metrics,
        versions: Versions,
        group: anyio.abc.TaskGroup,
    ) -> None:
        self._config, self._feed = config, feed
        self.archive, self.metrics, self.versions = archive, metrics, versions
        self._group = group
        self.now = Clock()
        self.media = MediaRoom(config)
        self.histories = Histories(self)
        self.fetcher = Fetcher(self, config().cache_path / "fetched", config().retention.media_mb)
        self.accounts: dict[str, Account] = {}
        self.pumps: dict[str, Pump] = {}
        self.broken: dict[str, Broken] = {}
        self._drains: dict[str, Drain] = {}
        #: Closed for a moment, and about to be opened again.
        self._away: dict[str, Report] = {}
        self._lives: dict[str, _Life] = {}
        #: Held while accounts are closed, or closed and opened again: two such changes would meet half-way.
        self._changing = anyio.Lock()
        self.listeners: list[Callable[[str, Event], None]] = []

    # --- opening and closing ------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where the accounts' directories lie."""
        return self._config().state_path / "accounts"

    def names(self) -> list[str]:
        """All accounts, the broken ones too."""
        return sorted({*self.accounts, *self.broken, *self._away})

    def get(self, name: str) -> Account:
        """An account that can be used. Raises UnknownAccount, NotReady, StoreError."""
        if name in self.accounts:
            return self.accounts[name]
        if name in self._away:
            raise NotReady(self._away[name])
        if name in self.broken:
            raise self.broken[name].error
        raise UnknownAccount(f"there is no account {name!r}; `account.list` shows those that exist")

    def report(self, name: str) -> Report:
        """What is to be known of an account."""
        if name in self._away and name not in self.accounts:
            return self._away[name]
        if name in self.broken:
            return self.broken[name].report
        return self.get(name).report()

    def damaged(self, name: str) -> bool:
        """It can't be opened for what is wrong with its files: new keys are a way out. No lock and no right is meant."""
        error = self.broken[name].error if name in self.broken else None
        return isinstance(error, AuthDamaged) and not isinstance(error, NoPermission)

    def stuck_for(self) -> float:
        """Seconds that the longest write to a websocket has been stuck."""
        now = time.monotonic()
        since = [account.link.writing_since for account in self.accounts.values() if account.link]
        return max((now - start for start in since if start), default=0.0)

    async def open_all(self) -> None:
        """Everything on disk and in the configuration; starts are spread, so that they don't dial all at once."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.media.open()
        self.fetcher.open()
        found = {
            path.name for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        }
        pause = self._config().daemon.start_interval_ms / 1000
        for index, name in enumerate(sorted(found | set(self._config().account))):
            await self.open(name, create=name not in found, delay=index * pause)

    async def open(self, name: str, *, create: bool = False, delay: float = 0.0) -> Account | None:
        """Open one account and keep it running. None: it is broken, and says why."""
        stamp = FileStamp(self._config().cache_path / "stamps" / name)
        try:
            auth = self._config().auth
            account = await Account.open(
                name,
                self.folder / name,
                self,
                create=create,
                witnesses=(stamp, self.archive.stamps),
                seal=Aes(load_key(auth.key_file or None)) if auth.sealed else None,
                allow_network_filesystem=auth.network_filesystem,
            )
        except StoreError as error:
            log.error("can't be opened: %s", error, extra=fields("account.auth_damaged", account=name))
            await self._append(name, [_damaged(error, self.now())])
            report = Report(
                account=name,
                state="failed",
                since=self.now(),
                reason="auth_damaged",
                transient=False,
                advice=str(error),
            )
            self.broken[name] = Broken(report, error)
            return None
        self.broken.pop(name, None)
        if account.authdir.opened.rolled_back_from:
            log.error(
                "restored from an older copy: its sessions were dropped, peers make new ones",
                extra=fields("store.restored", account=name),
            )
        await self.archive.accounts.set_store(name, self._config().account_section(name).store)
        pump = Pump(account, self.archive, self.metrics, self.media, self._pace(name))
        drain = Drain(name, account.authdir, self.archive, stored=pump.stored)
        await drain.settle()
        self.accounts[name], self._drains[name], self.pumps[name] = account, drain, pump
        life = self._lives[name] = _Life()
        self._group.start_soon(self._live, account, drain, pump, life, delay)
        return account

    async def close(self, name: str, *, tidy: bool = True) -> None:
        """Stop it and let go of its directory; not `tidy`: its files are left to the next start."""
        account = self.accounts.pop(name)
        self.pumps.pop(name)
        account.hang_up()
        life, drain = self._lives.pop(name), self._drains.pop(name)
        life.scope.cancel()
        await life.ended.wait()
        await account.close(tidy=tidy)
        await drain.settle()

    async def close_all(self) -> None:
        """For the end of the process."""
        for account in self.accounts.values():
            account.hang_up()
        some, tidy_until = anyio.CapacityLimiter(CLOSE_AT_ONCE), anyio.current_time() + TIDY_SECONDS
        async with self._changing, anyio.create_task_group() as group:
            for name in list(self.accounts):
                group.start_soon(self._close_last, name, some, tidy_until)

    async def _close_last(self, name: str, some: anyio.CapacityLimiter, tidy_until: float) -> None:
        try:
            async with some:
                await self.close(name, tidy=anyio.current_time() < tidy_until)
        except (StoreError, ArchiveError) as error:
            # What was acknowledged is in the journal; the next start takes it from there.
            log.error("%s", error, extra=fields(account=name))

    async def renew(self, name: str) -> Account:
        """Set an account's keys aside and give it new ones: the only way from one link to the next."""
        # Whoever asked may go away meanwhile: the account must not stay closed for that.
        with anyio.CancelScope(shield=True):
            async with (
                self._changing,
                self._leaving(name, "new_keys", "it gets new keys, which takes a moment"),
            ):
                if name in self.accounts:
                    await self.close(name)
                kept = self.aside(name)
                log.warning("the keys were set aside as %s", kept.name, extra=fields(account=name))
                account = await self.open(name, create=True)
        if account is None:
            raise self.broken[name].error
        return account

    @contextlib.asynccontextmanager
    async def _leaving(self, name: str, reason: str, advice: str) -> AsyncIterator[None]:
        """While an account is closed it is still one."""
        self._away[name] = Report(
            account=name, state="connecting", since=self.now(), reason=reason, transient=True, advice=advice
        )
        try:
            yield
        finally:
            del self._away[name]

    def aside(self, name: str) -> Path:
        """Move a closed account's directory away, whole; nothing is deleted."""
        target = self.folder / f".aside-{name}-{time.strftime('%Y%m%dT%H%M%S')}"
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{target.name}.{number}")
        shutil.move(self.folder / name, target)
        return target

    async def _live(self, account: Account, drain: Drain, pump: Pump, life: _Life, delay: float) -> None:
        """One account's tasks. Nothing that happens in here reaches another account."""
        try:
            with life.scope:
                await anyio.sleep(delay)
                await self._keep(account, drain, pump)
        finally:
            life.ended.set()

    async def _keep(self, account: Account, drain: Drain, pump: Pump) -> None:
        name = account.name
        while True:
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(drain.run)
                    group.start_soon(pump.run)
                    group.start_soon(account.run)
                    group.start_soon(eager.run, self, account, self._download_mb(name))
                    group.start_soon(rules.run, self, account, self._section(name))
            except* StoreError as failed:
                log.error(
                    "could not write: %s; it is opened again",
                    failed.exceptions[0],
                    extra=fields(account=name),
                )
                self._group.start_soon(self._reopen, name, str(failed.exceptions[0]))
                await anyio.sleep_forever()
            except* Exception:
                log.exception(
                    "stopped by a fault of ours; it starts again in %d s",
                    CRASH_SECONDS,
                    extra=fields(account=name),
                )
                await anyio.sleep(CRASH_SECONDS)

    async def _reopen(self, name: str, why: str) -> None:
        """After a failed write: whatever was in memory is dropped, recovery reads what is durable."""
        async with self._leaving(name, "store_failed", f"it is opened again by itself: {why}"):
            async with self._changing:
                if name not in self.accounts:
                    return
                with contextlib.suppress(StoreError, ArchiveError):
                    await self.close(name)
            pause = REOPEN_SECONDS
            while True:
                await anyio.sleep(pause)
                if name in self.accounts:
                    return
                async with self._changing:
                    await self.open(name)
                if name not in self.broken or not isinstance(
                    self.broken[name].error, WriteFailed | ReadFailed
                ):
                    return
                # The disk is still full, or still fails: a day later it may be mended.
                pause = min(2 * pause, LONGEST_REOPEN_SECONDS)

    # --- what an account needs (waconnd.account.Surroundings) ---------------------------------------------------------

    def endpoint(self, account: str) -> Endpoint:
        """Where to dial."""
        where = self._config().endpoint
        own = self._config().account_section(account).proxy
        return Endpoint(
            websocket_url=where.websocket_url,
            origin=where.origin,
            ca_file=where.ca_file,
            proxy=where.proxy if own is None else own,
        )

    def settings(self, account: str) -> Settings:
        """What the core is told."""
        section = self._config().account_section(account)
        return Settings(
            device_name=section.device_name,
            platform_type=PLATFORMS[section.platform],
            version=self.versions.current,
            full_history=section.full_history,
            history_days=section.history_days,
            auto_receipts=section.receipts,
            ignore=frozenset(map(_place, section.ignore)),
        )

    def _download_mb(self, account: str) -> Callable[[], int]:
        return lambda: self._config().account_section(account).download_mb

    def _section(self, account: str) -> Callable[[], AccountSection]:
        return lambda: self._config().account_section(account)

    def _pace(self, account: str) -> Callable[[], float]:
        return lambda: self._config().account_section(account).messages_per_minute

    def country(self, account: str) -> str:
        """The country code of numbers written without one."""
        return self._config().account_section(account).default_country

    def noise_root(self) -> bytes:
        """The key that signs the server's certificates."""
        configured = self._config().endpoint.noise_root_key
        return bytes.fromhex(configured) if configured else WHATSAPP_ROOT

    def told(self, account: str, events: Sequence[Event]) -> None:
        """Events of an account, in order: those with a row go to the archive, the others to the ring."""
        rows: list[Event] = []
        for event in events:
            for listener in self.listeners:
                listener(account, event)
            if isinstance(event, Durable):
                rows.append(event)
                continue
            data = presented(msgspec.to_builtins(event))
            kind = data.pop("type")
            data.pop("at")
            self._feed().publish(kind, data, at=event.at, account=account, chat=chat_of(data))
        if rows:
            self._group.start_soon(self._append, account, rows)

    async def _append(self, account: str, rows: list[Event]) -> None:
        await self.archive.events.append(account, rows)

    async def answer(self, account: Account, question: Question) -> object:
        """What a flow asks."""
        return await answer(self, account, question)

    async def renew_version(self) -> bool:
        """The server called us outdated: True when a newer version was found."""
        return await self.versions.renew()


def _damaged(error: StoreError, at: float) -> AccountAuthDamaged:
    harm = error if isinstance(error, AuthDamaged) else None
    return AccountAuthDamaged(
        at=at,
        key=f"auth_damaged/{at:.3f}",
        file=harm.file if harm else "",
        kind=harm.harm.value if harm else type(error).__name__,
        advice=str(error),
    )


def _place(text: str) -> str:
    """An entry of `ignore` as the core compares it: a number by its address, all else as it is."""
    digits = text.removeprefix("+")
    return f"{digits}@{USER}" if digits.isdigit() else text
