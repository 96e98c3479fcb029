"""Where things are: what the caller says, then what systemd says, then the places of the platform."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import platformdirs

APP: Final = "waconnd"

#: Where the system's daemon listens and is configured, for commands of a person who runs none of their own.
SYSTEM_SOCKET: Final = Path("/run/waconnd/waconnd.sock")
SYSTEM_CONFIG: Final = Path("/etc/waconnd/waconnd.toml")


def _given(environ: Mapping[str, str], name: str) -> Path | None:
    """A directory from systemd: may hold several, separated by colons; the first is ours."""
    first = environ.get(name, "").partition(":")[0]
    return Path(first) if first else None


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """What must never be lost: accounts and the archive."""
    return _given(environ, "STATE_DIRECTORY") or Path(platformdirs.user_state_path(APP))


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """What can be had again: uploads under way, pictures."""
    return _given(environ, "CACHE_DIRECTORY") or Path(platformdirs.user_cache_path(APP))


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration, which need not exist."""
    if named := environ.get("WACONND_CONFIG"):
        return Path(named)
    if given := _given(environ, "CONFIGURATION_DIRECTORY"):
        return given / "waconnd.toml"
    if os.geteuid() == 0:
        return SYSTEM_CONFIG
    return Path(platformdirs.user_config_path(APP)) / "waconnd.toml"


def own_socket(environ: Mapping[str, str] = os.environ) -> Path:
    """Where a daemon started by this user listens: the variable that leads commands leads it, too."""
    if given := _given(environ, "RUNTIME_DIRECTORY"):
        return given / "waconnd.sock"
    if named := environ.get("WACONND_SOCKET"):
        return Path(named)
    if os.geteuid() == 0:
        return SYSTEM_SOCKET
    return Path(platformdirs.user_runtime_path(APP)) / "waconnd.sock"


def find_socket(environ: Mapping[str, str] = os.environ) -> Path:
    """Where a command finds its daemon: the user's own if it runs, else the system's."""
    if named := environ.get("WACONND_SOCKET"):
        return Path(named)
    own = own_socket(environ)
    return own if own.exists() or not SYSTEM_SOCKET.exists() else SYSTEM_SOCKET


class Unusable(Exception):
    """A folder that the daemon needs can't be used; the sentence says what to do."""


def require(folder: Path, key: str) -> None:
    """Make a folder that nobody else may look into, and see that it can be written. `key`: the setting that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError):
        raise Unusable(f"{folder} is no folder: move it away, or set {key} to another place") from None
    except OSError as error:
        raise Unusable(
            f"{folder} can't be made: {error.strerror}; make it and give it to user {os.geteuid()}, or set {key} to"
            " another place"
        ) from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        raise Unusable(
            f"{folder} can't be read and written by user {os.geteuid()}: `chown` it, mount it writable, or set {key}"
            " to another place"
        )
