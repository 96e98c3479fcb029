"""What all commands share: the connection, printing for people and programs, sizes and times in words."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from waconnd.rpc.errors import EXIT_USAGE

if TYPE_CHECKING:
    import http.client

    from waconnd.client.sync import Connection

#: A command that a person waits for.
TIMEOUT_S: Final = 30.0

#: A media body goes in pieces of this size, with the bar redrawn in between.
PIECE: Final = 1 << 18

COLOURS: Final = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}


class Stop(Exception):
    """End the command with a sentence and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Shell:
    """One run of one command."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.json: bool = arguments.json
        self.quiet: bool = arguments.quiet
        self.account: str | None = arguments.account or os.environ.get("WACONND_ACCOUNT")
        self.timeout: float = arguments.timeout or TIMEOUT_S
        self.colour = sys.stdout.isatty() and not arguments.no_color and "NO_COLOR" not in os.environ
        self._path: str | None = arguments.socket
        self._connection: Connection | None = None

    @property
    def path(self) -> str:
        """The daemon's socket."""
        if self._path is None:
            from waconnd.paths import find_socket

            self._path = str(find_socket())
        return self._path

    def otherwise(self, path: str) -> None:
        """Speak to this socket unless the person named one."""
        if self._path is None:
            self._path = path

    @property
    def connection(self) -> Connection:
        """Made when first needed."""
        if self._connection is None:
            # Here, since `waconnd serve` has no need of it.
            from waconnd.client.sync import Connection

            self._connection = Connection(self.path, timeout=self.timeout)
        return self._connection

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(
        self,
        method: str,
        /,
        *,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
        timeout_s: float | None = None,
        **params: Any,
    ) -> Any:
        """A method, with the deadline of this command."""
        return self.connection.call(
            method, on_progress=on_progress, timeout_s=timeout_s or self.timeout, **params
        )

    def ask(self, method: str, /, **params: Any) -> Any:
        """A method of the chosen account."""
        return self.call(method, account=self.account, **params)

    # --- printing ---------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """To the person."""
        if not self.quiet:
            print(text, file=sys.stderr)  # noqa: T201

    def put(self, text: str) -> None:
        """Data."""
        if not self.quiet:
            print(text)  # noqa: T201

    def record(self, value: Any) -> None:
        """One JSON line."""
        self.put(msgspec.json.encode(value).decode())

    def result(self, value: Any, words: str) -> None:
        """The outcome of an action: JSON for programs, words for people."""
        if self.json:
            self.record(value)
        else:
            self.put(words)

    def table(
        self,
        rows: Sequence[Mapping[str, Any]],
        columns: Mapping[str, Callable[[Mapping[str, Any]], Any]],
        colour: Callable[[Mapping[str, Any]], str | None] = lambda row: None,
    ) -> None:
        """Records as a table (a row in its colour), or as lines of JSON."""
        if self.json:
            for row in rows:
                self.record(row)
            return
        cells = [[_cell(look(row)) for look in columns.values()] for row in rows]
        if not cells:
            self.say("nothing")
            return
        titles = [title.upper() for title in columns]
        widths = [max(len(line[n]) for line in [titles, *cells]) for n in range(len(titles))]
        room = shutil.get_terminal_size((200, 24)).columns if sys.stdout.isatty() else 10_000
        colours = ["bold", *map(colour, rows)]
        for line, shade in zip([titles, *cells], colours, strict=True):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            text = text if len(text) <= room else f"{text[: room - 1]}…"
            self.put(self.paint(text, shade) if shade else text)

    def paint(self, text: str, colour: str) -> str:
        """In colour where there is any."""
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def bar(self, what: str) -> Callable[[int, int], None]:
        """A progress bar on stderr, where there is a person."""
        if self.quiet or self.json or not sys.stderr.isatty():
            return lambda done, total: None
        last = 0.0

        def draw(done: int, total: int) -> None:
            nonlocal last
            if done < total and time.monotonic() - last < 0.1:
                return
            last = time.monotonic()
            part = done / total if total else 1.0
            end = "\n" if done >= total else ""
            print(  # noqa: T201
                f"\r{what} {'█' * int(part * 30):<30} {part:4.0%}", end=end, file=sys.stderr, flush=True
            )

        return draw

    # --- streams ----------------------------------------------------------------------------------------------------

    def web(self) -> http.client.HTTPConnection:
        """The HTTP side of the same socket."""
        # 40 ms of imports that most commands don't need.
        import http.client

        connection = http.client.HTTPConnection("localhost", timeout=self.timeout)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(self.timeout)
        try:
            connection.sock.connect(self.path)
        except OSError as error:
            from waconnd.client.sync import Unreachable

            raise Unreachable(f"no daemon answers on {self.path} ({error.strerror})") from None
        return connection

    def upload(self, file: Path, mimetype: str) -> str:
        """Stream a file of ours to the daemon, which never opens a caller's path; gives its handle."""
        from urllib.parse import quote

        try:
            size = file.stat().st_size
            stream = file.open("rb")
        except OSError as error:
            raise Stop(f"{file} cannot be read: {error.strerror}", 74) from None
        draw = self.bar(file.name)

        def pieces() -> Iterable[bytes]:
            done = 0
            while piece := stream.read(PIECE):
                yield piece
                done += len(piece)
                draw(done, size)

        with stream:
            connection = self.web()
            headers = {"Content-Type": mimetype, "Content-Length": str(size)}
            connection.request("PUT", f"/media?name={quote(file.name)}", pieces(), headers)
            answer = self._answer(connection)
        handle: str = msgspec.json.decode(answer)["upload"]
        return handle

    def fetch(self, handle: str, target: Path | None) -> int:
        """Stream what stands under a handle into a file or to stdout; gives its size."""
        connection = self.web()
        connection.request("GET", f"/media/{handle}")
        response = connection.getresponse()
        if response.status != 200:
            _refused(response.read())
        total = int(response.headers.get("Content-Length", 0))
        draw = self.bar(target.name if target else "media")
        done = 0
        out = sys.stdout.buffer if target is None else target.open("wb")
        try:
            while piece := response.read(PIECE):
                out.write(piece)
                done += len(piece)
                draw(done, total)
        finally:
            if target is not None:
                out.close()
        return done

    def _answer(self, connection: http.client.HTTPConnection) -> bytes:
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status >= 400:
            _refused(body)
        return body


def _refused(body: bytes) -> NoReturn:
    from waconnd.client.sync import WaconndError

    raise WaconndError(msgspec.json.decode(body)["error"])


def seconds(text: str) -> float:
    """`30`, `5m`, `2h`, `500ms`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", text)
    if match is None or not float(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 30, 90s, 5m or 2h")
    return float(match[1]) * {"ms": 0.001, None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def _cell(value: Any) -> str:
    if value is None or value in ("", []):
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is True:
        return "yes"
    if value is False:
        return "no"
    return " ".join(str(value).split())


def get(row: Any, path: str, default: Any = None) -> Any:
    """A member of a member: `chat.name`."""
    for name in path.split("."):
        if not isinstance(row, Mapping):
            return default
        row = row.get(name)
    return default if row is None else row


def member(path: str) -> Callable[[Mapping[str, Any]], Any]:
    """A column that shows one member."""
    return lambda row: get(row, path)


def age(text: str | None) -> str:
    """How long ago: `3d 4h`."""
    return "" if not text else span(time.time() - datetime.fromisoformat(text).timestamp())


def until(text: str | None) -> str:
    """How long from now."""
    return "" if not text else span(datetime.fromisoformat(text).timestamp() - time.time())


def span(seconds: float) -> str:
    """Seconds in words, two units at most."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size or (unit == "s" and not parts):
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2])


def local(text: str | None) -> str:
    """A time for people: today's by the clock, others with the date."""
    if not text:
        return ""
    when = datetime.fromisoformat(text).astimezone()
    today = datetime.now().astimezone().date()
    return f"{when:%H:%M:%S}" if when.date() == today else f"{when:%Y-%m-%d %H:%M}"


def moment(text: str, *, ahead: bool = False) -> str:
    """A time as a person types it (`2h`, `2026-11-20 09:00`, by the local clock) in the words of the socket. Ends the command."""
    try:
        span = seconds(text)
    except argparse.ArgumentTypeError:
        try:
            when = datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            raise Stop(
                f"{text!r} is no time; write 2h, 2026-11-20, 2026-11-20T09:00 or 2026-11-20T09:00:00Z",
                EXIT_USAGE,
            ) from None
    else:
        when = datetime.now(UTC) + timedelta(seconds=span if ahead else -span)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def phone(address: str | None) -> str:
    """`573126809496@s.whatsapp.net` as people write it; other addresses as they are."""
    user, _, server = (address or "").partition("@")
    return f"+{user}" if server == "s.whatsapp.net" else address or ""


def name_of(person: Any) -> str:
    """The best that we know of somebody: name, number, address."""
    if isinstance(person, str):
        return phone(person)
    return str(get(person, "name") or phone(get(person, "pn")) or get(person, "id", ""))


def rows_of(result: Any) -> list[dict[str, Any]]:
    """The records of a page: its one list."""
    if isinstance(result, Mapping):
        for value in result.values():
            if isinstance(value, list):
                return [row if isinstance(row, dict) else {"value": row} for row in value]
    return result if isinstance(result, list) else []
