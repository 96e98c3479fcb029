"""For the admin: doctor, state, export and import, completion, version."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from waconnd import __version__
from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop, get, rows_of
from waconnd.rpc.errors import EXIT_CONFIG, EXIT_DATA, EXIT_DENIED, EXIT_IO, EXIT_LATER, EXIT_USAGE

#: Kinds of sources that `import` reads.
SOURCES = ("baileys", "whatsmeow", "waconnd")

#: A large account's history takes a while.
TRANSFER_S = 600.0


def add(commands: Commands) -> None:
    parser = commands.add("doctor", "find what is wrong, and say how to mend it", doctor)
    parser.add_argument("--deep", action="store_true", help="also read every byte of every store")
    parser.add_argument(
        "--offline", action="store_true", help="without the daemon: configuration, folders, socket, stores"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the daemon's configuration, for --offline"
    )
    group = commands.under("state", "look at an account's keys on disk; needs no daemon")
    for verb, help in (
        ("show", "what there is"),
        ("verify", "read every byte and compare"),
        ("repair", "set damaged records aside so that the account can start; keeps every byte"),
    ):
        parser = group.add(verb, help, state)
        parser.set_defaults(verb=verb)
        parser.add_argument("name", metavar="ACCOUNT|DIR")
        parser.add_argument("--state", type=Path, metavar="DIR", help="the daemon's state directory")
        if verb == "repair":
            parser.add_argument(
                "--adopt", action="store_true", help="take files that were edited on purpose as they are"
            )
            parser.add_argument(
                "--forget",
                action="store_true",
                help="let damaged sessions and prekeys go; peers make new ones",
            )
            parser.add_argument(
                "--roll-back",
                action="store_true",
                help="cut a broken journal, as after the restore of a copy",
            )
            parser.add_argument(
                "--search", type=Path, action="append", default=[], metavar="DIR", help="a backup to look in"
            )
    parser = commands.add("export", "write a backup of an account", export)
    parser.add_argument("name", metavar="ACCOUNT")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--what", default="auth,history", help="auth, history or both (auth,history)")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="seal it with what stands there")
    parser.add_argument(
        "--to",
        choices=("waconnd", "baileys"),
        default="waconnd",
        help="baileys: FILE becomes a folder of its",
    )
    parser = commands.add("import", "take over an account from a backup or from another program", import_)
    parser.add_argument("name", metavar="ACCOUNT")
    parser.add_argument("source", type=Path, metavar="FILE|DIR")
    parser.add_argument(
        "--from", dest="kind", choices=SOURCES, default="waconnd", help="whose files these are (waconnd)"
    )
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE")
    parser.add_argument("--device", help="which one, when a whatsmeow store has several: its own address")
    parser.add_argument(
        "--dry-run", action="store_true", default=None, help="tell what would be taken, change nothing"
    )
    parser = commands.add("completion", "completion for your shell: source the output", completion)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))
    commands.add("version", "versions of this program and of the daemon", version)


# --- doctor -------------------------------------------------------------------------------------------------------------


def doctor(shell: Shell, arguments: argparse.Namespace) -> int:
    found = (
        _offline(shell, arguments.config)
        if arguments.offline
        else rows_of(shell.call("daemon.doctor", deep=arguments.deep, timeout_s=TRANSFER_S))
    )
    if not found and not shell.json:
        shell.put("nothing is wrong")
    if shell.json:
        shell.table(found, {})
    else:
        for one in found:
            mark = {"error": shell.paint("✗", "red"), "warning": shell.paint("!", "yellow")}.get(
                one["severity"], "·"
            )
            shell.put(f"{mark} {one['what']}")
            if one.get("fix"):
                shell.put(f"    {one['fix']}")
    return EXIT_DATA if any(one["severity"] == "error" for one in found) else 0


def _offline(shell: Shell, file: Path | None) -> list[dict[str, Any]]:
    """The files, and whether a daemon holds them."""
    from waconnd.autopsy import Found, examine
    from waconnd.client.sync import Connection, Unreachable

    found = examine(file)
    try:
        Connection(shell.path, timeout=2).close()
    except Unreachable as error:
        found.append(
            Found("info", str(error), "`systemctl status waconnd`, `journalctl -u waconnd -p warning`")
        )
    return [msgspec.to_builtins(one) for one in found]


# --- state, export, import ----------------------------------------------------------------------------------------------


def state(shell: Shell, arguments: argparse.Namespace) -> int:
    from waconnd.config import ConfigError, load
    from waconnd.store.errors import StoreError
    from waconnd.store.repair import Wishes, repair
    from waconnd.store.seal import Aes, load_key
    from waconnd.store.state import show, verify

    try:
        config = load().config
    except ConfigError as error:
        raise Stop(str(error), EXIT_CONFIG) from None
    path = Path(arguments.name)
    if "/" not in arguments.name and not path.is_dir():
        path = (arguments.state or config.state_path) / "accounts" / arguments.name
    _become_owner(path)
    try:
        seal = Aes(load_key(config.auth.key_file or None)) if config.auth.sealed else None
        if arguments.verb == "show":
            result: Any = show(path, seal)
        elif arguments.verb == "verify":
            result = verify(path, seal)
        else:
            wishes = Wishes(
                adopt=arguments.adopt,
                forget=arguments.forget,
                roll_back=arguments.roll_back,
                search=tuple(arguments.search),
            )
            result = repair(path, wishes, seal)
    except StoreError as error:
        raise Stop(str(error), error.exit) from None
    except PermissionError:
        raise Stop(f"{path} is not yours to read: sudo -u waconnd waconnd state …", EXIT_DENIED) from None
    if shell.json:
        shell.record(result)
    else:
        shell.put(result.text())
    return int(getattr(result, "exit", 0))


def _become_owner(path: Path) -> None:
    """As root we act as the files' owner: what we write must stay readable to the daemon."""
    if os.geteuid() == 0 and path.is_dir():
        owner = path.stat()
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)


def _passphrase(arguments: argparse.Namespace) -> str | None:
    if arguments.passphrase_file is None:
        return None
    try:
        return str(arguments.passphrase_file.read_text("utf-8").rstrip("\n"))
    except OSError as error:
        raise Stop(f"{arguments.passphrase_file} cannot be read: {error.strerror}", EXIT_IO) from None


def export(shell: Shell, arguments: argparse.Namespace) -> int:
    import tarfile

    target = arguments.file
    if target.exists():
        raise Stop(f"{target} exists; it is not overwritten", EXIT_USAGE)
    result = shell.call(
        "account.export",
        account=arguments.name,
        what=arguments.what.split(","),
        to=arguments.to,
        passphrase=_passphrase(arguments),
        timeout_s=TRANSFER_S,
    )
    # Never under its name before it is whole, and never readable by others: these are keys.
    draft = target.with_name(f".{target.name}.part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    size = shell.fetch(result["upload"], draft)
    if arguments.to == "baileys":
        target.mkdir(mode=0o700)
        with tarfile.open(draft) as tar:
            tar.extractall(target, filter="data")
        draft.unlink()
    else:
        draft.replace(target)
    shell.result(result, f"{target}: {size} bytes")
    if arguments.passphrase_file is None:
        shell.say(f"{target} holds the account's keys in the clear: whoever has it can be this account")
    return 0


def import_(shell: Shell, arguments: argparse.Namespace) -> int:
    import tarfile
    import tempfile
    import time

    from waconnd.store.transfer.report import TransferError
    from waconnd.store.transfer.take import mark_moved, refuse_if_in_use

    source = arguments.source
    if not source.exists():
        raise Stop(f"there is no {source}", EXIT_IO)
    # Only here, beside the files, can be seen whether their program still runs.
    try:
        refuse_if_in_use(arguments.kind, source)
    except TransferError as error:
        raise Stop(str(error), EXIT_DATA) from None
    with tempfile.TemporaryDirectory() as folder:
        file = source
        if source.is_dir():
            # The daemon never opens a caller's path: what it shall read is sent to it.
            file = Path(folder) / "import.tar"
            with tarfile.open(file, "w") as tar:
                for path in sorted(source.iterdir()):
                    if path.is_file():
                        tar.add(path, arcname=path.name)
        upload = shell.upload(file, "application/x-tar" if source.is_dir() else "application/octet-stream")
    result = shell.call(
        "account.import",
        account=arguments.name,
        upload=upload,
        device=arguments.device,
        passphrase=_passphrase(arguments),
        dry_run=arguments.dry_run,
        timeout_s=TRANSFER_S,
        **{"from": arguments.kind},
    )
    if not arguments.dry_run:
        mark_moved(arguments.kind, source, arguments.name, get(result, "number", ""), time.time())
    if shell.json:
        shell.record(result)
        return 0
    for kind, count in sorted(get(result, "counts", {}).items()):
        shell.put(f"{count:>7}  {kind}")
    for line in [
        *get(result, "notes", []),
        *(str(get(one, "why", one)) for one in get(result, "skipped", [])),
    ]:
        shell.put(f"  {line}")
    if not arguments.dry_run:
        shell.say(
            f"the other program must never run on these keys again; next: waconnd accounts start {arguments.name}"
        )
    return 0


# --- the rest -----------------------------------------------------------------------------------------------------------


def completion(shell: Shell, arguments: argparse.Namespace) -> int:
    from waconnd.cli.complete import script

    shell.put(script(arguments.shell))
    return 0


def version(shell: Shell, arguments: argparse.Namespace) -> int:
    from waconnd.client.sync import Unreachable

    told: dict[str, Any] = {"waconnd": __version__, "python": sys.version.split()[0]}
    try:
        told["daemon"] = shell.call("daemon.hello", client=f"waconnd/{__version__}")["version"]
    except (Unreachable, TimeoutError):
        told["daemon"] = None
    words = f"waconnd {__version__}" + (
        f" (daemon {told['daemon']})" if told["daemon"] else " (no daemon runs)"
    )
    shell.result(told, words)
    return EXIT_LATER if told["daemon"] not in (None, __version__) else 0
