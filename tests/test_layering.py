"""Who may import whom. The tables say it; the walk below only reads import statements."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: From the top down: a part imports parts of lower rows, and itself; parts of one row do not know each other.
PROTOCOL = [
    ["engine"],
    ["flows"],
    ["content", "appstate"],
    ["stanza", "signal"],
    ["noise", "wire"],
    ["creds"],
    ["crypto"],
    ["effects"],
    ["keystore"],
    ["events", "node"],
    ["jid", "errors", "pb"],
]
#: Steps within a row or upwards that are meant: (who, whom).
PROTOCOL_MEANT = {
    # The handshake's prologue and the largest frame are facts of the stream.
    ("noise", "wire"),
    # A bundle that was read from a stanza is the session's own type.
    ("stanza", "signal"),
}

#: What these parts of waconnd may import of waconnd: they stand alone.
WACONND_ONLY = {
    "rpc": {"rpc"},
    "store": {"store"},
    "proxy": {"proxy"},
    "dial": {"dial", "entropy", "proxy"},
}
#: daemon → account → link → store; api → rpc, account. What stands above a part, it never imports.
WACONND_NEVER = {
    "link": {"account", "api", "rpc", "daemon", "fleet", "cli", "client", "sandbox"},
    "account": {"api", "rpc", "daemon", "fleet", "cli", "client", "sandbox"},
    "api": {"daemon", "cli", "client", "sandbox"},
    "sandbox": {"account", "link", "store", "daemon", "fleet"},
}
#: What a part of waconnd may know of protocol. `transfer` turns foreign stores into our records, so it knows them all.
WACONND_PROTOCOL = {
    "rpc": set[str](),
    "store": {"keystore", "events", "creds", "errors", "jid", "crypto"},
}
CONVERTERS = "waconnd.store.transfer"

#: Sockets, files, clocks, randomness, threads, event loops: all of it is handed in.
WORLD = {
    "anyio", "asyncio", "concurrent", "fcntl", "io", "multiprocessing", "os", "pathlib", "random", "secrets", "select",
    "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "websockets",
}  # fmt: skip
#: The same by names of builtins and of modules that are otherwise harmless.
WORLD_CALLS = {"open", "input", "print", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
               "uuid.uuid1", "uuid.uuid4", "random", "randombytes", "token_bytes"}  # fmt: skip
#: What protocol may import besides the standard library.
LIBRARIES = {"cryptography", "google", "msgspec", "nacl", "protocol"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def files(package: str) -> list[Path]:
    return sorted(p for p in (ROOT / package).rglob("*.py") if not p.name.endswith("_pb2.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, late imports included; `from a import b` gives a.b when that is a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what is imported"
            base = node.module or ""
            for alias in node.names:
                inner = ROOT / Path(*base.split("."), alias.name)
                is_module = inner.with_suffix(".py").exists() or inner.is_dir()
                yield f"{base}.{alias.name}" if is_module else base


def part(module: str) -> str:
    """The second word: protocol.wire.codec is of `wire`."""
    return [*module.split("."), ""][1]


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", files("protocol"), ids=ids)
def test_protocol_imports_downward(path: Path) -> None:
    ranks = {name: rank for rank, row in enumerate(PROTOCOL) for name in row}
    own = part(module_of(path))
    if not own:
        return
    assert own in ranks, f"protocol.{own} has no place in the table of layers"
    for module in imports(path):
        if not module.startswith("protocol."):
            continue
        other = part(module)
        downward = other == own or ranks[other] > ranks[own] or (own, other) in PROTOCOL_MEANT
        assert downward, f"{module_of(path)} imports {module}, which is not below it"


@pytest.mark.parametrize("path", files("protocol"), ids=ids)
def test_protocol_touches_nothing_of_the_world(path: Path) -> None:
    for module in imports(path):
        top = module.split(".")[0]
        assert top not in WORLD, f"{module_of(path)} imports {module}"
        assert top in LIBRARIES or top in sys.stdlib_module_names, f"{module_of(path)} imports {module}"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in WORLD_CALLS, f"{module_of(path)}:{node.lineno} calls {called}"
            assert called.rsplit(".", 1)[-1] not in {"randombytes", "generate_private_key", "urandom"}, (
                f"{module_of(path)}:{node.lineno} calls {called}, which draws from the system"
            )


@pytest.mark.parametrize("path", files("waconnd"), ids=ids)
def test_waconnd_imports_what_its_part_may(path: Path) -> None:
    own = part(module_of(path))
    for module in imports(path):
        top, other = module.split(".")[0], part(module)
        assert top != "tests", f"{module_of(path)} imports {module}"
        if top == "waconnd" and other:
            allowed = other in WACONND_ONLY.get(own, {other}) and other not in WACONND_NEVER.get(own, ())
            assert allowed, f"{module_of(path)} imports {module}"
        if top == "protocol" and other and not module_of(path).startswith(CONVERTERS):
            assert other in WACONND_PROTOCOL.get(own, {other}), f"{module_of(path)} imports {module}"
