"""What is wrong with this installation, and what to do: each check is a function that finds something or nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

from waconnd import phones
from waconnd.api.host import Finding
from waconnd.dial import DialError, dial
from waconnd.store.archive import ArchiveError
from waconnd.store.errors import StoreError
from waconnd.store.space import LOW_FILES, measure

if TYPE_CHECKING:
    from waconnd.daemon import Daemon

MIB: Final = 1024 * 1024
OLD_VERSION_DAYS: Final = 14
DAY: Final = 86400.0
#: A hook that follows is a page behind at most.
FAR_BEHIND: Final = 1000
#: A message that could leave leaves within seconds, or within the minutes that the pace demands.
LATE_SECONDS: Final = 1800.0


async def examine(daemon: Daemon, *, deep: bool) -> list[Finding]:
    """All checks; `deep` also reads every byte and dials WhatsApp."""
    found = [*_space(daemon), *_rights(daemon), *_accounts(daemon), *_drift(daemon)]
    found += [*_version(daemon), *_hooks(daemon)]
    found += [one async for one in _outboxes(daemon)]
    if deep:
        found += await _stores(daemon)
        found += await _network(daemon)
    return found


def _space(daemon: Daemon) -> Iterator[Finding]:
    folder = daemon.config.state_path
    space, least = measure(str(folder)), daemon.config.retention.min_free_mb
    if space.free < least * MIB:
        yield Finding(
            "disk.space",
            "error",
            f"{folder} has {space.free // MIB} MiB left",
            f"Make room: {least} MiB at least.",
        )
    if space.files is not None and space.files < LOW_FILES:
        yield Finding(
            "disk.inodes", "error", f"{folder} has {space.files} inodes left", "Remove files there."
        )


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

    for name, account in daemon.fleet.accounts.items():
        seen = account.phone_seen_at
        if account.ready and seen and daemon.now() - seen > phones.WARN_SECONDS:
            days = (daemon.now() - seen) / DAY
            yield Finding(
                "account.phone_unseen",
                "warning",
                f"the phone of account {name} has shown no life for {days:.0f} days; after 14 WhatsApp unlinks it",
                phones.ADVICE,
            )


def _hooks(daemon: Daemon) -> Iterator[Finding]:
    for hook in daemon.hooks.list():
        if hook.dead:
            yield Finding(
                "hook.dead",
                "warning",
                f"hook {hook.name} gave up {hook.dead} events: {hook.last_error}",
                f"Mend the receiver, then `waconnd hooks replay {hook.name} SEQ`.",
            )
        elif hook.hook.enabled and daemon.feed.newest - hook.seq > FAR_BEHIND:
            yield Finding(
                "hook.behind",
                "warning",
                f"hook {hook.name} is {daemon.feed.newest - hook.seq} events behind: {hook.last_error or 'it is slow'}",
                "See what its receiver does.",
            )


async def _outboxes(daemon: Daemon) -> AsyncIterator[Finding]:
    for name, account in daemon.fleet.accounts.items():
        if not account.ready:
            continue
        look = await daemon.archive.outbox.page(name, ("queued", "sent"), limit=1)
        if look and (late := daemon.now() - max(look[0].made, look[0].not_before) / 1000) > LATE_SECONDS:
            yield Finding(
                "outbox.late",
                "warning",
                f"a message of account {name} waits for {late / 60:.0f} minutes although the account is ready",
                f"`waconnd -a {name} outbox list`; `messages_per_minute` may be slow for so many.",
            )


def _drift(daemon: Daemon) -> Iterator[Finding]:
    """WhatsApp has moved on: better known before it hurts."""
    for name, account in daemon.fleet.accounts.items():
        unknown = {what: count for what, count in account.seen.counts.items() if what.startswith("unknown.")}
        if unknown:
            words = ", ".join(
                f"{what.removeprefix('unknown.')} ({count})" for what, count in sorted(unknown.items())
            )
            yield Finding(
                "drift.unknown",
                "info",
                f"account {name}: WhatsApp sent what this version does not know: {words}; the shapes,"
                f" without content: {' '.join(account.seen.strange)}",
                "Nothing is lost by it. If no newer waconnd knows it, report it with these shapes.",
            )
        faults = {what: count for what, count in account.seen.counts.items() if what.startswith("fault.")}
        if faults:
            words = ", ".join(
                f"{what.removeprefix('fault.')} ({count})" for what, count in sorted(faults.items())
            )
            yield Finding(
                "drift.fault",
                "warning",
                f"account {name}: some of what WhatsApp sent could not be handled: {words}",
                "See `connection.stanza_failed` in the log; report it.",
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


async def _network(daemon: Daemon) -> list[Finding]:
    """Each way out once, as far as the websocket."""
    found: dict[str, Finding] = {}
    for name in daemon.fleet.accounts or ("",):
        endpoint = daemon.fleet.endpoint(name)
        way = f"{endpoint.websocket_url} {endpoint.proxy}"
        if way in found:
            continue
        try:
            async with dial(endpoint):
                pass
        except DialError as error:
            by = f" by {endpoint.proxy}" if endpoint.proxy else ""
            found[way] = Finding(
                "network",
                "error",
                f"{endpoint.websocket_url} can't be reached{by}: {error}",
                "See DNS, firewall, proxy and clock of this machine.",
            )
    return list(found.values())


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
