"""What is wrong with this installation, and what to do: each check is a function that finds something or nothing."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from waconnd.api.host import Finding
from waconnd.store.archive import ArchiveError
from waconnd.store.errors import StoreError

if TYPE_CHECKING:
    from waconnd.daemon import Daemon

MIB: Final = 1024 * 1024
#: An inode a file: below this a busy account stops within days.
MIN_INODES: Final = 1000
OLD_VERSION_DAYS: Final = 14
DAY: Final = 86400.0


async def examine(daemon: Daemon, *, deep: bool) -> list[Finding]:
    """All checks; `deep` reads every byte."""
    found = [*_space(daemon), *_rights(daemon), *_accounts(daemon), *_version(daemon)]
    if deep:
        found += await _stores(daemon)
    return found


def _space(daemon: Daemon) -> Iterator[Finding]:
    folder = daemon.config.state_path
    free = shutil.disk_usage(folder).free // MIB
    least = daemon.config.retention.min_free_mb
    if free < least:
        yield Finding(
            "disk.space", "error", f"{folder} has {free} MiB left", f"Make room: {least} MiB at least."
        )
    inodes = _inodes(str(folder))
    if inodes is not None and inodes < MIN_INODES:
        yield Finding("disk.inodes", "error", f"{folder} has {inodes} inodes left", "Remove files there.")


def _inodes(folder: str) -> int | None:
    stat = os.statvfs(folder)
    return stat.f_favail if stat.f_files else None


def _rights(daemon: Daemon) -> Iterator[Finding]:
    folder = daemon.config.state_path
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding(
            "rights.state", "warning", f"others may look into {folder} (mode {mode:o})", f"chmod 700 {folder}"
        )


def _accounts(daemon: Daemon) -> Iterator[Finding]:
    for name in daemon.fleet.names():
        report = daemon.fleet.report(name)
        if report.state in ("failed", "logged_out", "conflict", "limited"):
            yield Finding(
                f"account.{report.state}",
                "error",
                f"account {name} is {report.state} ({report.reason})",
                report.advice,
            )
        elif report.state == "waiting" and report.attempts > 3:
            yield Finding(
                "account.waiting",
                "warning",
                f"account {name} could not connect {report.attempts} times in a row ({report.reason})",
                report.advice,
            )


def _version(daemon: Daemon) -> Iterator[Finding]:
    age = daemon.versions.age
    if daemon.versions.source == "builtin" and age is None:
        return
    if age is not None and age > OLD_VERSION_DAYS * DAY:
        yield Finding(
            "version.old",
            "warning",
            f"the version of WhatsApp Web was looked up {age / DAY:.0f} days ago",
            "Check that this machine reaches web.whatsapp.com.",
        )
    if time.time() < 1_700_000_000:
        yield Finding("clock", "error", "this machine's clock is years behind", "Set the clock (NTP).")


async def _stores(daemon: Daemon) -> list[Finding]:
    found: list[Finding] = []
    try:
        found += [
            Finding("archive.damaged", "error", f"events.db: {line}", "Restore it from a backup.")
            for line in await daemon.archive.verify()
        ]
    except ArchiveError as error:
        found.append(Finding("archive.unreadable", "error", str(error), "See the log."))
    for name, account in daemon.fleet.accounts.items():
        try:
            await account.authdir.snapshot()
        except StoreError as error:
            found.append(
                Finding("auth.damaged", "error", f"account {name}: {error}", "See `waconnd state verify`.")
            )
    return found
