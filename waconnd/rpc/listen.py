"""The listening socket: made here when systemd did not hand one over, without ever taking another daemon's place."""

from __future__ import annotations

import errno
import grp
import os
import socket
import stat
from pathlib import Path
from typing import Final

#: Clients that connected but are not served yet; more wait in connect(2).
BACKLOG: Final = 128

#: The kernel's limit for the path of a Unix socket, less the NUL.
MAX_PATH: Final = 107


class SocketInUse(Exception):
    """Another live daemon listens there."""


class SocketPathError(Exception):
    """The path cannot be a socket."""


def bind(path: Path, *, mode: int = 0o660, group: str = "") -> socket.socket:
    """Listen on a path. A file left by a dead daemon is replaced; a live one's is not."""
    if len(os.fsencode(path)) > MAX_PATH:
        raise SocketPathError(
            f"{path} is too long for a socket ({MAX_PATH} bytes); set `daemon.socket` to a shorter path"
        )
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    # Nobody may connect between bind and chmod.
    before = os.umask(0o777 & ~(mode & 0o700))
    try:
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise SocketInUse(f"{path} was taken by another daemon just now") from None
        raise
    finally:
        os.umask(before)
    if group:
        try:
            os.chown(path, -1, int(group) if group.isdigit() else grp.getgrnam(group).gr_gid)
        except KeyError:
            sock.close()
            path.unlink()
            raise SocketPathError(f"`daemon.socket_group`: there is no group `{group}`") from None
    path.chmod(mode)
    sock.listen(BACKLOG)
    return sock


class Own:
    """The file of a socket that we made: by the time we end, another daemon may have put its own there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made = self._identity()

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.lstat()
        except OSError:
            return None
        return found.st_ino, found.st_ctime_ns

    def remove(self) -> None:
        """Take it away if it is still ours."""
        if self._made is not None and self._identity() == self._made:
            self._path.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise SocketPathError(
            f"{path} exists and is no socket; move it away, or set `daemon.socket` to another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            # The kernel says that nobody listens: only then it is stale.
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            raise SocketInUse(f"{path} is there and cannot be asked: {error}") from None
    raise SocketInUse(f"another daemon answers on {path}; stop it, or use another `--socket`")


def group_of(sock: socket.socket) -> int | None:
    """The group that owns a listening socket's file."""
    name = sock.getsockname()
    if not isinstance(name, str) or not name:
        return None
    try:
        return Path(name).stat().st_gid
    except OSError:
        return None
