"""`waconnd serve`: the daemon itself, what systemd runs; and `waconnd config`, what it would run with."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop
from waconnd.rpc.errors import EXIT_CONFIG, EXIT_USAGE

if TYPE_CHECKING:
    from waconnd.daemon import Beside


def add(commands: Commands) -> None:
    parser = commands.add("serve", "run the daemon", serve)
    _options(parser)
    parser.add_argument(
        "--foreground", action="store_true", help="it always stays there; kept for those who expect it"
    )
    parser.add_argument(
        "--sandbox",
        action="store_true",
        help="on the running `waconnd sandbox`, else with one inside: for trying out, all is gone when it stops",
    )
    parser = commands.add("config", "show the effective configuration and where each key comes from", config)
    _options(parser)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the configuration (else the usual place)"
    )
    parser.add_argument("--state", metavar="DIR", help="where accounts live (daemon.state_dir)")
    parser.add_argument("--cache", metavar="DIR", help="where uploads wait (daemon.cache_dir)")
    parser.add_argument("--endpoint", metavar="URL", help="the websocket (endpoint.websocket_url)")
    parser.add_argument("--noise-root-key", metavar="HEX", help="the key that signs its certificates")
    parser.add_argument("--media-scheme", choices=("https", "http"), help="how its media hosts are asked")
    parser.add_argument("--origin", metavar="URL", help="the Origin header")
    parser.add_argument("--ca-file", metavar="FILE", help="authorities to trust")
    parser.add_argument("--proxy", metavar="URL", help="http:// or socks5://")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"))
    parser.add_argument("--log-format", choices=("auto", "journal", "text", "prefix", "json"))
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="any other key; may be repeated",
    )


def _flags(shell: Shell, arguments: argparse.Namespace) -> dict[str, Any]:
    given = {
        "daemon.state_dir": arguments.state,
        "daemon.cache_dir": arguments.cache,
        "daemon.socket": arguments.socket,
        "endpoint.websocket_url": arguments.endpoint,
        "endpoint.noise_root_key": arguments.noise_root_key,
        "endpoint.media_scheme": arguments.media_scheme,
        "endpoint.origin": arguments.origin,
        "endpoint.ca_file": arguments.ca_file,
        "endpoint.proxy": arguments.proxy,
        "log.level": arguments.log_level,
        "log.format": arguments.log_format,
    }
    for pair in arguments.set:
        key, sign, value = pair.partition("=")
        if not sign:
            raise Stop(f"--set takes SECTION.KEY=VALUE, not {pair!r}", EXIT_USAGE)
        given[key] = value
    return {key: value for key, value in given.items() if value is not None}


def serve(shell: Shell, arguments: argparse.Namespace) -> int:
    from waconnd.config import ConfigError, load
    from waconnd.daemon import run

    flags = _flags(shell, arguments)
    try:
        loaded = load(arguments.config, flags=flags)
    except ConfigError as error:
        raise Stop(str(error), EXIT_CONFIG) from None
    if arguments.sandbox:
        return _on_sandbox(shell, arguments.config, flags, loaded.config.sandbox.listen)
    return run(loaded, lambda: load(arguments.config, flags=flags))


def _on_sandbox(shell: Shell, file: Path | None, flags: dict[str, Any], listen: str) -> int:
    """The sandbox that runs already, else one inside. Its phones live in memory, and the accounts end with them:
    they never lie among real ones.
    """
    import tempfile

    from waconnd.config import load
    from waconnd.daemon import run

    if flags.keys() & {"daemon.state_dir", "daemon.cache_dir"}:
        raise Stop(
            "accounts of a sandbox end with it: --state and --cache don't go with --sandbox", EXIT_USAGE
        )
    url, root, beside = _running_sandbox() or _sandbox_inside(shell, listen)
    with tempfile.TemporaryDirectory(prefix="waconnd-sandbox-") as folder:
        flags |= {
            "daemon.state_dir": f"{folder}/state",
            "daemon.cache_dir": f"{folder}/cache",
            "endpoint.websocket_url": url,
            "endpoint.noise_root_key": root,
            "endpoint.media_scheme": "http",
        }
        return run(load(file, flags=flags), lambda: load(file, flags=flags), beside)


def _running_sandbox() -> tuple[str, str, Beside] | None:
    """Address and trusted root of the one that `waconnd sandbox serve` runs."""
    from waconnd.client.sync import Connection, Unreachable
    from waconnd.sandbox.serve import control_socket

    try:
        with Connection(control_socket()) as box:
            told = box.call("sandbox.info")
    except Unreachable:
        return None
    return told["url"], told["root"], contextlib.nullcontext


def _sandbox_inside(shell: Shell, listen: str) -> tuple[str, str, Beside]:
    from waconnd.sandbox.sandbox import PEOPLE, Sandbox
    from waconnd.sandbox.serve import control_socket, opened

    host, _, port = listen.rpartition(":")
    sandbox = Sandbox(seed="waconnd")
    for name in PEOPLE:
        sandbox.person(name)

    @contextlib.asynccontextmanager
    async def beside() -> AsyncIterator[None]:
        async with opened(sandbox, control_socket(), host=host, port=int(port)):
            shell.say(f"A WhatsApp of its own is inside. People: {sandbox.told()}")
            shell.say(
                "Link one of them with `waconnd sandbox link ada`, then try `waconnd sandbox say bob ada hi`."
            )
            yield

    return f"ws://{listen}/ws/chat", sandbox.root.public.hex(), beside


def config(shell: Shell, arguments: argparse.Namespace) -> int:
    from waconnd.config import ConfigError, effective, load

    try:
        loaded = load(arguments.config, flags=_flags(shell, arguments))
    except ConfigError as error:
        raise Stop(str(error), EXIT_CONFIG) from None
    rows = [{"key": key, "value": value, "origin": origin} for key, value, origin in effective(loaded)]
    shell.table(
        rows, {"key": lambda r: r["key"], "value": lambda r: r["value"], "origin": lambda r: r["origin"]}
    )
    return 0
