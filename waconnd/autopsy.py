"""What can be seen without the daemon, for when it does not start: configuration, folders, stores, socket. It changes nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from waconnd.config import Config, ConfigError, load
from waconnd.store.errors import StoreError
from waconnd.store.seal import Aes, load_key
from waconnd.store.space import LOW_FILES, measure
from waconnd.store.state import verify

MIB = 1024 * 1024


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is wrong, or worth knowing."""

    #: `info`, `warning` or `error`.
    severity: str
    what: str
    fix: str = ""


def examine(file: Path | None = None) -> list[Found]:
    """All that is found, in the order in which a start would meet it."""
    try:
        config = load(file).config
    except ConfigError as error:
        fix = "`waconnd config` shows what is read from where"
        return [Found("error", f"configuration: {problem}", fix) for problem in error.problems]
    folder = config.state_path
    if not folder.exists():
        return [Found("info", f"{folder} is not there yet", "the first `waconnd serve` makes it")]
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        fix = "run this as root or as the daemon's user: sudo -u waconnd waconnd doctor --offline"
        return [Found("error", f"{folder} cannot be read and written by you", fix)]
    return [*_folder(config), *_archive(folder / "events.db"), *_accounts(config)]


def _folder(config: Config) -> Iterator[Found]:
    folder = config.state_path
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        yield Found("warning", f"others may look into {folder} (mode {mode:o})", f"chmod 700 {folder}")
    space, least = measure(str(folder)), config.retention.min_free_mb
    if space.free < least * MIB:
        yield Found("error", f"{folder} has {space.free // MIB} MiB left", f"make room: {least} MiB at least")
    if space.files is not None and space.files < LOW_FILES:
        yield Found("error", f"{folder} has {space.files} inodes left", "remove files there")
    owner = folder.stat().st_uid
    strangers = [path for path in folder.rglob("*") if path.lstat().st_uid != owner]
    if strangers:
        yield Found(
            "error",
            f"{strangers[0]} belongs to another user than {folder} ({len(strangers)} such files)",
            f"chown -R --reference={folder} {folder}",
        )


def _archive(path: Path) -> Iterator[Found]:
    """Without its daemon the file is opened for reading only; what is still in the write-ahead log is read, too."""
    if not path.exists():
        return
    fix = f"restore it from a backup, or move it away: the keys of the accounts are not in {path.name}"
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            lines = [str(row[0]) for row in connection.execute("pragma quick_check(5)")]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        yield Found("error", f"{path}: {error}", fix)
        return
    yield from (Found("error", f"{path}: {line}", fix) for line in lines if line != "ok")


def _accounts(config: Config) -> Iterator[Found]:
    folder = config.state_path / "accounts"
    try:
        seal = Aes(load_key(config.auth.key_file or None)) if config.auth.sealed else None
    except StoreError as error:
        yield Found("error", str(error))
        return
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.is_dir() or path.name.startswith("."):
            continue
        try:
            checked = verify(path, seal)
        except StoreError as error:
            yield Found("error", f"account {path.name}: {error}")
            continue
        for finding in checked.findings:
            yield Found(
                "error", f"account {path.name}: {finding.sentence}", f"`waconnd state repair {path.name}`"
            )
