"""`waconnd serve`: the daemon itself, what systemd runs; and `waconnd config`, what it would run with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop
from waconnd.rpc.errors import EXIT_CONFIG, EXIT_USAGE


def add(commands: Commands) -> None:
    parser = commands.add("serve", "run the daemon", serve)
    _options(parser)
    parser.add_argument(
        "--foreground", action="store_true", help="it always stays there; kept for those who expect it"
    )
    parser.add_argument(
        "--sandbox",
        action="store_true",
        help="against a built-in WhatsApp, for trying out; everything is gone when it stops",
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
    """Accounts of a sandbox never lie among real ones, and end with it: its phones live in memory."""
    import tempfile

    from waconnd.config import load
    from waconnd.daemon import run
    from waconnd.sandbox.sandbox import Sandbox
    from waconnd.sandbox.serve import embedded

    host, _, port = listen.rpartition(":")
    with tempfile.TemporaryDirectory(prefix="waconnd-sandbox-") as folder:
        sandbox = Sandbox(seed="waconnd")
        flags |= {
            "daemon.state_dir": f"{folder}/state",
            "daemon.cache_dir": f"{folder}/cache",
            "endpoint.websocket_url": f"ws://{listen}/ws/chat",
            "endpoint.noise_root_key": sandbox.root.public.hex(),
            "endpoint.media_scheme": "http",
        }
        shell.say(f"a WhatsApp of its own on {listen}; `waconnd sandbox` speaks for its people")
        shell.say("pair with:  waconnd pair main   and, for the phone:  waconnd sandbox scan me CODE")
        return run(
            load(file, flags=flags),
            lambda: load(file, flags=flags),
            lambda: embedded(sandbox, host, int(port)),
        )


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
